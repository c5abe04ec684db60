#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What is decided of a client: the lane, how slow, how long, and why.  Plain
 * data; owns nothing.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/facts.h"

enum lane { LANE_PASS, LANE_SLOW, LANE_THROTTLE, LANE_HOLD, LANE_COUNT };

/* "pass", "slow", "throttle", "hold": as on the wire and in the journal. */
const char *lane_name(enum lane);

enum { REASON_SIZE = 256, SCORE_MAX = 1000000 };

struct verdict {
	enum lane lane;
	int32_t score;     /* -SCORE_MAX..SCORE_MAX */
	uint32_t rate;     /* bytes per second; 0 in the lane pass: unlimited */
	uint32_t patience; /* seconds; 0 in the lane pass */
	uint32_t ttl;      /* seconds that the answer may be used again */
	char country[3];   /* "" unknown */
	uint32_t asn;      /* 0 unknown */
	size_t reason_len;
	char reason[REASON_SIZE]; /* terminated */
};

/* "country.XX+1000000", "asn.4294967295-1000000", or a name of the rules. */
enum { FACT_TEXT_MAX = 130 };

/* The name, sign and weight of one of the facts at BUF, FACT_TEXT_MAX bytes at most, not
 * terminated; the length. */
size_t verdict_print_fact(const struct facts *, const struct fact *, char *buf);

/* Writes the facts that count, heaviest (by absolute weight) first, equal ones
 * in the order found: "list.drop(SBL123)+100 country.CN+15".  Those whose
 * number in CANCELLED_BY is not -1 do not; NULL: all do.  What does not fit in
 * SIZE bytes is left out as whole facts, and " ..." says so.  The length
 * without the terminating NUL.  SIZE is at least 5. */
size_t verdict_print_reason(
    const struct facts *, const int16_t *cancelled_by, char *buf, size_t size);
