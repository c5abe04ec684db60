/* SPDX-License-Identifier: ISC */
#include "data/list.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One pass over a buffer. */
struct parser {
	list_entry_fn *on_entry;
	void *arg;
	struct list_report *report;
};

/* Part of a line. */
struct slice {
	const char *at;
	size_t len;
};

static int PRINTF_LIKE(2, 3) bad_line(struct parser *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(p->report->text, sizeof(p->report->text), format, ap);
	va_end(ap);
	return -EBADMSG;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* The line without its comment.  Neither `#` nor `;` can stand in an address,
 * so they need no space before them: `192.0.2.0/24;SBL1` is common. */
static struct slice
strip_comment(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '#' || s.at[i] == ';')
			s.len = i;
	return s;
}

/* How much of S to quote: lists come from strangers, messages go to terminals
 * and journals. */
static int
quotable(struct slice s)
{
	size_t n = 0;

	while (n < s.len && n < 48 && s.at[n] >= ' ' && s.at[n] <= '~')
		n++;
	return (int)n;
}

/* The first word of S: up to a blank. */
static struct slice
first_word(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_blank(s.at[i]))
			s.len = i;
	return s;
}

static int
parse_cidr_line(struct parser *p, struct slice line)
{
	struct slice text = trim(strip_comment(line));
	struct slice word = first_word(text);
	struct cidr cidr;
	bool masked;
	int r;

	if (text.len == 0)
		return 0;
	r = cidr_parse(word.at, word.len, &cidr, &masked);
	if (r == -ERANGE)
		return bad_line(p, "\"%.*s\": impossible prefix length",
		    quotable(word), word.at);
	if (r < 0)
		return bad_line(p, "\"%.*s\" is no address or prefix",
		    quotable(word), word.at);
	if (word.len < text.len)
		return bad_line(p, "text after \"%.*s\" that is no comment",
		    quotable(word), word.at);
	if (masked && p->report->masked++ == 0)
		p->report->masked_line = p->report->line;
	p->report->entries++;
	return p->on_entry(p->arg, &cidr);
}

/* How one line of each format is read.  AUTO has but one meaning so far; what
 * else publishers write is told by the first line that is no comment. */
static int (*const parse_content[LIST_FORMAT_COUNT])(
    struct parser *, struct slice) = {
	[LIST_AUTO] = parse_cidr_line,
	[LIST_CIDR] = parse_cidr_line,
};

static int
parse_line(struct parser *p, enum list_format format, struct slice line)
{
	p->report->line++;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (line.len > LIST_LINE_MAX)
		return bad_line(p, "line of more than %d bytes", LIST_LINE_MAX);
	if (memchr(line.at, '\0', line.len))
		return bad_line(p, "NUL byte: this is no text file");
	return parse_content[format](p, line);
}

int
list_parse(enum list_format format, const char *buf, size_t len,
    list_entry_fn *on_entry, void *arg, struct list_report *ret_report)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct parser p = { on_entry, arg, ret_report };
	const char *end = buf + len;

	*ret_report = (struct list_report){ 0 };
	if (len >= 3 && memcmp(buf, bom, 3) == 0)
		buf += 3;
	while (buf < end) {
		const char *lf = memchr(buf, '\n', (size_t)(end - buf));
		const char *eol = lf ? lf : end;
		struct slice line = { buf, (size_t)(eol - buf) };
		int r = parse_line(&p, format, line);

		if (r < 0)
			return r;
		buf = lf ? lf + 1 : end;
	}
	return 0;
}
