#pragma once
/* SPDX-License-Identifier: ISC */
/* Fetches what is due, keeps what is good, and builds. */

#include "bin/common/util.h"
#include "bin/tarpit-lists/build.h"

/* One record for each list that has changed or failed.  A failure never
 * touches the lists in use, nor the last good copy.  The program's exit code:
 * 0, EXIT_OPERATOR (a list needs somebody) or EXIT_TEMPORARY (a list could not
 * be fetched, and will be tried again). */
int update_run(const struct job *) MUST_CHECK;
