/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/tarpit-policyd/outbox.h"
#include "bin/tarpit-policyd/question.h"
#include "policy/rules.h"

enum {
	OUT_MIN = 256 * 1024,
	OUT_MAX = (RULES_QUESTIONS_MAX + 1) * ANSWER_MAX,
};

int
outbox_init(struct outbox *b)
{
	b->len = 0;
	b->size = OUT_MIN;
	b->bytes = malloc(OUT_MIN);
	return b->bytes ? 0 : -ENOMEM;
}

void
outbox_fini(struct outbox *b)
{
	free(b->bytes);
	b->bytes = NULL;
}

bool
outbox_make_room(struct outbox *b, size_t n_open, size_t answer)
{
	size_t needed = b->len + n_open * ANSWER_MAX + answer;
	size_t size = b->size;
	char *bigger;

	if (needed <= size)
		return true;
	while (size < needed)
		size *= 2;
	/* Only who has many questions open gets more; who does not read what
	 * it is answered does not. */
	if (needed > OUT_MAX || b->len >= OUT_MIN / 2)
		return false;
	bigger = realloc(b->bytes, size);
	if (!bigger)
		return false;
	b->bytes = bigger;
	b->size = size;
	return true;
}

int
outbox_send(struct outbox *b, int fd)
{
	ssize_t n;

	if (b->len == 0)
		return 0;
	n = send(fd, b->bytes, b->len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	b->len -= (size_t)n;
	memmove(b->bytes, b->bytes + n, b->len);
	return 0;
}
