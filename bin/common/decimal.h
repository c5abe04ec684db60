#pragma once
/* SPDX-License-Identifier: ISC */
/* Whole decimal numbers, strictly: what strtoll() forgives is an error here,
 * since it comes from a peer or an operator. */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

/* The LEN bytes at S as a number in [MIN, MAX]: an optional '-' and digits,
 * nothing else.  0, -EINVAL (not a number) or -ERANGE (of that range or of
 * int64_t). */
int decimal_parse(const char *s, size_t len, int64_t min, int64_t max,
    int64_t *ret) MUST_CHECK;
