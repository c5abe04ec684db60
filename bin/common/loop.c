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

/* Enough to take a burst in one system call, few enough that timers are not
 * kept waiting: 64 accepts take about 0.3 ms. */
enum { BATCH = 64 };

struct loop {
	int epoll;
	bool running;
	bool more_work; /* after_batch() asked to be called again at once */
	uint64_t now, worst_batch;
	struct wheel wheel;
	bool (*after_batch)(void *arg, uint64_t now);
	void *after_arg;
	int n_events, at_event; /* the batch, and how far it has been handled */
	struct epoll_event events[BATCH];
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
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
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
	fd_close(&loop->epoll);
	free(loop);
	return NULL;
}

static int
control(struct loop *loop, int op, struct loop_io *io, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = io };

	return epoll_ctl(loop->epoll, op, io->fd, &event) < 0 ? -errno : 0;
}

int
loop_add(struct loop *loop, struct loop_io *io, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, io, events);
}

int
loop_modify(struct loop *loop, struct loop_io *io, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, io, events);
}

void
loop_remove(struct loop *loop, struct loop_io *io)
{
	/* Fails only if it was never added, which is as good as removed. */
	(void)control(loop, EPOLL_CTL_DEL, io, 0);
	for (int i = loop->at_event; i < loop->n_events; i++)
		if (loop->events[i].data.ptr == io)
			loop->events[i].data.ptr = NULL;
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

	if (loop->more_work)
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

static void
dispatch(struct loop *loop)
{
	for (loop->at_event = 0; loop->at_event < loop->n_events;) {
		/* Step over it first: remove() looks only at what is left. */
		struct epoll_event *event = &loop->events[loop->at_event++];
		struct loop_io *io = event->data.ptr;

		if (io != NULL)
			io->on_event(io, event->events, loop->now);
	}
	loop->n_events = loop->at_event = 0;
}

int
loop_run_once(struct loop *loop, uint64_t limit)
{
	uint64_t spent;
	int n = epoll_wait(
	    loop->epoll, loop->events, BATCH, sleep_for(loop, limit));

	if (n < 0 && errno != EINTR)
		return -errno;
	loop->now = clock_now();
	loop->n_events = n < 0 ? 0 : n;
	dispatch(loop);
	wheel_advance(&loop->wheel, loop->now);
	if (loop->after_batch != NULL)
		loop->more_work = loop->after_batch(loop->after_arg, loop->now);
	spent = clock_now() - loop->now;
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
