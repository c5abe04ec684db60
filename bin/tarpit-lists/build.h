#pragma once
/* SPDX-License-Identifier: ISC */
/* Sources of all configured lists -> one compiled file. */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/journal.h"
#include "bin/common/util.h"
#include "bin/tarpit-lists/config.h"
#include "bin/tarpit-lists/geoip.h"

/* What both commands work on. */
struct job {
	const struct config *config;
	const char *config_path;
	const struct list_config *lists;
	size_t n_lists;
	const struct geoip_config *geoip;
	struct journal *journal;
};

/* Takes the lock of the output, for as long as *RET_LOCK stays open.  0, or
 * the program's exit code, having said why. */
int build_lock(const struct job *, int *ret_lock) MUST_CHECK;

/* The lists in use, or NULL if there are none; one that cannot be read is told
 * of, and building goes on, which repairs it. */
struct cdbfile *build_open_previous(const struct job *);

/* All of FILE (at most 256 MiB), for the caller to free, and when it was last
 * changed (Unix seconds).  0 or -errno. */
int build_read_file(const char *file, char **ret_buf, size_t *ret_len,
    uint64_t *ret_changed) MUST_CHECK;

/* Reads, checks, compiles and publishes, under the lock, and says in the
 * journal what came of it: one record, and one for each list that is wrong or
 * odd.  The lists in use stay as they were unless every list is good.  The
 * program's exit code: 0, EXIT_OPERATOR or EXIT_TEMPORARY. */
int build_run(const struct job *) MUST_CHECK;

/* The same for an update: in place of a list that is not good comes its last
 * good copy, if it has one, and a list that never was good keeps none of the
 * others from being published.  Does nothing if neither HAS_NEWS says so nor
 * anything has changed since the lists in use were compiled. */
int build_run_lenient(const struct job *, bool has_news) MUST_CHECK;
