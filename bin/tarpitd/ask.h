#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The policy question: one persistent connection, many questions under way,
 * answers in any order, and a default when there is none in time.  A policy
 * service that is dead, stuck or lying costs a client no more than
 * PolicyTimeout, and soon nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/linebuf.h"
#include "bin/common/loop.h"
#include "bin/tarpitd/pool.h"
#include "bin/tarpitd/proxied.h"
#include "policy/verdict.h"

struct ask {
	struct loop *loop;
	struct journal *journal;
	struct pool *pool;
	const char *path; /* borrowed: Policy= */
	uint64_t timeout; /* usec: PolicyTimeout= */
	uint64_t epoch;   /* usec: when the sessions' clock was 0 */
	const struct proxied *proxied; /* borrowed; NULL: no proxies */
	/* The answer to the question of S, or NULL: there is none and the
	 * default applies.  For a session in ASKING, or one that asked
	 * again. */
	void (*on_answer)(void *arg, struct session *s, const struct verdict *v,
	    uint64_t now);
	void *arg;

	struct loop_io io; /* fd -1: not connected */
	struct timer reconnect, deadline;
	uint64_t backoff, last_heard, next_garbage;
	bool healthy;
	bool wants_out; /* EPOLLOUT is armed */
	struct linebuf in;
	char *out; /* questions not yet written */
	size_t out_len;
	uint64_t asked, answered, timed_out, garbage; /* counters */
};

/* What the caller sets stands above the empty line.  0 or -errno. */
int ask_init(struct ask *) MUST_CHECK;
void ask_fini(struct ask *);
/* Goes over to the socket at PATH, if that is another one. */
void ask_set_path(struct ask *, const char *path);

/* Asks about S, which is in ASKING and in the pool's list of those.  False: it
 * cannot be asked now, the default applies. */
bool ask_question(struct ask *, struct session *, uint64_t now) MUST_CHECK;
/* Asks again, of a session that spoke too early; an answer may come. */
void ask_again(struct ask *, const struct session *);
/* Tells the service how a session ended; best effort. */
void ask_report(struct ask *, const struct session *, const char *outcome,
    uint32_t held_msec);

/* Writes what was asked during the batch. */
void ask_flush(struct ask *);
