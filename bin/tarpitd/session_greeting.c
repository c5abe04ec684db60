/* SPDX-License-Identifier: ISC */
/* The greeting of a slowed session. */
#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/hold.h"
#include "bin/tarpitd/session_internal.h"
#include "bin/tarpitd/sockbuf.h"
#include "bin/tarpitd/throttle.h"

/* MaxPatience= counts to the last byte of the MTA's own greeting, which has to
 * be fetched and arrive yet. */
#define HANDOFF_ALLOWANCE 500 /* msec */

/* While a held session is greeted, its input is looked for only in the first
 * of every so many seconds: that it talks early changes little for it, and the
 * look is an eighth of what a visit costs. */
#define HOLD_LISTEN_EVERY 8

/* A held session's greeting at a high rate is bounded by this instead of by
 * HoldGreeting=: positions are 16 bits wide. */
#define HOLD_GREETING_MAX 60000

/* How long who is to be let in may not read what it is sent. */
#define STUCK_MSEC 30000

/* Who waits for a place with the MTA gets a line so often: no client leaves for
 * silence that is shorter. */
#define WAITING_LINE 5000 /* msec */

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

/* The msec from accept in which the 220- lines have to be over. */
static uint64_t
greeting_cap(const struct dispatcher *d, const struct session *s)
{
	const struct texts *texts = d->texts.generation[s->texts];
	uint64_t cap = d->config->max_patience / USEC_PER_MSEC;

	return cap - last_line_takes(s, texts, cap);
}

/* One more line of the greeting, unless it would be too long for a client. */
static void
begin_line(struct session *s, const struct greeting *greeting, uint32_t msec)
{
	size_t len = greeting->line[0].len;

	s->out_from = msec;
	if (s->bytes_out + len > greeting->limit)
		return;
	s->out_sent = 0;
	s->out_len = (uint16_t)len;
}

/* The MTA has no place for it: as long as real senders stay, it waits here, where
 * nothing is lost by it. */
static enum session_state
wait_for_place(struct dispatcher *d, struct session *s, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	uint32_t msec = dispatcher_msec(d, now);

	if (msec - s->accepted >= greeting_cap(d, s)) {
		d->guests.refused++;
		session_dismiss(d, s, OUTCOME_SHED, SMTP_MANY_CLIENTS, now);
		return SESSION_CLOSED;
	}
	if (msec - s->out_from >= WAITING_LINE)
		begin_line(s, &texts->greeting, msec);
	return SESSION_GREETING;
}

/* What follows the 220- lines: the MTA's greeting, or ours. */
static enum session_state
end_greeting(struct dispatcher *d, struct session *s, uint64_t now)
{
	if (s->lane == LANE_THROTTLE)
		return throttle_begin(d, s, now);
	return session_may_graduate(d, s, now) ? SESSION_HANDOFF
					       : wait_for_place(d, s, now);
}

/* The greeting as a client gets it that may be let in: so many bytes that they
 * last for its patience, reckoned from accept. */
void
session_begin_slow(
    struct dispatcher *d, struct session *s, uint32_t patience, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	size_t limit = texts->greeting.limit;
	uint32_t msec = dispatcher_msec(d, now);
	uint64_t cap = greeting_cap(d, s);
	uint64_t wait = patience * UINT64_C(1000);
	int32_t left;

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
	session_enter(d, s, SESSION_GREETING, now);
}

void
session_begin_hold(struct dispatcher *d, struct session *s, uint64_t now)
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
	session_enter(d, s, SESSION_GREETING, now);
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

/* A client that does not read its greeting would otherwise stay for good; one
 * that may be let in, which nobody sheds, is not to stay long. */
static bool
is_stuck(const struct dispatcher *d, const struct session *s, uint32_t msec)
{
	uint64_t limit = d->config->command_timeout / USEC_PER_MSEC;

	if (s->lane != LANE_HOLD && limit > STUCK_MSEC)
		limit = STUCK_MSEC;
	return (int32_t)(msec - s->deadline) >= (int32_t)limit;
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

enum session_state
session_visit_greeting(struct dispatcher *d, struct session *s, uint64_t now)
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
