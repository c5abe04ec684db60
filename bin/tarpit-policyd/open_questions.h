#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Questions under way: each has a place of a pool that is sized at start, and
 * while its facts are gathered it stands in the list of who has asked.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/siphash.h"
#include "bin/common/util.h"
#include "bin/tarpit-policyd/crowd.h"
#include "bin/tarpit-policyd/question.h"
#include "policy/policy.h"

/* Who asks: its questions that wait.  All zero is one without any. */
struct asker {
	struct open_question *first;
	size_t n;
};

/* One question while its facts are gathered. */
struct open_question {
	struct inquiry inquiry;
	struct question question;
	struct asker *asker;
	struct policy *policy;              /* a reference, while it waits */
	struct open_question *next, **link; /* of its asker, or the free ones */
	struct open_question *same_next, **same_link; /* in its bucket */
	uint16_t network; /* of the crowd, while it waits */
};

/* Lists of those that wait, by what can forget them. */
enum { OPEN_BUCKETS = 4096 };

struct open_questions {
	struct crowd crowd;
	struct siphash_key key;
	size_t capacity; /* of `pool`, but for one */
	size_t n_used;   /* of `pool`, ever */
	struct open_question *pool, *free;
	struct open_question *bucket[OPEN_BUCKETS];
};

/* QUESTIONS is all zero; CAPACITY may wait.  0 or -errno, with nothing but
 * open_questions_fini() left to do. */
int open_questions_init(struct open_questions *, size_t capacity) MUST_CHECK;
void open_questions_fini(struct open_questions *);

/* A place for a question of ASKER, which is given back with
 * open_question_free() unless it waits.  There is always one. */
struct open_question *open_question_new(
    struct open_questions *, struct asker *asker);
void open_question_free(struct open_questions *, struct open_question *);

/* Whether one more question of O's network may wait, where MAX may. */
bool open_question_has_place(
    const struct open_questions *, const struct open_question *o, size_t max);

/* O waits, by POLICY, of which it takes a reference. */
void open_question_park(
    struct open_questions *, struct open_question *o, struct policy *policy);
/* O waits no more, and its place is free. */
void open_question_unpark(struct open_questions *, struct open_question *o);
/* The one of ASKER with the instance of Q; NULL: there is none. */
struct open_question *open_question_find(struct open_questions *,
    const struct asker *asker, const struct question *q);
/* Forgets O, of whom nobody wants to hear any more. */
void open_question_cancel(struct open_questions *, struct open_question *o);
