/* SPDX-License-Identifier: ISC */
/* A report for a terminal of 80 columns. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "bin/tarpitctl/human.h"
#include "bin/tarpitctl/report.h"
#include "bin/tarpitctl/spark.h"

struct page {
	const struct findings *f;
	FILE *out;
	bool utf8;
};

static void
heading(const struct page *p, const char *title, const char *note)
{
	fprintf(p->out, "\n%s%s%s\n", title, *note != '\0' ? "  " : "", note);
}

static void
print_summary(const struct page *p)
{
	const struct findings *f = p->f;
	char a[HUMAN_SIZE], b[HUMAN_SIZE], c[HUMAN_SIZE];

	fprintf(p->out, "tarpit report, %s to %s (%s)\n\n",
	    human_time(f->from, a), human_time(f->to, b),
	    human_duration(f->to - f->from, c));
	fprintf(p->out,
	    "%s sessions: %s passed to the MTA at once, %s slowed.\n",
	    human_count(f->tally->sessions, a), human_count(f->passed, b),
	    human_count(f->slowed, c));
	if (f->tally->sessions == 0)
		fprintf(p->out, "There is no record of a session.\n");
	if (f->slowed > 0) {
		fprintf(p->out, "Of the slowed %s (%s) gave up",
		    human_count(f->gave_up, a),
		    human_share(f->gave_up, f->slowed, b));
		if (f->median > 0)
			fprintf(p->out, ", half of all within %s",
			    human_duration(f->median, c));
		fprintf(p->out, ".\n%s (%s) were patient and reached the MTA",
		    human_count(f->patient, a),
		    human_share(f->patient, f->slowed, b));
		if (f->patient > 0)
			fprintf(p->out, ", half of them within %s",
			    human_duration(f->wait_median, c));
		fprintf(p->out, ".\nThose who gave up spent %s here, for %s",
		    human_duration(f->tally->gave_up.held, a),
		    human_bytes(f->tally->gave_up.bytes_out, b));
		fprintf(p->out, " from us.\n");
	}
}

/* What makes the figures less than they seem. */
static void
print_caveats(const struct page *p)
{
	const struct findings *f = p->f;
	char a[HUMAN_SIZE];

	if (!f->complete)
		fprintf(p->out, "The journal could not be read to its end.\n");
	if (f->tally->unreadable > 0)
		fprintf(p->out, "Unreadable records: %s.\n",
		    human_count(f->tally->unreadable, a));
	if (f->tally->open > 0)
		fprintf(p->out, "Slowed sessions still open then: %s.\n",
		    human_count(f->tally->open, a));
	if (f->observed == 0)
		return;
	fprintf(p->out, "%s sessions were only observed (Mode=observe):",
	    human_count(f->observed, a));
	for (int i = 0; i < LANE_COUNT; i++)
		fprintf(p->out, " %s %s%s", lane_name((enum lane)i),
		    human_count(f->tally->observed[i], a),
		    i < LANE_COUNT - 1 ? "," : ".\n");
}

static void
print_lanes(const struct page *p)
{
	static const int width[ENDING_COUNT] = { 9, 10, 10, 10, 9, 7, 8 };
	char text[HUMAN_SIZE];

	heading(p, "LANES", "and how sessions ended");
	fprintf(p->out, "%-8s %8s", "lane", "sessions");
	for (int i = 0; i < ENDING_COUNT; i++)
		fprintf(p->out, "%*s", width[i], ending_name((enum ending)i));
	fputc('\n', p->out);
	for (int l = 0; l < LANE_COUNT; l++) {
		const struct lane_tally *t = &p->f->tally->lane[l];

		fprintf(p->out, "%-8s %8" PRIu64, lane_name((enum lane)l),
		    t->sessions);
		for (int i = 0; i < ENDING_COUNT; i++)
			fprintf(p->out, "%*" PRIu64, width[i], t->ending[i]);
		fputc('\n', p->out);
	}
	fprintf(p->out, "\n%-8s %15s %15s %15s %15s\n", "lane", "held in all",
	    "on average", "sent", "received");
	for (int l = 0; l < LANE_COUNT; l++) {
		const struct lane_tally *t = &p->f->tally->lane[l];

		fprintf(p->out, "%-8s %15s", lane_name((enum lane)l),
		    human_duration(t->held, text));
		fprintf(p->out, " %15s",
		    t->sessions == 0
			? "-"
			: human_duration(t->held / t->sessions, text));
		fprintf(p->out, " %15s", human_bytes(t->bytes_out, text));
		fprintf(p->out, " %15s\n", human_bytes(t->bytes_in, text));
	}
}

/* So many bins to a character that the line fits. */
static size_t
fold_timeline(const struct timeline *t, int kind, double *value)
{
	size_t fold = (t->n + SPARK_MAX - 1) / SPARK_MAX, n = 0;

	for (size_t i = 0; i < t->n; i++) {
		n = i / fold;
		if (i % fold == 0)
			value[n] = 0;
		value[n] +=
		    (double)(kind < 0 ? timeline_sum(t, i) : t->count[i][kind]);
	}
	return t->n > 0 ? n + 1 : 0;
}

static void
print_spark(const struct page *p, const char *name, const double *value,
    size_t n, double max)
{
	char line[SPARK_SIZE];

	fprintf(p->out, "%-15s %s\n", name,
	    spark_draw(value, n, max, p->utf8, line));
}

static double
max_of(const double *value, size_t n)
{
	double max = 0;

	for (size_t i = 0; i < n; i++)
		max = value[i] > max ? value[i] : max;
	return max;
}

static void
print_when(const struct page *p)
{
	const struct timeline *t = &p->f->tally->timeline;
	double value[SPARK_MAX], max;
	char note[96], a[HUMAN_SIZE], b[HUMAN_SIZE];
	size_t fold = (t->n + SPARK_MAX - 1) / SPARK_MAX;
	size_t n = fold_timeline(t, -1, value);

	snprintf(note, sizeof(note), "from %s on, one character for %s",
	    human_time((uint64_t)t->begin * USEC_PER_SEC, a),
	    human_duration((uint64_t)t->width * fold * USEC_PER_SEC, b));
	heading(p, "WHEN", note);
	max = max_of(value, n);
	print_spark(p, "all sessions", value, n, max);
	n = fold_timeline(t, SERIES_GAVE_UP, value);
	print_spark(p, "gave up", value, n, max);
	n = fold_timeline(t, SERIES_PATIENT, value);
	print_spark(p, "were patient", value, n, max);
}

static void
print_hours(const struct page *p)
{
	double all[24], suspect[24], max;

	for (size_t i = 0; i < 24; i++) {
		all[i] = (double)p->f->tally->hour[i][0];
		suspect[i] = (double)p->f->tally->hour[i][1];
	}
	max = max_of(all, 24);
	print_spark(p, "by hour of day", all, 24, max);
	print_spark(p, "  the suspect", suspect, 24, max);
	fprintf(p->out, "%-15s %s\n", "", "0     6     12    18   23");
}

static void
print_error(const struct page *p, const struct table *t)
{
	char a[HUMAN_SIZE];

	if (t->error > 0)
		fprintf(p->out,
		    "There were more than the %" PRIu32
		    " that are kept: counts may be up to %s too high.\n",
		    t->kept, human_count(t->error, a));
}

static void
print_table(const struct page *p, const struct table *t)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE];

	snprintf(a, sizeof(a), "BY %s", t->name);
	for (char *c = a; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	heading(p, a, t->n < TABLE_ROWS ? "" : "the most frequent");
	fprintf(p->out, "%-38.38s %9s %9s %8s %10s\n", t->name, "sessions",
	    "suspect", "gave up", "held");
	for (size_t i = 0; i < t->n; i++) {
		const struct frequent_entry *e = t->row[i];

		fprintf(p->out,
		    "%-38.38s %9" PRIu64 " %9" PRIu64 " %8" PRIu64 " %10s\n",
		    e->key, e->count, e->sum[SUM_SUSPECT], e->sum[SUM_GAVE_UP],
		    human_duration(e->sum[SUM_HELD], b));
	}
	print_error(p, t);
}

static void
print_curve_row(const struct page *p, const struct giving_up *g)
{
	static const uint64_t seconds[] = { 5, 10, 20, 30, 60 };
	double value[8];
	char a[HUMAN_SIZE], line[SPARK_SIZE];
	uint64_t half = survival_quantile(&g->curve, 0.5);

	fprintf(p->out, "%-17s %9s", g->name, human_count(g->sessions.n, a));
	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
		const struct survival_point *s =
		    survival_at(&g->curve, seconds[i] * USEC_PER_SEC);

		if (s != NULL)
			fprintf(p->out, " %5.1f%%", 100 * (1 - s->share));
		else
			fprintf(p->out, " %6s", "-");
	}
	for (size_t i = 0; i < ARRAY_SIZE(value); i++) {
		const struct survival_point *s = survival_at(
		    &g->curve, (i + 1) * 60 * USEC_PER_SEC / ARRAY_SIZE(value));

		value[i] = s != NULL ? s->share : 0;
	}
	fprintf(p->out, " %8s %s\n", half > 0 ? human_duration(half, a) : "-",
	    spark_draw(value, ARRAY_SIZE(value), 1, p->utf8, line));
}

static void
print_curves(const struct page *p)
{
	heading(p, "HOW FAST THEY GIVE UP",
	    "Kaplan-Meier, to 0.5 s; let in or sent away = censored");
	fprintf(p->out, "%-17s %9s %6s %6s %6s %6s %6s %8s %s\n", "",
	    "sessions", "5 s", "10 s", "20 s", "30 s", "60 s", "half by",
	    "to 60 s");
	for (size_t i = 0; i < CURVES; i++) {
		if (p->f->curve[i].sessions.n > 0)
			print_curve_row(p, &p->f->curve[i]);
	}
}

static void
print_patience(const struct page *p)
{
	const struct findings *f = p->f;
	char a[HUMAN_SIZE], b[HUMAN_SIZE], c[HUMAN_SIZE];

	heading(p, "PATIENCE",
	    "asked of every suspect in slow and throttle, it would have");
	fprintf(p->out, "%8s %16s %10s %14s   %s\n", "", "made give up",
	    "caught", "let in besides", "delayed the patient");
	for (size_t i = 0; i < PATIENCE_ROWS; i++) {
		const struct patience_row *r = &f->patience[i];

		fprintf(p->out, "%8s", human_duration(r->patience, a));
		if (r->known)
			fprintf(p->out, " %6.1f%% +- %4.1f%%", 100 * r->share,
			    196 * r->std_error);
		else
			fprintf(p->out, " %16s", "not known");
		fprintf(p->out, " %10s", human_count(r->caught, a));
		fprintf(p->out, " %14s", human_count(r->later, b));
		fprintf(p->out, "   %s in all\n", human_duration(r->delay, c));
	}
	fprintf(p->out,
	    "Patient: %s sessions, listed below.  %s more talked before they "
	    "were\ngreeted and were held for that, whatever the patience.\n",
	    human_count(f->patient, a), human_count(f->tally->talkers, b));
}

static void
print_patients(const struct page *p)
{
	const struct findings *f = p->f;
	char a[HUMAN_SIZE];

	heading(p, "LIKELY FALSE POSITIVES",
	    "slowed, but patient: real senders are among these");
	if (f->patients.n == 0)
		fprintf(p->out, "none\n");
	for (size_t i = 0; i < f->patients.n; i++) {
		const struct frequent_entry *e = f->patients.row[i];
		const struct patient_client *c = findings_patient(f, i);
		uint64_t n = e->count - e->error;

		fprintf(p->out, "%6" PRIu64 "x %-39s waited %s each\n",
		    e->count, e->key, human_duration(c->waited / n, a));
		fprintf(p->out, "        score %d, %s%s%.40s\n", c->score,
		    lane_name(c->lane), c->helo[0] != '\0' ? ", HELO " : "",
		    c->helo);
		fprintf(p->out, "        %.72s\n", c->reason);
	}
	print_error(p, &f->patients);
}

static void
print_spared(const struct page *p)
{
	const struct findings *f = p->f;
	double cpu = f->economics.assumed.value[ASSUMED_MTA_CPU_SECONDS];
	char a[HUMAN_SIZE], b[HUMAN_SIZE], c[HUMAN_SIZE];

	heading(p, "SPARED THE MTA", "");
	fprintf(p->out, "connections  %s slowed that never became its own\n",
	    human_count(f->spared_connections, a));
	fprintf(p->out,
	    "CPU time     %s sessions * %g s = %s (assumed: "
	    "mta-cpu-seconds)\n",
	    human_count(f->spared_sessions, a), cpu,
	    human_duration(
		(uint64_t)(f->spared_cpu * (double)USEC_PER_SEC), b));
	fprintf(p->out,
	    "processes    %s held in %s = %.1f busy all the time, had it\n"
	    "             slowed them itself\n",
	    human_duration(f->slowed_held, a),
	    human_duration(f->to - f->from, c), f->held_processes);
}

static void
print_assumptions(const struct page *p)
{
	const struct economics *e = &p->f->economics;
	char name[32], value[32];

	fprintf(p->out,
	    "Assumed (--assume NAME=VALUE), and that all of the spammer's "
	    "targets do as\nthis one does:\n");
	for (size_t i = 0; i < ASSUMED_COUNT; i++) {
		const struct assumption *a = &assumptions[i];

		snprintf(name, sizeof(name), "%s", a->name);
		snprintf(value, sizeof(value), "%.*f", a->decimals,
		    e->assumed.value[i]);
		fprintf(p->out, "  %-16s %11s  %s\n", name, value, a->meaning);
		fprintf(p->out, "  %28s    %s\n", "", a->source);
	}
}

static void
print_figure(const struct page *p, const char *name, const struct figure *f)
{
	char a[HUMAN_SIZE];

	fprintf(p->out, "  %-22s %s = %s\n", name, f->formula,
	    human_figure(f->value, a));
}

/* A figure for a column of 7. */
static void
print_cell(const struct page *p, double value, const char *zero)
{
	char a[HUMAN_SIZE];

	if (value >= 1e6)
		fprintf(p->out, " %7.2g", value);
	else
		fprintf(
		    p->out, " %7s", value > 0 ? human_figure(value, a) : zero);
}

static void
print_scenario(const struct page *p, const struct scenario *s)
{
	fprintf(p->out, "%-15s", s->title);
	if (!s->known) {
		fprintf(p->out, " not known: too few sessions\n");
		return;
	}
	print_cell(p, s->seconds.value, "0");
	print_cell(p, s->through.value, "0");
	print_cell(p, s->busy.messages.value, "0");
	print_cell(p, s->spare.messages.value, "0");
	print_cell(p, s->busy.dollars.value, "0");
	print_cell(p, s->spare.dollars.value, "0");
	print_cell(p, s->busy.cost.value, "no sale");
	print_cell(p, s->spare.cost.value, "no sale");
	fputc('\n', p->out);
}

static void
print_scenarios(const struct page *p)
{
	const struct economics *e = &p->f->economics;

	fprintf(p->out,
	    "\n%-15s %7s %7s %15s %15s %15s\n"
	    "%-15s %7s %7s %7s %7s %7s %7s %7s %7s\n",
	    "", "", "", "msgs/bot-hour", "dollars/day", "dollars/sale", "",
	    "t, s", "f", "busy", "spare", "busy", "spare", "busy", "spare");
	for (size_t i = 0; i < SCENARIOS; i++)
		print_scenario(p, &e->scenario[i]);
	fprintf(p->out,
	    "t: an attempt takes; f: the share of attempts that get through, "
	    "all of the\npatient counted as spam; busy: bots without time to "
	    "spare lose by both\n(f * %g / t), others (spare) by f alone.\n",
	    e->assumed.value[ASSUMED_DELIVERY_SECONDS]);
}

static void
print_formulas(const struct page *p)
{
	for (size_t i = 1; i < SCENARIOS; i++) {
		const struct scenario *s = &p->f->economics.scenario[i];

		if (!s->known)
			continue;
		fprintf(p->out, "\n  %s\n", s->title);
		print_figure(p, "t, seconds", &s->seconds);
		print_figure(p, "f", &s->through);
		print_figure(p, "messages/bot-hour busy", &s->busy.messages);
		print_figure(p, "messages/bot-hour", &s->spare.messages);
		print_figure(p, "dollars/day busy", &s->busy.dollars);
		print_figure(p, "dollars/day", &s->spare.dollars);
		print_figure(p, "dollars/sale busy", &s->busy.cost);
		print_figure(p, "dollars/sale", &s->spare.cost);
	}
}

static void
print_economics(const struct page *p)
{
	const struct economics *e = &p->f->economics;

	heading(p, "ECONOMICS", "what friction does to a spammer's business");
	print_assumptions(p);
	fprintf(p->out, "\nThe campaign, without friction:\n");
	print_figure(p, "messages/bot-hour", &e->messages_per_bot_hour);
	print_figure(p, "dollars/day", &e->dollars_per_day);
	print_figure(p, "messages/sale", &e->messages_per_sale);
	print_figure(p, "bot-hours/sale", &e->bot_hours_per_sale);
	print_figure(p, "dollars/sale", &e->cost_per_sale);
	fprintf(p->out,
	    "A sale cost no more than it brought in, or the campaign had made "
	    "a loss; with\nthe same bots, what a sale costs rises as the "
	    "number of sales falls.\n");
	print_scenarios(p);
	print_formulas(p);
}

void
report_text(const struct findings *f, bool utf8, FILE *out)
{
	const struct page p = { .f = f, .out = out, .utf8 = utf8 };

	print_summary(&p);
	print_caveats(&p);
	if (f->tally->sessions > 0) {
		print_lanes(&p);
		print_when(&p);
		print_hours(&p);
		for (size_t i = 0; i < TABLES; i++)
			print_table(&p, &f->table[i]);
		print_curves(&p);
		print_patience(&p);
		print_patients(&p);
		print_spared(&p);
	}
	print_economics(&p);
}
