/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "bin/tarpit-policyd/open_questions.h"

int
open_questions_init(struct open_questions *s, size_t capacity)
{
	int r = crowd_init(&s->crowd);

	if (r == 0)
		r = siphash_key_init(&s->key);
	if (r < 0)
		return r;
	s->capacity = capacity;
	/* One more than may wait: that one is answered at once. */
	s->pool = calloc(capacity + 1, sizeof(*s->pool));
	return s->pool ? 0 : -ENOMEM;
}

void
open_questions_fini(struct open_questions *s)
{
	free(s->pool);
	s->pool = NULL;
}

struct open_question *
open_question_new(struct open_questions *s, struct asker *asker)
{
	struct open_question *o = s->free;

	if (o)
		s->free = o->next;
	else
		o = &s->pool[s->n_used++];
	o->asker = asker;
	return o;
}

void
open_question_free(struct open_questions *s, struct open_question *o)
{
	free(o->inquiry.explain);
	o->inquiry.explain = NULL;
	o->next = s->free;
	s->free = o;
}

/* Its asker and its instance: by that it is forgotten. */
static struct open_question **
find_bucket(struct open_questions *s, const struct asker *asker,
    const struct question *q)
{
	struct {
		const struct asker *asker;
		char instance[INSTANCE_MAX];
	} name;

	memset(&name, 0, sizeof(name));
	name.asker = asker;
	memcpy(name.instance, q->instance, q->instance_len);
	return &s->bucket[siphash(&s->key, &name, sizeof(name)) % OPEN_BUCKETS];
}

bool
open_question_has_place(
    const struct open_questions *s, const struct open_question *o, size_t max)
{
	/* More than at the start there will be with the next one. */
	if (max > s->capacity)
		max = s->capacity;
	return crowd_has_place(&s->crowd, &o->question.addr, max);
}

void
open_question_park(
    struct open_questions *s, struct open_question *o, struct policy *policy)
{
	struct asker *a = o->asker;
	struct open_question **bucket = find_bucket(s, a, &o->question);

	o->policy = policy_ref(policy);
	o->next = a->first;
	o->link = &a->first;
	if (o->next)
		o->next->link = &o->next;
	a->first = o;
	a->n++;
	o->same_next = *bucket;
	o->same_link = bucket;
	if (o->same_next)
		o->same_next->same_link = &o->same_next;
	*bucket = o;
	o->network = crowd_enter(&s->crowd, &o->question.addr);
}

void
open_question_unpark(struct open_questions *s, struct open_question *o)
{
	*o->link = o->next;
	if (o->next)
		o->next->link = o->link;
	*o->same_link = o->same_next;
	if (o->same_next)
		o->same_next->same_link = o->same_link;
	o->asker->n--;
	crowd_leave(&s->crowd, o->network);
	policy_unref(o->policy);
	open_question_free(s, o);
}

static bool
is_asked(const struct open_question *o, const struct asker *asker,
    const struct question *q)
{
	return o->asker == asker &&
	    o->question.instance_len == q->instance_len &&
	    memcmp(o->question.instance, q->instance, q->instance_len) == 0;
}

struct open_question *
open_question_find(struct open_questions *s, const struct asker *asker,
    const struct question *q)
{
	struct open_question *o = *find_bucket(s, asker, q);

	while (o && !is_asked(o, asker, q))
		o = o->same_next;
	return o;
}

void
open_question_cancel(struct open_questions *s, struct open_question *o)
{
	policy_cancel(o->policy, &o->inquiry);
	open_question_unpark(s, o);
}
