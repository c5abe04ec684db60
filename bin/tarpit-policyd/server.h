#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The policy service: its doors, who came by them, and the desk where questions
 * are answered, wired together.
 */

#include <stddef.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/common/util.h"
#include "bin/tarpit-policyd/counts.h"
#include "bin/tarpit-policyd/doors.h"
#include "policy/policy.h"

struct server;

/* Serves the listening sockets of DOORS, which stay the caller's and open until
 * server_free().  Takes a reference of POLICY.  0 or -errno. */
int server_new(struct loop *, struct journal *, struct policy *policy,
    const struct server_door *doors, size_t n_doors,
    struct server **ret_server) MUST_CHECK;
struct server *server_free(struct server *);

/* Answers from now on by POLICY, of which it takes a reference. */
void server_set_policy(struct server *, struct policy *policy);

struct server_counts server_counts(const struct server *);
