#pragma once
/* SPDX-License-Identifier: ISC */
/* Somebody else's rights, for root to try what a service may do: who runs a
 * process, or who a unit would run. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bin/common/util.h"

enum { IDENTITY_GROUPS_MAX = 64, IDENTITY_NAME = 64 };

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t group[IDENTITY_GROUPS_MAX];
	size_t n_groups;
	char name
	    [IDENTITY_NAME]; /* of the user; "" if only its number is known */
};

/* As whom the process PID runs; false if that cannot be seen. */
bool identity_of_process(int64_t pid, struct identity *ret) MUST_CHECK;

/* As whom systemd runs UNIT (User=, Group=, SupplementaryGroups=, drop-ins
 * included); without systemd, or if it does not know that unit, the user called
 * FALLBACK.  False: there is none.  Starts systemctl(1). */
bool identity_of_unit(
    const char *unit, const char *fallback, struct identity *ret) MUST_CHECK;

/* Becomes it, for good.  0 or -errno; after an error, exit. */
int identity_become(const struct identity *) MUST_CHECK;
