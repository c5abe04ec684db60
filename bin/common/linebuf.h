#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What a stream has brought and nobody has used yet: bytes in by one read,
 * whole messages out, never more than a fixed size.  Knows no protocol:
 * attrs_find_end() and the like look at the data.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bin/common/util.h"

struct linebuf {
	char *buf;
	size_t size, start, end; /* unused bytes are at [start, end) */
	bool owned;              /* buf is ours to free */
};

/* With SIZE bytes from the heap; 0 or -ENOMEM. */
int linebuf_init(struct linebuf *, size_t size) MUST_CHECK;
/* With the caller's SIZE bytes at BUF, which stay the caller's. */
void linebuf_init_fixed(struct linebuf *, char *buf, size_t size);
void linebuf_fini(struct linebuf *);

/* One read(2) of FD into the free room.  The bytes added, 0 at end of file,
 * or -errno: -EAGAIN as FD says, -ENOBUFS when there is no room (nothing was
 * read).  Moves the data: pointers into it are void. */
ssize_t linebuf_fill(struct linebuf *, int fd) MUST_CHECK;

/* The unused bytes; valid until the next linebuf_fill(). */
static inline const char *
linebuf_data(const struct linebuf *b)
{
	return b->buf + b->start;
}

static inline size_t
linebuf_len(const struct linebuf *b)
{
	return b->end - b->start;
}

/* Takes N <= linebuf_len() bytes from the front. */
void linebuf_consume(struct linebuf *, size_t n);
