/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/session.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "bin/common/fd.h"
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/hold.h"
#include "bin/tarpitd/record.h"
#include "bin/tarpitd/sockbuf.h"
#include "bin/tarpitd/throttle.h"

/* MaxPatience= counts to the last byte of the MTA's own greeting, which has to
 * be fetched and arrive yet. */
#define HANDOFF_ALLOWANCE 500 /* msec */

/* While a held session is greeted, its input is looked for only in every so
 * many seconds: that it talks early changes little for it, and the look is an
 * eighth of what a visit costs. */
#define HOLD_LISTEN_EVERY 4

/* A held session's greeting at a high rate is bounded by this instead of by
 * HoldGreeting=: positions are 16 bits wide. */
#define HOLD_GREETING_MAX 60000

/* Commands that a throttled client has sent ahead are answered so many at a
 * visit; those of the others wait for the next one. */
enum { STEPS_PER_VISIT = 64 };

static enum session_state visit_greeting(
    struct dispatcher *, struct session *, uint64_t now);

/* What a state is.  The states that are slowed are visited; a handler returns
 * the next state, and only enter() makes it so. */
static const struct {
	const char *name;
	bool slowed;
	enum session_state (*on_visit)(
	    struct dispatcher *, struct session *, uint64_t now);
} states[SESSION_STATE_COUNT] = {
	[SESSION_FREE] = { "free", false, NULL },
	[SESSION_ASKING] = { "asking", false, NULL },
	[SESSION_GREETING] = { "greeting", true, visit_greeting },
	[SESSION_HANDOFF] = { "handoff", false, NULL },
	[SESSION_SENDING] = { "sending", true, hold_visit_sending },
	[SESSION_COMMAND] = { "command", true, hold_visit_command },
	[SESSION_SKIPPING] = { "skipping", true, hold_visit_skipping },
	[SESSION_T_SENDING] = { "t-sending", true, throttle_visit_sending },
	[SESSION_T_COMMAND] = { "t-command", true, throttle_visit_command },
	[SESSION_T_SKIPPING] = { "t-skipping", true, throttle_visit_skipping },
	[SESSION_T_BODY] = { "t-body", true, throttle_visit_body },
	[SESSION_T_WAITING] = { "t-waiting", true, throttle_visit_waiting },
	[SESSION_CLOSED] = { "closed", false, NULL },
};

const char *
session_state_name(const struct session *s)
{
	return states[s->state].name;
}

bool
session_is_slowed(const struct session *s)
{
	return states[s->state].slowed;
}

/* Tells the sweep; after every change of state or rate. */
static void
set_cadence(struct dispatcher *d, const struct session *s)
{
	enum cadence cadence = CADENCE_NONE;

	if (session_is_slowed(s))
		cadence = lane_is_quick(s->rate) ? CADENCE_QUICK : CADENCE_SLOW;
	d->pool.cadence[pool_slot(&d->pool, s)] = (uint8_t)cadence;
}

/* A close with unread input becomes a reset, which may overtake the last words
 * that we have sent; a client that goes on talking gets it all the same. */
static void
drain(int fd)
{
	char buf[4096];

	(void)recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
}

/* Log=: a client that went to the MTA at once, or left before it could, was
 * not slowed; one that we turned away is worth a record all the same. */
static bool
is_recorded(const struct dispatcher *d, const struct session *s)
{
	switch ((enum log_choice)d->config->log) {
	case LOG_ALL:
		return true;
	case LOG_SLOWED:
		return s->lane != LANE_PASS || s->outcome == OUTCOME_SHED ||
		    s->outcome == OUTCOME_FAILED;
	case LOG_SUMMARY:
		return false;
	}
	return true;
}

static void
finish(struct dispatcher *d, struct session *s, uint64_t now)
{
	uint32_t held = dispatcher_msec(d, now) - s->accepted;

	if (is_recorded(d, s))
		record_session(d, s, now);
	tally_add(&d->tally, s, held, (uint64_t)time(NULL));
	ask_report(&d->ask, s, outcome_name((enum outcome)s->outcome), held);
	throttle_end(d, s, now);
	/* The MTA shares the socket: what is in it now is the MTA's. */
	if (s->outcome != OUTCOME_PASSED && s->outcome != OUTCOME_GRADUATED)
		drain(s->fd);
	fd_close(&s->fd);
	pool_unlink_client(&d->pool, s);
	texts_release(&d->texts, s->texts);
	intern_release(&d->strings, s->verdict);
	intern_release(&d->strings, s->words);
	s->age_next = d->closed;
	d->closed = pool_slot(&d->pool, s);
	dispatcher_note_end(d);
}

static void
leave(struct dispatcher *d, struct session *s)
{
	if (s->state == SESSION_ASKING)
		pool_remove(&d->pool, &d->pool.asking, s);
	if (states[s->state].slowed) {
		d->n_slowed--;
		d->in_lane[s->lane]--;
		if (s->lane == LANE_HOLD)
			pool_remove(&d->pool, &d->pool.held, s);
	}
}

static void
arrive(struct dispatcher *d, struct session *s, uint64_t now)
{
	if (states[s->state].slowed) {
		d->n_slowed++;
		d->in_lane[s->lane]++;
		if (s->lane == LANE_HOLD)
			pool_append(&d->pool, &d->pool.held, s);
	}
	if (s->state == SESSION_ASKING)
		pool_append(&d->pool, &d->pool.asking, s);
	if (s->state == SESSION_HANDOFF)
		handoff_start(&d->handoff, s, now);
	if (s->state == SESSION_CLOSED)
		finish(d, s, now);
}

/* The only assignment to .state.  Moves between two slowed states keep the
 * session's place among the held ones. */
static void
enter(struct dispatcher *d, struct session *s, enum session_state next,
    uint64_t now)
{
	if (next == s->state)
		return;
	if (states[s->state].slowed && states[next].slowed) {
		s->state = (uint8_t)next;
		return;
	}
	leave(d, s);
	s->state = (uint8_t)next;
	set_cadence(d, s);
	arrive(d, s, now);
}

static void
close_as(
    struct dispatcher *d, struct session *s, enum outcome outcome, uint64_t now)
{
	s->outcome = (uint8_t)outcome;
	enter(d, s, SESSION_CLOSED, now);
}

void
session_dismiss(struct dispatcher *d, struct session *s, enum outcome outcome,
    enum smtp_reply reply, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	char buf[1024];
	size_t n = 0;

	if (s->state == SESSION_GREETING || s->state == SESSION_SENDING)
		n = drip_rest_of_line(s, texts, buf, sizeof(buf) / 2);
	if (s->state == SESSION_T_SENDING)
		n = throttle_rest_of_line(d, s, buf, sizeof(buf) / 2);
	memcpy(buf + n, texts->reply[reply].text, texts->reply[reply].len);
	n += texts->reply[reply].len;
	s->out_reply = (uint8_t)reply;
	(void)drip_send(s, buf, n);
	if (s->state == SESSION_HANDOFF) {
		handoff_cancel(&d->handoff, s);
		/* The MTA may have the descriptor in its backlog: for the
		 * client the connection has to end now. */
		(void)shutdown(s->fd, SHUT_RDWR);
	}
	close_as(d, s, outcome, now);
}

void
session_change_lane(struct dispatcher *d, struct session *s, enum lane lane)
{
	d->in_lane[s->lane]--;
	d->in_lane[lane]++;
	if (s->lane == LANE_HOLD)
		pool_remove(&d->pool, &d->pool.held, s);
	s->lane = (uint8_t)lane;
	if (lane == LANE_HOLD)
		pool_append(&d->pool, &d->pool.held, s);
}

/* What follows the 220- lines: the MTA's greeting, or ours. */
static enum session_state
end_greeting(struct dispatcher *d, struct session *s, uint64_t now)
{
	return s->lane == LANE_THROTTLE ? throttle_begin(d, s, now)
					: SESSION_HANDOFF;
}

/* How much of MaxPatience= is for the greeting's last line. */
static uint64_t
last_line_takes(
    const struct session *s, const struct texts *texts, uint64_t cap)
{
	uint64_t takes;

	if (s->lane != LANE_THROTTLE)
		return cap > 2 * HANDOFF_ALLOWANCE ? HANDOFF_ALLOWANCE
						   : cap / 2;
	takes = lane_duration(s->rate, texts->reply[SMTP_GREETING].len);
	return takes < cap / 2 ? takes : cap / 2;
}

/* The greeting as a client gets it that may be let in: so many bytes that they
 * last for its patience, reckoned from accept. */
static void
begin_slow(
    struct dispatcher *d, struct session *s, uint32_t patience, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	size_t limit = texts->greeting.limit;
	uint32_t msec = dispatcher_msec(d, now);
	uint64_t cap = d->config->max_patience / USEC_PER_MSEC;
	uint64_t wait = patience * UINT64_C(1000);
	int32_t left;

	cap -= last_line_takes(s, texts, cap);
	s->deadline = s->accepted + (uint32_t)(wait < cap ? wait : cap);
	left = (int32_t)(s->deadline - msec);
	if (left <= 0) {
		session_go_on(d, s, end_greeting(d, s, now), now);
		return;
	}
	s->out_len = (uint16_t)greeting_size(s->rate, (uint64_t)left, limit);
	if (s->out_len == limit) {
		/* A few bytes all the time rather than a burst and silence. */
		uint64_t rate = limit * 1000 / (uint64_t)left;

		s->rate = rate > 0 ? (uint32_t)rate : 1;
	}
	s->out_from = msec;
	sockbuf_shrink(s->fd);
	enter(d, s, SESSION_GREETING, now);
}

static void
begin_hold(struct dispatcher *d, struct session *s, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	uint64_t takes = d->config->hold_greeting / USEC_PER_MSEC;
	uint64_t last = lane_duration(s->rate, texts->reply[SMTP_GREETING].len);

	/* The last line's time is part of it. */
	if (s->rate != 0 && takes > last)
		s->out_len = (uint16_t)greeting_size(
		    s->rate, takes - last, HOLD_GREETING_MAX);
	s->out_from = dispatcher_msec(d, now);
	s->deadline = s->out_from + (uint32_t)takes;
	sockbuf_shrink(s->fd);
	sockbuf_use_reno(s->fd);
	enter(d, s, SESSION_GREETING, now);
}

/* A client that speaks before it is greeted breaks RFC 5321, 4.3.1; most of
 * those are spammers' programs.  The line at hand is finished, then the
 * greeting ends. */
static void
fall_into_hold(struct dispatcher *d, struct session *s)
{
	const struct texts *texts = d->texts.generation[s->texts];

	s->flags |= SESSION_PREGREET;
	if (s->out_len > 0 && s->out_sent < s->out_len)
		s->out_len = (uint16_t)greeting_line_end(
		    &texts->greeting, s->out_len, s->out_sent);
	if (s->lane == LANE_HOLD)
		return;
	session_change_lane(d, s, LANE_HOLD);
	/* What it did is a fact, too, which may change its rate. */
	ask_again(&d->ask, s);
}

/* A client that does not read its greeting would otherwise stay for good. */
static bool
is_stuck(const struct dispatcher *d, const struct session *s, uint32_t msec)
{
	return (int32_t)(msec - s->deadline) >=
	    (int32_t)(d->config->command_timeout / USEC_PER_MSEC);
}

/* A client that has closed is found by sending to it as well. */
static ssize_t
listen_for_pregreet(const struct session *s, uint32_t msec)
{
	uint32_t second = (msec - s->out_from) / 1000;
	char byte;

	if (s->lane == LANE_HOLD && second % HOLD_LISTEN_EVERY != 0)
		return 0;
	return drip_peek(s, &byte, 1);
}

static enum session_state
visit_greeting(struct dispatcher *d, struct session *s, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	uint32_t msec = dispatcher_msec(d, now);
	ssize_t n = listen_for_pregreet(s, msec);

	if (n > 0 && (s->flags & SESSION_PREGREET) == 0 &&
	    s->override != OVERRIDE_RELEASE)
		fall_into_hold(d, s);
	if (n < 0 || drip_out(s, texts, msec) < 0 ||
	    (s->out_sent < s->out_len && is_stuck(d, s, msec))) {
		s->outcome = OUTCOME_ABANDONED;
		return SESSION_CLOSED;
	}
	if (s->out_sent < s->out_len)
		return SESSION_GREETING;
	if (s->lane == LANE_HOLD)
		return hold_say(d, s, SMTP_GREETING, now);
	if ((int32_t)(msec - s->deadline) < 0)
		return SESSION_GREETING;
	return end_greeting(d, s, now);
}

void
session_visit(struct dispatcher *d, struct session *s, uint64_t now)
{
	enum session_state was;
	int steps = 0;

	do {
		was = (enum session_state)s->state;
		enter(d, s, states[was].on_visit(d, s, now), now);
	} while (s->lane == LANE_THROTTLE && s->state != was &&
	    states[s->state].slowed && ++steps < STEPS_PER_VISIT);
	set_cadence(d, s); /* its rate may be another now */
}

void
session_go_on(struct dispatcher *d, struct session *s, enum session_state next,
    uint64_t now)
{
	enter(d, s, next, now);
	if (states[next].slowed)
		session_visit(d, s, now);
}

/* Sends the session into the lane that was decided. */
static void
take_lane(
    struct dispatcher *d, struct session *s, uint32_t patience, uint64_t now)
{
	if (d->config->mode == MODE_OBSERVE)
		s->flags |= SESSION_OBSERVED;
	if (s->lane == LANE_PASS || (s->flags & SESSION_OBSERVED) != 0) {
		enter(d, s, SESSION_HANDOFF, now);
		return;
	}
	if (!dispatcher_make_room(d, now)) {
		session_dismiss(d, s, OUTCOME_SHED, SMTP_OVERLOAD, now);
		return;
	}
	if (s->lane == LANE_HOLD)
		begin_hold(d, s, now);
	else
		begin_slow(d, s, patience, now);
}

/* What stands for the answer that did not come. */
static void
set_default(const struct dispatcher *d, struct verdict *v)
{
	static const char reason[] = "policy:unanswered";

	memset(v, 0, sizeof(*v));
	if (d->config->policy_failure == POLICY_FAILURE_SLOW) {
		v->lane = LANE_SLOW;
		/* The mildest that policy.conf ships with. */
		v->rate = 100;
		v->patience = 6;
	}
	memcpy(v->reason, reason, sizeof(reason));
	v->reason_len = sizeof(reason) - 1;
}

static void
set_verdict(struct dispatcher *d, struct session *s, const struct verdict *v)
{
	uint32_t number = verdict_intern(&d->strings, v);

	intern_release(&d->strings, s->verdict);
	s->verdict = number;
}

/* The second answer, after an early talker was caught: it stays in hold, but
 * the rate and the reason are the policy's. */
static void
reconsider(struct dispatcher *d, struct session *s, const struct verdict *v,
    uint64_t now)
{
	set_verdict(d, s, v);
	/* One that would pass it has no rate for a held session. */
	if (v->rate != 0)
		drip_set_rate(s, v->rate, dispatcher_msec(d, now));
	set_cadence(d, s);
}

void
session_decide(
    void *dispatcher, struct session *s, const struct verdict *v, uint64_t now)
{
	struct dispatcher *d = dispatcher;
	struct verdict unanswered;

	if (s->state != SESSION_ASKING) {
		/* A second answer, or a late first one. */
		if (v != NULL && states[s->state].slowed &&
		    (s->flags & SESSION_PREGREET) != 0)
			reconsider(d, s, v, now);
		return;
	}
	if (v != NULL) {
		answer_cache_put(d->answers, &s->client, v, now);
	} else {
		set_default(d, &unanswered);
		v = &unanswered;
	}
	set_verdict(d, s, v);
	s->verdict_lane = (uint8_t)v->lane;
	s->lane = (uint8_t)v->lane;
	if (v->lane == LANE_THROTTLE && !mux_is_usable(&d->mux))
		s->lane = LANE_SLOW;
	s->rate = v->lane == LANE_PASS ? 0 : v->rate;
	operator_overrule(d, s, now);
	take_lane(d, s, v->patience, now);
}

void
session_handed_off(void *dispatcher, struct session *s,
    enum handoff_result result, uint64_t now)
{
	struct dispatcher *d = dispatcher;
	bool slowed =
	    (s->flags & SESSION_OBSERVED) == 0 && s->lane != LANE_PASS;

	switch (result) {
	case HANDOFF_TAKEN:
		close_as(
		    d, s, slowed ? OUTCOME_GRADUATED : OUTCOME_PASSED, now);
		return;
	case HANDOFF_GONE:
		close_as(d, s, OUTCOME_ABANDONED, now);
		return;
	case HANDOFF_TIMED_OUT:
		session_dismiss(d, s, OUTCOME_FAILED, SMTP_NO_MTA, now);
		return;
	}
}

/* Asks, or decides by an answer that still holds. */
static void
ask(struct dispatcher *d, struct session *s, uint64_t now)
{
	const struct verdict *known =
	    answer_cache_get(d->answers, &s->client, now);

	s->deadline = dispatcher_msec(d, now + d->config->policy_timeout);
	enter(d, s, SESSION_ASKING, now);
	if (known != NULL) {
		d->tally.cache_hits++;
		session_decide(d, s, known, now);
	} else if (!ask_question(&d->ask, s, now)) {
		session_decide(d, s, NULL, now);
	}
}

static bool
is_one_too_many(const struct dispatcher *d, const struct session *s)
{
	uint32_t limit = (uint32_t)d->config->max_per_client;

	return limit != 0 &&
	    pool_count_client(&d->pool, &s->client, limit + 1) > limit;
}

void
session_begin(struct dispatcher *d, int fd, const struct sockaddr_storage *peer,
    uint64_t now)
{
	uint32_t slot = pool_take(&d->pool);
	struct session *s;

	if (slot == POOL_NONE) {
		/* The spare slots are in use, too: too early to say why. */
		fd_close(&fd);
		return;
	}
	s = &d->pool.session[slot];
	s->fd = fd;
	s->number = ++d->number;
	address_from_socket(peer, &s->client, &s->port);
	s->accepted = dispatcher_msec(d, now);
	s->texts = texts_hold(&d->texts);
	pool_link_client(&d->pool, s);
	if (is_one_too_many(d, s))
		s->flags |= SESSION_OVER_LIMIT;
	/* Whoever only observes turns nobody away. */
	if ((s->flags & SESSION_OVER_LIMIT) != 0 &&
	    d->config->mode == MODE_ENFORCE) {
		session_dismiss(d, s, OUTCOME_SHED, SMTP_MANY_CLIENTS, now);
	} else {
		ask(d, s, now);
	}
}

void
session_reap(struct dispatcher *d)
{
	while (d->closed != POOL_NONE) {
		uint32_t slot = d->closed;

		d->closed = d->pool.session[slot].age_next;
		pool_give_back(&d->pool, slot);
	}
}
