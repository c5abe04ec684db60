#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Facts to verdict: adds the weights, finds the lane, reads the curves.
 * Pure: no I/O, no clock, no allocation.
 */

#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

/* The score of what facts there are, and the lane of a score. */
int32_t engine_score(const struct facts *);
enum lane engine_lane(const struct rules *, int64_t score);

void engine_decide(
    const struct rules *, const struct facts *, struct verdict *ret_verdict);
