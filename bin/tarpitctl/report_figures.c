/* SPDX-License-Identifier: ISC */
/* The pictures: each a script for gnuplot with its data in it.  Only numbers
 * and words of ours go in, nothing that a client said. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bin/tarpitctl/plot.h"
#include "bin/tarpitctl/report_page.h"

/* Readable on white and on nearly black. */
#define BLUE   "#2f7ed8"
#define ORANGE "#d9730d"
#define GREEN  "#2a9d5f"
#define PURPLE "#9b5de5"
#define GREY   "#8a919c"

static const char *const colours[] = { BLUE, GREEN, ORANGE, PURPLE };

static double
seconds(uint64_t usec)
{
	return (double)usec / (double)USEC_PER_SEC;
}

/* With a name of its own, which its parts' ids begin with: pictures that share
 * a page must not share ids.  Small, so that the text is readable when a phone
 * shows it 350 px wide. */
static void
begin_script(FILE *s, enum figure_id id)
{
	fprintf(s,
	    "set encoding utf8\n"
	    "set terminal svg size 480,300 dynamic font 'sans-serif,13' "
	    "name 'figure_%d'\n"
	    "set border 3 lw 1\n"
	    "set tics nomirror scale 0.5\n"
	    "set grid ytics back lt 1 lc rgb 'gray' lw 1\n"
	    "set key tmargin left horizontal Left reverse samplen 1.5\n"
	    "set style fill solid 1 noborder\n",
	    (int)id);
}

/* The longest time that a picture is to show of some curves. */
static uint64_t
end_of_curves(const struct giving_up *g, size_t n)
{
	uint64_t end = 60 * USEC_PER_SEC;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < SURVIVAL_BINS; k++) {
			if (g[i].sessions.ended[k] > 0 &&
			    survival_bound(k) > end)
				end = survival_bound(k);
		}
	}
	return end;
}

static void
put_curve_data(FILE *s, size_t number, const struct giving_up *g)
{
	fprintf(s, "$d%zu << E\n0.5 100\n", number);
	for (size_t k = 0; k < SURVIVAL_BINS && g->curve.point[k].at_risk > 0;
	     k++)
		fprintf(s, "%.1f %.3f\n", seconds(g->curve.point[k].at),
		    100 * g->curve.point[k].share);
	fprintf(s, "E\n");
}

/* Time is logarithmic: what matters happens in the first half minute, and the
 * held stay for hours. */
static void
script_curves(FILE *s, const struct giving_up *g, size_t n)
{
	const char *plot = "plot";

	fprintf(s,
	    "set logscale x\nset xrange [1:%.0f]\nset yrange [0:100]\n"
	    "set xtics ('1 s' 1, '3 s' 3, '10 s' 10, '30 s' 30, "
	    "'2 min' 120, '10 min' 600, '1 h' 3600, '6 h' 21600, "
	    "'1 d' 86400)\n"
	    "set format y '%%.0f %%%%'\n",
	    seconds(end_of_curves(g, n)) * 1.1);
	for (size_t i = 0; i < n; i++) {
		if (g[i].sessions.n > 0)
			put_curve_data(s, i, &g[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (g[i].sessions.n == 0)
			continue;
		fprintf(s, "%s $d%zu with steps lw 2.5 lc rgb '%s' title '%s'",
		    plot, i, colours[i % ARRAY_SIZE(colours)], g[i].name);
		plot = ",";
	}
	if (plot[0] == 'p')
		fprintf(s, "plot 1/0 notitle");
	fprintf(s, "\n");
}

static void
script_patience(FILE *s, const struct findings *f)
{
	const struct giving_up *g = &f->curve[CURVE_UNDECIDED];

	fprintf(s, "$d << E\n0 0 0 0\n");
	for (size_t k = 0; k < SURVIVAL_BINS; k++) {
		const struct survival_point *p = &g->curve.point[k];
		double share = 100 * (1 - p->share);
		double error = 196 * p->std_error;

		if (p->at > 60 * USEC_PER_SEC || p->at_risk == 0)
			break;
		fprintf(s, "%.1f %.3f %.3f %.3f\n", seconds(p->at), share,
		    share - error, share + error);
	}
	fprintf(s,
	    "E\nset xrange [0:60]\nset yrange [0:100]\n"
	    "set format y '%%.0f %%%%'\nset format x '%%.0f s'\n"
	    "plot $d using 1:3:4 with filledcurves lc rgb '%s' "
	    "fs transparent solid 0.25 title '95 %% confidence', "
	    "$d using 1:2 with steps lw 2.5 lc rgb '%s' "
	    "title 'gave up by then'\n",
	    BLUE, BLUE);
}

/* Some five marks at whole hours or days. */
static void
put_time_axis(FILE *s, const struct timeline *t)
{
	static const int64_t steps[] = { 60, 300, 900, 1800, 3600, 10800, 21600,
		43200, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400,
		91 * 86400, 365 * 86400 };
	int64_t span = (int64_t)t->n * t->width;
	size_t i = 0;

	while (i < ARRAY_SIZE(steps) - 1 && steps[i] * 6 < span)
		i++;
	fprintf(s,
	    "E\nset xdata time\nset timefmt '%%s'\nset format x '%s'\n"
	    "set xtics %" PRId64 "\nset xrange ['%" PRId64 "':'%" PRId64 "']\n",
	    steps[i] < 86400 ? (span > 86400 ? "%d %b\\n%H:%M" : "%H:%M")
			     : "%d %b",
	    steps[i], t->begin + t->utc_offset,
	    t->begin + t->utc_offset + (span > 0 ? span : 60));
}

/* Stacked: the sum of all from behind, then less and less of it. */
static void
script_timeline(FILE *s, const struct findings *f)
{
	const struct timeline *t = &f->tally->timeline;

	fprintf(s, "$d << E\n");
	for (size_t i = 0; i < t->n; i++) {
		const uint64_t *n = t->count[i];
		uint64_t sum = n[SERIES_OTHER];
		int64_t middle = t->begin + t->utc_offset +
		    (int64_t)i * t->width + t->width / 2;

		fprintf(s, "%" PRId64 " %" PRIu64, middle, sum);
		sum += n[SERIES_PATIENT];
		fprintf(s, " %" PRIu64, sum);
		sum += n[SERIES_GAVE_UP];
		fprintf(s, " %" PRIu64, sum);
		sum += n[SERIES_PASSED];
		fprintf(s, " %" PRIu64 "\n", sum);
	}
	put_time_axis(s, t);
	fprintf(s,
	    "set yrange [0:*]\nset boxwidth %" PRId64 " absolute\n"
	    "plot $d using 1:5 with boxes lc rgb '%s' title 'passed', "
	    "$d using 1:4 with boxes lc rgb '%s' title 'gave up', "
	    "$d using 1:3 with boxes lc rgb '%s' title 'patient', "
	    "$d using 1:2 with boxes lc rgb '%s' title 'other'\n",
	    t->width > 0 ? t->width : 1, GREEN, ORANGE, PURPLE, GREY);
}

static void
script_hours(FILE *s, const struct findings *f)
{
	fprintf(s, "$d << E\n");
	for (int i = 0; i < 24; i++)
		fprintf(s, "%d %" PRIu64 " %" PRIu64 "\n", i,
		    f->tally->hour[i][0], f->tally->hour[i][1]);
	fprintf(s,
	    "E\nset xrange [-0.6:23.6]\nset yrange [0:*]\nset boxwidth 0.85\n"
	    "set xtics 0,3,21\nset format x '%%02.0f h'\n"
	    "plot $d using 1:2 with boxes lc rgb '%s' title 'trusted', "
	    "$d using 1:3 with boxes lc rgb '%s' title 'suspect'\n",
	    GREEN, ORANGE);
}

/* Powers of ten: what is busy falls by some of them. */
static void
script_economics(FILE *s, const struct findings *f)
{
	size_t n = 0;

	fprintf(s, "$d << E\n");
	for (size_t i = 0; i < SCENARIOS; i++) {
		const struct scenario *c = &f->economics.scenario[i];

		/* Nothing is not on a logarithmic scale. */
		if (!c->known || c->through.value <= 0)
			continue;
		fprintf(s, "%zu %g %g \"%s\"\n", n++, c->busy.messages.value,
		    c->spare.messages.value, c->title);
	}
	fprintf(s,
	    "E\nset logscale y\nset xrange [-0.6:%zu.6]\nset boxwidth 0.36\n"
	    "set yrange [*:*]\nset format y '%%g'\nset mytics 1\n"
	    "set xtics scale 0 font ',11'\n"
	    "plot $d using ($1-0.19):2:xtic(4) with boxes lc rgb '%s' "
	    "title 'bots that are busy', "
	    "$d using ($1+0.19):3 with boxes lc rgb '%s' "
	    "title 'bots with time to spare'\n",
	    n - 1, ORANGE, BLUE);
}

static void
write_script(FILE *s, const struct findings *f, enum figure_id id)
{
	begin_script(s, id);
	switch (id) {
	case FIGURE_LANES:
		script_curves(s, &f->curve[CURVE_LANES], LANE_COUNT - 1);
		return;
	case FIGURE_RATES:
		script_curves(s, &f->curve[CURVE_RATES], RATE_CLASSES);
		return;
	case FIGURE_PATIENCE:
		script_patience(s, f);
		return;
	case FIGURE_TIMELINE:
		script_timeline(s, f);
		return;
	case FIGURE_HOURS:
		script_hours(s, f);
		return;
	case FIGURE_ECONOMICS:
		script_economics(s, f);
		return;
	}
}

int
report_figure(const struct findings *f, enum figure_id id, FILE *out)
{
	AUTO_FREE char *script = NULL;
	size_t size;
	FILE *s = open_memstream(&script, &size);

	if (s == NULL)
		return -errno;
	write_script(s, f, id);
	if (fclose(s) != 0)
		return -ENOMEM;
	return plot_write(script, size, out);
}
