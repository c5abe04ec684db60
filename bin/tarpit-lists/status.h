#pragma once
/* SPDX-License-Identifier: ISC */
/* What an administrator sees of the lists. */

#include <stdbool.h>

#include "bin/tarpit-lists/build.h"
#include "data/cdbfile.h"

/* Prints a table of the lists in FILE (NULL: there is none yet), what differs
 * from the configuration, what failed, and the lines that are left out, of which
 * it reads all lists.  True: a list has gone stale, or would not be compiled. */
bool status_print(const struct job *, const struct cdbfile *file);
