/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/operator.h"

#include <errno.h>
#include <inttypes.h>

#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle.h"

/* Of sessions that the policy has no rate for as low as this: what policy.conf
 * ships with for those that it holds. */
enum { HOLD_RATE = 5 };

/* ---- the records ---- */

static void
begin_record(struct record *r, enum event event, const struct override *o,
    const char *how, const struct override *by)
{
	char network[CIDR_STRLEN];

	cidr_format(&o->network, network);
	record_begin(
	    r, event, "%s of %s %s", override_name(o->kind), network, how);
	record_field(r, "TARPIT_NETWORK", "%s", network);
	record_field(r, "TARPIT_OVERRIDE", "%s", override_name(o->kind));
	record_field(r, "TARPIT_OPERATOR", "%s", by->by);
	record_field(r, "TARPIT_OPERATOR_UID", "%" PRIu32, by->uid);
}

static void
tell_set(struct dispatcher *d, const struct override *o, uint32_t seconds)
{
	char how[96];
	struct record r;

	snprintf(how, sizeof(how), "for %u s, says %s", seconds, o->by);
	begin_record(&r, EVENT_OVERRIDE_SET, o, how, o);
	record_field(&r, "TARPIT_FOR_USEC", "%" PRIu64, seconds * USEC_PER_SEC);
	journal_send(d->journal, &r);
}

static void
tell_ended(struct dispatcher *d, const struct override *o, const char *how,
    const struct override *by)
{
	struct record r;

	begin_record(&r, EVENT_OVERRIDE_ENDED, o, how, by);
	record_field(&r, "TARPIT_AFFECTED", "%" PRIu64, o->sessions);
	journal_send(d->journal, &r);
}

/* ---- the overrides ---- */

static void
arm(struct dispatcher *d)
{
	uint64_t next = overrides_next(&d->operator.overrides);

	loop_cancel(d->loop, &d->operator.expiry);
	if (next != USEC_NEVER)
		loop_arm(d->loop, &d->operator.expiry, next);
}

static void
on_expiry(struct timer *t, uint64_t now)
{
	struct dispatcher *d =
	    CONTAINER_OF(t, struct dispatcher, operator.expiry);
	struct override o;

	while (overrides_take_expired(&d->operator.overrides, now, &o))
		tell_ended(d, &o, "has expired", &o);
	arm(d);
}

void
operator_init(struct dispatcher *d)
{
	d->operator.expiry.on_timer = on_expiry;
}

void
operator_fini(struct dispatcher *d)
{
	loop_cancel(d->loop, &d->operator.expiry);
}

int
operator_override(struct dispatcher *d, const struct command *c, uint64_t now)
{
	struct override o = c->override;
	int r;

	o.until = now + c->seconds * USEC_PER_SEC;
	r = overrides_put(&d->operator.overrides, &o);
	if (r < 0)
		return r;
	tell_set(d, &o, c->seconds);
	arm(d);
	return 0;
}

bool
operator_forget(struct dispatcher *d, const struct command *c, uint64_t now)
{
	struct override o;

	(void)now;
	if (!overrides_take(&d->operator.overrides, &c->override.network, &o))
		return false;
	tell_ended(d, &o, "was withdrawn", &c->override);
	arm(d);
	return true;
}

/* ---- sessions ---- */

void
operator_overrule(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct override *o =
	    overrides_find(&d->operator.overrides, &s->client, now);

	if (o == NULL)
		return;
	s->override = (uint8_t)o->kind;
	o->sessions++;
	if (o->kind == OVERRIDE_RELEASE) {
		s->lane = LANE_PASS;
		s->rate = 0;
	} else if (s->lane != LANE_HOLD) {
		s->lane = LANE_HOLD;
		s->rate = HOLD_RATE;
	}
}

/* What follows the greeting does so after the line at hand. */
static void
cut_greeting(const struct dispatcher *d, struct session *s)
{
	const struct texts *texts = d->texts.generation[s->texts];

	if (s->out_sent > 0)
		s->out_len = (uint16_t)greeting_line_end(
		    &texts->greeting, s->out_len, s->out_sent - 1U);
	else
		s->out_len = 0;
}

/* The line at hand is finished at once, and the MTA greets it next. */
static void
release_greeted(struct dispatcher *d, struct session *s, uint64_t now)
{
	session_change_lane(d, s, LANE_SLOW);
	cut_greeting(d, s);
	drip_set_rate(s, 0, dispatcher_msec(d, now));
	s->deadline = dispatcher_msec(d, now);
	session_visit(d, s, now);
}

static void
release(struct dispatcher *d, struct session *s, uint64_t now)
{
	if (s->state == SESSION_GREETING) {
		release_greeted(d, s, now);
	} else if (s->lane == LANE_THROTTLE) {
		throttle_hurry(d, s, now);
	} else {
		/* We have greeted it ourselves, so the MTA cannot: it passes
		 * when it comes again. */
		session_dismiss(d, s, OUTCOME_SHED, SMTP_OPERATOR, now);
	}
}

static void
hold(struct dispatcher *d, struct session *s, uint64_t now)
{
	if (s->lane == LANE_HOLD)
		return;
	if (s->state != SESSION_GREETING) {
		/* In the middle of a dialogue that can succeed: it is held
		 * when it comes again. */
		session_dismiss(d, s, OUTCOME_SHED, SMTP_OPERATOR, now);
		return;
	}
	session_change_lane(d, s, LANE_HOLD);
	cut_greeting(d, s);
	if (s->rate > HOLD_RATE)
		drip_set_rate(s, HOLD_RATE, dispatcher_msec(d, now));
}

bool
operator_apply(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct override *o =
	    overrides_find(&d->operator.overrides, &s->client, now);

	if (o == NULL || s->override == o->kind || !session_is_slowed(s))
		return false;
	/* What the MTA has been told to take cannot be stopped, and its
	 * client has to hear of it. */
	if (o->kind == OVERRIDE_HOLD &&
	    mux_is_committed(&d->mux, pool_slot(&d->pool, s)))
		return false;
	s->override = (uint8_t)o->kind;
	o->sessions++;
	if (o->kind == OVERRIDE_RELEASE)
		release(d, s, now);
	else
		hold(d, s, now);
	return true;
}
