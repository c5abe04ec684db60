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

static struct tally_sums
since_the_last(const struct summary *s)
{
	struct tally_sums sums = *s->total;

	for (int l = 0; l < LANE_COUNT; l++)
		for (int o = 0; o < OUTCOME_COUNT; o++) {
			const struct tally_cell *was = &s->before.ended[l][o];

			sums.ended[l][o].sessions -= was->sessions;
			sums.ended[l][o].held -= was->held;
		}
	sums.bytes_in -= s->before.bytes_in;
	sums.bytes_out -= s->before.bytes_out;
	return sums;
}

/* All outcomes together. */
static struct tally_cell
lane_cell(const struct tally_sums *sums, enum lane lane)
{
	struct tally_cell cell = { 0 };

	for (int o = 0; o < OUTCOME_COUNT; o++) {
		cell.sessions += sums->ended[lane][o].sessions;
		cell.held += sums->ended[lane][o].held;
	}
	return cell;
}

static void
add_counts(struct record *r, const struct tally_sums *sums, uint64_t sessions)
{
	uint64_t held = 0;

	record_field(r, "TARPIT_SESSIONS", "%" PRIu64, sessions);
	for (enum lane lane = 0; lane < LANE_COUNT; lane++) {
		struct tally_cell cell = lane_cell(sums, lane);

		add_count(r, "LANE", lane_name(lane), cell.sessions);
		held += cell.held;
	}
	for (enum outcome o = OUTCOME_PASSED; o < OUTCOME_COUNT; o++)
		add_count(
		    r, "OUTCOME", outcome_name(o), tally_outcome(sums, o));
	record_field(
	    r, "TARPIT_HELD_TOTAL_USEC", "%" PRIu64, held * USEC_PER_MSEC);
	record_field(r, "TARPIT_BYTES_IN_TOTAL", "%" PRIu64, sums->bytes_in);
	record_field(r, "TARPIT_BYTES_OUT_TOTAL", "%" PRIu64, sums->bytes_out);
}

/* Of an interval in which no session has ended there is nothing to say. */
static void
send_record(const struct summary *s, uint64_t now)
{
	struct tally_sums sums = since_the_last(s);
	uint64_t n[LANE_COUNT], sessions = 0;
	struct record r;

	for (enum lane lane = 0; lane < LANE_COUNT; lane++)
		sessions += n[lane] = lane_cell(&sums, lane).sessions;
	if (sessions == 0)
		return;
	record_begin(&r, EVENT_SUMMARY,
	    "%" PRIu64 " sessions ended in %" PRIu64 " s: %" PRIu64
	    " pass, %" PRIu64 " slow, %" PRIu64 " throttle, %" PRIu64 " hold",
	    sessions, (now - s->since) / USEC_PER_SEC, n[LANE_PASS],
	    n[LANE_SLOW], n[LANE_THROTTLE], n[LANE_HOLD]);
	record_field(&r, "TARPIT_SPAN_USEC", "%" PRIu64, now - s->since);
	add_counts(&r, &sums, sessions);
	record_field(&r, "TARPIT_STALL_USEC", "%" PRIu64, s->stall);
	journal_send(s->journal, &r);
}

static void
start_anew(struct summary *s, uint64_t now)
{
	s->since = now;
	s->before = *s->total;
	s->stall = 0;
	loop_arm(s->loop, &s->timer, now + SUMMARY_INTERVAL);
}

void
summary_flush(struct summary *s, uint64_t now)
{
	if (s->wanted)
		send_record(s, now);
	start_anew(s, now);
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
}

void
summary_fini(struct summary *s)
{
	loop_cancel(s->loop, &s->timer);
}

void
summary_note_stall(struct summary *s, uint64_t stall)
{
	if (stall > s->stall)
		s->stall = stall;
}
