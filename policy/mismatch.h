#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What policy.conf weighs and the data does not have, or the other way round: a
 * name that was misspelt, a list that nobody weighs, a database that is not
 * there.  Nothing of it is an error, and none of it has any effect.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"

/* Of the text: some thirty names; those that do not fit are counted only. */
enum { MISMATCH_SIZE = 1024 };

struct mismatch {
	size_t n, shown;
	char text[MISMATCH_SIZE]; /* "list.dorp=100 (no such list), ..." */
};

/* Adds one to M, which begins zeroed: what stands in policy.conf or the list's
 * name, and in parentheses what is the matter. */
void mismatch_add(struct mismatch *m, const char *format, ...)
    PRINTF_LIKE(2, 3);
/* After the last one: says how many did not fit. */
void mismatch_end(struct mismatch *m);
