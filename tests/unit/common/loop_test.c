/* SPDX-License-Identifier: ISC */
#include "bin/common/loop.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "tests/helpers/check.h"

/* Far enough that only a hang gets there. */
#define FAR (clock_now() + 20 * USEC_PER_SEC)

/* An eventfd that is readable whenever it has been written to, and what its
 * handler did. */
struct probe {
	struct loop_io io;
	struct loop *loop;
	int events;
	uint64_t now;
	struct probe *removes; /* its handler removes this one */
	uint64_t busy;         /* usec that its handler takes */
	bool keeps;            /* its handler leaves it readable */
};

static void
on_probe(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct probe *p = CONTAINER_OF(io, struct probe, io);
	uint64_t count, until = clock_now() + p->busy;

	CHECK((events & EPOLLIN) != 0);
	p->events++;
	p->now = now;
	if (!p->keeps)
		CHECK_INT(read(io->fd, &count, sizeof(count)), sizeof(count));
	if (p->removes != NULL)
		loop_remove(p->loop, &p->removes->io);
	while (clock_now() < until)
		continue;
}

static void
probe_init(struct probe *p, struct loop *loop)
{
	*p = (struct probe){ .loop = loop };
	p->io.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->io.on_event = on_probe;
	CHECK(p->io.fd >= 0);
	CHECK_INT(loop_add(loop, &p->io, EPOLLIN), 0);
}

static void
probe_poke(struct probe *p)
{
	uint64_t one = 1;

	CHECK_INT(write(p->io.fd, &one, sizeof(one)), sizeof(one));
}

static void
probe_fini(struct probe *p)
{
	loop_remove(p->loop, &p->io);
	fd_close(&p->io.fd);
}

static struct loop *
new_loop(void)
{
	struct loop *loop;

	CHECK_INT(loop_new(&loop), 0);
	return loop;
}

static void
event_reaches_its_handler(void)
{
	struct loop *loop = new_loop();
	uint64_t before = clock_now();
	struct probe a, b;

	probe_init(&a, loop);
	probe_init(&b, loop);
	probe_poke(&b);
	CHECK_INT(loop_run_once(loop, FAR), 0);
	CHECK_INT(a.events, 0);
	CHECK_INT(b.events, 1);
	CHECK_INT(b.now, loop_now(loop));
	CHECK(b.now >= before && b.now <= clock_now());
	probe_fini(&a);
	probe_fini(&b);
	loop_free(loop);
}

static void
events_are_level_triggered(void)
{
	struct loop *loop = new_loop();
	struct probe p;

	probe_init(&p, loop);
	p.keeps = true;
	probe_poke(&p);
	for (int i = 1; i <= 3; i++) {
		CHECK_INT(loop_run_once(loop, FAR), 0);
		CHECK_INT(p.events, i);
	}
	probe_fini(&p);
	loop_free(loop);
}

static void
modify_changes_what_is_waited_for(void)
{
	struct loop *loop = new_loop();
	struct probe p;

	probe_init(&p, loop);
	probe_poke(&p);
	CHECK_INT(loop_modify(loop, &p.io, 0), 0);
	CHECK_INT(loop_run_once(loop, clock_now()), 0);
	CHECK_INT(p.events, 0);
	CHECK_INT(loop_modify(loop, &p.io, EPOLLIN), 0);
	CHECK_INT(loop_run_once(loop, FAR), 0);
	CHECK_INT(p.events, 1);
	probe_fini(&p);
	loop_free(loop);
}

static void
adding_what_cannot_be_is_an_error(void)
{
	struct loop *loop = new_loop();
	struct loop_io file = { .fd = open("/", O_RDONLY | O_CLOEXEC) };
	struct loop_io closed = { .fd = -1 };
	struct probe p;

	probe_init(&p, loop);
	CHECK_INT(loop_add(loop, &file, EPOLLIN), -EPERM);
	CHECK_INT(loop_add(loop, &closed, EPOLLIN), -EBADF);
	CHECK_INT(loop_add(loop, &p.io, EPOLLIN), -EEXIST);
	probe_fini(&p);
	CHECK_INT(loop_modify(loop, &p.io, EPOLLIN), -EBADF);
	loop_remove(loop, &p.io); /* once more: harmless */
	fd_close(&file.fd);
	loop_free(loop);
}

/* Two are ready in one batch; whichever handler comes first removes the other,
 * whose owner may have freed it by then. */
static void
removed_in_the_same_batch_is_silent(void)
{
	struct loop *loop = new_loop();
	struct probe a, b;

	probe_init(&a, loop);
	probe_init(&b, loop);
	a.removes = &b;
	b.removes = &a;
	probe_poke(&a);
	probe_poke(&b);
	CHECK_INT(loop_run_once(loop, FAR), 0);
	CHECK_INT(loop_run_once(loop, clock_now()), 0);
	CHECK_INT(a.events + b.events, 1);
	probe_fini(&a);
	probe_fini(&b);
	loop_free(loop);
}

static void
handler_may_remove_itself(void)
{
	struct loop *loop = new_loop();
	struct probe p;

	probe_init(&p, loop);
	p.removes = &p;
	p.keeps = true;
	probe_poke(&p);
	CHECK_INT(loop_run_once(loop, FAR), 0);
	CHECK_INT(loop_run_once(loop, clock_now()), 0);
	CHECK_INT(p.events, 1);
	probe_fini(&p);
	loop_free(loop);
}

/* More than one batch holds: all have their turn. */
static void
many_events_are_all_served(void)
{
	enum { MANY = 200 };
	static struct probe probes[MANY];
	struct loop *loop = new_loop();

	for (int i = 0; i < MANY; i++) {
		probe_init(&probes[i], loop);
		probe_poke(&probes[i]);
	}
	for (int i = 0; i < MANY; i++)
		CHECK_INT(loop_run_once(loop, clock_now()), 0);
	for (int i = 0; i < MANY; i++) {
		CHECK_INT(probes[i].events, 1);
		probe_fini(&probes[i]);
	}
	loop_free(loop);
}

struct deadline {
	struct timer timer;
	struct loop *loop;
	int fired;
};

/* Never early by the batch's time, nor by the clock itself. */
static void
on_deadline(struct timer *t, uint64_t now)
{
	struct deadline *d = CONTAINER_OF(t, struct deadline, timer);

	CHECK(now >= t->when);
	CHECK(clock_now() >= t->when);
	CHECK_INT(now, loop_now(d->loop));
	d->fired++;
	loop_stop(d->loop);
}

static void
timer_is_never_early(void)
{
	struct loop *loop = new_loop();
	struct deadline d = { .timer.on_timer = on_deadline, .loop = loop };

	for (uint64_t usec = 1; usec < 6 * USEC_PER_MSEC; usec += 137) {
		uint64_t when = clock_now() + usec;

		loop_arm(loop, &d.timer, when);
		CHECK_INT(loop_run(loop), 0);
		CHECK(clock_now() >= when);
	}
	CHECK(d.fired > 40);
	loop_free(loop);
}

/* A loop that spins until the timer is due would come round thousands of
 * times; the wheel's cascades account for a few. */
static void
waiting_for_a_timer_sleeps(void)
{
	struct loop *loop = new_loop();
	struct deadline d = { .timer.on_timer = on_deadline, .loop = loop };
	int rounds = 0;

	loop_arm(loop, &d.timer, clock_now() + 150 * USEC_PER_MSEC);
	while (d.fired == 0) {
		CHECK_INT(loop_run_once(loop, FAR), 0);
		rounds++;
	}
	CHECK(rounds <= 5);
	loop_free(loop);
}

static void
cancelled_timer_is_silent(void)
{
	struct loop *loop = new_loop();
	struct deadline a = { .timer.on_timer = on_deadline, .loop = loop };
	struct deadline b = a;

	loop_arm(loop, &a.timer, clock_now() + 2 * USEC_PER_MSEC);
	loop_arm(loop, &b.timer, clock_now() + 5 * USEC_PER_MSEC);
	loop_cancel(loop, &a.timer);
	CHECK_INT(loop_run(loop), 0);
	CHECK_INT(a.fired, 0);
	CHECK_INT(b.fired, 1);
	loop_free(loop);
}

static void
run_once_returns_at_its_limit(void)
{
	struct loop *loop = new_loop();
	uint64_t limit = clock_now() + 20 * USEC_PER_MSEC;

	alarm(10); /* a loop that forgot its limit would wait for ever */
	CHECK_INT(loop_run_once(loop, limit), 0);
	alarm(0);
	CHECK(loop_now(loop) >= limit);
	loop_free(loop);
}

struct after {
	struct probe *probe;
	int calls, more; /* how often it still asks to be called again */
	int events_seen;
	uint64_t now;
};

static bool
after_batch(void *arg, uint64_t now)
{
	struct after *after = arg;

	after->calls++;
	after->now = now;
	after->events_seen = after->probe != NULL ? after->probe->events : 0;
	return after->more-- > 0;
}

static void
after_batch_comes_once_and_last(void)
{
	struct loop *loop = new_loop();
	struct probe p;
	struct after after = { .probe = &p };

	probe_init(&p, loop);
	probe_poke(&p);
	loop_set_after_batch(loop, after_batch, &after);
	CHECK_INT(loop_run_once(loop, FAR), 0);
	CHECK_INT(after.calls, 1);
	CHECK_INT(after.events_seen, 1);
	CHECK_INT(after.now, loop_now(loop));
	loop_set_after_batch(loop, NULL, NULL);
	probe_poke(&p);
	CHECK_INT(loop_run_once(loop, FAR), 0);
	CHECK_INT(after.calls, 1);
	probe_fini(&p);
	loop_free(loop);
}

/* Asked for more, the loop does not sleep, but it does look at descriptors. */
static void
after_batch_with_more_work_does_not_sleep(void)
{
	struct loop *loop = new_loop();
	struct probe p;
	struct after after = { .probe = &p, .more = 50 };

	probe_init(&p, loop);
	loop_set_after_batch(loop, after_batch, &after);
	probe_poke(&p);
	alarm(10);
	for (int i = 1; i <= 50; i++) {
		CHECK_INT(loop_run_once(loop, USEC_NEVER), 0);
		CHECK_INT(after.calls, i);
	}
	CHECK_INT(p.events, 1);
	probe_poke(&p);
	CHECK_INT(loop_run_once(loop, USEC_NEVER), 0);
	CHECK_INT(p.events, 2);
	alarm(0);
	/* The last call asked for no more: back to sleep. */
	CHECK_INT(after.more, -1);
	CHECK_INT(loop_run_once(loop, clock_now() + 2 * USEC_PER_MSEC), 0);
	CHECK_INT(after.calls, 52);
	probe_fini(&p);
	loop_free(loop);
}

/* Whatever is always ready, and takes long: what is not bulk goes first in each
 * turn, and no turn has more than a slice of it. */
static void
bulk_waits_for_all_others(void)
{
	struct loop *loop = new_loop();
	struct probe bulk[20], prompt;

	for (size_t i = 0; i < ARRAY_SIZE(bulk); i++) {
		probe_init(&bulk[i], loop);
		loop_remove(loop, &bulk[i].io);
		bulk[i].io.bulk = bulk[i].keeps = true;
		bulk[i].busy = LOOP_SLICE;
		CHECK_INT(loop_add(loop, &bulk[i].io, EPOLLIN), 0);
		probe_poke(&bulk[i]);
	}
	probe_init(&prompt, loop);
	for (int turn = 1; turn <= 40; turn++) {
		int events = 0;

		probe_poke(&prompt);
		CHECK_INT(loop_run_once(loop, FAR), 0);
		CHECK_INT(prompt.events, turn);
		for (size_t i = 0; i < ARRAY_SIZE(bulk); i++)
			events += bulk[i].events;
		CHECK_INT(events, turn); /* one each took its slice */
	}
	/* Each had its turn before anyone had a third. */
	for (size_t i = 0; i < ARRAY_SIZE(bulk); i++) {
		CHECK_INT(bulk[i].events, 2);
		probe_fini(&bulk[i]);
	}
	probe_fini(&prompt);
	loop_free(loop);
}

/* Even what is not bulk: the rest of the batch is handled in the next turn,
 * edges and all, before anything is looked at again. */
static void
a_batch_ends_by_the_clock(void)
{
	struct loop *loop = new_loop();
	struct probe p[10];
	int events = 0;

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		probe_init(&p[i], loop);
		CHECK_INT(loop_modify(loop, &p[i].io, EPOLLIN | EPOLLET), 0);
		p[i].busy = LOOP_SLICE;
		probe_poke(&p[i]);
	}
	CHECK_INT(loop_run_once(loop, FAR), 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		events += p[i].events;
	CHECK(events >= 1 && events <= 4);
	for (int turn = 0; turn < 10; turn++)
		CHECK_INT(loop_run_once(loop, loop_now(loop)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		CHECK_INT(p[i].events, 1);
		probe_fini(&p[i]);
	}
	loop_free(loop);
}

/* Its owner may be gone before its turn comes. */
static void
bulk_that_is_removed_is_not_told(void)
{
	struct loop *loop = new_loop();
	struct probe p[3];
	int events = 0;

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		probe_init(&p[i], loop);
		loop_remove(loop, &p[i].io);
		p[i].io.bulk = true;
		p[i].busy = LOOP_SLICE;
		CHECK_INT(loop_add(loop, &p[i].io, EPOLLIN), 0);
		probe_poke(&p[i]);
	}
	CHECK_INT(loop_run_once(loop, FAR), 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		events += p[i].events;
		loop_remove(loop, &p[i].io);
	}
	CHECK_INT(events, 1);
	CHECK_INT(loop_run_once(loop, loop_now(loop)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		events -= p[i].events;
		fd_close(&p[i].io.fd);
	}
	CHECK_INT(events, 0);
	loop_free(loop);
}

struct slow_timer {
	struct timer timer;
	int *fired;
};

static void
on_slow_timer(struct timer *t, uint64_t now)
{
	uint64_t until = clock_now() + LOOP_SLICE;

	(void)now;
	++*CONTAINER_OF(t, struct slow_timer, timer)->fired;
	while (clock_now() < until)
		continue;
}

static void
thousands_of_timers_due_at_once_take_turns(void)
{
	struct loop *loop = new_loop();
	struct slow_timer t[10];
	int fired = 0;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		t[i] = (struct slow_timer){ .timer.on_timer = on_slow_timer,
			.fired = &fired };
		loop_arm(loop, &t[i].timer, loop_now(loop));
	}
	while (fired == 0)
		CHECK_INT(loop_run_once(loop, FAR), 0);
	CHECK_INT(fired, 1);
	/* One that waits for its turn can still be cancelled. */
	for (size_t i = 0; i < ARRAY_SIZE(t) && fired < 5; i++)
		if (timer_is_armed(&t[i].timer)) {
			loop_cancel(loop, &t[i].timer);
			fired++;
		}
	alarm(10);
	while (fired < 10)
		CHECK_INT(loop_run_once(loop, FAR), 0);
	alarm(0);
	loop_free(loop);
}

static void
worst_batch_is_measured(void)
{
	struct loop *loop = new_loop();
	struct probe p;

	probe_init(&p, loop);
	p.busy = 5 * USEC_PER_MSEC;
	probe_poke(&p);
	CHECK_INT(loop_run_once(loop, FAR), 0);
	CHECK(loop_take_worst_batch(loop) >= 5 * USEC_PER_MSEC);
	CHECK_INT(loop_take_worst_batch(loop), 0);
	probe_fini(&p);
	loop_free(loop);
}

struct signals {
	struct loop *loop;
	int n, last;
};

static void
on_signal(void *arg, int signal)
{
	struct signals *s = arg;

	s->n++;
	s->last = signal;
	loop_stop(s->loop);
}

static void
signals_come_through_the_loop(void)
{
	static const int wanted[] = { SIGHUP, SIGTERM, 0 };
	struct loop *loop = new_loop();
	struct signals s = { .loop = loop };

	CHECK_INT(loop_signals(loop, wanted, on_signal, &s), 0);
	raise(SIGHUP); /* without the loop it would end us */
	CHECK_INT(s.n, 0);
	CHECK_INT(loop_run(loop), 0);
	CHECK_INT(s.n, 1);
	CHECK_INT(s.last, SIGHUP);
	raise(SIGTERM);
	CHECK_INT(loop_run(loop), 0);
	CHECK_INT(s.last, SIGTERM);
	loop_free(loop);
}

static void
sigpipe_is_ignored(void)
{
	static const int wanted[] = { SIGTERM, 0 };
	struct loop *loop = new_loop();
	struct signals s = { .loop = loop };

	CHECK_INT(loop_signals(loop, wanted, on_signal, &s), 0);
	raise(SIGPIPE);
	loop_free(loop);
}

static void
on_alarm(int signal)
{
	(void)signal;
}

/* A signal that is none of ours (a debugger's, a profiler's) is no error. */
static void
interrupted_wait_is_no_error(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 5000 };
	struct loop *loop = new_loop();

	CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_INT(setitimer(ITIMER_REAL, &soon, NULL), 0);
	CHECK_INT(loop_run_once(loop, FAR), 0);
	loop_free(loop);
}

static void
free_of_none_is_harmless(void)
{
	CHECK(loop_free(NULL) == NULL);
}

static const struct check_case cases[] = {
	CASE(event_reaches_its_handler),
	CASE(events_are_level_triggered),
	CASE(modify_changes_what_is_waited_for),
	CASE(adding_what_cannot_be_is_an_error),
	CASE(removed_in_the_same_batch_is_silent),
	CASE(handler_may_remove_itself),
	CASE(many_events_are_all_served),
	CASE(timer_is_never_early),
	CASE(waiting_for_a_timer_sleeps),
	CASE(cancelled_timer_is_silent),
	CASE(run_once_returns_at_its_limit),
	CASE(after_batch_comes_once_and_last),
	CASE(after_batch_with_more_work_does_not_sleep),
	CASE(bulk_waits_for_all_others),
	CASE(a_batch_ends_by_the_clock),
	CASE(bulk_that_is_removed_is_not_told),
	CASE(thousands_of_timers_due_at_once_take_turns),
	CASE(worst_batch_is_measured),
	CASE(signals_come_through_the_loop),
	CASE(sigpipe_is_ignored),
	CASE(interrupted_wait_is_no_error),
	CASE(free_of_none_is_harmless),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
