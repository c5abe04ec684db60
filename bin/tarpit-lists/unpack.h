#pragma once
/* SPDX-License-Identifier: ISC */
/* What publishers pack databases and lists in.  The only user of zlib. */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"

/* Whether the LEN bytes at MEMBER are what is looked for. */
typedef bool unpack_is_wanted(const char *member, size_t len);

/* Takes a gzip file out of its packing, and the first regular file that is
 * wanted (NULL: none is), whatever its name, out of a tar archive; what is
 * neither stays as it is.  *BUF (*LEN bytes, on the heap) is replaced.  0, or with the reason in
 * WHY (SIZE bytes): -EBADMSG (damaged, or no such member), -EFBIG (more than
 * MAX bytes), -ENOMEM. */
int unpack(char **buf, size_t *len, unpack_is_wanted *is_wanted, size_t max,
    char *why, size_t size) MUST_CHECK;
