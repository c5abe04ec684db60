/* SPDX-License-Identifier: ISC */
/* A report for a browser: one page, nothing fetched, no script. */
#include <inttypes.h>
#include <string.h>

#include "bin/tarpitctl/human.h"
#include "bin/tarpitctl/report.h"
#include "bin/tarpitctl/report_page.h"

/* Texts that came from clients or from the policy service. */
static void
put_text(FILE *out, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*s, out);
		}
	}
}

/* Wide tables scroll by themselves, the page does not; with the keyboard,
 * too. */
void
page_begin_table(FILE *out, const char *label)
{
	fprintf(out,
	    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
	    "aria-label=\"%s\"><table>\n",
	    label);
}

void
page_end_table(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

static void
put_count(FILE *out, uint64_t n)
{
	char a[HUMAN_SIZE];

	fprintf(out, "<td>%s</td>", human_count(n, a));
}

static void
put_duration(FILE *out, uint64_t usec)
{
	char a[HUMAN_SIZE];

	fprintf(out, "<td>%s</td>", human_duration(usec, a));
}

static void
put_tile(FILE *out, const char *name, const char *value, const char *note)
{
	fprintf(out, "<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>\n",
	    name, value, note);
}

static void
put_tiles(const struct findings *f, FILE *out)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE], note[96];

	fputs("<dl class=\"tiles\">\n", out);
	snprintf(
	    note, sizeof(note), "%s passed at once", human_count(f->passed, b));
	put_tile(out, "Sessions", human_count(f->tally->sessions, a), note);
	snprintf(note, sizeof(note), "%s of all sessions",
	    human_share(f->slowed, f->tally->sessions, b));
	put_tile(out, "Slowed", human_count(f->slowed, a), note);
	snprintf(note, sizeof(note), "%s of the slowed",
	    human_share(f->gave_up, f->slowed, b));
	put_tile(out, "Gave up", human_count(f->gave_up, a), note);
	snprintf(note, sizeof(note), "for %s that we sent",
	    human_bytes(f->tally->gave_up.bytes_out, b));
	put_tile(out, "Taken from spammers",
	    human_duration(f->tally->gave_up.held, a), note);
	snprintf(note, sizeof(note), "waited %s at the median",
	    f->patient > 0 ? human_duration(f->wait_median, b) : "-");
	put_tile(out, "Patient, let in", human_count(f->patient, a), note);
	fputs("</dl>\n", out);
}

static void
put_lead(const struct findings *f, FILE *out)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE], c[HUMAN_SIZE];

	if (f->slowed == 0) {
		fputs("<p class=\"lead\">Nobody was slowed in this time.</p>\n",
		    out);
		return;
	}
	fprintf(out,
	    "<p class=\"lead\">Of %s sessions, %s were suspect and slowed. ",
	    human_count(f->tally->sessions, a), human_count(f->slowed, b));
	if (f->median > 0)
		fprintf(out, "Half of those gave up within %s, and ",
		    human_duration(f->median, a));
	else
		fputs("Less than half of those gave up; ", out);
	fprintf(out,
	    "%s never reached the MTA. %s were patient and did reach it; real "
	    "senders that were slowed by mistake are <a "
	    "href=\"#patient\">among these</a>.</p>\n",
	    human_count(f->spared_sessions, b), human_count(f->patient, c));
}

static void
put_caveats(const struct findings *f, FILE *out)
{
	char a[HUMAN_SIZE];

	if (!f->complete)
		fputs("<p class=\"warn\">The journal could not be read to its "
		      "end.</p>\n",
		    out);
	if (f->tally->unreadable > 0)
		fprintf(out, "<p class=\"warn\">Unreadable records: %s.</p>\n",
		    human_count(f->tally->unreadable, a));
	if (f->tally->open > 0)
		fprintf(out,
		    "<p class=\"note\">Slowed sessions still open then: %s.</p>\n",
		    human_count(f->tally->open, a));
	if (f->observed > 0)
		fprintf(out,
		    "<p class=\"warn\">%s sessions were only observed "
		    "(<code>Mode=observe</code>): passed, whatever the "
		    "lane.</p>\n",
		    human_count(f->observed, a));
}

static void
put_head(const struct findings *f, FILE *out)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE], c[HUMAN_SIZE];

	/* Nothing may be loaded or run, even if an escape were missing; the
	 * style is ours. */
	fprintf(out,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" "
	    "content=\"default-src 'none'; style-src 'unsafe-inline'; "
	    "base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<title>tarpit, %s to %s</title>\n<style>\n%s</style>\n</head>\n",
	    human_time(f->from, a), human_time(f->to, b), report_style);
	fprintf(out,
	    "<body>\n<main>\n<header>\n<h1>What tarpit did</h1>\n"
	    "<p class=\"span\">%s to %s, %s</p>\n</header>\n",
	    a, b, human_duration(f->to - f->from, c));
}

int
page_put_figure(const struct findings *f, enum figure_id id, const char *title,
    const char *caption, FILE *out)
{
	int r;

	fprintf(
	    out, "<figure id=\"figure-%d\">\n<h3>%s</h3>\n", (int)id, title);
	r = report_figure(f, id, out);
	fprintf(out, "<figcaption>%s</figcaption>\n</figure>\n", caption);
	return r;
}

static int
put_giving_up(const struct findings *f, FILE *out)
{
	int r;

	fputs("<h2>How fast they give up</h2>\n<div class=\"figures\">\n", out);
	r = page_put_figure(f, FIGURE_LANES, "By lane",
	    "The share that is still there. Kaplan-Meier: who was let in or "
	    "sent away counts for as long as it was seen.",
	    out);
	if (r == 0)
		r = page_put_figure(f, FIGURE_RATES, "By rate",
		    "The same, by how fast we talked.", out);
	fputs("</div>\n", out);
	return r;
}

static void
put_curve_row(const struct giving_up *g, FILE *out)
{
	static const uint64_t at[] = { 5, 10, 20, 30, 60, 300 };
	uint64_t half = survival_quantile(&g->curve, 0.5);
	char a[HUMAN_SIZE];

	fprintf(out, "<tr><th scope=\"row\">%s</th>", g->name);
	put_count(out, g->sessions.n);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		const struct survival_point *p =
		    survival_at(&g->curve, at[i] * USEC_PER_SEC);

		if (p != NULL)
			fprintf(out, "<td>%.1f %%</td>", 100 * (1 - p->share));
		else
			fputs("<td>-</td>", out);
	}
	fprintf(out, "<td>%s</td></tr>\n",
	    half > 0 ? human_duration(half, a) : "-");
}

static void
put_curve_table(const struct findings *f, FILE *out)
{
	page_begin_table(out, "How many have given up by then");
	fputs("<thead><tr><th>gave up within</th><th>sessions</th>"
	      "<th>5 s</th><th>10 s</th><th>20 s</th><th>30 s</th>"
	      "<th>1 min</th><th>5 min</th><th>half by</th></tr></thead>"
	      "<tbody>\n",
	    out);
	for (size_t i = 0; i < CURVES; i++) {
		if (f->curve[i].sessions.n > 0)
			put_curve_row(&f->curve[i], out);
	}
	page_end_table(out);
	fputs("<p class=\"note\">Times are known to 0.5 s up to 2 minutes, "
	      "5 s up to 10, a minute up to an hour. &ldquo;-&rdquo;: nobody "
	      "was observed that long, or half never left.</p>\n",
	    out);
}

static void
put_patience_table(const struct findings *f, FILE *out)
{
	char a[HUMAN_SIZE];

	page_begin_table(out, "What other patience would have done");
	fputs("<thead><tr><th>patience</th><th>made give up</th>"
	      "<th>caught</th><th>let in besides</th>"
	      "<th>delay in all</th></tr></thead><tbody>\n",
	    out);
	for (size_t i = 0; i < PATIENCE_ROWS; i++) {
		const struct patience_row *p = &f->patience[i];

		fprintf(out, "<tr><th scope=\"row\">%s</th>",
		    human_duration(p->patience, a));
		if (p->known)
			fprintf(out, "<td>%.1f %% &plusmn; %.1f</td>",
			    100 * p->share, 196 * p->std_error);
		else
			fputs("<td>not known</td>", out);
		put_count(out, p->caught);
		put_count(out, p->later);
		put_duration(out, p->delay);
		fputs("</tr>\n", out);
	}
	page_end_table(out);
}

static int
put_patience(const struct findings *f, FILE *out)
{
	char a[HUMAN_SIZE];
	int r;

	fputs(
	    "<h2>Patience</h2>\n<p>What it would have done to ask every "
	    "suspect in <code>slow</code> and <code>throttle</code> for so "
	    "many seconds (with 95 % confidence); how many were caught by "
	    "then; how many that gave up later would have been let in; and "
	    "how long all the patient together would have waited.</p>\n<div class=\"figures\">\n",
	    out);
	r = page_put_figure(f, FIGURE_PATIENCE, "Given up by then",
	    "The longer the wait, the more give up; and the longer real "
	    "senders wait. Some of those leave after 30 s.",
	    out);
	fputs("<div>\n", out);
	put_patience_table(f, out);
	fputs("</div></div>\n", out);
	fprintf(out,
	    "<p class=\"note\">%s more sessions talked before they were "
	    "greeted, and were held for that, whatever the patience.</p>\n",
	    human_count(f->tally->talkers, a));
	return r;
}

static void
put_patients(const struct findings *f, FILE *out)
{
	fputs("<h2 id=\"patient\">Likely false positives</h2>\n<p>Clients that "
	      "were slowed and reached the MTA all the same. A real sender "
	      "among them? Give it a negative weight, or put it on "
	      "<code>local-allow</code>.</p>\n",
	    out);
	page_begin_table(out, "Likely false positives");
	fputs("<thead><tr><th>client</th><th>sessions</th>"
	      "<th class=\"text\">lane</th><th>score</th>"
	      "<th>waited each</th><th class=\"text\">HELO</th>"
	      "<th class=\"text\">reason</th></tr></thead><tbody>\n",
	    out);
	for (size_t i = 0; i < f->patients.n; i++) {
		const struct frequent_entry *e = f->patients.row[i];
		const struct patient_client *c = findings_patient(f, i);

		fputs("<tr><th scope=\"row\"><code>", out);
		put_text(out, e->key);
		fputs("</code></th>", out);
		put_count(out, e->count);
		fprintf(out, "<td class=\"text\">%s</td><td>%" PRId32 "</td>",
		    lane_name(c->lane), c->score);
		put_duration(out, c->waited / (e->count - e->error));
		fputs("<td class=\"text\">", out);
		put_text(out, c->helo);
		fputs("</td><td class=\"text wide\"><code>", out);
		put_text(out, c->reason);
		fputs("</code></td></tr>\n", out);
	}
	page_end_table(out);
}

static void
put_lanes(const struct findings *f, FILE *out)
{
	page_begin_table(out, "Lanes and outcomes");
	fputs("<thead><tr><th>lane</th><th>sessions</th>", out);
	for (int i = 0; i < ENDING_COUNT; i++)
		fprintf(out, "<th>%s</th>", ending_name((enum ending)i));
	fputs("<th>held in all</th><th>sent</th><th>received</th></tr></thead>"
	      "<tbody>\n",
	    out);
	for (int l = 0; l < LANE_COUNT; l++) {
		const struct lane_tally *t = &f->tally->lane[l];
		char a[HUMAN_SIZE], b[HUMAN_SIZE];

		fprintf(out, "<tr><th scope=\"row\">%s</th>",
		    lane_name((enum lane)l));
		put_count(out, t->sessions);
		for (int i = 0; i < ENDING_COUNT; i++)
			put_count(out, t->ending[i]);
		put_duration(out, t->held);
		fprintf(out, "<td>%s</td><td>%s</td></tr>\n",
		    human_bytes(t->bytes_out, a), human_bytes(t->bytes_in, b));
	}
	page_end_table(out);
}

static void
put_table(const struct table *t, uint64_t sessions, FILE *out)
{
	char a[HUMAN_SIZE];

	fprintf(out, "<h3>By %s</h3>\n", t->name);
	page_begin_table(out, t->name);
	fprintf(out,
	    "<thead><tr><th>%s</th><th>sessions</th><th>suspect</th>"
	    "<th>gave up</th><th>held</th></tr></thead><tbody>\n",
	    t->name);
	for (size_t i = 0; i < t->n; i++) {
		const struct frequent_entry *e = t->row[i];

		fputs("<tr><th scope=\"row\">", out);
		put_text(out, e->key);
		fprintf(out,
		    "</th><td class=\"bar\"><i style=\"width:%.1f%%\"></i>"
		    "<span>%s</span></td>",
		    100 * (double)e->count / (double)sessions,
		    human_count(e->count, a));
		put_count(out, e->sum[SUM_SUSPECT]);
		put_count(out, e->sum[SUM_GAVE_UP]);
		put_duration(out, e->sum[SUM_HELD]);
		fputs("</tr>\n", out);
	}
	page_end_table(out);
	if (t->error > 0)
		fprintf(out,
		    "<p class=\"note\">There were more than the %" PRIu32
		    " that are kept: counts may be up to %s too high.</p>\n",
		    t->kept, human_count(t->error, a));
}

static int
put_who(const struct findings *f, FILE *out)
{
	int r;

	fputs("<h2>Who came, and when</h2>\n<div class=\"figures\">\n", out);
	r = page_put_figure(f, FIGURE_TIMELINE, "Sessions over time",
	    "By how they ended.", out);
	if (r == 0)
		r = page_put_figure(
		    f, FIGURE_HOURS, "By hour of the day", "Local time.", out);
	fputs("</div>\n", out);
	put_lanes(f, out);
	fputs("<div class=\"figures\">\n", out);
	for (size_t i = 0; i < TABLES; i++) {
		fputs("<div>\n", out);
		put_table(&f->table[i], f->tally->sessions, out);
		fputs("</div>\n", out);
	}
	fputs("</div>\n", out);
	return r;
}

static void
put_spared(const struct findings *f, FILE *out)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE], c[HUMAN_SIZE];

	fprintf(out,
	    "<h2>What the MTA was spared</h2>\n<p>%s connections of its own, "
	    "and, at %g s for each of %s sessions (assumed), %s of CPU "
	    "time.</p>\n",
	    human_count(f->spared_connections, a),
	    f->economics.assumed.value[ASSUMED_MTA_CPU_SECONDS],
	    human_count(f->spared_sessions, b),
	    human_duration(
		(uint64_t)(f->spared_cpu * (double)USEC_PER_SEC), c));
	fprintf(out,
	    "<p>Had it slowed them itself, %s in %s would have kept %.1f of "
	    "its processes busy at any time.</p>\n",
	    human_duration(f->slowed_held, a),
	    human_duration(f->to - f->from, b), f->held_processes);
}

int
report_html(const struct findings *f, FILE *out)
{
	int r = 0;

	put_head(f, out);
	put_lead(f, out);
	put_tiles(f, out);
	put_caveats(f, out);
	if (f->tally->sessions > 0) {
		r = put_giving_up(f, out);
		put_curve_table(f, out);
		if (r == 0)
			r = put_patience(f, out);
		put_patients(f, out);
		if (r == 0)
			r = put_who(f, out);
		put_spared(f, out);
	}
	if (r == 0)
		r = report_html_economics(f, out);
	fputs("<footer class=\"note\">Made by <code>tarpitctl report "
	      "--html</code> from the journal.</footer>\n</main>\n</body>\n"
	      "</html>\n",
	    out);
	return r;
}
