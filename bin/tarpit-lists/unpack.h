#pragma once
/* SPDX-License-Identifier: ISC */
/* What publishers pack databases in.  The only user of zlib. */

#include <stddef.h>

#include "bin/common/util.h"

/* Takes a gzip file out of its packing, and the first member whose name ends
 * with SUFFIX out of a tar archive; what is neither stays as it is.  *BUF (*LEN
 * bytes, on the heap) is replaced.  0, or with the reason in WHY (SIZE bytes):
 * -EBADMSG (damaged, or no such member), -EFBIG (more than MAX bytes),
 * -ENOMEM. */
int unpack(char **buf, size_t *len, const char *suffix, size_t max, char *why,
    size_t size) MUST_CHECK;
