/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-policyd/flow.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

/* What the states stand for, and the rules that the table follows. */
struct flags {
	bool ended, gone, stalled, closed;
};

static enum flow
flow_of(struct flags f)
{
	if (f.closed)
		return FLOW_CLOSED;
	if (f.ended && f.gone)
		return FLOW_GONE;
	if (f.ended)
		return f.stalled ? FLOW_ENDED_STALLED : FLOW_ENDED;
	if (f.gone)
		return f.stalled ? FLOW_DEAF_STALLED : FLOW_DEAF;
	return f.stalled ? FLOW_STALLED : FLOW_TALKING;
}

static struct flags
after(struct flags f, enum flow_event e)
{
	/* Who is gone and may not be read from, or has nothing more to be
	 * read, is not waited for. */
	bool leaves = f.gone && (f.stalled || f.ended);

	switch (e) {
	case FLOW_END:
		f.ended = true;
		break;
	case FLOW_HANG_UP:
		f.gone = true;
		break;
	case FLOW_FULL:
		f.stalled = true;
		break;
	case FLOW_ROOM:
		f.stalled = false;
		break;
	case FLOW_REST:
		f.closed = f.closed || leaves;
		break;
	case FLOW_SETTLED:
		f.closed = f.closed || leaves || (f.ended && !f.stalled);
		break;
	case FLOW_FAULT:
		f.closed = true;
		break;
	case FLOW_EVENT_COUNT:
		CHECK(!"no event");
	}
	return f;
}

static struct flags
flags_of(int bits)
{
	return (struct flags){ bits & 1, bits & 2, bits & 4, bits & 8 };
}

/* All pairs, and no state that the flags do not have. */
static void
every_event_in_every_state(void)
{
	bool seen[FLOW_COUNT] = { false };

	for (int bits = 0; bits < 16; bits++) {
		struct flags f = flags_of(bits);

		seen[flow_of(f)] = true;
		for (int i = 0; i < FLOW_EVENT_COUNT; i++) {
			enum flow_event e = (enum flow_event)i;
			enum flow next = flow_next(flow_of(f), e);

			if (next == flow_of(after(f, e)))
				continue;
			fprintf(stderr, "state %d, event %d: %d, not %d\n",
			    (int)flow_of(f), i, (int)next,
			    (int)flow_of(after(f, e)));
			exit(1);
		}
	}
	for (int i = 0; i < FLOW_COUNT; i++)
		CHECK(seen[i]);
}

static void
what_is_done_in_each_state(void)
{
	for (int bits = 0; bits < 16; bits++) {
		struct flags f = flags_of(bits);

		CHECK_INT(flow_reads(flow_of(f)),
		    !f.closed && !f.ended && !f.stalled);
		CHECK_INT(flow_answers(flow_of(f)), !f.closed && !f.gone);
	}
}

/* Nothing leads out of it. */
static void
closed_is_the_end(void)
{
	for (int i = 0; i < FLOW_EVENT_COUNT; i++)
		CHECK_INT(
		    flow_next(FLOW_CLOSED, (enum flow_event)i), FLOW_CLOSED);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(every_event_in_every_state),
		CASE(what_is_done_in_each_state),
		CASE(closed_is_the_end),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
