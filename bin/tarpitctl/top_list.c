/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/top_list.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bin/tarpitctl/human.h"
#include "data/cidr.h"

/*
 * Reading
 */

static void
take_text(const struct attr *a, char *buf, size_t size)
{
	snprintf(buf, size, "%.*s", (int)a->value_len, a->value);
}

static void
take_number(const struct attr *a, uint32_t *ret)
{
	int64_t n;

	if (attr_int(a, 0, UINT32_MAX, &n) == 0)
		*ret = (uint32_t)n;
}

/* One pass: a listing may have 20,000 of them every two seconds. */
static void
take_attr(const struct attr *a, struct top_row *r)
{
	int64_t n;

	if (attr_is(a, "slot"))
		take_number(a, &r->slot);
	else if (attr_is(a, "number"))
		take_number(a, &r->number);
	else if (attr_is(a, "client"))
		take_text(a, r->client, sizeof(r->client));
	else if (attr_is(a, "lane"))
		take_text(a, r->lane, sizeof(r->lane));
	else if (attr_is(a, "state"))
		take_text(a, r->state, sizeof(r->state));
	else if (attr_is(a, "override"))
		take_text(a, r->override, sizeof(r->override));
	else if (attr_is(a, "country"))
		take_text(a, r->country, sizeof(r->country));
	else if (attr_is(a, "asn"))
		take_number(a, &r->asn);
	else if (attr_is(a, "rate"))
		take_number(a, &r->rate);
	else if (attr_is(a, "score") &&
	    attr_int(a, INT32_MIN, INT32_MAX, &n) == 0)
		r->score = (int32_t)n;
	else if (attr_is(a, "held_ms") && attr_int(a, 0, INT64_MAX, &n) == 0)
		r->held = (uint64_t)n;
}

bool
top_read_row(const struct message *m, struct top_row *ret)
{
	const char *pos = m->data, *end = pos + m->len;
	struct attr a;

	*ret = (struct top_row){ 0 };
	while (attrs_next(&pos, end, &a) > 0)
		take_attr(&a, ret);
	return cidr_parse_addr(
		   ret->client, strlen(ret->client), &ret->address) == 0;
}

bool
top_matches(const struct top_row *r, const char *filter)
{
	char text[160];

	snprintf(text, sizeof(text), "%s %s AS%" PRIu32 " %s %s %s", r->client,
	    r->country, r->asn, r->lane, r->state, r->override);
	return strcasestr(text, filter) != NULL;
}

static int
add(struct top_list *list, const struct top_row *row)
{
	if (list->n == list->size) {
		size_t size = list->size > 0 ? 2 * list->size : 256;
		struct top_row *bigger =
		    realloc(list->row, size * sizeof(*bigger));

		if (bigger == NULL)
			return -ENOMEM;
		list->row = bigger;
		list->size = size;
	}
	list->row[list->n++] = *row;
	return 0;
}

int
top_list_load(struct top_list *list, struct link *link, const char *filter)
{
	static const char question[] = "request=sessions\n\n";
	int r = link_ask(link, question, strlen(question));
	struct message m;
	struct top_row row;

	list->n = list->total = 0;
	while (r == 0 && (r = link_read(link, &m)) == 0) {
		if (message_find(&m, "error").value_len > 0)
			return -EBUSY; /* too many look at once */
		if (message_find(&m, "end").value_len > 0)
			return 0;
		if (!top_read_row(&m, &row))
			continue;
		list->total++;
		if (top_matches(&row, filter))
			r = add(list, &row);
	}
	return r;
}

void
top_list_fini(struct top_list *list)
{
	free(list->row);
	*list = (struct top_list){ 0 };
}

/*
 * Sorting
 */

static int
compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Longest first; the session's own place makes every order a total one, so
 * that nothing jumps about on the screen. */
static int
by_time(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int r = compare(y->held, x->held);

	return r != 0 ? r : compare(x->slot, y->slot);
}

static int
by_network(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int r = memcmp(&x->address, &y->address, sizeof(x->address));

	return r != 0 ? r : by_time(a, b);
}

static int
by_country(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int r = strcmp(x->country, y->country);

	return r != 0 ? r : by_time(a, b);
}

static int
by_score(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return by_time(a, b);
}

void
top_list_sort(struct top_list *list, enum top_order order)
{
	static int (*const orders[])(const void *, const void *) = {
		[TOP_BY_TIME] = by_time,
		[TOP_BY_NETWORK] = by_network,
		[TOP_BY_COUNTRY] = by_country,
		[TOP_BY_SCORE] = by_score,
	};

	if (list->n > 0)
		qsort(list->row, list->n, sizeof(*list->row), orders[order]);
}

/*
 * One of them
 */

const char *
top_escape(const char *s, size_t len, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		char one[5] = { (char)c, '\0' };

		if (c == '\\')
			strcpy(one, "\\\\");
		else if (c < ' ' || c > '~')
			snprintf(one, sizeof(one), "\\x%02x", c);
		if (n + strlen(one) >= size)
			break;
		n = (size_t)(stpcpy(buf + n, one) - buf);
	}
	buf[n] = '\0';
	return buf;
}

/* Lines as they are written. */
struct lines {
	char (*line)[DETAIL_WIDTH + 1];
	size_t n, max;
};

static void add_line(struct lines *, const char *format, ...) PRINTF_LIKE(2, 3);

static void
add_line(struct lines *l, const char *format, ...)
{
	va_list ap;

	if (l->n == l->max)
		return;
	va_start(ap, format);
	vsnprintf(l->line[l->n++], DETAIL_WIDTH + 1, format, ap);
	va_end(ap);
}

static void
add_words(struct lines *l, const struct message *m, const char *name,
    const char *title)
{
	struct attr a = message_find(m, name);
	char text[DETAIL_WIDTH];

	add_line(l, "%-12s%s", title,
	    top_escape(a.value, a.value_len, text, sizeof(text)));
}

/* The facts, one a line. */
static void
add_reason(struct lines *l, const struct message *m)
{
	struct attr a = message_find(m, "reason");
	const char *pos = a.value, *end = pos + a.value_len;
	const char *title = "reason";
	char text[DETAIL_WIDTH];

	while (pos < end) {
		const char *blank = memchr(pos, ' ', (size_t)(end - pos));
		size_t len = (size_t)((blank ? blank : end) - pos);

		add_line(l, "%-12s%s", title,
		    top_escape(pos, len, text, sizeof(text)));
		title = "";
		pos += blank ? len + 1 : len;
	}
}

static void
add_origin(struct lines *l, const struct message *m)
{
	char country[8];
	int64_t asn = message_number(m, "asn");

	message_text(m, "country", country, sizeof(country));
	if (*country != '\0' || asn != 0)
		add_line(l, "%-12s%s%sAS%" PRIi64, "from", country,
		    *country != '\0' ? ", " : "", asn);
}

size_t
top_detail(const struct message *m, char line[][DETAIL_WIDTH + 1], size_t max)
{
	struct lines l = { .line = line, .max = max };
	char client[INET6_ADDRSTRLEN], lane[16], verdict[16], state[16];
	char held[HUMAN_SIZE];
	uint64_t usec = (uint64_t)message_number(m, "held_ms") * USEC_PER_MSEC;

	add_line(&l, "%-12s%s, port %" PRIi64, "client",
	    message_text(m, "client", client, sizeof(client)),
	    message_number(m, "port"));
	add_origin(&l, m);
	message_text(m, "lane", lane, sizeof(lane));
	message_text(m, "verdict", verdict, sizeof(verdict));
	add_line(&l, "%-12s%s%s%s; %s", "lane", lane,
	    strcmp(lane, verdict) != 0 ? ", the policy says " : "",
	    strcmp(lane, verdict) != 0 ? verdict : "",
	    message_text(m, "state", state, sizeof(state)));
	add_line(&l, "%-12s%" PRIi64 ", %" PRIi64 " bytes per second", "score",
	    message_number(m, "score"), message_number(m, "rate"));
	add_line(&l, "%-12s%s; %" PRIi64 " bytes in, %" PRIi64 " out", "held",
	    human_duration(usec, held), message_number(m, "bytes_in"),
	    message_number(m, "bytes_out"));
	add_words(&l, m, "helo", "HELO");
	add_words(&l, m, "sender", "sender");
	add_line(
	    &l, "%-12s%" PRIi64, "recipients", message_number(m, "recipients"));
	add_reason(&l, m);
	return l.n;
}
