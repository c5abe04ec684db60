/* SPDX-License-Identifier: ISC */
/* A report for programs. */
#include <errno.h>
#include <jansson.h>

#include "bin/tarpitctl/report.h"

/*
 * jansson's functions that take a reference over also free it on failure, and
 * take NULL for one; so what could not be allocated is seen at the end, by the
 * one check in `put`.
 */
struct object {
	json_t *json;
	bool failed;
};

static struct object
object_new(void)
{
	json_t *json = json_object();

	return (struct object){ .json = json, .failed = json == NULL };
}

static void
put(struct object *o, const char *name, json_t *value)
{
	if (json_object_set_new(o->json, name, value) < 0)
		o->failed = true;
}

static void
put_count(struct object *o, const char *name, uint64_t n)
{
	put(o, name, json_integer((json_int_t)n));
}

static void
put_seconds(struct object *o, const char *name, uint64_t usec)
{
	put(o, name, json_real((double)usec / (double)USEC_PER_SEC));
}

static void
put_object(struct object *o, const char *name, struct object child)
{
	o->failed |= child.failed;
	put(o, name, child.json);
}

/* An array that CHILD becomes the last element of. */
static void
append(struct object *o, json_t *array, struct object child)
{
	if (child.failed || json_array_append_new(array, child.json) < 0)
		o->failed = true;
}

static struct object
lane_object(const struct lane_tally *l)
{
	struct object o = object_new(), outcomes = object_new();

	put_count(&o, "sessions", l->sessions);
	for (int i = 0; i < ENDING_COUNT; i++)
		put_count(&outcomes, ending_name((enum ending)i), l->ending[i]);
	put_object(&o, "outcomes", outcomes);
	put_seconds(&o, "held_seconds", l->held);
	put_count(&o, "bytes_in", l->bytes_in);
	put_count(&o, "bytes_out", l->bytes_out);
	return o;
}

static void
put_totals(struct object *o, const struct findings *f)
{
	struct object lanes = object_new(), observed = object_new();

	put_count(o, "from", f->from / USEC_PER_SEC);
	put_count(o, "to", f->to / USEC_PER_SEC);
	put(o, "complete", json_boolean(f->complete));
	put_count(o, "sessions", f->tally->sessions);
	put_count(o, "unreadable", f->tally->unreadable);
	put_count(o, "passed", f->passed);
	put_count(o, "slowed", f->slowed);
	put_count(o, "gave_up", f->gave_up);
	put_count(o, "patient", f->patient);
	put_count(o, "open", f->tally->open);
	put_count(o, "talked_early", f->tally->talkers);
	for (int i = 0; i < LANE_COUNT; i++) {
		put_object(&lanes, lane_name((enum lane)i),
		    lane_object(&f->tally->lane[i]));
		put_count(
		    &observed, lane_name((enum lane)i), f->tally->observed[i]);
	}
	put_object(o, "lanes", lanes);
	put_object(o, "observed", observed);
	put_object(o, "taken", lane_object(&f->tally->gave_up));
}

static void
put_when(struct object *o, const struct findings *f)
{
	static const char *const kinds[TIMELINE_KINDS] = {
		[SERIES_PASSED] = "passed",
		[SERIES_GAVE_UP] = "gave_up",
		[SERIES_PATIENT] = "patient",
		[SERIES_OTHER] = "other",
	};
	const struct timeline *t = &f->tally->timeline;
	json_t *hours = json_array(), *bins = json_array();

	for (size_t i = 0; i < 24; i++) {
		struct object hour = object_new();

		put_count(&hour, "sessions", f->tally->hour[i][0]);
		put_count(&hour, "suspect", f->tally->hour[i][1]);
		append(o, hours, hour);
	}
	put(o, "hours", hours);
	for (size_t i = 0; i < t->n; i++) {
		struct object bin = object_new();

		put(&bin, "begin",
		    json_integer(t->begin + (int64_t)i * t->width));
		for (size_t k = 0; k < TIMELINE_KINDS; k++)
			put_count(&bin, kinds[k], t->count[i][k]);
		append(o, bins, bin);
	}
	put(o, "timeline_seconds", json_integer(t->width));
	put(o, "timeline", bins);
}

static struct object
entry_object(const struct table *t, const struct frequent_entry *e)
{
	struct object o = object_new();

	put(&o, t->name, json_string(e->key));
	put_count(&o, "sessions", e->count);
	put_count(&o, "error", e->error);
	return o;
}

static void
put_table(struct object *o, const char *name, const struct table *t)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < t->n; i++) {
		struct object row = entry_object(t, t->row[i]);

		put_count(&row, "suspect", t->row[i]->sum[SUM_SUSPECT]);
		put_count(&row, "gave_up", t->row[i]->sum[SUM_GAVE_UP]);
		put_seconds(&row, "held_seconds", t->row[i]->sum[SUM_HELD]);
		append(o, rows, row);
	}
	put(o, name, rows);
}

static void
put_patients(struct object *o, const struct findings *f)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < f->patients.n; i++) {
		struct object row =
		    entry_object(&f->patients, f->patients.row[i]);
		const struct patient_client *c = findings_patient(f, i);

		put(&row, "lane", json_string(lane_name(c->lane)));
		put(&row, "score", json_integer(c->score));
		put(&row, "reason", json_string(c->reason));
		put(&row, "helo", json_string(c->helo));
		put_seconds(&row, "waited_seconds", c->waited);
		append(o, rows, row);
	}
	put(o, "likely_false_positives", rows);
}

/* Only where the curve falls: most of the bins are empty. */
static struct object
curve_object(struct object *all, const struct giving_up *g)
{
	struct object o = object_new();
	json_t *points = json_array();
	uint64_t half = survival_quantile(&g->curve, 0.5);

	put(&o, "kind", json_string(g->kind));
	put(&o, "name", json_string(g->name));
	put_count(&o, "sessions", g->sessions.n);
	if (half > 0)
		put_seconds(&o, "half_by_seconds", half);
	else
		put(&o, "half_by_seconds", json_null());
	for (size_t i = 0; i < SURVIVAL_BINS; i++) {
		const struct survival_point *p = &g->curve.point[i];
		struct object point;

		if (g->sessions.ended[i] == 0)
			continue;
		point = object_new();
		put_seconds(&point, "seconds", p->at);
		put_count(&point, "at_risk", p->at_risk);
		put_count(&point, "gave_up", g->sessions.ended[i]);
		put(&point, "left", json_real(p->share));
		put(&point, "std_error", json_real(p->std_error));
		append(all, points, point);
	}
	put(&o, "points", points);
	return o;
}

static void
put_curves(struct object *o, const struct findings *f)
{
	json_t *curves = json_array(), *rows = json_array();

	for (size_t i = 0; i < CURVES; i++)
		append(o, curves, curve_object(o, &f->curve[i]));
	put(o, "giving_up", curves);
	for (size_t i = 0; i < PATIENCE_ROWS; i++) {
		const struct patience_row *p = &f->patience[i];
		struct object row = object_new();

		put_seconds(&row, "seconds", p->patience);
		put(&row, "share",
		    p->known ? json_real(p->share) : json_null());
		put(&row, "std_error",
		    p->known ? json_real(p->std_error) : json_null());
		put_count(&row, "caught", p->caught);
		put_count(&row, "let_in_besides", p->later);
		put_seconds(&row, "delay_seconds", p->delay);
		append(o, rows, row);
	}
	put(o, "patience", rows);
}

static void
put_figure(struct object *o, const char *name, const struct figure *f)
{
	struct object figure = object_new();

	put(&figure, "value", json_real(f->value));
	put(&figure, "formula", json_string(f->formula));
	put_object(o, name, figure);
}

static void
put_yield(struct object *o, const char *name, const struct yield *y)
{
	struct object yield = object_new();

	put_figure(&yield, "messages_per_bot_hour", &y->messages);
	put_figure(&yield, "dollars_per_day", &y->dollars);
	if (y->cost.value > 0)
		put_figure(&yield, "dollars_per_sale", &y->cost);
	else
		put(&yield, "dollars_per_sale", json_null());
	put_object(o, name, yield);
}

static struct object
scenario_object(const struct scenario *s)
{
	struct object o = object_new();

	put(&o, "name", json_string(s->name));
	put(&o, "title", json_string(s->title));
	put(&o, "known", json_boolean(s->known));
	if (!s->known)
		return o;
	put_figure(&o, "seconds", &s->seconds);
	put_figure(&o, "through", &s->through);
	put_yield(&o, "busy", &s->busy);
	put_yield(&o, "spare", &s->spare);
	return o;
}

static void
put_economics(struct object *all, const struct economics *e)
{
	struct object o = object_new(), assumed = object_new();
	json_t *scenarios = json_array();

	for (size_t i = 0; i < ASSUMED_COUNT; i++)
		put(&assumed, assumptions[i].name,
		    json_real(e->assumed.value[i]));
	put_object(&o, "assumed", assumed);
	put_figure(&o, "messages_per_bot_hour", &e->messages_per_bot_hour);
	put_figure(&o, "dollars_per_day", &e->dollars_per_day);
	put_figure(&o, "messages_per_sale", &e->messages_per_sale);
	put_figure(&o, "bot_hours_per_sale", &e->bot_hours_per_sale);
	put_figure(&o, "dollars_per_sale", &e->cost_per_sale);
	for (size_t i = 0; i < SCENARIOS; i++)
		append(&o, scenarios, scenario_object(&e->scenario[i]));
	put(&o, "scenarios", scenarios);
	put_object(all, "economics", o);
}

static void
put_spared(struct object *all, const struct findings *f)
{
	struct object o = object_new();

	put_count(&o, "connections", f->spared_connections);
	put_count(&o, "sessions", f->spared_sessions);
	put(&o, "cpu_seconds", json_real(f->spared_cpu));
	put(&o, "processes", json_real(f->held_processes));
	put_object(all, "spared", o);
}

int
report_json(const struct findings *f, FILE *out)
{
	struct object o = object_new();
	int r = 0;

	put_totals(&o, f);
	put_when(&o, f);
	put_table(&o, "countries", &f->table[TABLE_COUNTRIES]);
	put_table(&o, "networks", &f->table[TABLE_NETWORKS]);
	put_table(&o, "lists", &f->table[TABLE_LISTS]);
	put_table(&o, "reasons", &f->table[TABLE_REASONS]);
	put_curves(&o, f);
	put_patients(&o, f);
	put_spared(&o, f);
	put_economics(&o, &f->economics);
	if (!o.failed)
		r = json_dumpf(
		    o.json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
	fputc('\n', out);
	json_decref(o.json);
	return o.failed || r < 0 ? -ENOMEM : 0;
}
