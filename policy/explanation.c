/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/attrs.h"
#include "policy/engine.h"
#include "policy/explanation.h"

void
inquiry_explain(struct inquiry *q, size_t since, const char *format, ...)
{
	va_list ap;

	for (size_t i = since; q->explain && i < q->facts.n; i++) {
		va_start(ap, format);
		vsnprintf(q->explain->text[i], EXPLAIN_SIZE, format, ap);
		va_end(ap);
		q->explain->count[i] = 0;
		q->explain->age[i] = -1;
	}
}

void
inquiry_explain_count(struct inquiry *q, uint32_t count, int64_t ago)
{
	if (!q->explain || q->facts.n == 0)
		return;
	q->explain->count[q->facts.n - 1] = count;
	q->explain->age[q->facts.n - 1] = ago > 0 ? ago : 0;
}

const char *
explanation_age(int64_t ago, char buf[AGE_SIZE])
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" },
		{ 1, "s" } };
	size_t i = 0;

	if (ago < 0)
		ago = 0;
	/* Two of a unit at least, so that what is left out is little. */
	while (units[i].seconds > 1 && ago < 2 * units[i].seconds)
		i++;
	snprintf(buf, AGE_SIZE, "%lld %s", (long long)(ago / units[i].seconds),
	    units[i].unit);
	return buf;
}

const char *fact_class_name(enum fact_class class)
{
	static const char *const names[CLASS_COUNT] = {
		[CLASS_BY_HAND] = "by hand",
		[CLASS_OTHERS] = "said by others",
		[CLASS_SESSION] = "done in this session",
		[CLASS_LEARNED] = "learned",
		[CLASS_FIRST] = "first contact",
	};

	return names[class];
}

/* The name of what cancels fact I, as it stands in a reason. */
static void
put_canceller(struct attrs_out *out, const struct inquiry *q,
    const struct weighing *w, size_t i)
{
	char name[FACT_TEXT_MAX];
	size_t n;

	if (w->cancelled_by[i] == FACT_IS_IDLE)
		attrs_put(out, "cancelled_by", "nothing to make up for");
	if (w->cancelled_by[i] < 0)
		return;
	n = verdict_print_fact(
	    &q->facts, &q->facts.fact[w->cancelled_by[i]], name);
	attrs_put_n(out, "cancelled_by", name, n);
}

/* What stands behind a fact's line, its longest values and the empty line. */
enum { FACT_REST_MAX = 160 + FACT_TEXT_MAX };

static void
put_fact(struct attrs_out *out, const struct inquiry *q,
    const struct weighing *w, size_t i)
{
	const struct fact *fact = &q->facts.fact[i];
	const struct explanation *e = q->explain;
	char line[FACT_TEXT_MAX + EXPLAIN_SIZE + 2];
	size_t n = verdict_print_fact(&q->facts, fact, line);

	if (e && e->text[i][0] != '\0')
		n += (size_t)snprintf(
		    line + n, sizeof(line) - n, " %s", e->text[i]);
	if (out->size - out->len <= n + FACT_REST_MAX)
		return;
	attrs_put_n(out, "fact", line, n);
	attrs_put(out, "class", fact_class_name((enum fact_class)fact->class));
	if (e && e->text[i][0] != '\0') {
		if (e->count[i] > 0)
			attrs_put_int(out, "count", e->count[i]);
		if (e->age[i] >= 0)
			attrs_put_int(out, "age", e->age[i]);
	}
	put_canceller(out, q, w, i);
}

size_t
explanation_encode(const struct inquiry *q, const struct verdict *v,
    const char *instance, size_t len, char *buf, size_t size)
{
	struct attrs_out out;
	struct weighing w;

	engine_weigh(&q->facts, &w);
	attrs_begin(&out, buf, size);
	if (len > 0)
		attrs_put_n(&out, "instance", instance, len);
	attrs_put(&out, "action", lane_name(v->lane));
	attrs_put_int(&out, "score", v->score);
	attrs_put_int(&out, "rate", v->rate);
	attrs_put_int(&out, "patience", v->patience);
	attrs_put(&out, "country", v->country);
	attrs_put_int(&out, "asn", v->asn);
	/* Class by class, and so the strongest first. */
	for (int class = 0; class < CLASS_COUNT; class ++) {
		for (size_t i = 0; i < q->facts.n; i++) {
			if (q->facts.fact[i].class == class)
				put_fact(&out, q, &w, i);
		}
	}
	return attrs_end(&out) < 0 ? 0 : out.len;
}
