#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A compiled file becomes the one in use whole and verified, or not at all:
 * written beside it, synced, read back, renamed over it.
 */

#include <stddef.h>

#include "bin/common/util.h"
#include "data/cdbfile.h"

/* Takes the lock that belongs to PATH, for as long as *RET_FD stays open.  0,
 * -EWOULDBLOCK if another process has it, or -errno. */
int publish_lock(const char *path, int *ret_fd) MUST_CHECK;

/* Makes what was renamed inside the directory of PATH outlive a crash.  0 or
 * -errno. */
int publish_sync_directory(const char *path) MUST_CHECK;

/* Replaces PATH, whose lock the caller has.  On error, with its reason in WHY
 * (SIZE bytes), the old file stands.  0 or -errno. */
int publish(const char *path, const struct cdbfile_content *, char *why,
    size_t size) MUST_CHECK;
