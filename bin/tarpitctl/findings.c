/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/findings.h"

#include <string.h>

static void
add_curve(struct giving_up *c, const char *kind, const char *name,
    const struct survival *a, const struct survival *b)
{
	c->kind = kind;
	c->name = name;
	survival_merge(&c->sessions, a);
	if (b != NULL)
		survival_merge(&c->sessions, b);
}

static void
compute_curves(struct findings *f)
{
	const struct tally *t = f->tally;
	struct giving_up *undecided = &f->curve[CURVE_UNDECIDED];

	add_curve(undecided, "undecided", "slow and throttle",
	    &t->by_lane[LANE_SLOW], &t->by_lane[LANE_THROTTLE]);
	add_curve(&f->curve[CURVE_ALL], "all", "all slowed",
	    &undecided->sessions, &t->by_lane[LANE_HOLD]);
	for (int i = LANE_SLOW; i < LANE_COUNT; i++)
		add_curve(&f->curve[CURVE_LANES + i - LANE_SLOW], "lane",
		    lane_name((enum lane)i), &t->by_lane[i], NULL);
	for (size_t i = 0; i < RATE_CLASSES; i++)
		add_curve(&f->curve[CURVE_RATES + i], "rate",
		    rate_class_name(i), &t->by_rate[i], NULL);
	for (size_t i = 0; i < CURVES; i++)
		survival_estimate(&f->curve[i].sessions, &f->curve[i].curve);
	f->median = survival_quantile(&f->curve[CURVE_ALL].curve, 0.5);
}

static void
compute_waits(struct findings *f)
{
	struct survival_curve waits;

	survival_estimate(&f->tally->waits, &waits);
	f->wait_median = survival_quantile(&waits, 0.5);
	f->wait_90 = survival_quantile(&waits, 0.9);
}

static void
compute_patience(struct findings *f)
{
	static const uint64_t seconds[PATIENCE_ROWS] = { 2, 4, 6, 8, 10, 15, 20,
		25, 30, 45, 60 };
	const struct giving_up *c = &f->curve[CURVE_UNDECIDED];
	uint64_t all = survival_ended_by(&c->sessions, UINT64_MAX);

	for (size_t i = 0; i < PATIENCE_ROWS; i++) {
		struct patience_row *row = &f->patience[i];
		const struct survival_point *p;

		row->patience = seconds[i] * USEC_PER_SEC;
		p = survival_at(&c->curve, row->patience);
		row->known = p != NULL;
		row->share = p != NULL ? 1 - p->share : 0;
		row->std_error = p != NULL ? p->std_error : 0;
		row->caught = survival_ended_by(&c->sessions, row->patience);
		row->later = all - row->caught;
		row->delay = f->patient * row->patience;
	}
}

static void
fill_table(struct table *table, const char *name, const struct frequent *keys)
{
	table->name = name;
	table->n = frequent_list(keys, table->row, TABLE_ROWS);
	table->kept = keys->size;
	table->error = frequent_error(keys);
}

static void
compute_totals(struct findings *f)
{
	const struct tally *t = f->tally;

	f->passed = t->lane[LANE_PASS].ending[ENDING_PASSED];
	f->slowed = tally_slowed(t);
	f->gave_up = t->gave_up.sessions;
	f->patient = tally_patient(t);
	for (int i = 0; i < LANE_COUNT; i++) {
		f->observed += t->observed[i];
		if (i != LANE_PASS)
			f->slowed_held += t->lane[i].held;
	}
}

/* A graduated session becomes the MTA's own connection; what throttle has
 * delivered came over its few pooled ones. */
static void
compute_spared(struct findings *f, const struct assumed_values *v)
{
	const struct tally *t = f->tally;
	uint64_t graduated = 0, span = f->to - f->from;

	for (int i = LANE_SLOW; i < LANE_COUNT; i++)
		graduated += t->lane[i].ending[ENDING_GRADUATED];
	f->spared_connections = f->slowed - graduated;
	f->spared_sessions = f->slowed - f->patient;
	f->spared_cpu =
	    (double)f->spared_sessions * v->value[ASSUMED_MTA_CPU_SECONDS];
	f->held_processes =
	    span > 0 ? (double)f->slowed_held / (double)span : 0;
}

static void
compute_economics(struct findings *f, const struct assumed_values *v)
{
	uint64_t patience = (uint64_t)(v->value[ASSUMED_PATIENCE_SECONDS] *
	    (double)USEC_PER_SEC);
	const struct survival_curve *c = &f->curve[CURVE_ALL].curve;
	const struct survival_point *p = survival_at(c, patience);
	struct observed o = {
		.slowed = f->slowed,
		.patient = f->patient,
		.held = (double)f->slowed_held / (double)USEC_PER_SEC,
		.has_curve = p != NULL,
	};

	if (p != NULL) {
		o.curve_share = p->share;
		o.curve_mean = survival_mean(c, patience);
	}
	economics_compute(v, &o, &f->economics);
}

void
findings_compute(const struct tally *t, const struct assumed_values *v,
    uint64_t from, uint64_t to, struct findings *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->tally = t;
	ret->complete = true;
	ret->from = from > 0 ? from : t->first;
	ret->to = to < UINT64_MAX ? to : t->last;
	if (ret->to < ret->from)
		ret->to = ret->from; /* no sessions */
	if (ret->to < ret->from)
		ret->to = ret->from; /* no sessions */
	compute_totals(ret);
	compute_curves(ret);
	compute_waits(ret);
	compute_patience(ret);
	fill_table(&ret->table[TABLE_COUNTRIES], "country", &t->countries);
	fill_table(&ret->table[TABLE_NETWORKS], "network", &t->networks);
	fill_table(&ret->table[TABLE_LISTS], "list", &t->lists);
	fill_table(&ret->table[TABLE_REASONS], "reason", &t->reasons);
	fill_table(&ret->patients, "client", &t->patient);
	compute_spared(ret, v);
	compute_economics(ret, v);
}

const struct patient_client *
findings_patient(const struct findings *f, size_t i)
{
	const struct frequent *keys = &f->tally->patient;

	return &f->tally->patients[frequent_index(keys, f->patients.row[i])];
}
