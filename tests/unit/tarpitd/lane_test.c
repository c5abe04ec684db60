/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/lane.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

static struct greeting greeting;

/* TEXT is lines of "220-" up to 70 bytes; how many. */
static size_t
check_lines(const char *text, size_t n)
{
	size_t lines = 0;

	while (n > 0) {
		const char *lf = memchr(text, '\n', n);
		size_t len;

		CHECK(lf != NULL);
		len = (size_t)(lf + 1 - text);
		CHECK(len >= GREETING_LINE_MIN && len <= GREETING_LINE_MAX);
		CHECK(memcmp(text, "220-", 4) == 0);
		CHECK(lf[-1] == '\r');
		for (size_t i = 4; i < len - 2; i++)
			CHECK(text[i] >= ' ' && text[i] <= '~');
		text += len;
		n -= len;
		lines++;
	}
	return lines;
}

static void
every_total_is_whole_lines(void)
{
	char text[GREETING_MAX + 1];

	greeting_init(&greeting, "mx.example.org");
	CHECK_INT(greeting_copy(&greeting, 0, 0, text, sizeof(text)), 0);
	for (size_t total = GREETING_LINE_MIN; total <= GREETING_MAX; total++) {
		size_t lines;

		CHECK_INT(
		    greeting_copy(&greeting, total, 0, text, sizeof(text)),
		    total);
		lines = check_lines(text, total);
		if (total <= greeting.limit)
			CHECK(lines <= GREETING_LINES_MAX);
	}
}

static void
a_greeting_can_last_a_minute_in_hold(void)
{
	static char text[60000];

	greeting_init(&greeting, "mx.example.org");
	for (size_t total = 59000; total <= sizeof(text); total += 37) {
		CHECK_INT(
		    greeting_copy(&greeting, total, 0, text, sizeof(text)),
		    total);
		check_lines(text, total);
	}
}

/* Clients quote it in bounces when the MTA ends it with a refusal. */
static void
it_promises_nothing(void)
{
	static const char *const promises[] = { "lost", "accept", "deliver",
		"passed on", "welcome", "nothing is", "Nothing is", "will be" };

	greeting_init(&greeting, "mx.example.org");
	for (size_t i = 0; i < greeting.n; i++)
		for (size_t j = 0; j < ARRAY_SIZE(promises); j++)
			CHECK(
			    memmem(greeting.line[i].text, greeting.line[i].len,
				promises[j], strlen(promises[j])) == NULL);
}

static void
the_first_line_names_the_host(void)
{
	static const char expected[] = "220-mx.example.org ESMTP\r\n";
	char text[200];

	greeting_init(&greeting, "mx.example.org");
	CHECK_INT(greeting_copy(&greeting, sizeof(text), 0, text, sizeof(text)),
	    sizeof(text));
	CHECK(memcmp(text, expected, sizeof(expected) - 1) == 0);
}

static void
a_long_host_name_is_left_out(void)
{
	char name[256], text[GREETING_MAX];

	for (size_t len = 0; len < sizeof(name); len++) {
		memset(name, 'x', len);
		name[len] = '\0';
		greeting_init(&greeting, name);
		CHECK_INT(greeting_copy(
			      &greeting, sizeof(text), 0, text, sizeof(text)),
		    sizeof(text));
		check_lines(text, sizeof(text));
	}
}

static void
copies_from_everywhere_agree(void)
{
	static const size_t totals[] = { 6, 7, 69, 70, 71, 500, 501, 747, 2501,
		3000 };
	char whole[GREETING_MAX], part[200];

	greeting_init(&greeting, "mx.example.org");
	for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
		size_t total = totals[i];

		(void)greeting_copy(&greeting, total, 0, whole, total);
		for (size_t at = 0; at <= total; at++)
			for (size_t size = 0; size <= 200; size += 1 + at % 7) {
				size_t left = total - at;
				size_t n = greeting_copy(
				    &greeting, total, at, part, size);

				CHECK_INT(n, left < size ? left : size);
				CHECK(memcmp(part, whole + at, n) == 0);
			}
	}
}

static void
nothing_is_behind_the_end(void)
{
	char byte = 'x';

	greeting_init(&greeting, "mx.example.org");
	CHECK_INT(greeting_copy(&greeting, 100, 100, &byte, 1), 0);
	CHECK_INT(greeting_copy(&greeting, 100, 5000, &byte, 1), 0);
	CHECK_INT(greeting_copy(&greeting, 0, 0, &byte, 1), 0);
	CHECK_INT(byte, 'x');
}

/* A client that talks too early hears the line to its end, and then another
 * greeting's end: what it has heard must be the beginning of that. */
static void
a_greeting_can_be_cut_at_any_line_end(void)
{
	char whole[1200], cut[1200];

	greeting_init(&greeting, "mx.example.org");
	for (size_t total = GREETING_LINE_MIN; total <= sizeof(whole);
	     total += 13) {
		(void)greeting_copy(&greeting, total, 0, whole, total);
		for (size_t at = 0; at < total; at++) {
			size_t end = greeting_line_end(&greeting, total, at);

			CHECK(end > at && end <= total);
			CHECK_INT(whole[end - 1], '\n');
			CHECK(memchr(whole + at, '\n', end - at) ==
			    whole + end - 1);
			CHECK_INT(
			    greeting_copy(&greeting, end, 0, cut, sizeof(cut)),
			    end);
			CHECK(memcmp(cut, whole, end) == 0);
		}
	}
}

static void
sizes_follow_rate_and_time(void)
{
	CHECK_INT(greeting_size(5, 20000, 2500), 100);
	CHECK_INT(greeting_size(100, 6000, 2500), 600);
	CHECK_INT(greeting_size(100, 25000, 2500), 2500);
	CHECK_INT(greeting_size(100, 25001, 2500), 2500);
	CHECK_INT(greeting_size(1, 10, 2500), GREETING_LINE_MIN);
	CHECK_INT(greeting_size(1, 0, 2500), GREETING_LINE_MIN);
	CHECK_INT(greeting_size(0, 6000, 2500), 2500);
	CHECK_INT(greeting_size(1000000, 3600000, 60000), 60000);
}

static void
allowance_and_duration_are_inverse(void)
{
	CHECK_INT(lane_allowance(5, 0), 0);
	CHECK_INT(lane_allowance(5, 199), 0);
	CHECK_INT(lane_allowance(5, 200), 1);
	CHECK_INT(lane_allowance(5, 1000), 5);
	CHECK_INT(lane_allowance(1000000, UINT32_MAX), 4294967295000LL);
	CHECK(lane_allowance(0, 0) == SIZE_MAX);
	CHECK_INT(lane_duration(5, 100), 20000);
	CHECK_INT(lane_duration(0, 100), 0);
	for (uint32_t rate = 1; rate < 2000; rate += 7)
		for (size_t n = 0; n < 3000; n += 11) {
			uint64_t msec = lane_duration(rate, n);

			CHECK(lane_allowance(rate, (uint32_t)msec) <= n);
			CHECK(lane_allowance(rate, (uint32_t)msec + 1) >= n);
		}
}

static void
only_slow_rates_are_visited_once_a_second(void)
{
	CHECK(!lane_is_quick(1));
	CHECK(!lane_is_quick(5));
	CHECK(!lane_is_quick(LANE_QUICK_RATE));
	CHECK(lane_is_quick(LANE_QUICK_RATE + 1));
	CHECK(lane_is_quick(0));
}

static const struct check_case cases[] = {
	CASE(every_total_is_whole_lines),
	CASE(a_greeting_can_last_a_minute_in_hold),
	CASE(it_promises_nothing),
	CASE(the_first_line_names_the_host),
	CASE(a_long_host_name_is_left_out),
	CASE(copies_from_everywhere_agree),
	CASE(nothing_is_behind_the_end),
	CASE(a_greeting_can_be_cut_at_any_line_end),
	CASE(sizes_follow_rate_and_time),
	CASE(allowance_and_duration_are_inverse),
	CASE(only_slow_rates_are_visited_once_a_second),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
