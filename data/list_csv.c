/* SPDX-License-Identifier: ISC */
/*
 * Columns: addresses, prefixes or ranges in CSV and TSV files, and numbers of
 * autonomous systems as text or in a column.  The separator is the first of
 * comma, tab, semicolon and bar that a line has; fields may stand in quotes.
 */
#include <errno.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "data/listparse.h"

enum { SAMPLE_LINES = 64 };

bool
list_parse_asn(struct slice s, bool needs_as, uint32_t *ret)
{
	bool has_as = list_begins(s, "AS");
	int64_t value;

	if (needs_as && !has_as)
		return false;
	if (has_as) {
		s.at += 2;
		s.len -= 2;
	}
	if (s.len == 0 || !list_is_digit(s.at[0]) ||
	    decimal_parse(s.at, s.len, 1, UINT32_MAX, &value) < 0)
		return false;
	/* What databases have for 1.0.0.0 and above, as a number; systems have
	 * got no such numbers, but for private use. */
	if (!has_as && value >= 1 << 24 && value < 4200000000)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/*
 * Fields
 */

/* 0: there is none. */
static char
find_separator(struct slice line)
{
	static const char separators[] = ",\t;|";
	bool is_seen[sizeof(separators)] = { false }, is_quoted = false;

	for (size_t i = 0; i < line.len; i++) {
		const char *found =
		    memchr(separators, line.at[i], sizeof(separators) - 1);

		is_quoted ^= line.at[i] == '"';
		if (found && !is_quoted)
			is_seen[found - separators] = true;
	}
	for (size_t i = 0; i < sizeof(separators) - 1; i++)
		if (is_seen[i])
			return separators[i];
	return '\0';
}

static struct slice
unquote(struct slice s)
{
	s = list_trim(s);
	if (s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"') {
		s.at++;
		s.len -= 2;
	}
	return list_trim(s);
}

size_t
list_split(struct slice line, struct slice fields[LIST_COLUMNS_MAX])
{
	char separator = find_separator(line);
	size_t n = 0, start = 0;
	bool is_quoted = false;

	for (size_t i = 0; i <= line.len && n < LIST_COLUMNS_MAX; i++) {
		bool is_end = i == line.len ||
		    (separator && line.at[i] == separator && !is_quoted);

		if (is_end) {
			fields[n++] = unquote(
			    (struct slice){ line.at + start, i - start });
			start = i + 1;
		} else if (line.at[i] == '"') {
			is_quoted = !is_quoted;
		}
	}
	return n;
}

static struct slice
split_field(struct slice line, unsigned wanted)
{
	UNINITIALIZED struct slice fields[LIST_COLUMNS_MAX];
	size_t n = list_split(line, fields);

	return wanted <= n ? fields[wanted - 1] : (struct slice){ line.at, 0 };
}

/* The field in column WANTED, or an empty one.  No more of the line is looked
 * at than that. */
static struct slice
get_field(const struct parser *p, struct slice line, unsigned wanted)
{
	const char *end = line.at + line.len, *start = line.at, *at = line.at;
	bool is_quoted = false;
	unsigned column = 1;

	if (p->separator == '\0')
		return split_field(line, wanted);
	for (; at < end; at++) {
		is_quoted ^= *at == '"';
		if (*at != p->separator || is_quoted)
			continue;
		if (column == wanted)
			break;
		column++;
		start = at + 1;
	}
	return column == wanted
	    ? unquote((struct slice){ start, (size_t)(at - start) })
	    : (struct slice){ line.at, 0 };
}

/* "AS64496", "AS64496 Example Ltd", "64496 ; comment". */
static struct slice
asn_part(struct slice field)
{
	(void)list_take_comment(&field);
	return list_first_word(field);
}

/* A bare number stands for a system only if nothing follows it. */
static bool
is_asn_field(struct slice field, uint32_t *ret)
{
	struct slice part = asn_part(field);

	(void)list_take_comment(&field);
	return list_parse_asn(part, part.len != field.len, ret);
}

/*
 * Which column
 */

/* Of the columns of the first lines, how many fields each has of a kind. */
struct sample {
	unsigned networks[LIST_COLUMNS_MAX], asns[LIST_COLUMNS_MAX];
	/* How many could be a range with the field that follows. */
	unsigned ranges[LIST_COLUMNS_MAX];
};

/* Two addresses in order, no further from each other than a range may be: any
 * two seldom are. */
static bool
are_ends(struct slice a, struct slice b, struct in6_addr *first,
    struct in6_addr *last)
{
	size_t same = 2;

	if (cidr_parse_addr(a.at, a.len, first) < 0 ||
	    cidr_parse_addr(b.at, b.len, last) < 0 ||
	    cidr_addr_is_v4(first) != cidr_addr_is_v4(last))
		return false;
	if (cidr_addr_is_v4(first))
		same = CIDR_V4_BITS / 8 + 1;
	return memcmp(first, last, same) == 0 &&
	    memcmp(first, last, sizeof(*first)) <= 0;
}

static void
take_sample(struct sample *s, struct slice line)
{
	UNINITIALIZED struct slice fields[LIST_COLUMNS_MAX];
	size_t n = list_split(line, fields);
	struct in6_addr first, last;
	uint32_t asn;

	for (size_t i = 0; i < n; i++) {
		s->networks[i] += list_is_networks(fields[i]);
		s->ranges[i] += i + 1 < n &&
		    are_ends(fields[i], fields[i + 1], &first, &last);
		s->asns[i] += is_asn_field(fields[i], &asn);
	}
}

/* The number of the field called NAME in LINE, or 0. */
static unsigned
find_name(struct slice line, const char *name)
{
	UNINITIALIZED struct slice fields[LIST_COLUMNS_MAX];
	size_t n;

	/* The names may stand in a comment. */
	line = list_trim(line);
	while (line.len > 0 && (line.at[0] == '#' || line.at[0] == ';')) {
		line.at++;
		line.len--;
		line = list_trim(line);
	}
	n = list_split(line, fields);
	for (unsigned i = 0; i < n; i++)
		if (list_is(fields[i], name))
			return i + 1;
	return 0;
}

/* The column with the most of COUNTS: -1 if two have as many, 0 if none. */
static int
best_column(const unsigned counts[LIST_COLUMNS_MAX])
{
	unsigned best = 0;
	int column = 0;

	for (int i = 0; i < LIST_COLUMNS_MAX; i++) {
		if (counts[i] > best) {
			best = counts[i];
			column = i + 1;
		} else if (best > 0 && counts[i] == best) {
			column = -1;
		}
	}
	return column;
}

/* The column that begins ranges which the next one ends, in all lines that have
 * an address in one of the two, and nothing else has any; 0: there is none. */
static unsigned
range_column(const struct sample *s)
{
	unsigned column = 0, others = 0;

	for (unsigned i = 0; i + 1 < LIST_COLUMNS_MAX && column == 0; i++)
		if (s->ranges[i] > 0 && s->ranges[i] == s->networks[i] &&
		    s->ranges[i] == s->networks[i + 1])
			column = i + 1;
	for (unsigned i = 0; i < LIST_COLUMNS_MAX; i++)
		if (i + 1 != column && i != column)
			others += s->networks[i];
	return others == 0 ? column : 0;
}

static int
choose_column(struct parser *p, const struct sample *s)
{
	int column = 0;

	if (p->report->format == LIST_CSV) {
		column = best_column(s->networks);
		if (column < 0) {
			column = (int)range_column(s);
			p->has_ranges = column > 0;
			if (!p->has_ranges)
				return list_bad_file(p,
				    "more than one column has addresses; say "
				    "which with Column=");
		}
	} else {
		/* Other numbers than theirs come behind. */
		for (int i = LIST_COLUMNS_MAX; i-- > 0;)
			if (s->asns[i] > 0)
				column = i + 1;
	}
	p->column = column > 0 ? (unsigned)column : 1;
	return 0;
}

/* Column= as the administrator has it. */
static int
take_column(struct parser *p, const struct sample *s)
{
	const char *text = p->options->column;
	unsigned networks = 0;
	int64_t number;

	if (decimal_parse(text, strlen(text), 1, LIST_COLUMNS_MAX, &number) ==
	    0)
		p->column = (unsigned)number;
	if (p->column == 0)
		return list_bad_file(
		    p, "no column has the name of Column=%.64s", text);
	if (p->report->format != LIST_AUTO)
		return 0;
	/* Numbers beside addresses are of anything but systems. */
	for (size_t i = 0; i < LIST_COLUMNS_MAX; i++)
		networks += s->networks[i];
	p->report->format =
	    networks == 0 && s->asns[p->column - 1] > 0 ? LIST_ASN : LIST_CSV;
	return 0;
}

int
list_find_column(struct parser *p, const char *buf, size_t len)
{
	struct sample sample = { 0 };
	const char *end = buf + len, *name = p->options->column;
	unsigned n = 0;

	while (buf < end && n < SAMPLE_LINES) {
		const char *lf = memchr(buf, '\n', (size_t)(end - buf));
		struct slice line = { buf, (size_t)((lf ? lf : end) - buf) };

		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (p->column == 0 && name && *name)
			p->column = find_name(line, name);
		if (!list_is_comment(line)) {
			char separator = find_separator(line);

			take_sample(&sample, line);
			p->separator = n == 0 || p->separator == separator
			    ? separator
			    : '\0';
			n++;
		}
		buf = lf ? lf + 1 : end;
	}
	return name && *name ? take_column(p, &sample)
			     : choose_column(p, &sample);
}

/*
 * Lines
 */

/* The first line that is no comment may be the columns' names. */
static bool
is_header(struct parser *p, struct slice field)
{
	return p->n_content++ == 0 && field.len > 0 &&
	    !list_is_digit(field.at[0]) && !list_is_networks(field);
}

/* FIELD, and the one that follows, as one range. */
static int
put_columns(struct parser *p, struct slice line, struct slice field)
{
	struct slice next = get_field(p, line, p->column + 1);
	struct slice none = { line.at, 0 };
	struct in6_addr first, last;
	UNINITIALIZED struct quote a, b;
	int r = -EINVAL;

	if (cidr_parse_addr(field.at, field.len, &first) == 0 &&
	    cidr_parse_addr(next.at, next.len, &last) == 0)
		r = list_put_range(p, first, last, none, false);
	if (r == -EINVAL)
		return list_bad_line(p,
		    "\"%s\" and \"%s\" are no ends of a range",
		    list_quote(field, &a), list_quote(next, &b));
	return r;
}

static int
parse_csv_line(struct parser *p, struct slice line)
{
	struct slice field, none = { line.at, 0 };
	uint32_t asn;

	if (list_is_comment(line))
		return 0;
	field = get_field(p, line, p->column);
	if (list_parse_asn(field, true, &asn)) {
		struct list_entry entry = { .is_asn = true, .asn = asn };

		p->n_content++;
		return list_put(p, &entry, none);
	}
	if (is_header(p, field))
		return 0;
	if (field.len == 0)
		return list_bad_line(p, "no column %u", p->column);
	if (p->has_ranges)
		return put_columns(p, line, field);
	return list_put_networks(p, field, none, false);
}

static unsigned
csv_fits(struct slice line)
{
	UNINITIALIZED struct slice fields[LIST_COLUMNS_MAX];
	size_t n = list_split(line, fields);
	unsigned found = 0;

	/* An address, a tab and a count are IPsum's, right or wrong. */
	if (n == 2 && find_separator(line) == '\t' && fields[1].len > 0 &&
	    !list_is_networks(fields[1]) &&
	    (list_is_digit(fields[1].at[0]) || fields[1].at[0] == '-'))
		return 0;
	for (size_t i = 0; i < n; i++)
		found += list_is_networks(fields[i]);
	return (n > 1 || line.at[0] == '"') && found > 0;
}

static int
parse_asn_line(struct parser *p, struct slice line)
{
	struct list_entry entry = { .is_asn = true };
	struct slice field, none = { line.at, 0 };
	UNINITIALIZED struct quote q;

	if (list_is_comment(line))
		return 0;
	field = get_field(p, line, p->column);
	if (is_asn_field(field, &entry.asn)) {
		p->n_content++;
		return list_put(p, &entry, none);
	}
	if (is_header(p, field))
		return 0;
	return list_bad_line(p, "\"%s\" is no autonomous system's number",
	    list_quote(field, &q));
}

static unsigned
asn_fits(struct slice line)
{
	UNINITIALIZED struct slice fields[LIST_COLUMNS_MAX];
	size_t n = list_split(line, fields);
	unsigned found = 0;
	uint32_t asn;

	for (size_t i = 0; i < n; i++) {
		if (list_is_networks(fields[i]))
			return 0;
		/* A number in another place may be any. */
		found += list_parse_asn(asn_part(fields[i]), i > 0, &asn) &&
		    is_asn_field(fields[i], &asn);
	}
	return found > 0;
}

const struct format list_format_csv = {
	.name = "csv",
	.parse_line = parse_csv_line,
	.fits = csv_fits,
	.has_long_lines = true,
};

const struct format list_format_asn = {
	.name = "asn",
	.parse_line = parse_asn_line,
	.fits = asn_fits,
	.has_long_lines = true,
};

/*
 * DShield: start, end and prefix length, and what is of no interest here
 */

static bool
parse_dshield(struct slice line, struct in6_addr *first, struct in6_addr *last)
{
	struct slice start = list_first_word(line), end, len;
	int64_t bits;

	line = list_rest(line, start);
	end = list_first_word(line);
	line = list_rest(line, end);
	len = list_first_word(line);
	return cidr_parse_addr(start.at, start.len, first) == 0 &&
	    cidr_parse_addr(end.at, end.len, last) == 0 &&
	    decimal_parse(len.at, len.len, 0, CIDR_BITS, &bits) == 0;
}

static int
parse_dshield_line(struct parser *p, struct slice line)
{
	struct slice none = { line.at, 0 };
	struct in6_addr first, last;
	UNINITIALIZED struct quote q;
	int r = -EINVAL;

	if (list_is_comment(line))
		return 0;
	line = list_trim(line);
	if (parse_dshield(line, &first, &last))
		r = list_put_range(p, first, last, none, false);
	/* "Start	End	Netmask	..." */
	if (r == -EINVAL && list_begins(line, "start"))
		return 0;
	if (r == -EINVAL)
		return list_bad_line(p,
		    "\"%s\": not start, end and prefix length",
		    list_quote(list_first_word(line), &q));
	return r;
}

static unsigned
dshield_fits(struct slice line)
{
	struct in6_addr first, last;

	return parse_dshield(list_trim(line), &first, &last);
}

const struct format list_format_dshield = {
	.name = "dshield",
	.parse_line = parse_dshield_line,
	.fits = dshield_fits,
	.has_long_lines = true,
};

/*
 * PeerGuardian: "name:first-last"; the name may have colons
 */

static bool
take_p2p(struct slice line, struct slice *ret)
{
	const char *colon = memrchr(line.at, ':', line.len);

	if (!colon)
		return false;
	*ret = list_trim((struct slice){
	    colon + 1, line.len - (size_t)(colon + 1 - line.at) });
	return memchr(ret->at, '-', ret->len) != NULL;
}

static int
parse_p2p_line(struct parser *p, struct slice line)
{
	struct slice none = { line.at, 0 }, range;
	UNINITIALIZED struct quote q;

	if (list_is_comment(line))
		return 0;
	if (!take_p2p(line, &range))
		return list_bad_line(
		    p, "\"%s\" is not name:first-last", list_quote(line, &q));
	return list_put_networks(p, range, none, false);
}

static unsigned
p2p_fits(struct slice line)
{
	struct slice range;

	return take_p2p(line, &range) && list_is_networks(range) &&
	    !list_is_networks(line);
}

const struct format list_format_p2p = {
	.name = "p2p",
	.parse_line = parse_p2p_line,
	.fits = p2p_fits,
	.has_long_lines = true,
};
