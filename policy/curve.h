#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A value that depends on the score: a few points, straight lines between
 * them.  Plain data, all zero is a curve without points; pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

enum { CURVE_MAX = 16 }; /* points */

struct curve {
	size_t n;
	struct curve_point {
		int32_t score, value;
	} point[CURVE_MAX]; /* in order of score */
};

/* Adds a point, wherever it belongs; the score's earlier point is replaced, so
 * that a drop-in can move it.  0 or -ENOSPC. */
int curve_set(struct curve *, int32_t score, int32_t value) MUST_CHECK;
void curve_remove(struct curve *, int32_t score);

/* The value at SCORE: linear between two points, rounded to nearest,
 * flat outside.  The curve has a point at least. */
int32_t curve_at(const struct curve *, int32_t score);
