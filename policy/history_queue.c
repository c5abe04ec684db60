/* SPDX-License-Identifier: ISC */
#include "policy/history_queue.h"

#include <stdlib.h>
#include <string.h>

void
history_queue_fini(struct history_queue *q)
{
	free(q->key);
	*q = (struct history_queue){ 0 };
}

/* Room for one more; false if there is none. */
static bool
reserve(struct history_queue *q)
{
	size_t size = q->size ? q->size * 2 : 1024;
	struct history_key *bigger;

	if (q->n < q->size)
		return true;
	if (q->at > q->n / 2) {
		memmove(
		    q->key, q->key + q->at, (q->n - q->at) * sizeof(*q->key));
		q->n -= q->at;
		q->at = 0;
		return true;
	}
	if (size > HISTORY_QUEUE_MAX)
		return false;
	bigger = realloc(q->key, size * sizeof(*bigger));
	if (!bigger)
		return false;
	q->key = bigger;
	q->size = size;
	return true;
}

bool
history_queue_push(struct history_queue *q, const struct history_key *key)
{
	if (!reserve(q))
		return false;
	q->key[q->n++] = *key;
	return true;
}

bool
history_queue_pop(struct history_queue *q, struct history_key *ret_key)
{
	if (q->at == q->n)
		return false;
	*ret_key = q->key[q->at++];
	if (q->at == q->n)
		q->at = q->n = 0;
	return true;
}
