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
#include "bin/tarpitd/waiting.h"
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
	/* The client of S, which is in ASKING, has left.  NULL: nobody looks. */
	void (*on_gone)(void *arg, struct session *s, uint64_t now);
	void *arg;
	uint32_t max_waiting; /* sessions; 0: ASK_WAITING_MAX */

	struct loop_io io; /* fd -1: not connected */
	struct timer reconnect, deadline, look;
	struct timer more; /* answers that have come, for the next turn */
	uint32_t look_at;  /* the slot whose client is looked for next */
	struct waiting waiting;
	uint64_t backoff, last_heard, next_garbage, next_overload, next_lost;
	struct journal_flap flap; /* records of what follows */
	bool healthy;
	bool wants_out; /* EPOLLOUT is armed */
	struct linebuf in;
	char *out; /* questions not yet written */
	size_t out_len;
	size_t out_most; /* what trimming has not given back yet */
	/* Counters: questions; those that waited for another's; answers given
	 * without all facts, or not at all, for want of room; reports that
	 * could not be sent. */
	uint64_t asked, answered, timed_out, garbage;
	uint64_t shared, forgotten, overloaded, lost;
};

enum { ASK_WAITING_MAX = 16384 };

/* What stands for an answer that could not be had for the crowd: the mildest
 * slowness that policy.conf ships with.  Whoever makes the crowd must not be let
 * in by it, as he would by PolicyFailure=pass. */
extern const struct verdict ask_overloaded;

/* What the caller sets stands above the empty line.  0 or -errno. */
int ask_init(struct ask *) MUST_CHECK;
void ask_fini(struct ask *);
/* The memory of a crowd's questions, once they have been asked and answered, is
 * given back. */
void ask_trim(struct ask *);
/* Goes over to the socket at PATH, if that is another one. */
void ask_set_path(struct ask *, const char *path);

enum ask_result {
	ASK_WAITS, /* an answer will come, or its deadline */
	ASK_AWAY,  /* the service is not there: the default applies */
	ASK_FULL,  /* there is no room for the question: ask_overloaded does */
};

/* Asks about S, which is in ASKING and in the pool's list of those; not if the
 * same client is asked about already, whose answer is for both. */
enum ask_result ask_question(
    struct ask *, struct session *, uint64_t now) MUST_CHECK;
/* S, which was in ASKING, is no longer: if it was asked about, the service is
 * told to forget it, or the next one of its client is asked about. */
void ask_leave(struct ask *, const struct session *);
/* Asks again, of a session that spoke too early; an answer may come. */
void ask_again(struct ask *, const struct session *);
/* Tells the service how a session ended.  What cannot be told at once, since
 * the service does not read, is counted. */
void ask_report(struct ask *, const struct session *, const char *outcome,
    uint32_t held_msec);

/* Writes what was asked during the batch. */
void ask_flush(struct ask *);
