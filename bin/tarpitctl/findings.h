#pragma once
/* SPDX-License-Identifier: ISC */
/* What a report says, computed once from the tally; text, JSON and HTML only
 * present it. */

#include "bin/tarpitctl/economics.h"
#include "bin/tarpitctl/tally.h"

/* How fast some of the slowed sessions gave up. */
struct giving_up {
	const char *kind, *name; /* "lane" "hold", "rate" "up to 5 B/s" */
	struct survival sessions;
	struct survival_curve curve;
};

/* All, the undecided (slow and throttle), three lanes, and the rates. */
enum {
	CURVE_ALL,
	CURVE_UNDECIDED,
	CURVE_LANES,
	CURVE_RATES = CURVE_LANES + LANE_COUNT - 1,
	CURVES = CURVE_RATES + RATE_CLASSES,
};

/* Had every suspect been asked for so much patience. */
struct patience_row {
	uint64_t patience;       /* usec */
	bool known;              /* some were observed that long */
	double share, std_error; /* that has given up by then */
	uint64_t caught;         /* sessions that did */
	uint64_t later; /* gave up later than that: they would have got in */
	uint64_t delay; /* usec, of all the patient together */
};

enum { PATIENCE_ROWS = 11, TABLE_ROWS = 10 };

struct table {
	const char *name; /* "country" */
	size_t n;
	const struct frequent_entry *row[TABLE_ROWS];
	uint32_t kept;  /* keys at most */
	uint64_t error; /* by which counts may be too high */
};

enum {
	TABLE_COUNTRIES,
	TABLE_NETWORKS,
	TABLE_LISTS,
	TABLE_REASONS,
	TABLES,
};

struct findings {
	const struct tally *tally;
	uint64_t from, to; /* usec since the epoch */
	bool complete;     /* the journal could be read to its end */
	uint64_t passed, slowed, gave_up, patient, observed;
	uint64_t slowed_held;                  /* usec, all slowed sessions */
	uint64_t median, wait_median, wait_90; /* usec; 0: none */
	struct giving_up curve[CURVES];
	struct patience_row patience[PATIENCE_ROWS];
	struct table table[TABLES];
	struct table patients; /* of the tally */
	uint64_t spared_connections, spared_sessions;
	double spared_cpu;     /* seconds */
	double held_processes; /* that an MTA would have been busy with */
	struct economics economics;
};

/* T stays the caller's, and must outlive RET.  FROM and TO are the bounds that
 * were asked for, 0 and UINT64_MAX if none were. */
void findings_compute(const struct tally *, const struct assumed_values *,
    uint64_t from, uint64_t to, struct findings *ret);

/* The client that row I of `patients` is about. */
const struct patient_client *findings_patient(
    const struct findings *, size_t i);
