#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The event loop: epoll, one batch of events at a time, a timing wheel for
 * deadlines.  The only user of epoll.  One loop a thread; nothing that it
 * calls may block.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "bin/common/util.h"
#include "bin/common/wheel.h"

struct loop;

/* What one thing may take before the others have their turn: a slice of a
 * round of visits, of one client's body, of timers that are due at once. */
#define LOOP_SLICE (USEC_PER_MSEC / 2)

/* One descriptor's handler, embedded in its owner.  EVENTS are EPOLLIN and so
 * on; NOW is the batch's time.  BULK, set before it is added: its events may
 * wait behind those of all others that are not, and get a slice a turn; for
 * whatever a crowd of clients can keep ready for good. */
struct loop_io {
	int fd;
	bool bulk;
	void (*on_event)(struct loop_io *, uint32_t events, uint64_t now);
};

/* 0 or -errno. */
int loop_new(struct loop **ret_loop) MUST_CHECK;
struct loop *loop_free(struct loop *);

/* Registers IO->fd, level-triggered, for EVENTS.  The loop borrows IO until
 * loop_remove(), after which no event reaches it, not even one that was
 * already in the current batch: its owner may free it at once.  Remove before
 * closing the descriptor.  0 or -errno (ENOSPC, ENOMEM). */
int loop_add(struct loop *, struct loop_io *io, uint32_t events) MUST_CHECK;
int loop_modify(struct loop *, struct loop_io *io, uint32_t events) MUST_CHECK;
void loop_remove(struct loop *, struct loop_io *io);

/* Timers; see wheel.h for what they promise. */
void loop_arm(struct loop *, struct timer *t, uint64_t when);
void loop_cancel(struct loop *, struct timer *t);

/* The time of the current batch; monotonic usec. */
uint64_t loop_now(const struct loop *);

/* FN is called after each batch, once: for work gathered during the batch
 * (flushes, reaping) or too long for one (FN does a slice of it and returns
 * true: the loop then looks at its descriptors without sleeping and calls
 * again).  NULL for none. */
void loop_set_after_batch(
    struct loop *, bool (*fn)(void *arg, uint64_t now), void *arg);

/* The longest time, usec, from one look at the descriptors to the next since
 * this was last asked, sleep not counted: how long an event may have waited. */
uint64_t loop_take_worst_batch(struct loop *);

/* Runs until loop_stop(); 0 or -errno if epoll itself failed. */
int loop_run(struct loop *) MUST_CHECK;
void loop_stop(struct loop *);

/* One batch, waiting no longer than until LIMIT (usec); for tests. */
int loop_run_once(struct loop *, uint64_t limit) MUST_CHECK;

/* Delivers SIGNALS (a zero-terminated list) to ON_SIGNAL through the loop and
 * blocks their usual action; SIGPIPE is ignored as well.  0 or -errno. */
int loop_signals(struct loop *, const int *signals,
    void (*on_signal)(void *arg, int signal), void *arg) MUST_CHECK;
