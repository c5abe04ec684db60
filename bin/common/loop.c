/* SPDX-License-Identifier: ISC */
#include "bin/common/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"

enum {
	BATCH = 64, /* enough to take a burst in one system call */
	/* Slices for what is not bulk.  Clean clients are among it, so the
	 * rest rather waits: with one slice a batch would take many turns. */
	PROMPT_SLICES = 4,
};

/* Descriptors that are looked at together.  A batch that its slice does not
 * suffice for is gone on with in the next turn, before a new one is fetched:
 * an edge would not be told of twice, and the kernel would tell of the same
 * ones first again. */
struct watch {
	int epoll;
	int n, at; /* the batch, and how far it has been handled */
	struct epoll_event events[BATCH];
};

struct loop {
	struct watch prompt, bulk;
	struct loop_io bulk_io; /* the bulk set, in the prompt one */
	bool bulk_ready;
	bool running;
	bool more_work; /* after_batch() asked to be called again at once */
	uint64_t now, looked, worst_batch;
	struct wheel wheel;
	bool (*after_batch)(void *arg, uint64_t now);
	void *after_arg;
	struct loop_io signal_io;
	void (*on_signal)(void *arg, int signal);
	void *signal_arg;
};

int
loop_new(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return -ENOMEM;
	loop->signal_io.fd = -1;
	loop->bulk.epoll = -1;
	loop->prompt.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->prompt.epoll < 0) {
		int error = -errno;

		free(loop);
		return error;
	}
	loop->now = clock_now();
	wheel_init(&loop->wheel, loop->now);
	*ret_loop = loop;
	return 0;
}

struct loop *
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return NULL;
	fd_close(&loop->signal_io.fd);
	fd_close(&loop->bulk.epoll);
	fd_close(&loop->prompt.epoll);
	free(loop);
	return NULL;
}

static int
control(const struct watch *w, int op, struct loop_io *io, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = io };

	return epoll_ctl(w->epoll, op, io->fd, &event) < 0 ? -errno : 0;
}

static void
on_bulk_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	(void)events;
	(void)now;
	CONTAINER_OF(io, struct loop, bulk_io)->bulk_ready = true;
}

/* Most programs have none. */
static int
open_bulk(struct loop *loop)
{
	int r;

	if (loop->bulk.epoll >= 0)
		return 0;
	loop->bulk.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->bulk.epoll < 0)
		return -errno;
	loop->bulk_io = (struct loop_io){ .fd = loop->bulk.epoll,
		.on_event = on_bulk_ready };
	r = control(&loop->prompt, EPOLL_CTL_ADD, &loop->bulk_io, EPOLLIN);
	if (r < 0)
		fd_close(&loop->bulk.epoll);
	return r;
}

static struct watch *
watch_of(struct loop *loop, const struct loop_io *io)
{
	return io->bulk ? &loop->bulk : &loop->prompt;
}

int
loop_add(struct loop *loop, struct loop_io *io, uint32_t events)
{
	int r = io->bulk ? open_bulk(loop) : 0;

	if (r < 0)
		return r;
	return control(watch_of(loop, io), EPOLL_CTL_ADD, io, events);
}

int
loop_modify(struct loop *loop, struct loop_io *io, uint32_t events)
{
	return control(watch_of(loop, io), EPOLL_CTL_MOD, io, events);
}

void
loop_remove(struct loop *loop, struct loop_io *io)
{
	struct watch *w = watch_of(loop, io);

	/* Fails only if it was never added, which is as good as removed. */
	(void)control(w, EPOLL_CTL_DEL, io, 0);
	for (int i = w->at; i < w->n; i++)
		if (w->events[i].data.ptr == io)
			w->events[i].data.ptr = NULL;
}

void
loop_arm(struct loop *loop, struct timer *t, uint64_t when)
{
	wheel_arm(&loop->wheel, t, when);
}

void
loop_cancel(struct loop *loop, struct timer *t)
{
	wheel_cancel(&loop->wheel, t);
}

uint64_t
loop_now(const struct loop *loop)
{
	return loop->now;
}

void
loop_set_after_batch(
    struct loop *loop, bool (*fn)(void *arg, uint64_t now), void *arg)
{
	loop->after_batch = fn;
	loop->after_arg = arg;
}

uint64_t
loop_take_worst_batch(struct loop *loop)
{
	uint64_t worst = loop->worst_batch;

	loop->worst_batch = 0;
	return worst;
}

/* Milliseconds that epoll may sleep: rounded up, since a timer must not fire
 * early and a zero would spin until it is due. */
static int
sleep_for(const struct loop *loop, uint64_t limit)
{
	uint64_t until = wheel_next(&loop->wheel);
	uint64_t msec;

	if (loop->more_work || loop->bulk.at < loop->bulk.n)
		return 0;
	if (limit < until)
		until = limit;
	if (until == USEC_NEVER)
		return -1;
	if (until <= loop->now)
		return 0;
	msec = (until - loop->now + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	return msec > INT_MAX ? INT_MAX : (int)msec;
}

/* What there is of the batch, for USEC at most. */
static void
dispatch(const struct loop *loop, struct watch *w, uint64_t usec)
{
	struct slice slice = slice_begin(usec);

	do {
		/* Step over it first: remove() looks only at what is left. */
		struct epoll_event *event = &w->events[w->at++];
		struct loop_io *io = event->data.ptr;

		if (io != NULL)
			io->on_event(io, event->events, loop->now);
	} while (w->at < w->n && !slice_is_over(&slice));
}

static bool
is_handled(const struct watch *w)
{
	return w->at == w->n;
}

/* A new batch; 0 or -errno. */
static int
fetch(struct watch *w, int msec)
{
	int n = epoll_wait(w->epoll, w->events, BATCH, msec);

	w->at = 0;
	w->n = n < 0 ? 0 : n;
	return n < 0 && errno != EINTR ? -errno : 0;
}

static int
run_prompt(struct loop *loop, uint64_t limit)
{
	if (is_handled(&loop->prompt)) {
		int r = fetch(&loop->prompt, sleep_for(loop, limit));

		if (r < 0)
			return r;
		loop->looked = clock_now();
	}
	loop->now = clock_now();
	if (!is_handled(&loop->prompt))
		dispatch(loop, &loop->prompt, PROMPT_SLICES * LOOP_SLICE);
	return 0;
}

static int
run_bulk(struct loop *loop)
{
	int r = 0;

	if (is_handled(&loop->bulk) && loop->bulk_ready)
		r = fetch(&loop->bulk, 0);
	loop->bulk_ready = false;
	if (!is_handled(&loop->bulk))
		dispatch(loop, &loop->bulk, LOOP_SLICE);
	return r;
}

static bool
is_enough(void *slice)
{
	return slice_is_over(slice);
}

int
loop_run_once(struct loop *loop, uint64_t limit)
{
	struct slice slice;
	uint64_t spent;
	int r = run_prompt(loop, limit);

	if (r == 0)
		r = run_bulk(loop);
	if (r < 0)
		return r;
	slice = slice_begin(LOOP_SLICE);
	wheel_advance_some(&loop->wheel, loop->now, is_enough, &slice);
	if (loop->after_batch != NULL)
		loop->more_work = loop->after_batch(loop->after_arg, loop->now);
	spent = clock_now() - loop->looked;
	if (spent > loop->worst_batch)
		loop->worst_batch = spent;
	return 0;
}

int
loop_run(struct loop *loop)
{
	loop->running = true;
	while (loop->running) {
		int r = loop_run_once(loop, USEC_NEVER);

		if (r < 0)
			return r;
	}
	return 0;
}

void
loop_stop(struct loop *loop)
{
	loop->running = false;
}

static void
on_signal_readable(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct loop *loop = CONTAINER_OF(io, struct loop, signal_io);
	struct signalfd_siginfo info;

	(void)events;
	(void)now;
	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		loop->on_signal(loop->signal_arg, (int)info.ssi_signo);
}

int
loop_signals(struct loop *loop, const int *signals,
    void (*on_signal)(void *arg, int signal), void *arg)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	assert(loop->signal_io.fd < 0);
	sigemptyset(&set);
	for (; *signals != 0; signals++)
		sigaddset(&set, *signals);
	if (sigaction(SIGPIPE, &ignore, NULL) < 0 ||
	    sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	loop->signal_io.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_io.fd < 0)
		return -errno;
	loop->signal_io.on_event = on_signal_readable;
	loop->on_signal = on_signal;
	loop->signal_arg = arg;
	return loop_add(loop, &loop->signal_io, EPOLLIN);
}
