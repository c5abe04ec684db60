#pragma once
/* SPDX-License-Identifier: ISC */
/* The sessions that are open now: they have no record yet. */

#include "bin/tarpitctl/tally.h"

/* Asks the dispatcher at the socket CONTROL for its sessions, and adds those
 * that are slowed to the tally.  0, or -errno: -ENOENT and -ECONNREFUSED if
 * none runs, -EACCES, -EBUSY (too many ask at once), -ETIMEDOUT,
 * -ECONNRESET; what it had told by then stands. */
int live_add(struct tally *, const char *control) MUST_CHECK;
