/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/content.h"

#include <errno.h>
#include <string.h>

#include "bin/tarpit-lists/report.h"
#include "bin/tarpit-lists/unpack.h"
#include "data/carve.h"
#include "data/list.h"

/* So many bad lines are shown. */
enum { BAD_SHOWN = 3 };

/* One text being read. */
struct reading {
	const struct content_text *text;
	struct content *content;
	struct list_report report;
	size_t n_private; /* entries left out */
	unsigned private_line;
	size_t n_wide; /* likewise, which count as bad lines */
	unsigned bad_line, last_bad_line; /* the first and the last of them */
	char bad_text[LIST_TEXT_MAX + 1]; /* what is wrong with the first */
};

void
content_fini(struct content *c)
{
	free(c->prefixes);
	free(c->asns);
	free(c->notes);
	*c = (struct content){ 0 };
}

size_t
content_entries(const struct content *c)
{
	return c->n_prefixes + c->n_asns;
}

/* ARRAY with room for NEED elements of SIZE bytes, moved if need be; NULL, and
 * ARRAY as it was, if there is no memory. */
static void *
grow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 1024;
	void *bigger;

	while (want < need)
		want *= 2;
	if (want == *cap)
		return array;
	bigger = reallocarray(array, want, size);
	if (bigger)
		*cap = want;
	return bigger;
}

/* Room for so many more of each. */
static int
reserve(struct content *c, size_t prefixes, size_t asns, size_t notes)
{
	void *bigger;

	bigger = grow(c->prefixes, &c->prefixes_cap, c->n_prefixes + prefixes,
	    sizeof(*c->prefixes));
	if (!bigger)
		return -ENOMEM;
	c->prefixes = bigger;
	bigger =
	    grow(c->asns, &c->asns_cap, c->n_asns + asns, sizeof(*c->asns));
	if (!bigger)
		return -ENOMEM;
	c->asns = bigger;
	bigger = grow(c->notes, &c->notes_cap, c->notes_size + notes, 1);
	if (!bigger)
		return -ENOMEM;
	c->notes = bigger;
	return 0;
}

/*
 * Reading
 */

/* Keeps the entry's identifier, for which there is room; where. */
static uint32_t
add_note(struct content *c, const struct list_entry *entry)
{
	size_t at;

	if (entry->note_len == 0)
		return 0;
	/* The first is the empty one, so that none is at 0. */
	if (c->notes_size == 0)
		c->notes[c->notes_size++] = '\0';
	at = c->notes_size;
	memcpy(c->notes + at, entry->note, entry->note_len);
	c->notes[at + entry->note_len] = '\0';
	c->notes_size += entry->note_len + 1;
	return (uint32_t)at;
}

/* What is taken out of others has the list number 1 until carve(). */
static int
add_entry(struct content *c, const struct list_entry *entry)
{
	int r = reserve(c, 1, 1, LIST_NOTE_MAX + 2);

	if (r < 0)
		return r;
	if (c->notes_size > UINT32_MAX - 2 * LIST_NOTE_MAX)
		return -E2BIG;
	if (entry->is_asn)
		c->asns[c->n_asns++] = (struct cdbfile_asn){ .asn = entry->asn,
			.note = add_note(c, entry) };
	else
		c->prefixes[c->n_prefixes++] =
		    (struct cdbfile_prefix){ .cidr = entry->cidr,
			    .list = entry->is_excluded,
			    .note = add_note(c, entry) };
	return 0;
}

/* Networks whose addresses no client on the Internet has: private, loopback,
 * link-local, shared (RFC 6890), multicast and reserved.  Not those set aside
 * for documentation, which do no harm. */
static bool
is_private(const struct cidr *cidr)
{
	static const struct {
		uint8_t addr[4], len;
	} v4[] = { { { 0 }, 8 }, { { 10 }, 8 }, { { 100, 64 }, 10 },
		{ { 127 }, 8 }, { { 169, 254 }, 16 }, { { 172, 16 }, 12 },
		{ { 192, 168 }, 16 }, { { 224 }, 3 } };
	static const struct {
		uint8_t addr[2], len;
	} v6[] = { { { 0 }, 8 }, { { 0xfc }, 7 }, { { 0xfe, 0x80 }, 10 },
		{ { 0xff }, 8 } };
	bool is_v4 = cidr_is_v4(cidr);
	size_t n = is_v4 ? ARRAY_SIZE(v4) : ARRAY_SIZE(v6);

	for (size_t i = 0; i < n; i++) {
		struct cidr range = { 0 };

		if (is_v4) {
			range.addr = cidr->addr;
			memcpy(&range.addr.s6_addr[12], v4[i].addr, 4);
			range.len = (uint8_t)(CIDR_V4_BITS + v4[i].len);
		} else {
			memcpy(range.addr.s6_addr, v6[i].addr, 2);
			range.len = v6[i].len;
		}
		if (cidr->len >= range.len &&
		    cidr_contains(&range, &cidr->addr))
			return true;
	}
	return false;
}

static bool
takes_private(const struct list_config *config)
{
	if (config->allow_private == ALLOW_AUTO)
		return config->source_type == SOURCE_FILE;
	return config->allow_private == ALLOW_YES;
}

/* One line may be many entries, and is bad once. */
static void
add_bad(struct reading *reading, unsigned line, const char *text)
{
	struct content *c = reading->content;
	size_t len = strlen(c->bad);

	if (c->n_bad > 0 && line == reading->last_bad_line)
		return;
	reading->last_bad_line = line;
	if (c->n_bad++ == 0) {
		reading->bad_line = line;
		snprintf(
		    reading->bad_text, sizeof(reading->bad_text), "%s", text);
	}
	if (c->n_bad <= BAD_SHOWN)
		snprintf(c->bad + len, sizeof(c->bad) - len, "%sline %u: %s",
		    len ? "; " : "", line, text);
}

static void
on_bad(void *arg, const struct list_report *report)
{
	add_bad(arg, report->line, report->text);
}

/* Who writes 224.0.0.0/3 means what no client has, and not half of the world;
 * and what senders say of themselves is no reason to believe them. */
static void
add_wide(struct reading *reading, const struct cidr *cidr)
{
	const struct list_config *config = reading->text->config;
	char wide[CIDR_STRLEN], text[LIST_TEXT_MAX + 1];
	const char *advice = "if that is meant, set AllowWide=yes";

	if (is_private(cidr))
		advice = "no client has such an address; AllowPrivate=no "
			 "leaves private and reserved networks out";
	else if (config->source_type == SOURCE_SPF)
		advice = "no sender has so many addresses";
	snprintf(text, sizeof(text), "%s is wider than /8 or ::/16; %s",
	    cidr_format(cidr, wide), advice);
	reading->n_wide++;
	add_bad(reading, reading->report.line, text);
}

static int
on_entry(void *arg, const struct list_entry *entry)
{
	struct reading *reading = arg;
	const struct list_config *config = reading->text->config;
	const struct cidr *cidr = &entry->cidr;

	/* What lets off may be as wide as it likes. */
	if (entry->is_excluded)
		return entry->is_asn ? 0 : add_entry(reading->content, entry);
	if (entry->is_asn)
		return add_entry(reading->content, entry);
	if (!takes_private(config) && is_private(cidr)) {
		if (reading->n_private++ == 0)
			reading->private_line = reading->report.line;
		return 0;
	}
	if (!config->allow_wide &&
	    cidr->len < (cidr_is_v4(cidr) ? CIDR_V4_BITS + 8 : 16)) {
		add_wide(reading, cidr);
		return 0;
	}
	return add_entry(reading->content, entry);
}

/*
 * What is bad, and how much of it may be
 */

/* At least one line of a share; but a page of something else, of which a line
 * or two can be read by chance, is no list. */
static bool
are_too_many(const struct limit *limit, size_t bad, size_t good)
{
	size_t allowed = (size_t)limit->number;

	if (limit->is_share) {
		allowed = (bad + good) * (size_t)limit->percent / 100;
		if (allowed == 0 && limit->percent > 0)
			allowed = 1;
		if (bad >= good)
			return true;
	}
	return bad > allowed || good == 0;
}

static int
judge_bad(const struct reading *reading)
{
	const struct list_report *report = &reading->report;
	size_t bad = reading->content->n_bad;
	size_t good = report->entries - reading->n_wide + report->left_out +
	    report->foreign;

	if (bad > 0 &&
	    are_too_many(&reading->text->config->max_bad_lines, bad, good))
		return -EBADMSG;
	return 0;
}

/* The first bad line, or what is wrong with all of it. */
static int
explain(const struct reading *reading, int error, char *why, size_t size)
{
	const struct content_text *text = reading->text;
	const struct list_report *report = &reading->report;
	char buf[FILE_KIND_SIZE];
	bool is_page;
	const char *kind =
	    list_foreign_kind(text->buf, text->len, buf, &is_page);
	size_t bad = reading->content->n_bad;
	char more[100] = "";

	if (error != -EBADMSG) {
		snprintf(why, size, "%s: %s", text->name, strerror(-error));
		return error;
	}
	if (report->text[0] != '\0' && !bad) {
		snprintf(why, size,
		    report->line > 0 ? "%s:%u: %s" : "%s%.0u: %s", text->name,
		    report->line, report->text);
		return error;
	}
	if (bad > 1)
		snprintf(more, sizeof(more),
		    "; %zu such lines are more than MaxBadLines= allows", bad);
	snprintf(why, size, "%s:%u: %s%s%s%s", text->name, reading->bad_line,
	    reading->bad_text, more, kind ? "; this is " : "",
	    kind ? kind : "");
	return error;
}

static void
report_bad(const struct reading *reading, struct journal *journal)
{
	const struct content_text *text = reading->text;
	const struct content *c = reading->content;
	char more[40] = "";

	if (c->n_bad > BAD_SHOWN)
		snprintf(
		    more, sizeof(more), "; and %zu more", c->n_bad - BAD_SHOWN);
	if (c->n_bad > 0)
		report_list(journal, EVENT_LISTS_WARNING, text->config->name,
		    "%s:%u: %zu %s left out, see MaxBadLines=: %s%s",
		    text->name, reading->bad_line, c->n_bad,
		    c->n_bad == 1 ? "line is" : "lines are", c->bad, more);
}

static void
report_odd(const struct reading *reading, struct journal *journal)
{
	const struct content_text *text = reading->text;
	const struct list_report *report = &reading->report;

	report_bad(reading, journal);
	if (report->foreign > 0)
		report_list(journal, EVENT_LISTS_WARNING, text->config->name,
		    "%s:%u: %zu keys or lines are no addresses, such as names "
		    "of hosts, this the first; left out",
		    text->name, report->foreign_line, report->foreign);
	if (report->masked > 0)
		report_list(journal, EVENT_LISTS_WARNING, text->config->name,
		    "%s:%u: %zu entries have bits set past their prefix "
		    "length, this the first; taken for the whole network",
		    text->name, report->masked_line, report->masked);
	if (reading->n_private > 0)
		report_list(journal, EVENT_LISTS_WARNING, text->config->name,
		    "%s:%u: %zu entries are private, loopback or reserved "
		    "networks, this the first; left out, see AllowPrivate=",
		    text->name, reading->private_line, reading->n_private);
}

/* Without what is taken out. */
static int
carve_content(struct content *c, bool is_ordered)
{
	struct cdbfile_prefix *carved;
	size_t n;
	int r = carve(c->prefixes, c->n_prefixes, is_ordered, &carved, &n);

	if (r < 0)
		return r;
	free(c->prefixes);
	c->prefixes = carved;
	c->n_prefixes = c->prefixes_cap = n;
	return 0;
}

static int
parse(struct reading *reading)
{
	const struct content_text *text = reading->text;
	const struct list_config *config = text->config;
	struct list_options options = {
		.format = (enum list_format)config->format,
		.min_count = (uint32_t)config->min_count,
		.is_allow = config->kind == CDBFILE_ALLOW,
		.column = config->column,
		.on_bad = on_bad,
	};
	int r;

	/* What we collect ourselves is plain. */
	if (config->source_type == SOURCE_SPF)
		options.format = LIST_CIDR;
	r = list_parse(&options, text->buf, text->len, on_entry, reading,
	    &reading->report);
	/* That is said of the file, and not of its lines. */
	if (r < 0)
		reading->content->n_bad = 0;
	if (r == 0)
		r = judge_bad(reading);
	if (r == 0 && reading->report.excluded > 0)
		r = carve_content(reading->content,
		    list_format_is_ordered(reading->report.format));
	return r;
}

/* TEXT as it is, or *RET_BUF, for the caller to free, with what it has packed. */
static int
unpack_text(struct content_text *text, char **ret_buf, char *why, size_t size)
{
	uint64_t max = CONTENT_SIZE_MAX;
	AUTO_FREE char *buf = NULL;
	char reason[100];
	int r;

	if (text->len < 3 || memcmp(text->buf, "\x1f\x8b", 2) != 0)
		return 0;
	if (text->config->source_type != SOURCE_FILE)
		max = text->config->max_size;
	buf = malloc(text->len);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, text->buf, text->len);
	r = unpack(&buf, &text->len, NULL, max, reason, sizeof(reason));
	if (r < 0) {
		snprintf(why, size, "%s: %s", text->name, reason);
		return r;
	}
	text->buf = *ret_buf = buf;
	buf = NULL;
	return 0;
}

int
content_read(const struct content_text *packed, struct journal *journal,
    struct content *ret_content, char *why, size_t size)
{
	struct content_text text = *packed;
	struct reading reading = { .text = &text, .content = ret_content };
	AUTO_FREE char *buf = NULL;
	int r = unpack_text(&text, &buf, why, size);

	if (r < 0)
		return r;
	r = parse(&reading);
	if (r < 0)
		return explain(&reading, r, why, size);
	if (journal)
		report_odd(&reading, journal);
	ret_content->n_prefixes =
	    cdbfile_sort(ret_content->prefixes, ret_content->n_prefixes);
	ret_content->n_asns =
	    cdbfile_sort_asns(ret_content->asns, ret_content->n_asns);
	return 0;
}

/*
 * Plausibility
 */

/* What a publisher's mistake, an emptied file or a cut-off copy looks like. */
int
content_check(const struct content_text *text, const struct content *content,
    const struct cdbfile *previous, char *why, size_t size)
{
	const struct list_config *config = text->config;
	const struct cdbfile_list *before = NULL;
	uint64_t entries = content_entries(content);

	/* Whoever says that a list may be empty means it. */
	if (entries == 0 && config->min_entries == 0)
		return 0;
	/* A file may be kept empty by hand; nobody publishes nothing. */
	if (entries == 0 && config->source_type != SOURCE_FILE) {
		snprintf(why, size,
		    "%s: has no entries; if that is right, set MinEntries=0",
		    text->name);
		return -EINVAL;
	}
	if (config->min_entries > 0 &&
	    entries < (uint64_t)config->min_entries) {
		snprintf(why, size,
		    "%s: %llu entries, fewer than MinEntries=%lld", text->name,
		    (unsigned long long)entries,
		    (long long)config->min_entries);
		return -EINVAL;
	}
	if (previous)
		before = cdbfile_list_named(previous, config->name);
	/* In hundredths of entries, so that nothing is rounded. */
	if (!before ||
	    entries * 100 >= (uint64_t)before->entries *
		    (uint64_t)(100 - config->max_shrink))
		return 0;
	snprintf(why, size,
	    "%s: %llu entries instead of %u is more than MaxShrink=%lld%% "
	    "allows; if that is right, %s",
	    text->name, (unsigned long long)entries, before->entries,
	    (long long)config->max_shrink,
	    entries == 0 ? "set MinEntries=0" : "run with --force");
	return -EINVAL;
}

/*
 * Putting together
 */

int
content_append(struct content *to, const struct content *from, uint16_t number)
{
	/* Notes keep their distances; 0 stays none. */
	size_t shift = to->notes_size;
	int r = reserve(to, from->n_prefixes, from->n_asns, from->notes_size);

	if (r < 0)
		return r;
	if (shift + from->notes_size > UINT32_MAX)
		return -E2BIG;
	if (from->notes_size > 0)
		memcpy(to->notes + shift, from->notes, from->notes_size);
	to->notes_size += from->notes_size;
	for (size_t i = 0; i < from->n_prefixes; i++) {
		struct cdbfile_prefix p = from->prefixes[i];

		p.list = number;
		p.note += p.note ? (uint32_t)shift : 0;
		to->prefixes[to->n_prefixes++] = p;
	}
	for (size_t i = 0; i < from->n_asns; i++) {
		struct cdbfile_asn a = from->asns[i];

		a.list = number;
		a.note += a.note ? (uint32_t)shift : 0;
		to->asns[to->n_asns++] = a;
	}
	return 0;
}
