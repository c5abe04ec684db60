/* SPDX-License-Identifier: ISC */
/*
 * Lists of JSON, read twice: as they are, when plain lines are taken apart
 * without jansson, and with a tab before each line, which makes all of them
 * jansson's.  Entries, what is wrong with which line, and the end must be the
 * same.
 */
#include <errno.h>

#include "data/list.h"
#include "tests/helpers/fuzz.h"

enum { SEEN_MAX = 4096 };

/* What is told of one reading. */
struct seen {
	struct {
		struct list_entry entry;
		char note[LIST_NOTE_MAX];
	} entry[SEEN_MAX];
	size_t n;
	unsigned bad_line[SEEN_MAX];
	size_t n_bad;
	struct list_report report;
	int r;
};

static int
on_entry(void *arg, const struct list_entry *e)
{
	struct seen *seen = arg;

	if (seen->n == SEEN_MAX)
		return -ENOBUFS;
	seen->entry[seen->n].entry = *e;
	memcpy(
	    seen->entry[seen->n++].note, e->note ? e->note : "", e->note_len);
	return 0;
}

static void
on_bad(void *arg, const struct list_report *report)
{
	struct seen *seen = arg;

	if (seen->n_bad < SEEN_MAX)
		seen->bad_line[seen->n_bad++] = report->line;
}

static void
read_list(struct seen *seen, enum list_format format, bool is_tolerant,
    const char *buf, size_t len)
{
	struct list_options options = {
		.format = format,
		.on_bad = is_tolerant ? on_bad : NULL,
	};

	seen->n = seen->n_bad = 0;
	seen->r = list_parse(&options, buf, len, on_entry, seen, &seen->report);
}

static void
require_same(const struct seen *a, const struct seen *b)
{
	REQUIRE(a->r == b->r && a->n == b->n && a->n_bad == b->n_bad);
	REQUIRE(a->report.line == b->report.line);
	REQUIRE(a->report.entries == b->report.entries);
	REQUIRE(a->report.bad == b->report.bad);
	REQUIRE(a->report.masked == b->report.masked);
	REQUIRE(a->report.masked_line == b->report.masked_line);
	REQUIRE(a->report.timestamp == b->report.timestamp);
	for (size_t i = 0; i < a->n; i++) {
		const struct list_entry *x = &a->entry[i].entry;
		const struct list_entry *y = &b->entry[i].entry;

		REQUIRE(x->is_asn == y->is_asn && x->asn == y->asn);
		REQUIRE(x->is_asn || cidr_compare(&x->cidr, &y->cidr) == 0);
		REQUIRE(x->note_len == y->note_len);
		REQUIRE(
		    !memcmp(a->entry[i].note, b->entry[i].note, x->note_len));
	}
	REQUIRE(memcmp(a->bad_line, b->bad_line,
		    a->n_bad * sizeof(a->bad_line[0])) == 0);
}

/* DATA with a tab before each line, for the caller to free; NULL: a line would
 * be too long then, or its end is not '\n'. */
static char *
indent(const char *data, size_t size, size_t *ret_len)
{
	char *copy = malloc(2 * size + 1);
	size_t len = 0, line = LIST_LINE_MAX;

	REQUIRE(copy != NULL);
	for (size_t i = 0; i < size; i++) {
		if (i == 0 || data[i - 1] == '\n') {
			copy[len++] = '\t';
			line = 1;
		}
		copy[len++] = data[i];
		if (++line == LIST_LINE_MAX || data[i] == '\r') {
			free(copy);
			return NULL;
		}
	}
	*ret_len = len;
	return copy;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen plain, indented;
	char kind[FILE_KIND_SIZE];
	bool is_page, is_tolerant = size % 2;
	AUTO_FREE char *copy = fuzz_copy(data, size), *second = NULL;
	size_t len;

	/* What is at the very start of a file would be there no more. */
	if (size < 3 || memcmp(copy, "\xef\xbb\xbf", 3) == 0 ||
	    list_foreign_kind(copy, size, kind, &is_page))
		return 0;
	second = indent(copy, size, &len);
	if (!second || list_foreign_kind(second, len, kind, &is_page))
		return 0;
	for (int i = 0; i < 2; i++) {
		enum list_format format = i ? LIST_ASN_JSON : LIST_DROP_JSON;

		read_list(&plain, format, is_tolerant, copy, size);
		read_list(&indented, format, is_tolerant, second, len);
		require_same(&plain, &indented);
	}
	return 0;
}
