#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The connections of the policy service: questions in, answers out, any number
 * of either on each.  One peer's failure closes that peer.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/common/util.h"
#include "policy/policy.h"

struct server;

struct server_counts {
	size_t connections;
	uint64_t answers, outcomes, errors;
	uint64_t overloaded; /* answers, without the DNS for want of room */
	uint64_t forgotten;  /* questions, whose client has left */
	uint64_t refused;    /* outcomes, from who may not teach */
};

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

/* Serves the listening sockets of DOORS, which stay the caller's and open until
 * server_free().  Takes a reference of POLICY.  0 or -errno. */
int server_new(struct loop *, struct journal *, struct policy *policy,
    const struct server_door *doors, size_t n_doors,
    struct server **ret_server) MUST_CHECK;
struct server *server_free(struct server *);

/* Answers from now on by POLICY, of which it takes a reference. */
void server_set_policy(struct server *, struct policy *policy);

struct server_counts server_counts(const struct server *);
