#pragma once
/* SPDX-License-Identifier: ISC */
/* Sparklines: one character a value, as high as the value is. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPARK_MAX = 64, SPARK_SIZE = SPARK_MAX * 3 + 1 };

/* N (at most SPARK_MAX) values between 0 and MAX into BUF, and returns it.
 * A value that is not 0 is never drawn as 0.  UTF8: block elements; else
 * ASCII. */
const char *spark_draw(
    const double *value, size_t n, double max, bool utf8, char buf[SPARK_SIZE]);
