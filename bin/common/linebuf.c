/* SPDX-License-Identifier: ISC */
#include "bin/common/linebuf.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

int
linebuf_init(struct linebuf *b, size_t size)
{
	char *buf = malloc(size);

	if (buf == NULL)
		return -ENOMEM;
	linebuf_init_fixed(b, buf, size);
	b->owned = true;
	return 0;
}

void
linebuf_init_fixed(struct linebuf *b, char *buf, size_t size)
{
	*b = (struct linebuf){ .buf = buf, .size = size };
}

void
linebuf_fini(struct linebuf *b)
{
	if (b->owned)
		free(b->buf);
	*b = (struct linebuf){ 0 };
}

/* Moves the data to the front once less than half of the room is behind it:
 * seldom, and yet no read is left with a sliver. */
static void
make_room(struct linebuf *b)
{
	if (b->start == 0 || b->size - b->end >= b->size / 2)
		return;
	memmove(b->buf, b->buf + b->start, b->end - b->start);
	b->end -= b->start;
	b->start = 0;
}

ssize_t
linebuf_fill(struct linebuf *b, int fd)
{
	ssize_t n;

	make_room(b);
	if (b->end == b->size)
		return -ENOBUFS;
	do
		n = read(fd, b->buf + b->end, b->size - b->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	b->end += (size_t)n;
	return n;
}

void
linebuf_consume(struct linebuf *b, size_t n)
{
	assert(n <= linebuf_len(b));
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}
