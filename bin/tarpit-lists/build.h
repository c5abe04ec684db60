#pragma once
/* SPDX-License-Identifier: ISC */
/* Sources of all configured lists -> one compiled file. */

#include <stddef.h>

#include "bin/common/journal.h"
#include "bin/common/util.h"
#include "bin/tarpit-lists/config.h"

/* Reads, checks, compiles and publishes, and says in the journal what came of
 * it: one record, and one for each list that is wrong or odd.  The lists in
 * use stay as they were unless every list is good.  The program's exit code:
 * 0, EXIT_OPERATOR or EXIT_TEMPORARY. */
int build_run(const struct config *, const struct list_config *lists,
    size_t n_lists, struct journal *) MUST_CHECK;
