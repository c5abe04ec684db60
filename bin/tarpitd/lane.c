/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/lane.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* For the human who telnets in: what happens and why. */
static const char *const lines[] = {
	"ESMTP",
	"This server talks slowly to clients that it does not know yet.",
	"Mail servers wait, and after some seconds they are passed on.",
	"Programs that send spam are in a hurry, and most of them leave.",
	"There is nothing that you need to do: what is sent is not lost.",
	"If you are reading this with your own eyes: hello, and welcome.",
	"You are looking at a tarpit.  Nothing is broken on either side.",
	"RFC 5321, 4.5.3.2.1, lets a greeting take up to five minutes;",
	"this one takes some seconds, and then comes the mail system's.",
	"Whoever speaks before it has ended will not get any further.",
	"Is it always slow for you?  Write to postmaster at the domain",
	"that your mail is for, best of all from another mail server.",
};

static void
add_line(struct greeting *g, const char *name, const char *text)
{
	int n = snprintf(g->line[g->n].text, sizeof(g->line[g->n].text),
	    "220-%s%s%s", name, *name != '\0' ? " " : "", text);

	assert(n > 0 && n <= GREETING_LINE_MAX - 2);
	memcpy(g->line[g->n].text + n, "\r\n", 2);
	g->line[g->n].len = (uint8_t)(n + 2);
	g->cycle += (size_t)n + 2;
	g->n++;
}

void
greeting_init(struct greeting *g, const char *host_name)
{
	/* RFC 5321, 4.2: the greeting's first word is the host.  A name that
	 * does not fit is left to the greeting's last line. */
	size_t room =
	    GREETING_LINE_MAX - 2 - strlen("220- ") - strlen(lines[0]);

	memset(g, 0, sizeof(*g));
	add_line(g, strlen(host_name) <= room ? host_name : "", lines[0]);
	for (size_t i = 1; i < sizeof(lines) / sizeof(lines[0]); i++)
		add_line(g, "", lines[i]);
	/* Two lines may be dots. */
	for (size_t i = 0; i < GREETING_LINES_MAX - 2; i++)
		g->limit += g->line[i % g->n].len;
	if (g->limit > GREETING_MAX)
		g->limit = GREETING_MAX;
}

/* The line that begins at START of TOTAL bytes: its length, and which of the
 * texts it is (-1: dots).  A text is taken if it leaves nothing or room for
 * another line; else dots fill what is left, in two lines if one would be too
 * long. */
static size_t
line_at(const struct greeting *g, size_t total, size_t start, size_t number,
    int *ret_text)
{
	size_t left = total - start;
	size_t len = g->line[number % g->n].len;

	if (left == len || left >= len + GREETING_LINE_MIN) {
		*ret_text = (int)(number % g->n);
		return len;
	}
	*ret_text = -1;
	return left <= GREETING_LINE_MAX ? left : left - GREETING_LINE_MIN;
}

/* The byte at offset AT of a line of LEN bytes. */
static char
line_byte(const struct greeting *g, int text, size_t len, size_t at)
{
	if (text >= 0)
		return g->line[text].text[at];
	if (at < 4)
		return "220-"[at];
	if (at >= len - 2)
		return at == len - 1 ? '\n' : '\r';
	return '.';
}

/* Finds the line of position AT: its start, length and text. */
static void
find_line(const struct greeting *g, size_t total, size_t at, size_t *ret_start,
    size_t *ret_len, size_t *ret_number, int *ret_text)
{
	/* Whole cycles before AT need no walk, but the last one may end in
	 * dots, so it is walked. */
	size_t cycles = at / g->cycle;
	size_t start, number;

	if (cycles > 0)
		cycles--;
	start = cycles * g->cycle;
	number = cycles * g->n;
	for (;; number++) {
		size_t len = line_at(g, total, start, number, ret_text);

		if (at < start + len) {
			*ret_start = start;
			*ret_len = len;
			*ret_number = number;
			return;
		}
		start += len;
	}
}

size_t
greeting_copy(
    const struct greeting *g, size_t total, size_t at, char *buf, size_t size)
{
	size_t start, len, number, n = 0;
	int text;

	assert(total == 0 || total >= GREETING_LINE_MIN);
	if (at >= total || size == 0)
		return 0;
	find_line(g, total, at, &start, &len, &number, &text);
	for (;;) {
		while (at < start + len) {
			buf[n++] = line_byte(g, text, len, at++ - start);
			if (n == size)
				return n;
		}
		start += len;
		if (start == total)
			return n;
		len = line_at(g, total, start, ++number, &text);
	}
}

size_t
greeting_line_end(const struct greeting *g, size_t total, size_t at)
{
	size_t start, len, number;
	int text;

	assert(at < total);
	find_line(g, total, at, &start, &len, &number, &text);
	return start + len;
}

size_t
greeting_size(uint32_t rate, uint64_t msec, size_t limit)
{
	uint64_t size = rate * msec / 1000;

	if (rate == 0 || size > limit)
		return limit;
	return size < GREETING_LINE_MIN ? GREETING_LINE_MIN : (size_t)size;
}

size_t
lane_allowance(uint32_t rate, uint32_t msec)
{
	return rate == 0 ? SIZE_MAX : (size_t)rate * msec / 1000;
}

uint64_t
lane_duration(uint32_t rate, size_t n)
{
	return rate == 0 ? 0 : (uint64_t)n * 1000 / rate;
}
