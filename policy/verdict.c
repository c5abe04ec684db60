/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "policy/verdict.h"

/* A name of the rules may have a list's identifier behind it:
 * "list.drop(SBL123)+100". */
enum { FACT_NAME_MAX = 84, FACT_NOTE_MAX = 34, NUMBER_MAX = 11 };

static const char more[] = " ...";

const char *
lane_name(enum lane lane)
{
	static const char *const names[LANE_COUNT] = {
		[LANE_PASS] = "pass",
		[LANE_SLOW] = "slow",
		[LANE_THROTTLE] = "throttle",
		[LANE_HOLD] = "hold",
	};

	return names[lane];
}

/* Appends N in decimal; snprintf() would be the slowest part of an answer. */
static char *
put_number(char *to, uint32_t n)
{
	char digits[NUMBER_MAX];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	memcpy(to, digits + i, sizeof(digits) - i);
	return to + sizeof(digits) - i;
}

static char *
put_text(char *to, const char *text, size_t max)
{
	size_t n = strnlen(text, max);

	memcpy(to, text, n);
	return to + n;
}

size_t
verdict_print_fact(const struct facts *f, const struct fact *fact, char *to)
{
	char *p = to;
	uint32_t weight = (uint32_t)fact->weight;

	switch (fact->kind) {
	case FACT_NAMED:
		p = put_text(p, fact->name, FACT_NAME_MAX);
		break;
	case FACT_COUNTRY:
		p = put_text(p, "country.", 8);
		*p++ = (char)('A' + fact->number / 26 % 26);
		*p++ = (char)('A' + fact->number % 26);
		break;
	case FACT_ASN:
		p = put_text(p, "asn.", 4);
		p = put_number(p, fact->number);
		break;
	}
	if (fact->note != 0) {
		*p++ = '(';
		p = put_text(p, f->notes + fact->note, FACT_NOTE_MAX - 2);
		*p++ = ')';
	}
	*p++ = fact->weight < 0 ? '-' : '+';
	p = put_number(p, fact->weight < 0 ? -weight : weight);
	return (size_t)(p - to);
}

static uint32_t
heaviness(const struct fact *fact)
{
	uint32_t weight = (uint32_t)fact->weight;

	return fact->weight < 0 ? -weight : weight;
}

/* Fills ORDER with the facts that count, heaviest first; how many.  Insertion:
 * there are seldom more than four, and the order of equals must not change. */
static size_t
sort_facts(const struct facts *f, const int16_t *cancelled_by,
    const struct fact *order[static FACTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct fact *fact = &f->fact[i];
		size_t at = n;

		if (cancelled_by && cancelled_by[i] != -1)
			continue;
		while (at > 0 && heaviness(order[at - 1]) < heaviness(fact)) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = fact;
		n++;
	}
	return n;
}

size_t
verdict_print_reason(
    const struct facts *f, const int16_t *cancelled_by, char *buf, size_t size)
{
	const struct fact *order[FACTS_MAX];
	size_t count = sort_facts(f, cancelled_by, order);
	char text[FACT_TEXT_MAX];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		size_t n = verdict_print_fact(f, order[i], text);
		size_t gap = len > 0;
		size_t tail = i + 1 < count ? sizeof(more) : 1;

		if (len + gap + n + tail > size) {
			memcpy(buf + len, more + !gap, sizeof(more) - !gap);
			return len + sizeof(more) - 1 - !gap;
		}
		if (gap)
			buf[len++] = ' ';
		memcpy(buf + len, text, n);
		len += n;
	}
	buf[len] = '\0';
	return len;
}
