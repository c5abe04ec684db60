/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/attrs.h"
#include "policy/explanation.h"

void
inquiry_explain(struct inquiry *q, size_t since, const char *format, ...)
{
	va_list ap;

	for (size_t i = since; q->explain && i < q->facts.n; i++) {
		va_start(ap, format);
		vsnprintf(q->explain->text[i], EXPLAIN_SIZE, format, ap);
		va_end(ap);
	}
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

static void
put_fact(struct attrs_out *out, const struct inquiry *q, size_t i)
{
	char line[FACT_TEXT_MAX + EXPLAIN_SIZE + 2];
	size_t n = verdict_print_fact(&q->facts, &q->facts.fact[i], line);

	if (q->explain && q->explain->text[i][0] != '\0')
		n += (size_t)snprintf(
		    line + n, sizeof(line) - n, " %s", q->explain->text[i]);
	/* The empty line must fit as well. */
	if (out->size - out->len > n + sizeof("fact=\n\n"))
		attrs_put_n(out, "fact", line, n);
}

size_t
explanation_encode(const struct inquiry *q, const struct verdict *v,
    const char *instance, size_t len, char *buf, size_t size)
{
	struct attrs_out out;

	attrs_begin(&out, buf, size);
	if (len > 0)
		attrs_put_n(&out, "instance", instance, len);
	attrs_put(&out, "action", lane_name(v->lane));
	attrs_put_int(&out, "score", v->score);
	attrs_put_int(&out, "rate", v->rate);
	attrs_put_int(&out, "patience", v->patience);
	attrs_put(&out, "country", v->country);
	attrs_put_int(&out, "asn", v->asn);
	for (size_t i = 0; i < q->facts.n; i++)
		put_fact(&out, q, i);
	return attrs_end(&out) < 0 ? 0 : out.len;
}
