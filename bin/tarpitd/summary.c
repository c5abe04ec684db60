/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "bin/tarpitd/record.h"

#define SUMMARY_INTERVAL (60 * USEC_PER_SEC)

/* "TARPIT_LANE_" and the name in upper case. */
static void
add_count(struct record *r, const char *what, const char *name, uint64_t n)
{
	char field[64];

	snprintf(field, sizeof(field), "TARPIT_%s_%s", what, name);
	for (char *p = field; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	record_field(r, field, "%" PRIu64, n);
}

static void
add_fields(struct record *r, const struct summary *s, uint64_t now)
{
	record_field(r, "TARPIT_SPAN_USEC", "%" PRIu64, now - s->since);
	record_field(r, "TARPIT_SESSIONS", "%" PRIu64, s->sessions);
	for (enum lane lane = 0; lane < LANE_COUNT; lane++)
		add_count(r, "LANE", lane_name(lane), s->lane[lane]);
	for (enum outcome o = OUTCOME_PASSED; o < OUTCOME_COUNT; o++)
		add_count(r, "OUTCOME", outcome_name(o), s->outcome[o]);
	record_field(r, "TARPIT_HELD_TOTAL_USEC", "%" PRIu64,
	    s->held_msec * USEC_PER_MSEC);
	record_field(r, "TARPIT_BYTES_IN_TOTAL", "%" PRIu64, s->bytes_in);
	record_field(r, "TARPIT_BYTES_OUT_TOTAL", "%" PRIu64, s->bytes_out);
	record_field(r, "TARPIT_STALL_USEC", "%" PRIu64, s->stall);
}

static void
send_record(const struct summary *s, uint64_t now)
{
	struct record r;

	record_begin(&r, EVENT_SUMMARY,
	    "%" PRIu64 " sessions ended in %" PRIu64 " s: %" PRIu64
	    " pass, %" PRIu64 " slow, %" PRIu64 " throttle, %" PRIu64 " hold",
	    s->sessions, (now - s->since) / USEC_PER_SEC, s->lane[LANE_PASS],
	    s->lane[LANE_SLOW], s->lane[LANE_THROTTLE], s->lane[LANE_HOLD]);
	add_fields(&r, s, now);
	journal_send(s->journal, &r);
}

static void
start_anew(struct summary *s, uint64_t now)
{
	*s = (struct summary){
		.loop = s->loop,
		.journal = s->journal,
		.timer = s->timer,
		.wanted = s->wanted,
		.since = now,
	};
}

void
summary_flush(struct summary *s, uint64_t now)
{
	if (s->wanted && s->sessions > 0)
		send_record(s, now);
	loop_cancel(s->loop, &s->timer);
	start_anew(s, now);
	loop_arm(s->loop, &s->timer, now + SUMMARY_INTERVAL);
}

static void
on_timer(struct timer *t, uint64_t now)
{
	summary_flush(CONTAINER_OF(t, struct summary, timer), now);
}

void
summary_init(struct summary *s)
{
	s->timer = (struct timer){ .on_timer = on_timer };
	start_anew(s, loop_now(s->loop));
	loop_arm(s->loop, &s->timer, s->since + SUMMARY_INTERVAL);
}

void
summary_fini(struct summary *s)
{
	loop_cancel(s->loop, &s->timer);
}

void
summary_count(struct summary *sum, const struct session *s, uint32_t held_msec)
{
	sum->sessions++;
	sum->lane[s->lane]++;
	sum->outcome[s->outcome]++;
	sum->held_msec += held_msec;
	sum->bytes_in += s->bytes_in;
	sum->bytes_out += s->bytes_out;
}

void
summary_note_stall(struct summary *s, uint64_t stall)
{
	if (stall > s->stall)
		s->stall = stall;
}
