#pragma once
/* SPDX-License-Identifier: ISC */
/* Points in time as journalctl(1) takes them. */

#include <stdint.h>

#include "bin/common/util.h"

/* "2026-11-22", "2026-11-22 08:00", "2026-11-22 08:00:30" (local time),
 * "08:00" (today), "now", "today", "yesterday", "-7d" and "7d ago" (before
 * NOW), "@1795305600".  NOW and the result are usec since the epoch.  0 or
 * -EINVAL. */
int when_parse(const char *text, uint64_t now, uint64_t *ret) MUST_CHECK;
