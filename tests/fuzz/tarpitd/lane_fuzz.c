/* SPDX-License-Identifier: ISC */
/* The dripped greeting: of any size, from any position, in any portions, it is
 * the same whole lines of 220-.  Input: total and at (2 bytes each), a portion's
 * size, and the host's name. */
#include "bin/tarpitd/lane.h"

#include "tests/helpers/fuzz.h"

/* Twice what a greeting for who may yet be let in has at most; larger ones are
 * more of the same. */
enum { TOTAL_MAX = 6000 };

static void
check_lines(const char *text, size_t len, bool is_limited)
{
	size_t lines = 0, start = 0;

	for (; start < len; lines++) {
		const char *lf = memchr(text + start, '\n', len - start);
		size_t n;

		REQUIRE(lf != NULL);
		n = (size_t)(lf + 1 - text) - start;
		REQUIRE(n >= GREETING_LINE_MIN && n <= GREETING_LINE_MAX);
		REQUIRE(memcmp(text + start, "220-", 4) == 0);
		REQUIRE(lf[-1] == '\r');
		start += n;
	}
	REQUIRE(!is_limited || lines <= GREETING_LINES_MAX);
}

static void
check_portions(const struct greeting *g, const char *text, size_t total,
    size_t at, size_t size)
{
	AUTO_FREE char *portion = malloc(size);

	REQUIRE(portion != NULL);
	while (at < total) {
		size_t n = greeting_copy(g, total, at, portion, size);
		size_t end = greeting_line_end(g, total, at);

		REQUIRE(n == (size < total - at ? size : total - at));
		REQUIRE(memcmp(portion, text + at, n) == 0);
		REQUIRE(end > at && end <= total && text[end - 1] == '\n');
		REQUIRE(memchr(text + at, '\n', end - at) == text + end - 1);
		at += n;
	}
	REQUIRE(greeting_copy(g, total, total, portion, size) == 0);
}

/* Cut at the end of a line, when the MTA takes over early, it is as it was. */
static void
check_cut(const struct greeting *g, const char *text, size_t total, size_t at)
{
	size_t end = greeting_line_end(g, total, at);
	AUTO_FREE char *cut = malloc(end);

	REQUIRE(cut != NULL);
	REQUIRE(greeting_copy(g, end, 0, cut, end) == end);
	check_lines(cut, end, false);
	REQUIRE(memcmp(cut, text, end) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct greeting g;
	char name[256];
	size_t total, at, portion, n;
	AUTO_FREE char *text = NULL;

	if (size < 5)
		return 0;
	total = (size_t)(data[0] << 8 | data[1]) % TOTAL_MAX;
	at = (size_t)(data[2] << 8 | data[3]);
	portion = data[4] + 1U;
	n = size - 5 < sizeof(name) - 1 ? size - 5 : sizeof(name) - 1;
	memcpy(name, data + 5, n);
	name[n] = '\0';
	/* HostName= is checked by nobody else, but has no control bytes. */
	for (char *p = name; *p != '\0'; p++)
		if (*p == '\r' || *p == '\n')
			*p = '-';
	if (total < GREETING_LINE_MIN)
		return 0;
	greeting_init(&g, name);
	REQUIRE(g.limit <= GREETING_MAX);
	text = malloc(total);
	REQUIRE(text != NULL);
	REQUIRE(greeting_copy(&g, total, 0, text, total) == total);
	check_lines(text, total, total <= g.limit);
	at %= total;
	check_portions(&g, text, total, at, portion);
	check_cut(&g, text, total, at);
	return 0;
}
