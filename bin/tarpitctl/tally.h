#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What a report counts, session by session, in memory that does not depend on
 * how many there are.  Reads no clock and does no I/O.
 */

#include "bin/tarpitctl/frequent.h"
#include "bin/tarpitctl/session_record.h"
#include "bin/tarpitctl/survival.h"
#include "bin/tarpitctl/timeline.h"

/* Sessions by rate. */
enum { RATE_CLASSES = 4 };

/* "up to 5 B/s" ... */
const char *rate_class_name(size_t);

/* The kinds of the timeline. */
enum { SERIES_PASSED, SERIES_GAVE_UP, SERIES_PATIENT, SERIES_OTHER };

/* What the entries of tables add up besides their count. */
enum { SUM_SUSPECT, SUM_GAVE_UP, SUM_HELD };

struct lane_tally {
	uint64_t sessions, ending[ENDING_COUNT];
	uint64_t held; /* usec */
	uint64_t bytes_in, bytes_out;
};

/* A client that was slowed and reached the MTA, as it was seen last. */
struct patient_client {
	enum lane lane;
	int32_t score;
	uint64_t waited; /* usec, all of its sessions that were counted */
	char reason[RECORD_REASON_SIZE];
	char helo[RECORD_HELO_SIZE];
};

struct tally {
	uint64_t sessions, unreadable;
	uint64_t first, last; /* usec since the epoch; ends of sessions */
	struct lane_tally lane[LANE_COUNT]; /* in Mode=enforce */
	uint64_t observed[LANE_COUNT];      /* in Mode=observe */
	uint64_t talkers; /* on their way to the MTA, caught talking early */
	struct lane_tally gave_up; /* of those: all lanes */
	uint64_t hour[24][2];      /* local; sessions, and who was suspect */
	struct timeline timeline;
	struct survival by_lane[LANE_COUNT], by_rate[RATE_CLASSES];
	struct survival waits; /* of the patient; nothing is censored */
	uint64_t waited;       /* usec, by the patient */
	uint64_t open;         /* slowed ones, at the end of the time */
	struct frequent countries, networks;
	struct frequent lists;           /* and DNS lists */
	struct frequent reasons;         /* other facts than those */
	struct frequent patient;         /* by address */
	struct patient_client *patients; /* beside `patient` */
};

/* 0 or -ENOMEM. */
int tally_init(struct tally *) MUST_CHECK;
void tally_fini(struct tally *);

/* One session. */
void tally_add(struct tally *, const struct session_record *);

/* A slowed session that is still open after USEC, at the end of the time that is
 * reported: the curves count it as censored there, nothing else does. */
void tally_add_open(
    struct tally *, enum lane lane, uint32_t rate, uint64_t usec);

/* The record of a session that ended after UNTIL (usec since the epoch), the
 * end of the time: as above, if it was slowed and had begun by then. */
void tally_add_later(
    struct tally *, const struct session_record *, uint64_t until);

/* Sessions that were slowed; of those, the ones that reached the MTA. */
uint64_t tally_slowed(const struct tally *);
uint64_t tally_patient(const struct tally *);
