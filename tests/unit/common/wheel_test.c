/* SPDX-License-Identifier: ISC */
#include "bin/common/wheel.h"
#include "tests/helpers/check.h"

#define MSEC USEC_PER_MSEC
#define HOUR (3600 * USEC_PER_SEC)

/* Not 0: a wheel starts at whatever the monotonic clock says. */
#define START (100 * HOUR + 789)

/* A timer that remembers what befell it. */
struct probe {
	struct timer timer;
	struct wheel *wheel;
	int fired;
	uint64_t fired_at;
	uint64_t again;       /* its handler arms it for then; 0: not */
	struct timer *victim; /* its handler cancels this one */
};

static void
on_probe(struct timer *t, uint64_t now)
{
	struct probe *p = CONTAINER_OF(t, struct probe, timer);

	p->fired++;
	p->fired_at = now;
	if (p->again != 0)
		wheel_arm(p->wheel, t, p->again);
	if (p->victim != NULL)
		wheel_cancel(p->wheel, p->victim);
}

static struct probe
probe_of(struct wheel *w)
{
	return (struct probe){ .timer.on_timer = on_probe, .wheel = w };
}

/* Armed DELAY from START on a new wheel and advanced one tick at a time near
 * its time: fires at its time, not a tick before it. */
static void
check_fires_at(uint64_t delay)
{
	struct wheel w;
	struct probe p = probe_of(&w);
	uint64_t when = START + delay;
	uint64_t due = (when + MSEC - 1) / MSEC * MSEC;

	wheel_init(&w, START);
	wheel_arm(&w, &p.timer, when);
	CHECK(wheel_check(&w));
	CHECK(wheel_next(&w) <= due);
	wheel_advance(&w, due - 1);
	CHECK(wheel_check(&w));
	CHECK_INT(p.fired, 0);
	CHECK(wheel_next(&w) <= due);
	wheel_advance(&w, due);
	CHECK_INT(p.fired, 1);
	CHECK_INT(p.fired_at, due);
	CHECK(!timer_is_armed(&p.timer));
	CHECK(wheel_check(&w));
}

static void
fires_at_its_time(void)
{
	for (uint64_t delay = 1 * MSEC; delay <= 200 * MSEC; delay += MSEC)
		check_fires_at(delay);
}

static void
fractions_round_up(void)
{
	for (uint64_t usec = 1; usec < 3 * MSEC; usec += 7)
		check_fires_at(10 * MSEC + usec);
}

/* At and around each level's limit: 64, 64^2, 64^3, 64^4 ms. */
static void
cascades_at_each_level(void)
{
	for (uint64_t edge = 64; edge <= 64 * 64 * 64 * 64; edge *= 64)
		for (uint64_t delay = edge - 3; delay <= edge + 3; delay++)
			check_fires_at(delay * MSEC);
}

static void
parks_beyond_the_horizon(void)
{
	check_fires_at(5 * HOUR);
	check_fires_at(24 * HOUR);
	check_fires_at(100 * 24 * HOUR);
}

static void
never_is_never(void)
{
	struct wheel w;
	struct probe p = probe_of(&w);

	wheel_init(&w, START);
	wheel_arm(&w, &p.timer, USEC_NEVER);
	wheel_advance(&w, START + 1000 * HOUR);
	CHECK_INT(p.fired, 0);
	CHECK(timer_is_armed(&p.timer));
	CHECK(wheel_check(&w));
}

static void
empty_wheel_has_no_next(void)
{
	struct wheel w;

	wheel_init(&w, START);
	CHECK(wheel_next(&w) == USEC_NEVER);
	wheel_advance(&w, START + HOUR);
	CHECK(wheel_next(&w) == USEC_NEVER);
}

static void
cancelled_does_not_fire(void)
{
	struct wheel w;
	struct probe p = probe_of(&w);

	wheel_init(&w, START);
	wheel_arm(&w, &p.timer, START + 70 * MSEC);
	wheel_cancel(&w, &p.timer);
	CHECK(!timer_is_armed(&p.timer));
	wheel_cancel(&w, &p.timer);
	wheel_advance(&w, START + HOUR);
	CHECK_INT(p.fired, 0);
	CHECK(wheel_check(&w));
}

static void
armed_again_moves(void)
{
	struct wheel w;
	struct probe p = probe_of(&w);

	wheel_init(&w, START);
	wheel_arm(&w, &p.timer, START + 5 * MSEC);
	wheel_arm(&w, &p.timer, START + 500 * MSEC);
	wheel_advance(&w, START + 499 * MSEC);
	CHECK_INT(p.fired, 0);
	wheel_arm(&w, &p.timer, START + 501 * MSEC);
	wheel_arm(&w, &p.timer, START + 500 * MSEC);
	wheel_advance(&w, START + 501 * MSEC);
	CHECK_INT(p.fired, 1);
	wheel_advance(&w, START + HOUR);
	CHECK_INT(p.fired, 1);
}

static void
the_past_fires_next_time(void)
{
	struct wheel w;
	struct probe p = probe_of(&w), zero = probe_of(&w);

	wheel_init(&w, START);
	wheel_arm(&w, &p.timer, START - 10 * USEC_PER_SEC);
	wheel_arm(&w, &zero.timer, 0);
	wheel_advance(&w, START + MSEC);
	CHECK_INT(p.fired, 1);
	CHECK_INT(zero.fired, 1);
}

/* A handler that always arms for "now" must not keep the wheel turning. */
static void
handler_arming_for_now_waits(void)
{
	struct wheel w;
	struct probe p = probe_of(&w);
	uint64_t now = START + 100 * MSEC;

	p.again = START;
	wheel_init(&w, START);
	wheel_arm(&w, &p.timer, START + 10 * MSEC);
	for (int i = 1; i <= 5; i++, now += MSEC) {
		wheel_advance(&w, now);
		CHECK_INT(p.fired, i);
		CHECK(wheel_check(&w));
	}
}

/* Both in the same slot's list, and one in a later slot of the same advance:
 * whichever handler comes first, the other timer stays silent. */
static void
handler_cancels_others(void)
{
	struct wheel w;
	struct probe a = probe_of(&w), b = probe_of(&w), c = probe_of(&w);

	a.victim = &b.timer;
	b.victim = &a.timer;
	wheel_init(&w, START);
	wheel_arm(&w, &a.timer, START + 10 * MSEC);
	wheel_arm(&w, &b.timer, START + 10 * MSEC);
	wheel_advance(&w, START + 20 * MSEC);
	CHECK_INT(a.fired + b.fired, 1);

	a.victim = &c.timer;
	wheel_arm(&w, &a.timer, START + 30 * MSEC);
	wheel_arm(&w, &c.timer, START + 300 * MSEC);
	wheel_advance(&w, START + HOUR);
	CHECK_INT(c.fired, 0);
	CHECK(wheel_check(&w));
}

static void
time_standing_still_is_harmless(void)
{
	struct wheel w;
	struct probe p = probe_of(&w);

	wheel_init(&w, START);
	wheel_arm(&w, &p.timer, START + 2 * MSEC);
	wheel_advance(&w, START);
	wheel_advance(&w, START - HOUR);
	CHECK_INT(p.fired, 0);
	wheel_advance(&w, START + 2 * MSEC + MSEC);
	CHECK_INT(p.fired, 1);
	wheel_advance(&w, START + 2 * MSEC);
	CHECK_INT(p.fired, 1);
}

/*
 * The naive model: an array of timers and the tick at which each must fire.
 */
enum { MODEL_TIMERS = 300, MODEL_STEPS = 20000 };

struct model {
	struct wheel wheel;
	struct model_timer {
		struct timer timer;
		struct model *model;
		bool armed;
		uint64_t
		    due; /* msec; with what the wheel promises of the past */
	} timers[MODEL_TIMERS];
	uint64_t now, floor; /* usec; msec: the earliest that can fire next */
	bool advancing;
	uint64_t random;
	int fired;
};

/* xorshift64: the same sequence every time. */
static uint64_t
next_random(struct model *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random % below;
}

/* A time span of any magnitude, from usec to a day. */
static uint64_t
random_span(struct model *m)
{
	static const uint64_t limits[] = { 2, 70 * MSEC, 5 * USEC_PER_SEC,
		300 * USEC_PER_SEC, 5 * HOUR, 24 * HOUR };

	return next_random(m, limits[next_random(m, ARRAY_SIZE(limits))]);
}

static void
model_arm(struct model *m, struct model_timer *mt)
{
	uint64_t when = next_random(m, 10) == 0
	    ? m->now - next_random(m, USEC_PER_SEC)
	    : m->now + random_span(m);

	mt->armed = true;
	mt->due = (when + MSEC - 1) / MSEC;
	if (mt->due < m->floor)
		mt->due = m->floor;
	wheel_arm(&m->wheel, &mt->timer, when);
}

static void
model_cancel(struct model *m, struct model_timer *mt)
{
	mt->armed = false;
	wheel_cancel(&m->wheel, &mt->timer);
}

static void
model_touch_one(struct model *m)
{
	struct model_timer *mt = &m->timers[next_random(m, MODEL_TIMERS)];

	if (next_random(m, 3) == 0)
		model_cancel(m, mt);
	else
		model_arm(m, mt);
}

static void
on_model_timer(struct timer *t, uint64_t now)
{
	struct model_timer *mt = CONTAINER_OF(t, struct model_timer, timer);
	struct model *m = mt->model;

	CHECK(m->advancing);
	CHECK_INT(now, m->now);
	CHECK(mt->armed);
	CHECK(mt->due <= now / MSEC);
	CHECK(!timer_is_armed(t));
	mt->armed = false;
	m->fired++;
	if (next_random(m, 4) == 0)
		model_touch_one(m);
	if (next_random(m, 4) == 0)
		model_arm(m, mt);
}

static void
model_advance(struct model *m)
{
	uint64_t earliest = UINT64_MAX / MSEC;

	for (int i = 0; i < MODEL_TIMERS; i++)
		if (m->timers[i].armed && m->timers[i].due < earliest)
			earliest = m->timers[i].due;
	CHECK(wheel_next(&m->wheel) <= earliest * MSEC ||
	    earliest == UINT64_MAX / MSEC);
	m->now += random_span(m);
	if (m->now / MSEC >= m->floor)
		m->floor = m->now / MSEC + 1;
	m->advancing = true;
	wheel_advance(&m->wheel, m->now);
	m->advancing = false;
	for (int i = 0; i < MODEL_TIMERS; i++) {
		struct model_timer *mt = &m->timers[i];

		CHECK(mt->armed == timer_is_armed(&mt->timer));
		CHECK(!mt->armed || mt->due > m->now / MSEC);
	}
}

static void
agrees_with_a_naive_model(void)
{
	static struct model m;

	m.now = START;
	m.floor = START / MSEC + 1;
	m.random = 0x9e3779b97f4a7c15;
	wheel_init(&m.wheel, m.now);
	for (int i = 0; i < MODEL_TIMERS; i++) {
		m.timers[i].timer.on_timer = on_model_timer;
		m.timers[i].model = &m;
	}
	for (int step = 0; step < MODEL_STEPS; step++) {
		if (next_random(&m, 4) == 0)
			model_advance(&m);
		else
			model_touch_one(&m);
		CHECK(wheel_check(&m.wheel));
	}
	/* The test would prove little if next to nothing had fired. */
	CHECK(m.fired > MODEL_STEPS / 10);
}

/* Following wheel_next() blindly, as the loop does, leads to each timer in few
 * steps: one for each level, and one. */
static void
next_leads_there(void)
{
	struct wheel w;
	struct probe p = probe_of(&w);
	uint64_t when = START + 3 * HOUR;
	int steps = 0;

	wheel_init(&w, START);
	wheel_arm(&w, &p.timer, when);
	for (; p.fired == 0 && steps < 10; steps++) {
		uint64_t next = wheel_next(&w);

		CHECK(next != USEC_NEVER);
		wheel_advance(&w, next);
	}
	CHECK_INT(p.fired, 1);
	CHECK(p.fired_at >= when && p.fired_at < when + MSEC);
	CHECK(steps <= WHEEL_LEVELS + 1);
}

static const struct check_case cases[] = {
	CASE(fires_at_its_time),
	CASE(fractions_round_up),
	CASE(cascades_at_each_level),
	CASE(parks_beyond_the_horizon),
	CASE(never_is_never),
	CASE(empty_wheel_has_no_next),
	CASE(cancelled_does_not_fire),
	CASE(armed_again_moves),
	CASE(the_past_fires_next_time),
	CASE(handler_arming_for_now_waits),
	CASE(handler_cancels_others),
	CASE(time_standing_still_is_harmless),
	CASE(agrees_with_a_naive_model),
	CASE(next_leads_there),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
