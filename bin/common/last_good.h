#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The last configuration that had no error, file and drop-ins in one, kept for
 * a start with one that has.  It may hold passwords: for its owner only.
 */

#include "bin/common/util.h"

enum { LAST_GOOD_PATH = 4096 };

/* Where the copy for PROGRAM is; 0, or -ENOENT: nowhere, or it was cut off. */
int last_good_find(const char *program, char path[LAST_GOOD_PATH]) MUST_CHECK;

/* Copies FILE, if it is there, and FILE.d/ *.conf; 0 or -errno, and the copy
 * that there was is still there then. */
int last_good_keep(const char *program, const char *file) MUST_CHECK;
