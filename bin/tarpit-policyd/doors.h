#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The listening sockets: who comes by which, and when nobody more may.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/listen.h"
#include "bin/common/loop.h"
#include "bin/common/util.h"
#include "bin/tarpit-policyd/counts.h"

/* Who comes by a door, and what he may say there. */
enum door_role {
	/* Postfix: it asks about clients. */
	DOOR_ASKS,
	/* The dispatcher, which says how sessions ended, too.  Anybody else
	 * could make any address patient. */
	DOOR_TEACHES,
	/* People: they hear why, and how the service does, and nothing more.
	 * They have few connections, or they could take everybody's. */
	DOOR_EXPLAINS,
};

/* Connections by each door of people. */
enum { EXPLAIN_MAX = 8 };

/* Where it listens. */
struct server_door {
	int fd;
	enum door_role role;
};

struct doors;

struct door {
	struct acceptor acceptor;
	struct doors *doors;
	enum door_role role;
	size_t n_inside;
	uint64_t next_full; /* when a record is due again */
};

struct doors {
	struct loop *loop;
	struct journal *journal;
	struct server_counts *counts; /* `connections` */
	/* FD has come by DOOR, and is the callee's. */
	void (*on_enter)(struct door *, int fd, uint64_t now);
	bool full; /* as many connections as allowed: none is accepted */
	uint64_t next_full, next_pause; /* when records are due again */
	size_t n;
	struct door door[LISTEN_MAX];
};

/* Listens on the sockets of WHERE, which stay the caller's; the first five
 * members are set, the rest is zero.  0 or -errno, with nothing but
 * doors_close() left to do. */
int doors_open(
    struct doors *, const struct server_door *where, size_t n) MUST_CHECK;
void doors_close(struct doors *);

/* Somebody who came by DOOR is inside, or has left. */
void door_entered(struct door *);
void door_left(struct door *);

/* Shuts DOOR if it has let in all that it may. */
void door_check(struct door *, uint64_t now);
/* Shuts all if MAX connections are inside. */
void doors_check(struct doors *, size_t max);
/* Opens again what was shut by doors_check(). */
void doors_reopen(struct doors *);
