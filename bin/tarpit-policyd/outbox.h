#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Answers that a peer has not read.  No question is taken for whose answer there
 * would be no room; the room grows with the questions that are open, for
 * otherwise a peer may not have many and wait for them, and no further for who
 * does not read.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"

struct outbox {
	size_t len, size;
	char *bytes;
};

/* 0 or -ENOMEM. */
int outbox_init(struct outbox *) MUST_CHECK;
void outbox_fini(struct outbox *);

/* Whether ANSWER bytes fit, besides the answers of N_OPEN questions. */
bool outbox_make_room(struct outbox *, size_t n_open, size_t answer);
/* Where the next answer is written to, once there is room; add to `len`. */
static inline char *
outbox_end(struct outbox *b)
{
	return b->bytes + b->len;
}

/* Writes what goes without waiting.  0 or -errno. */
int outbox_send(struct outbox *, int fd) MUST_CHECK;
