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

/* Where it listens. */
struct server_door {
	int fd;
	/* Who comes by it may say how sessions ended: the dispatcher.  Anybody
	 * else could make any address patient. */
	bool may_teach;
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
