#pragma once
/* SPDX-License-Identifier: ISC */
/* SCM_RIGHTS, both ends: a descriptor travels with some bytes. */

#include <stddef.h>
#include <sys/types.h>

#include "bin/common/util.h"

/* Sends LEN (> 0: ancillary data needs a byte to travel with) bytes of DATA
 * and, attached to the first of them, PASSED.  Non-blocking.  The number of
 * bytes taken, which may be short, or -errno; a non-negative result means
 * that the descriptor has gone over and the caller may close its own. */
ssize_t fdpass_send(
    int sock, int passed, const void *data, size_t len) MUST_CHECK;

/* Receives up to SIZE bytes and at most one descriptor: *RET_FD is it
 * (close-on-exec, owned by the caller) or -1.  Bytes received, 0 at end of
 * file, or -errno; -EBADMSG if several descriptors or a truncated control
 * message came, all of which have been closed. */
ssize_t fdpass_recv(int sock, void *buf, size_t size, int *ret_fd) MUST_CHECK;
