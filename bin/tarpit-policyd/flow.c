/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-policyd/flow.h"

/* One that has hung up is not waited for, or its hang-up would wake us without
 * end: at rest it goes, unless there is more of it to be read.  While stalled
 * nothing is read, so that no end is met there; the table says what it would
 * mean. */
/* clang-format off */
static const struct {
	bool reads, answers;
	enum flow next[FLOW_EVENT_COUNT];
} states[FLOW_COUNT] = {
	[FLOW_TALKING] = { true, true, {
		[FLOW_END] = FLOW_ENDED,
		[FLOW_HANG_UP] = FLOW_DEAF,
		[FLOW_FULL] = FLOW_STALLED,
		[FLOW_ROOM] = FLOW_TALKING,
		[FLOW_REST] = FLOW_TALKING,
		[FLOW_SETTLED] = FLOW_TALKING,
		[FLOW_FAULT] = FLOW_CLOSED } },
	[FLOW_STALLED] = { false, true, {
		[FLOW_END] = FLOW_ENDED_STALLED,
		[FLOW_HANG_UP] = FLOW_DEAF_STALLED,
		[FLOW_FULL] = FLOW_STALLED,
		[FLOW_ROOM] = FLOW_TALKING,
		[FLOW_REST] = FLOW_STALLED,
		[FLOW_SETTLED] = FLOW_STALLED,
		[FLOW_FAULT] = FLOW_CLOSED } },
	[FLOW_ENDED] = { false, true, {
		[FLOW_END] = FLOW_ENDED,
		[FLOW_HANG_UP] = FLOW_GONE,
		[FLOW_FULL] = FLOW_ENDED_STALLED,
		[FLOW_ROOM] = FLOW_ENDED,
		[FLOW_REST] = FLOW_ENDED,
		[FLOW_SETTLED] = FLOW_CLOSED,
		[FLOW_FAULT] = FLOW_CLOSED } },
	[FLOW_ENDED_STALLED] = { false, true, {
		[FLOW_END] = FLOW_ENDED_STALLED,
		[FLOW_HANG_UP] = FLOW_GONE,
		[FLOW_FULL] = FLOW_ENDED_STALLED,
		[FLOW_ROOM] = FLOW_ENDED,
		[FLOW_REST] = FLOW_ENDED_STALLED,
		[FLOW_SETTLED] = FLOW_ENDED_STALLED,
		[FLOW_FAULT] = FLOW_CLOSED } },
	[FLOW_DEAF] = { true, false, {
		[FLOW_END] = FLOW_GONE,
		[FLOW_HANG_UP] = FLOW_DEAF,
		[FLOW_FULL] = FLOW_DEAF_STALLED,
		[FLOW_ROOM] = FLOW_DEAF,
		[FLOW_REST] = FLOW_DEAF,
		[FLOW_SETTLED] = FLOW_DEAF,
		[FLOW_FAULT] = FLOW_CLOSED } },
	/* What fills the room are questions that wait, and not answers. */
	[FLOW_DEAF_STALLED] = { false, false, {
		[FLOW_END] = FLOW_GONE,
		[FLOW_HANG_UP] = FLOW_DEAF_STALLED,
		[FLOW_FULL] = FLOW_DEAF_STALLED,
		[FLOW_ROOM] = FLOW_DEAF,
		[FLOW_REST] = FLOW_CLOSED,
		[FLOW_SETTLED] = FLOW_CLOSED,
		[FLOW_FAULT] = FLOW_CLOSED } },
	[FLOW_GONE] = { false, false, {
		[FLOW_END] = FLOW_GONE,
		[FLOW_HANG_UP] = FLOW_GONE,
		[FLOW_FULL] = FLOW_GONE,
		[FLOW_ROOM] = FLOW_GONE,
		[FLOW_REST] = FLOW_CLOSED,
		[FLOW_SETTLED] = FLOW_CLOSED,
		[FLOW_FAULT] = FLOW_CLOSED } },
	[FLOW_CLOSED] = { false, false, {
		[FLOW_END] = FLOW_CLOSED,
		[FLOW_HANG_UP] = FLOW_CLOSED,
		[FLOW_FULL] = FLOW_CLOSED,
		[FLOW_ROOM] = FLOW_CLOSED,
		[FLOW_REST] = FLOW_CLOSED,
		[FLOW_SETTLED] = FLOW_CLOSED,
		[FLOW_FAULT] = FLOW_CLOSED } },
};
/* clang-format on */

enum flow
flow_next(enum flow f, enum flow_event e)
{
	return states[f].next[e];
}

bool
flow_reads(enum flow f)
{
	return states[f].reads;
}

bool
flow_answers(enum flow f)
{
	return states[f].answers;
}
