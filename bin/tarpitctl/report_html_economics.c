/* SPDX-License-Identifier: ISC */
/* The end of the page: a spammer's business. */
#include "bin/tarpitctl/human.h"
#include "bin/tarpitctl/report_page.h"

static void
put_assumptions(const struct economics *e, FILE *out)
{
	page_begin_table(out, "Assumptions");
	fputs("<thead><tr><th>assumed</th><th>value</th>"
	      "<th class=\"text\">of what</th><th class=\"text\">source</th>"
	      "</tr></thead><tbody>\n",
	    out);
	for (size_t i = 0; i < ASSUMED_COUNT; i++) {
		const struct assumption *a = &assumptions[i];

		fprintf(out,
		    "<tr><th scope=\"row\"><code>%s</code></th><td>%.*f</td>"
		    "<td class=\"text\">%s</td><td class=\"text\">%s</td>"
		    "</tr>\n",
		    a->name, a->decimals, e->assumed.value[i], a->meaning,
		    a->source);
	}
	page_end_table(out);
}

static void
put_figure_row(FILE *out, const char *name, const struct figure *f)
{
	char a[HUMAN_SIZE];

	fprintf(out,
	    "<tr><th scope=\"row\">%s</th><td class=\"text\"><code>%s</code>"
	    "</td><td>%s</td></tr>\n",
	    name, f->formula, human_figure(f->value, a));
}

static void
begin_formulas(FILE *out, const char *label)
{
	page_begin_table(out, label);
	fprintf(out,
	    "<thead><tr><th>%s</th><th class=\"text\">formula</th>"
	    "<th>result</th></tr></thead><tbody>\n",
	    label);
}

static void
put_campaign(const struct economics *e, FILE *out)
{
	begin_formulas(out, "the campaign");
	put_figure_row(out, "messages per bot-hour", &e->messages_per_bot_hour);
	put_figure_row(out, "dollars per day", &e->dollars_per_day);
	put_figure_row(out, "messages per sale", &e->messages_per_sale);
	put_figure_row(out, "bot-hours per sale", &e->bot_hours_per_sale);
	put_figure_row(out, "dollars per sale, at most", &e->cost_per_sale);
	page_end_table(out);
}

static void
put_pair(FILE *out, const struct figure *busy, const struct figure *spare,
    const char *zero)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE];

	fprintf(out, "<td>%s</td><td>%s</td>",
	    busy->value > 0 ? human_figure(busy->value, a) : zero,
	    spare->value > 0 ? human_figure(spare->value, b) : zero);
}

static void
put_scenario(const struct scenario *s, FILE *out)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE];

	fprintf(out, "<tr><th scope=\"row\">%s</th>", s->title);
	if (!s->known) {
		fputs(
		    "<td colspan=\"8\" class=\"text\">not known: too few sessions</td>"
		    "</tr>\n",
		    out);
		return;
	}
	fprintf(out, "<td>%s</td><td>%s</td>",
	    human_figure(s->seconds.value, a),
	    human_figure(s->through.value, b));
	put_pair(out, &s->busy.messages, &s->spare.messages, "0");
	put_pair(out, &s->busy.dollars, &s->spare.dollars, "0");
	put_pair(out, &s->busy.cost, &s->spare.cost, "no sale");
	fputs("</tr>\n", out);
}

static void
put_scenarios(const struct economics *e, FILE *out)
{
	page_begin_table(out, "Scenarios");
	fputs("<thead><tr><th rowspan=\"2\">spammer</th>"
	      "<th rowspan=\"2\">attempt <i>t</i>, s</th>"
	      "<th rowspan=\"2\">get through <i>f</i></th>"
	      "<th colspan=\"2\">messages per bot-hour</th>"
	      "<th colspan=\"2\">dollars per day</th>"
	      "<th colspan=\"2\">dollars per sale</th></tr>\n<tr>",
	    out);
	for (int i = 0; i < 3; i++)
		fputs("<th class=\"num\">busy</th><th>spare</th>", out);
	fputs("</tr></thead><tbody>\n", out);
	for (size_t i = 0; i < SCENARIOS; i++)
		put_scenario(&e->scenario[i], out);
	page_end_table(out);
}

static void
put_formulas(const struct economics *e, FILE *out)
{
	fputs("<details>\n<summary>Every figure, to check by hand</summary>\n",
	    out);
	for (size_t i = 1; i < SCENARIOS; i++) {
		const struct scenario *s = &e->scenario[i];

		if (!s->known)
			continue;
		begin_formulas(out, s->title);
		put_figure_row(out, "t, seconds", &s->seconds);
		put_figure_row(out, "f", &s->through);
		put_figure_row(
		    out, "messages per bot-hour, busy", &s->busy.messages);
		put_figure_row(
		    out, "messages per bot-hour", &s->spare.messages);
		put_figure_row(out, "dollars per day, busy", &s->busy.dollars);
		put_figure_row(out, "dollars per day", &s->spare.dollars);
		put_figure_row(out, "dollars per sale, busy", &s->busy.cost);
		put_figure_row(out, "dollars per sale", &s->spare.cost);
		page_end_table(out);
	}
	fputs("</details>\n", out);
}

int
report_html_economics(const struct findings *f, FILE *out)
{
	const struct economics *e = &f->economics;
	int r;

	fputs("<h2>What friction does to a spammer&rsquo;s business</h2>\n"
	      "<p>One campaign of which the figures are public, if all of its "
	      "targets did as this one does. Busy bots, without time to "
	      "spare, lose by the time that an attempt takes as well as by "
	      "what does not get through; others by the latter alone. All of "
	      "the patient are counted as spam here.</p>\n"
	      "<div class=\"figures\">\n",
	    out);
	r = page_put_figure(f, FIGURE_ECONOMICS, "Messages per bot-hour",
	    "Each mark down is ten times less.", out);
	fputs("<div>\n", out);
	put_campaign(e, out);
	fputs("<p class=\"note\">A sale cost no more than it brought in, or "
	      "the campaign had made a loss; with the same bots, what a sale "
	      "costs rises as the number of sales falls.</p>\n</div></div>\n",
	    out);
	put_scenarios(e, out);
	put_formulas(e, out);
	fputs("<h3>Assumptions</h3>\n<p class=\"note\">Each can be changed: "
	      "<code>--assume NAME=VALUE</code></p>\n",
	    out);
	put_assumptions(e, out);
	return r;
}
