#pragma once
/* SPDX-License-Identifier: ISC */
/* What an administrator sees of the lists. */

#include <stdbool.h>

#include "bin/tarpit-lists/build.h"
#include "data/cdbfile.h"

/* Prints a table of the lists in FILE, what differs from the configuration, and
 * what failed.  True: a list has gone stale. */
bool status_print(const struct job *, const struct cdbfile *file);
