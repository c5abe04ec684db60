/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/summary.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

#define MINUTE (60 * USEC_PER_SEC)

/* A summary whose records come out of FD. */
struct bench {
	int fd;
	struct loop *loop;
	struct journal journal;
	struct tally tally;
	struct summary summary;
	uint64_t began;
};

static void
set_up(struct bench *b, bool wanted)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO_FREE char *path = scratch_path("socket");

	memset(&b->tally, 0, sizeof(b->tally));
	b->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(b->fd >= 0);
	strcpy(a.sun_path, path);
	CHECK_INT(bind(b->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK_INT(loop_new(&b->loop), 0);
	journal_init_target(&b->journal, "tarpitd", JOURNAL_NATIVE, path);
	b->summary = (struct summary){ .loop = b->loop,
		.journal = &b->journal,
		.total = &b->tally.total,
		.wanted = wanted };
	summary_init(&b->summary);
	b->began = b->summary.since;
}

static void
tear_down(struct bench *b)
{
	summary_fini(&b->summary);
	CHECK(!timer_is_armed(&b->summary.timer));
	journal_fini(&b->journal);
	loop_free(b->loop);
	fd_close(&b->fd);
}

/* The next record, or "". */
static const char *
next(const struct bench *b)
{
	static char buf[8192];
	ssize_t n = read(b->fd, buf, sizeof(buf) - 1);

	CHECK(n >= 0 || errno == EAGAIN);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void
has(const char *record, const char *line)
{
	if (strstr(record, line) == NULL) {
		fprintf(stderr, "no %s in:\n%s", line, record);
		exit(1);
	}
}

static void
count(struct bench *b, enum lane lane, enum outcome outcome)
{
	struct session s = { .lane = (uint8_t)lane,
		.outcome = (uint8_t)outcome,
		.bytes_in = 10,
		.bytes_out = 100 };

	tally_add(&b->tally, &s, 1500, 0);
}

/* What the loop does when the minute is over. */
static void
ring(struct bench *b, uint64_t now)
{
	CHECK(timer_is_armed(&b->summary.timer));
	b->summary.timer.on_timer(&b->summary.timer, now);
}

static void
a_minute_is_one_record(void)
{
	struct bench b;
	const char *got;

	set_up(&b, true);
	CHECK_INT(b.summary.timer.when, b.began + MINUTE);
	count(&b, LANE_PASS, OUTCOME_PASSED);
	count(&b, LANE_PASS, OUTCOME_PASSED);
	count(&b, LANE_HOLD, OUTCOME_ABANDONED);
	count(&b, LANE_SLOW, OUTCOME_GRADUATED);
	summary_note_stall(&b.summary, 700);
	summary_note_stall(&b.summary, 300);
	ring(&b, b.began + MINUTE);
	got = next(&b);
	has(got, "TARPIT_EVENT=summary\n");
	has(got,
	    "MESSAGE=4 sessions ended in 60 s: 2 pass, 1 slow, 0 throttle, "
	    "1 hold\n");
	has(got, "TARPIT_SPAN_USEC=60000000\nTARPIT_SESSIONS=4\n");
	has(got,
	    "TARPIT_LANE_PASS=2\nTARPIT_LANE_SLOW=1\n"
	    "TARPIT_LANE_THROTTLE=0\nTARPIT_LANE_HOLD=1\n");
	has(got,
	    "TARPIT_OUTCOME_PASSED=2\nTARPIT_OUTCOME_GRADUATED=1\n"
	    "TARPIT_OUTCOME_ABANDONED=1\nTARPIT_OUTCOME_DELIVERED=0\n"
	    "TARPIT_OUTCOME_REFUSED=0\nTARPIT_OUTCOME_SHED=0\n"
	    "TARPIT_OUTCOME_FAILED=0\n");
	has(got,
	    "TARPIT_HELD_TOTAL_USEC=6000000\nTARPIT_BYTES_IN_TOTAL=40\n"
	    "TARPIT_BYTES_OUT_TOTAL=400\nTARPIT_STALL_USEC=700\n");
	CHECK_STR(next(&b), "");
	tear_down(&b);
}

static void
the_next_one_begins_at_nothing(void)
{
	struct bench b;
	const char *got;

	set_up(&b, true);
	count(&b, LANE_HOLD, OUTCOME_REFUSED);
	summary_note_stall(&b.summary, 700);
	ring(&b, b.began + MINUTE);
	has(next(&b), "TARPIT_SESSIONS=1\n");
	CHECK_INT(b.summary.timer.when, b.began + 2 * MINUTE);
	count(&b, LANE_THROTTLE, OUTCOME_DELIVERED);
	summary_flush(&b.summary, b.began + MINUTE + USEC_PER_SEC);
	got = next(&b);
	has(got, "TARPIT_SPAN_USEC=1000000\nTARPIT_SESSIONS=1\n");
	has(got, "TARPIT_LANE_THROTTLE=1\nTARPIT_LANE_HOLD=0\n");
	has(got, "TARPIT_STALL_USEC=0\n");
	CHECK_INT(b.summary.timer.when, b.began + 2 * MINUTE + USEC_PER_SEC);
	tear_down(&b);
}

static void
an_idle_minute_has_none(void)
{
	struct bench b;

	set_up(&b, true);
	ring(&b, b.began + MINUTE);
	CHECK_STR(next(&b), "");
	CHECK_INT(b.summary.since, b.began + MINUTE);
	tear_down(&b);
}

static void
unwanted_counts_are_forgotten(void)
{
	struct bench b;

	set_up(&b, false);
	count(&b, LANE_PASS, OUTCOME_PASSED);
	summary_flush(&b.summary, b.began + USEC_PER_SEC);
	b.summary.wanted = true;
	ring(&b, b.began + MINUTE + USEC_PER_SEC);
	CHECK_STR(next(&b), "");
	count(&b, LANE_PASS, OUTCOME_SHED);
	ring(&b, b.began + 3 * MINUTE);
	has(next(&b), "TARPIT_SESSIONS=1\n");
	tear_down(&b);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(a_minute_is_one_record),
		CASE(the_next_one_begins_at_nothing),
		CASE(an_idle_minute_has_none),
		CASE(unwanted_counts_are_forgotten),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
