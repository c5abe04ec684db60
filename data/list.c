/* SPDX-License-Identifier: ISC */
#include "data/list.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "data/listparse.h"

/* So many lines that are no comment are looked at to tell the format. */
enum { SAMPLE_LINES = 64 };

static int parse_cidr_line(struct parser *, struct slice);
static unsigned cidr_fits(struct slice);
static int parse_ipsum_line(struct parser *, struct slice);
static unsigned ipsum_fits(struct slice);

static const struct format list_format_cidr = {
	.name = "cidr",
	.parse_line = parse_cidr_line,
	.fits = cidr_fits,
};

static const struct format list_format_ipsum = {
	.name = "ipsum",
	.parse_line = parse_ipsum_line,
	.fits = ipsum_fits,
};

/* LIST_AUTO and LIST_CDB, which has no lines, are none of these. */
static const struct format *const formats[LIST_FORMAT_COUNT] = {
	[LIST_CIDR] = &list_format_cidr,
	[LIST_DROP_JSON] = &list_format_drop_json,
	[LIST_ASN_JSON] = &list_format_asn_json,
	[LIST_IPSUM] = &list_format_ipsum,
	[LIST_POSTFIX] = &list_format_postfix,
	[LIST_RBLDNSD] = &list_format_rbldnsd,
	[LIST_DSHIELD] = &list_format_dshield,
	[LIST_ASN] = &list_format_asn,
	[LIST_CSV] = &list_format_csv,
	[LIST_P2P] = &list_format_p2p,
	[LIST_IPSET] = &list_format_ipset,
	[LIST_NFT] = &list_format_nft,
};

const char *
list_format_name(enum list_format format)
{
	if (format == LIST_AUTO)
		return "auto";
	return format == LIST_CDB ? "cdb" : formats[format]->name;
}

bool
list_format_is_ordered(enum list_format format)
{
	return formats[format] && formats[format]->is_ordered;
}

/*
 * Errors
 */

static int PRINTF_LIKE(2, 0)
    say(struct parser *p, const char *format, va_list ap)
{
	vsnprintf(p->report->text, sizeof(p->report->text), format, ap);
	return -EBADMSG;
}

int
list_bad_line(struct parser *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)say(p, format, ap);
	va_end(ap);
	return -EBADMSG;
}

int
list_bad_file(struct parser *p, const char *format, ...)
{
	va_list ap;

	p->is_fatal = true;
	va_start(ap, format);
	(void)say(p, format, ap);
	va_end(ap);
	return -EBADMSG;
}

int
list_tolerate(struct parser *p, int r)
{
	if (r != -EBADMSG || p->is_fatal || !p->options->on_bad)
		return r;
	p->report->bad++;
	p->options->on_bad(p->arg, p->report);
	return 0;
}

const char *
list_quote(struct slice s, struct quote *q)
{
	char *to = q->text;

	for (size_t i = 0; i < s.len && i < 48; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c >= ' ' && c < 0x7f)
			*to++ = (char)c;
		else
			to += sprintf(to, "\\x%02x", c);
	}
	*to = '\0';
	return q->text;
}

/*
 * Words
 */

struct slice
list_trim(struct slice s)
{
	while (s.len > 0 && list_is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && list_is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* Neither `#` nor `;` can stand in an address, so they need no space before
 * them: `192.0.2.0/24;SBL1` is common. */
struct slice
list_take_comment(struct slice *line)
{
	struct slice comment = { line->at + line->len, 0 };

	for (size_t i = 0; i < line->len; i++) {
		if (line->at[i] == '#' || line->at[i] == ';') {
			comment.at = line->at + i + 1;
			comment.len = line->len - i - 1;
			line->len = i;
		}
	}
	*line = list_trim(*line);
	return list_trim(comment);
}

struct slice
list_first_word(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (list_is_blank(s.at[i]))
			s.len = i;
	return s;
}

struct slice
list_rest(struct slice s, struct slice part)
{
	s.len -= (size_t)(part.at + part.len - s.at);
	s.at = part.at + part.len;
	return list_trim(s);
}

bool
list_begins(struct slice s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && strncasecmp(s.at, text, len) == 0;
}

bool
list_is(struct slice s, const char *text)
{
	return s.len == strlen(text) && list_begins(s, text);
}

bool
list_is_comment(struct slice line)
{
	line = list_trim(line);
	return line.len == 0 || line.at[0] == '#' || line.at[0] == ';';
}

/*
 * Entries
 */

static bool
is_note_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    list_is_digit(c) || c == '.' || c == '_' || c == '-';
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
		has_digit |= list_is_digit(s.at[i]);
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
	p->report->excluded += entry->is_excluded;
	return p->on_entry(p->arg, entry);
}

void
list_note_foreign(struct parser *p)
{
	if (p->report->foreign++ == 0)
		p->report->foreign_line = p->report->line;
}

int
list_put_cidr(struct parser *p, const struct cidr *cidr, bool is_masked,
    struct slice note, bool is_excluded)
{
	struct list_entry entry = { .is_excluded = is_excluded, .cidr = *cidr };

	if (is_masked && p->report->masked++ == 0)
		p->report->masked_line = p->report->line;
	return list_put(p, &entry, note);
}

int
list_put_prefix(
    struct parser *p, struct slice text, struct slice note, bool is_excluded)
{
	struct cidr cidr;
	UNINITIALIZED struct quote q;
	bool masked;
	int r = cidr_parse(text.at, text.len, &cidr, &masked);

	if (r == -ERANGE)
		return list_bad_line(p, "\"%s\": impossible prefix length",
		    list_quote(text, &q));
	if (r < 0)
		return list_bad_line(
		    p, "\"%s\" is no address or prefix", list_quote(text, &q));
	return list_put_cidr(p, &cidr, masked, note, is_excluded);
}

int
list_put_range(struct parser *p, struct in6_addr first, struct in6_addr last,
    struct slice note, bool is_excluded)
{
	bool more = true;

	if (cidr_addr_is_v4(&first) != cidr_addr_is_v4(&last) ||
	    memcmp(&first, &last, sizeof(first)) > 0)
		return -EINVAL;
	while (more) {
		struct list_entry entry = { .is_excluded = is_excluded };
		int r;

		more = cidr_take_range(&first, &last, &entry.cidr);
		r = list_put(p, &entry, note);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The two ends of "first-last". */
static bool
parse_range(struct slice text, const char *dash, struct in6_addr *first,
    struct in6_addr *last)
{
	struct slice from = { text.at, (size_t)(dash - text.at) };
	struct slice to = { dash + 1, text.len - from.len - 1 };

	from = list_trim(from);
	to = list_trim(to);
	return cidr_parse_addr(from.at, from.len, first) == 0 &&
	    cidr_parse_addr(to.at, to.len, last) == 0;
}

bool
list_is_networks(struct slice text)
{
	const char *dash = memchr(text.at, '-', text.len);
	struct in6_addr first, last;
	struct cidr cidr;
	bool masked;

	if (dash)
		return parse_range(text, dash, &first, &last);
	return cidr_parse(text.at, text.len, &cidr, &masked) == 0;
}

int
list_put_networks(
    struct parser *p, struct slice text, struct slice note, bool is_excluded)
{
	const char *dash = memchr(text.at, '-', text.len);
	struct in6_addr first, last;
	UNINITIALIZED struct quote q;
	int r = -EINVAL;

	if (!dash)
		return list_put_prefix(p, text, note, is_excluded);
	if (parse_range(text, dash, &first, &last))
		r = list_put_range(p, first, last, note, is_excluded);
	if (r == -EINVAL)
		return list_bad_line(
		    p, "\"%s\" is no range of addresses", list_quote(text, &q));
	return r;
}

/*
 * Plain text: an address, a prefix, or a range `first-last`
 */

static int
parse_cidr_line(struct parser *p, struct slice line)
{
	struct slice note = list_take_comment(&line);
	struct slice word = list_first_word(line);
	UNINITIALIZED struct quote q;

	if (line.len == 0)
		return 0;
	/* Blanks may stand around the dash of a range. */
	if (word.len == line.len || memchr(line.at, '-', line.len))
		return list_put_networks(p, line, note, false);
	return list_bad_line(
	    p, "text after \"%s\" that is no comment", list_quote(word, &q));
}

static unsigned
cidr_fits(struct slice line)
{
	(void)list_take_comment(&line);
	return list_is_networks(line);
}

/*
 * IPsum: an address, a tab, and on how many lists it was seen
 */

/* What follows the first word as a number, or -1. */
static int64_t
count_after(struct slice line, struct slice word)
{
	struct slice rest = list_rest(line, word);
	int64_t count;

	if (decimal_parse(rest.at, rest.len, 0, UINT32_MAX, &count) < 0)
		return -1;
	return count;
}

static int
parse_ipsum_line(struct parser *p, struct slice line)
{
	struct slice none = { line.at, 0 }, word;
	UNINITIALIZED struct quote q;
	int64_t count;

	(void)list_take_comment(&line);
	if (line.len == 0)
		return 0;
	word = list_first_word(line);
	count = count_after(line, word);
	if (count < 0)
		return list_bad_line(p, "\"%s\": no count after the address",
		    list_quote(word, &q));
	if (count < p->options->min_count) {
		p->report->left_out++;
		return 0;
	}
	return list_put_prefix(p, word, none, false);
}

static unsigned
ipsum_fits(struct slice line)
{
	struct slice word;

	(void)list_take_comment(&line);
	word = list_first_word(line);
	return list_is_networks(word) && count_after(line, word) >= 0;
}

/*
 * Which format it is
 */

/* Pairs of formats that a line can fit equally and mean something else in. */
static const enum list_format rivals[][2] = {
	/* A count, or a reply's code. */
	{ LIST_IPSUM, LIST_POSTFIX },
};

/* The next line of *AT, which moves past it. */
static struct slice
next_line(const char **at, const char *end, char eol)
{
	const char *found = memchr(*at, eol, (size_t)(end - *at));
	struct slice line = { *at, (size_t)((found ? found : end) - *at) };

	*at = found ? found + 1 : end;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static int
settle(struct parser *p, const unsigned score[LIST_FORMAT_COUNT])
{
	enum list_format best = LIST_AUTO;

	for (int i = 0; i < LIST_FORMAT_COUNT; i++)
		if (score[i] > (best ? score[best] : 0))
			best = (enum list_format)i;
	for (size_t i = 0; i < ARRAY_SIZE(rivals); i++) {
		enum list_format other =
		    best == rivals[i][0] ? rivals[i][1] : rivals[i][0];

		if ((best == rivals[i][0] || best == rivals[i][1]) &&
		    score[best] == score[other])
			return list_bad_file(p,
			    "it could be %s or %s; say so with Format=",
			    list_format_name(rivals[i][0]),
			    list_format_name(rivals[i][1]));
	}
	p->report->format = best;
	return 0;
}

/* Finds the format that fits most of the first lines; on a tie the first one in
 * the table, which is the simpler.  A single line could be a bad one. */
static int
recognise(struct parser *p, const char *buf, size_t len, char eol)
{
	unsigned score[LIST_FORMAT_COUNT] = { 0 }, n = 0;
	const char *end = buf + len;
	bool is_json = false;
	int r;

	while (buf < end && n < SAMPLE_LINES) {
		struct slice line = next_line(&buf, end, eol);

		if (list_is_comment(line))
			continue;
		n++;
		for (int i = 0; i < LIST_FORMAT_COUNT; i++) {
			unsigned fits = formats[i] ? formats[i]->fits(line) : 0;

			/* The first line counts a little more. */
			score[i] += 4 * fits + (fits > 0 && n == 1);
		}
		if (n == 1)
			is_json = line.at[0] == '{';
	}
	r = settle(p, score);
	/* What is wrong with each line is said best by the simplest. */
	if (r == 0 && p->report->format == LIST_AUTO && n > 0 && !is_json)
		p->report->format = LIST_CIDR;
	return r;
}

/*
 * All formats
 */

/* Spaces that are none for us: U+00A0, and those of three bytes that editors
 * and web pages leave (U+2000 to U+200B, U+202F, U+3000, U+FEFF). */
static size_t
odd_space(struct slice s, size_t i)
{
	const char *p = s.at + i;

	if (i + 2 <= s.len && memcmp(p, "\xc2\xa0", 2) == 0)
		return 2;
	if (i + 3 > s.len)
		return 0;
	if (memcmp(p, "\xe2\x80\xaf", 3) == 0 ||
	    memcmp(p, "\xe3\x80\x80", 3) == 0 ||
	    memcmp(p, "\xef\xbb\xbf", 3) == 0 ||
	    (memcmp(p, "\xe2\x80", 2) == 0 && (p[2] & 0xff) >= 0x80 &&
		(p[2] & 0xff) <= 0x8b))
		return 3;
	return 0;
}

/* LINE with them as spaces, in P; false: there are none. */
static bool
clean_line(struct parser *p, struct slice line, struct slice *ret)
{
	bool has_any = false;
	size_t len = 0;

	if (line.len > sizeof(p->clean))
		return false;
	for (size_t i = 0; i < line.len;) {
		size_t n = odd_space(line, i);

		p->clean[len++] = n > 0 ? ' ' : line.at[i];
		has_any |= n > 0;
		i += n > 0 ? n : 1;
	}
	*ret = (struct slice){ p->clean, len };
	return has_any;
}

static int
parse_content(struct parser *p, struct slice line)
{
	const struct format *format = formats[p->report->format];

	if (format && (line.len <= LIST_LINE_MAX || format->has_long_lines))
		return format->parse_line(p, line);
	if (list_is_comment(line))
		return 0;
	if (!format)
		return list_bad_line(p, "no list format that is known");
	return list_bad_line(p, "line of more than %d bytes", LIST_LINE_MAX);
}

/* A plain list is one of rbldnsd's as well, until a line says which. */
static bool
becomes_rbldnsd(struct parser *p, struct slice line)
{
	if (p->options->format != LIST_AUTO || p->report->format != LIST_CIDR ||
	    cidr_fits(line) || !list_format_rbldnsd.fits(line))
		return false;
	p->report->format = LIST_RBLDNSD;
	return true;
}

static int
parse_line(struct parser *p, struct slice line)
{
	struct slice clean;
	int r;

	p->report->line = ++p->n_lines;
	r = parse_content(p, line);
	if (r != -EBADMSG || p->is_fatal)
		return r;
	/* Only now, so that good lines cost nothing. */
	if (clean_line(p, line, &clean))
		r = parse_content(p, clean);
	else if (becomes_rbldnsd(p, line))
		r = parse_content(p, line);
	if (r == -EBADMSG && memchr(line.at, '\0', line.len))
		r = list_bad_line(p, "NUL byte: this is no text file");
	return list_tolerate(p, r);
}

static int
parse_lines(struct parser *p, const char *buf, size_t len)
{
	/* As Macs once ended lines. */
	char eol =
	    memchr(buf, '\n', len) || !memchr(buf, '\r', len) ? '\n' : '\r';
	const char *end = buf + len;
	bool has_column = p->options->column && *p->options->column;
	int r = 0;

	/* A column that is asked for is in a file that has columns, and says
	 * which. */
	if (p->report->format == LIST_AUTO && !has_column)
		r = recognise(p, buf, len, eol);
	if (r == 0 &&
	    (has_column || p->report->format == LIST_CSV ||
		p->report->format == LIST_ASN))
		r = list_find_column(p, buf, len);
	while (r == 0 && buf < end)
		r = parse_line(p, next_line(&buf, end, eol));
	if (r == 0 && formats[p->report->format] &&
	    formats[p->report->format]->end)
		r = formats[p->report->format]->end(p);
	return r;
}

int
list_parse(const struct list_options *options, const char *buf, size_t len,
    list_entry_fn *on_entry, void *arg, struct list_report *ret_report)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct parser p = { .options = options,
		.on_entry = on_entry,
		.arg = arg,
		.report = ret_report };
	char kind[FILE_KIND_SIZE];
	bool is_page;

	/* An empty text may be nowhere; memchr(3) wants an address all the same. */
	if (len == 0)
		buf = "";
	*ret_report = (struct list_report){ .format = options->format };
	if (options->format == LIST_CDB ||
	    (options->format == LIST_AUTO && list_is_cdb(buf, len))) {
		ret_report->format = LIST_CDB;
		return list_parse_cdb(&p, buf, len);
	}
	/* A page's lines say what it is; nothing else has lines. */
	if (list_foreign_kind(buf, len, kind, &is_page) && !is_page)
		return list_bad_file(&p, "this is no list, but %s", kind);
	if (len >= 3 && memcmp(buf, bom, 3) == 0) {
		buf += 3;
		len -= 3;
	}
	return parse_lines(&p, buf, len);
}
