/* SPDX-License-Identifier: ISC */
#include "data/list.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "data/listparse.h"

const char *
list_format_name(enum list_format format)
{
	static const char *const names[LIST_FORMAT_COUNT] = {
		[LIST_AUTO] = "auto",
		[LIST_CIDR] = "cidr",
		[LIST_DROP_JSON] = "drop-json",
		[LIST_ASN_JSON] = "asn-json",
		[LIST_IPSUM] = "ipsum",
	};

	return names[format];
}

int
list_bad_line(struct parser *p, const char *format, ...)
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

/* Cuts the comment off LINE.  Neither `#` nor `;` can stand in an address, so
 * they need no space before them: `192.0.2.0/24;SBL1` is common. */
static struct slice
take_comment(struct slice *line)
{
	struct slice comment = { line->at + line->len, 0 };

	for (size_t i = 0; i < line->len; i++) {
		if (line->at[i] == '#' || line->at[i] == ';') {
			comment.at = line->at + i + 1;
			comment.len = line->len - i - 1;
			line->len = i;
		}
	}
	*line = trim(*line);
	return trim(comment);
}

int
list_quotable(struct slice s)
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

/*
 * Entries
 */

static bool
is_note_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* An identifier is one word with a digit in it ("SBL123"): other comments are
 * for those who read the list.  It goes into reasons, where anything but these
 * characters would need quoting. */
static bool
is_note(struct slice s)
{
	bool has_digit = false;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_note_char(s.at[i]))
			return false;
		has_digit |= s.at[i] >= '0' && s.at[i] <= '9';
	}
	return has_digit && s.len <= LIST_NOTE_MAX;
}

int
list_put(struct parser *p, struct list_entry *entry, struct slice note)
{
	if (is_note(note)) {
		entry->note = note.at;
		entry->note_len = note.len;
	}
	p->report->entries++;
	return p->on_entry(p->arg, entry);
}

int
list_put_prefix(struct parser *p, struct slice text, struct slice note)
{
	struct list_entry entry = { 0 };
	bool masked;
	int r = cidr_parse(text.at, text.len, &entry.cidr, &masked);

	if (r == -ERANGE)
		return list_bad_line(p, "\"%.*s\": impossible prefix length",
		    list_quotable(text), text.at);
	if (r < 0)
		return list_bad_line(p, "\"%.*s\" is no address or prefix",
		    list_quotable(text), text.at);
	if (masked && p->report->masked++ == 0)
		p->report->masked_line = p->report->line;
	return list_put(p, &entry, note);
}

/*
 * Plain text: an address, a prefix, or a range `first-last`
 */

static int
put_range(
    struct parser *p, struct slice text, const char *dash, struct slice note)
{
	struct slice from = { text.at, (size_t)(dash - text.at) };
	struct slice to = { dash + 1, text.len - from.len - 1 };
	struct in6_addr first, last;
	bool more = true;

	from = trim(from);
	to = trim(to);
	if (cidr_parse_addr(from.at, from.len, &first) < 0 ||
	    cidr_parse_addr(to.at, to.len, &last) < 0 ||
	    cidr_addr_is_v4(&first) != cidr_addr_is_v4(&last) ||
	    memcmp(&first, &last, sizeof(first)) > 0)
		return list_bad_line(p, "\"%.*s\" is no range of addresses",
		    list_quotable(text), text.at);
	while (more) {
		struct list_entry entry = { 0 };
		int r;

		more = cidr_take_range(&first, &last, &entry.cidr);
		r = list_put(p, &entry, note);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
parse_cidr_line(struct parser *p, struct slice line)
{
	struct slice note = take_comment(&line);
	struct slice word = first_word(line);
	const char *dash = memchr(line.at, '-', line.len);

	if (line.len == 0)
		return 0;
	if (dash)
		return put_range(p, line, dash, note);
	if (word.len < line.len)
		return list_bad_line(p,
		    "text after \"%.*s\" that is no comment",
		    list_quotable(word), word.at);
	return list_put_prefix(p, word, note);
}

/*
 * IPsum: an address, a tab, and on how many lists it was seen
 */

/* What follows the first word as a number, or -1. */
static int64_t
count_after(struct slice line, struct slice word)
{
	struct slice rest = { word.at + word.len, line.len - word.len };
	int64_t count;

	rest = trim(rest);
	if (decimal_parse(rest.at, rest.len, 0, UINT32_MAX, &count) < 0)
		return -1;
	return count;
}

static int
parse_ipsum_line(struct parser *p, struct slice line)
{
	struct slice none = { line.at, 0 }, word;
	int64_t count;

	(void)take_comment(&line);
	if (line.len == 0)
		return 0;
	word = first_word(line);
	count = count_after(line, word);
	if (count < 0)
		return list_bad_line(p, "\"%.*s\": no count after the address",
		    list_quotable(word), word.at);
	if (count < p->options->min_count) {
		p->report->left_out++;
		return 0;
	}
	return list_put_prefix(p, word, none);
}

/*
 * All formats
 */

/* The first line that is no comment tells. */
static enum list_format
recognise(struct slice line)
{
	(void)take_comment(&line);
	if (line.len == 0)
		return LIST_AUTO;
	if (line.at[0] == '{')
		return list_recognise_json(line);
	if (memchr(line.at, '-', line.len))
		return LIST_CIDR;
	return count_after(line, first_word(line)) >= 0 ? LIST_IPSUM
							: LIST_CIDR;
}

static int
parse_content(struct parser *p, struct slice line)
{
	if (p->report->format == LIST_AUTO)
		p->report->format = recognise(line);
	switch (p->report->format) {
	case LIST_CIDR:
		return parse_cidr_line(p, line);
	case LIST_IPSUM:
		return parse_ipsum_line(p, line);
	case LIST_DROP_JSON:
	case LIST_ASN_JSON:
		return list_parse_json_line(p, line);
	case LIST_AUTO: /* nothing but comments so far, or JSON of no kind */
	case LIST_FORMAT_COUNT:
		break;
	}
	(void)take_comment(&line);
	if (line.len > 0)
		return list_bad_line(p, "no list format that is known");
	return 0;
}

static int
parse_line(struct parser *p, struct slice line)
{
	p->report->line++;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (line.len > LIST_LINE_MAX)
		return list_bad_line(
		    p, "line of more than %d bytes", LIST_LINE_MAX);
	if (memchr(line.at, '\0', line.len))
		return list_bad_line(p, "NUL byte: this is no text file");
	return parse_content(p, line);
}

/* JSON lists end with a record that says so; without it the publisher's file,
 * or our copy of it, was cut short between two lines. */
static int
check_end(struct parser *p)
{
	if ((p->report->format == LIST_DROP_JSON ||
		p->report->format == LIST_ASN_JSON) &&
	    !p->is_ended) {
		p->report->line++;
		return list_bad_line(p,
		    "the list ends without its \"metadata\" record: it was "
		    "cut short");
	}
	return 0;
}

int
list_parse(const struct list_options *options, const char *buf, size_t len,
    list_entry_fn *on_entry, void *arg, struct list_report *ret_report)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct parser p = { options, on_entry, arg, ret_report, false };
	const char *end = buf + len;

	*ret_report = (struct list_report){ .format = options->format };
	if (len >= 3 && memcmp(buf, bom, 3) == 0)
		buf += 3;
	while (buf < end) {
		const char *lf = memchr(buf, '\n', (size_t)(end - buf));
		const char *eol = lf ? lf : end;
		struct slice line = { buf, (size_t)(eol - buf) };
		int r = parse_line(&p, line);

		if (r < 0)
			return r;
		buf = lf ? lf + 1 : end;
	}
	return check_end(&p);
}
