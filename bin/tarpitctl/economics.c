/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/economics.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STORM  "Kanich et al., Spamalytics, 2008"
#define ARMORY "109,285 hosts and 90 s of silence, armory.com"

const struct assumption assumptions[ASSUMED_COUNT] = {
	[ASSUMED_MESSAGES] = { "messages", 350e6, 1e15, 0, "sent by a campaign",
	    STORM },
	[ASSUMED_DAYS] = { "days", 26, 1e6, 0, "that it took", STORM },
	[ASSUMED_BOTS] = { "bots", 75800, 1e12, 0, "that sent", STORM },
	[ASSUMED_SALES] = { "sales", 28, 1e12, 0, "that it led to", STORM },
	[ASSUMED_DOLLARS] = { "dollars", 2731.88, 1e15, 2,
	    "that these brought in", STORM },
	[ASSUMED_DELIVERY_SECONDS] = { "delivery-seconds", 2, 1e6, 1,
	    "a delivery takes when nobody slows it", "MailChannels" },
	[ASSUMED_DRIP_RATE] = { "bytes-per-second", 5, 1e9, 0,
	    "in both directions, when slowed", "MailChannels" },
	[ASSUMED_MESSAGE_BYTES] = { "message-bytes", 2000, 1e12, 0,
	    "of a dialogue with a short text", "an assumption of ours" },
	[ASSUMED_GIVE_UP_SECONDS] = { "give-up-seconds", 30, 1e6, 0,
	    "by which most have given up", ARMORY },
	[ASSUMED_GIVE_UP_PERCENT] = { "give-up-percent", 87, 100, 0,
	    "that have by then", ARMORY },
	[ASSUMED_PATIENCE_SECONDS] = { "patience-seconds", 25, 86400, 1,
	    "that are asked of a suspect", "MaxPatience= as shipped" },
	[ASSUMED_MTA_CPU_SECONDS] = { "mta-cpu-seconds", 0.1, 3600, 2,
	    "of the MTA and its filters, for one session",
	    "an assumption of ours: measure yours" },
};

void
assume_defaults(struct assumed_values *a)
{
	for (size_t i = 0; i < ASSUMED_COUNT; i++)
		a->value[i] = assumptions[i].initial;
}

static int
assume_value(double *value, const struct assumption *a, const char *text,
    char *why, size_t size)
{
	char *end;
	double d = strtod(text, &end);

	/* Written so that NaN is refused, too. */
	if (end == text || *end != '\0' || !(d > 0 && d <= a->max)) {
		snprintf(why, size, "%s is a number above 0, up to %.10g",
		    a->name, a->max);
		return -EINVAL;
	}
	*value = d;
	return 0;
}

int
assume(struct assumed_values *v, const char *text, char *why, size_t size)
{
	size_t len = strcspn(text, "="), n = 0;

	for (size_t i = 0; i < ASSUMED_COUNT && text[len] == '='; i++) {
		const struct assumption *a = &assumptions[i];

		if (strlen(a->name) == len && memcmp(a->name, text, len) == 0)
			return assume_value(
			    &v->value[i], a, text + len + 1, why, size);
	}
	n += (size_t)snprintf(why, size, "not NAME=VALUE with one of:");
	for (size_t i = 0; i < ASSUMED_COUNT && n < size; i++)
		n += (size_t)snprintf(
		    why + n, size - n, " %s", assumptions[i].name);
	return -EINVAL;
}

static void figure_set(struct figure *, double value, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void
figure_set(struct figure *f, double value, const char *format, ...)
{
	va_list ap;

	f->value = value;
	va_start(ap, format);
	vsnprintf(f->formula, sizeof(f->formula), format, ap);
	va_end(ap);
}

static void
compute_campaign(struct economics *e)
{
	const double *v = e->assumed.value;
	double m = v[ASSUMED_MESSAGES], d = v[ASSUMED_DAYS];
	double b = v[ASSUMED_BOTS], s = v[ASSUMED_SALES];
	double r = v[ASSUMED_DOLLARS];

	figure_set(&e->messages_per_bot_hour, m / (b * d * 24),
	    "%.10g / (%.10g * %.10g * 24)", m, b, d);
	figure_set(&e->dollars_per_day, r / d, "%.10g / %.10g", r, d);
	figure_set(&e->messages_per_sale, m / s, "%.10g / %.10g", m, s);
	figure_set(&e->bot_hours_per_sale, b * d * 24 / s,
	    "%.10g * %.10g * 24 / %.10g", b, d, s);
	figure_set(&e->cost_per_sale, r / s, "%.10g / %.10g", r, s);
}

/* What is left of the campaign's figures at a factor that is written so. */
static void
compute_yield(
    const struct economics *e, struct yield *y, double factor, const char *text)
{
	double m = e->messages_per_bot_hour.value;
	double d = e->dollars_per_day.value, c = e->cost_per_sale.value;

	figure_set(&y->messages, m * factor, "%.4g * %s", m, text);
	figure_set(&y->dollars, d * factor, "%.5g * %s", d, text);
	if (factor > 0)
		figure_set(&y->cost, c / factor, "%.4g / (%s)", c, text);
	else
		figure_set(&y->cost, 0, "no sale");
}

static void
compute_scenario(const struct economics *e, struct scenario *s)
{
	double normal = e->assumed.value[ASSUMED_DELIVERY_SECONDS];
	double t = s->seconds.value, f = s->through.value;
	char text[64];

	s->known = true;
	snprintf(text, sizeof(text), "%.4g", f);
	compute_yield(e, &s->spare, f, text);
	/* Nobody gets faster by being slowed: who leaves sooner than a
	 * delivery takes has not delivered. */
	if (t > normal) {
		snprintf(
		    text, sizeof(text), "%.4g * %.4g / %.4g", f, normal, t);
		f *= normal / t;
	}
	compute_yield(e, &s->busy, f, text);
}

static void
compute_published(struct economics *e, struct scenario *s)
{
	const double *v = e->assumed.value;
	double bytes = v[ASSUMED_MESSAGE_BYTES], rate = v[ASSUMED_DRIP_RATE];

	s[0].name = "none";
	s[0].title = "no friction";
	figure_set(&s[0].seconds, v[ASSUMED_DELIVERY_SECONDS], "assumed");
	figure_set(&s[0].through, 1, "assumed");
	s[1].name = "patient";
	s[1].title = "patient";
	figure_set(&s[1].seconds, bytes / rate, "%.10g / %.10g", bytes, rate);
	figure_set(&s[1].through, 1, "assumed");
	s[2].name = "published";
	s[2].title = "impatient";
	figure_set(&s[2].seconds, v[ASSUMED_GIVE_UP_SECONDS], "assumed");
	figure_set(&s[2].through, 1 - v[ASSUMED_GIVE_UP_PERCENT] / 100,
	    "1 - %.10g / 100", v[ASSUMED_GIVE_UP_PERCENT]);
	for (int i = 0; i < 3; i++)
		compute_scenario(e, &s[i]);
}

static void
compute_observed(
    struct economics *e, const struct observed *o, struct scenario *s)
{
	double patience = e->assumed.value[ASSUMED_PATIENCE_SECONDS];

	s[0].name = "observed";
	s[0].title = "observed";
	s[1].name = "curve";
	s[1].title = "observed curve";
	if (o->slowed > 0) {
		double n = (double)o->slowed, k = (double)o->patient;

		figure_set(&s[0].seconds, o->held / n,
		    "%.1f s held / %.0f slowed", o->held, n);
		figure_set(&s[0].through, k / n,
		    "%.0f reached the MTA / %.0f slowed", k, n);
		compute_scenario(e, &s[0]);
	}
	if (o->has_curve) {
		figure_set(&s[1].seconds, o->curve_mean,
		    "area under the curve to %.10g s", patience);
		figure_set(&s[1].through, o->curve_share,
		    "the curve at %.10g s", patience);
		compute_scenario(e, &s[1]);
	}
}

void
economics_compute(const struct assumed_values *v, const struct observed *o,
    struct economics *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->assumed = *v;
	compute_campaign(ret);
	compute_published(ret, &ret->scenario[0]);
	compute_observed(ret, o, &ret->scenario[3]);
}
