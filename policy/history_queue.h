#pragma once
/* SPDX-License-Identifier: ISC */
/* The keys of records that are still to be written, first in, first out. */

#include <stdbool.h>
#include <stddef.h>

#include "policy/history.h"

/* What is more is remembered, but not written; 16 bytes each. */
enum { HISTORY_QUEUE_MAX = 1 << 20 };

/* All zero is an empty one. */
struct history_queue {
	size_t at, n, size; /* key[at..n) wait */
	struct history_key *key;
};

void history_queue_fini(struct history_queue *);

/* False: there is no room, or no memory. */
bool history_queue_push(struct history_queue *, const struct history_key *);

/* False: it is empty. */
bool history_queue_pop(struct history_queue *, struct history_key *ret_key);

static inline size_t
history_queue_len(const struct history_queue *q)
{
	return q->n - q->at;
}
