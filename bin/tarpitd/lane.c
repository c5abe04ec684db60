/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/lane.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* For the human who telnets in, and for one who finds them in a bounce: some
 * clients quote all of a greeting when the MTA ends it with a refusal.  So they
 * promise nothing that it might not keep. */
static const char *const lines[] = {
	"ESMTP",
	"Some clients are greeted slowly here, and this is one of them.",
	"Mail servers wait for it; programs that send spam rarely do.",
	"RFC 5321, 4.5.3.2.1, lets a greeting take up to five minutes.",
	"Whoever speaks before it has ended will not get any further.",
	"These lines do not say whether mail is taken.  The reply behind",
	"them does, and so do the replies to the commands that follow.",
	"In a mail that was returned, the reason stands after this text.",
	"If you are reading this with your own eyes: hello from a tarpit.",
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

/* A line of a greeting: where it begins, and which of the texts it is. */
struct line {
	size_t start, len;
	size_t text; /* of g->line; g->n: dots */
	size_t next; /* the text that the line after it would be */
};

/* A text is taken if it leaves nothing or room for another line. */
static bool
text_fits(size_t left, size_t len)
{
	return left == len || left >= len + GREETING_LINE_MIN;
}

/* The line that begins at START of TOTAL bytes, where TEXT would be next.
 * What no text fits is filled with dots, in two lines if one would be too
 * long. */
static struct line
line_at(const struct greeting *g, size_t total, size_t start, size_t text)
{
	size_t left = total - start;
	struct line l = { .start = start,
		.len = g->line[text].len,
		.text = text,
		.next = text + 1 < g->n ? text + 1 : 0 };

	if (text_fits(left, l.len))
		return l;
	l.text = g->n;
	l.len = left <= GREETING_LINE_MAX ? left : left - GREETING_LINE_MIN;
	return l;
}

/* The line of position AT.  Texts follow each other up to the dots, which begin
 * where the text of that position would, or one before: what begins later has
 * no room for a line any more. */
static struct line
find_line(const struct greeting *g, size_t total, size_t at)
{
	size_t start = at - at % g->cycle, before = start, text = 0, last = 0;
	struct line l;

	if (start > 0) {
		last = g->n - 1;
		before = start - g->line[last].len;
	}
	while (at - start >= g->line[text].len) {
		before = start;
		last = text;
		start += g->line[text++].len;
	}
	if (text_fits(total - start, g->line[text].len))
		return line_at(g, total, start, text);
	l = line_at(g, total, before, last);
	while (at >= l.start + l.len)
		l = line_at(g, total, l.start + l.len, l.next);
	return l;
}

/* Copies N bytes from offset AT on of a line. */
static void
copy_line(const struct greeting *g, const struct line *l, size_t at, char *buf,
    size_t n)
{
	if (l->text < g->n) {
		memcpy(buf, g->line[l->text].text + at, n);
		return;
	}
	for (size_t end = at + n; at < end; at++)
		*buf++ = at < 4       ? "220-"[at]
		    : at < l->len - 2 ? '.'
				      : "\r\n"[at - (l->len - 2)];
}

size_t
greeting_copy(
    const struct greeting *g, size_t total, size_t at, char *buf, size_t size)
{
	size_t copied = 0;
	struct line l;

	assert(total == 0 || total >= GREETING_LINE_MIN);
	if (at >= total || size == 0)
		return 0;
	l = find_line(g, total, at);
	for (;;) {
		size_t n = l.start + l.len - at;

		if (n > size - copied)
			n = size - copied;
		copy_line(g, &l, at - l.start, buf + copied, n);
		copied += n;
		at += n;
		if (copied == size || at == total)
			return copied;
		l = line_at(g, total, at, l.next);
	}
}

size_t
greeting_line_end(const struct greeting *g, size_t total, size_t at)
{
	struct line l;

	assert(at < total);
	l = find_line(g, total, at);
	return l.start + l.len;
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
