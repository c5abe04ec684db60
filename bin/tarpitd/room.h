#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Who has how much of the spool, so that nobody fills it for all.
 *
 * A host has one message that may be as large as any, while there is room for
 * it, and SpoolMax=/16 for all its others.  Its network has SpoolMax=/4, or one
 * message of MaxMessageSize= if that is more.  When the spool, or a network's
 * part of it, is used up, whoever is to blame gives way to who is less so: the
 * message of a network with more than its part, then of a host with more than
 * its, then the slowest one, counted from when we do not slow it any more.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "bin/tarpitd/party.h"
#include "bin/tarpitd/spool.h"

struct room_host;

/* What one message has.  All zero: nothing. */
struct room_message {
	struct room_host *host; /* NULL: it has nothing, and is in no ring */
	struct room_message *next, *prev;
	uint64_t size;  /* bytes */
	uint32_t since; /* the caller's: msec; it comes at its own pace */
	bool complete;  /* the caller's: the MTA may be reading it */
};

struct room {
	const struct spool_store *store; /* borrowed */
	uint64_t message_max;            /* MaxMessageSize= */
	/* This one gives way: it has to be given back before it returns. */
	void (*expel)(struct room_message *, void *arg);
	void *arg;

	struct parties hosts;
	struct room_message *ring;  /* of all that have something */
	uint32_t n;                 /* of them */
	uint64_t refused, expelled; /* messages, counters */
};

/* What the caller sets stands above the empty line. */
void room_init(struct room *);
void room_fini(struct room *);

/* LEN bytes more for a message of CLIENT, at NOW, msec: 0, -EDQUOT (the client
 * has its part), -ENOSPC (there is no room, and nobody is more to blame for it)
 * or -ENOMEM.  Whatever it has already, it has still. */
int room_take(struct room *, struct room_message *,
    const struct in6_addr *client, size_t len, uint32_t now) MUST_CHECK;

/* There is no room for what room_take() allowed, since the file system has less
 * than SpoolMax=: one that is more to blame than the message gives way.  False:
 * none is. */
bool room_make_way(struct room *, const struct room_message *, uint32_t now);

/* Has CLIENT its part, so that another message of it is not worth sending? */
bool room_is_used_up(const struct room *, const struct in6_addr *client);

/* All that the message has; none is fine. */
void room_give_back(struct room *, struct room_message *);
