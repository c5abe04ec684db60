#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The one wire protocol: lines of `name=value` ended by an empty line, as in
 * Postfix's policy delegation (SMTPD_POLICY_README).  Pure: bytes in, slices
 * out.  A value may be empty and may contain '='; names and values never
 * contain LF or NUL.  A CR before the LF is not stripped: it belongs to the
 * value.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bin/common/util.h"

/* Larger than any message that either side of ours or Postfix sends (its
 * smtpd_access_policy questions stay below 4 KiB). */
enum { ATTRS_MAX = 16384 };

/* One line, as slices into the message. */
struct attr {
	const char *name, *value;
	size_t name_len, value_len;
};

/* How many bytes of BUF the first complete message takes, its empty line
 * included: in *RET_LEN, and 0.  -EAGAIN: no complete message yet, -EMSGSIZE:
 * and there will be none within ATTRS_MAX bytes.  An empty line alone is a
 * complete message without attributes. */
int attrs_find_end(const char *buf, size_t len, size_t *ret_len) MUST_CHECK;

/* Walks a complete message: *POS starts at its first byte.  1 and *RET set, 0
 * at the end, -EBADMSG for a line without '=' or name, or with a NUL; *POS is
 * then behind that line. */
int attrs_next(const char **pos, const char *end, struct attr *ret) MUST_CHECK;

/* Inline, so that the length of a literal NAME is known. */
static inline bool
attr_is(const struct attr *a, const char *name)
{
	return a->name_len == strlen(name) &&
	    memcmp(a->name, name, a->name_len) == 0;
}

/* The value as a decimal number in [MIN, MAX]; 0, -EINVAL or -ERANGE. */
int attr_int(
    const struct attr *, int64_t min, int64_t max, int64_t *ret) MUST_CHECK;

/* The value as a string of at most SIZE - 1 bytes; 0 or -EMSGSIZE. */
int attr_str(const struct attr *, char *buf, size_t size) MUST_CHECK;

/* Encoding into a caller's buffer.  Overflow and bytes that may not stand in
 * a value are remembered and reported once, by attrs_end(). */
struct attrs_out {
	char *buf;
	size_t size, len;
	int error; /* 0 or the first -errno */
};

void attrs_begin(struct attrs_out *, char *buf, size_t size);
void attrs_put(struct attrs_out *, const char *name, const char *value);
void attrs_put_n(
    struct attrs_out *, const char *name, const char *value, size_t len);
void attrs_put_int(struct attrs_out *, const char *name, int64_t value);
/* Closes the message.  0, -EMSGSIZE (did not fit) or -EINVAL (a LF or NUL in
 * a value, or a name that is none); on error `len` is 0: nothing was added to
 * what stands before BUF. */
int attrs_end(struct attrs_out *) MUST_CHECK;
