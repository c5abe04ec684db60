#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What a verdict rests on, for people: each fact with the data that it comes
 * from.  Only questions that ask for it pay for it.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "policy/source.h"
#include "policy/verdict.h"

/* "by hand", "said by others", ... */
const char *fact_class_name(enum fact_class);

enum { EXPLAIN_SIZE = 192 };

struct explanation {
	/* By the fact's number. */
	char text[FACTS_MAX][EXPLAIN_SIZE];
	uint32_t count[FACTS_MAX]; /* times, or hosts; 0: it is not counted */
	int64_t age[FACTS_MAX];    /* seconds, where there is a text */
};

/* Says of the facts from number SINCE on what they rest on; does nothing for a
 * question that is not to be explained. */
void inquiry_explain(struct inquiry *, size_t since, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Says of the last fact how often it was, and how many seconds AGO last; after
 * its text.  COUNT 0: it is not counted. */
void inquiry_explain_count(struct inquiry *, uint32_t count, int64_t ago);

/* "3 d", "5 h", "20 min", "12 s": how long AGO (seconds) is, at BUF. */
enum { AGE_SIZE = 24 };
const char *explanation_age(int64_t ago, char buf[AGE_SIZE]);

/* Writes the answer to request=tarpit_explain: what a session's answer says,
 * and for each fact, weightless ones too, a line `fact=NAME+WEIGHT TEXT` and
 * behind it class=, count= and age= (seconds) where they are known, and
 * cancelled_by= with the name of another fact if it does not count.  What does
 * not fit in SIZE, 1,024 at least, is left out.  INSTANCE has LEN bytes,
 * 0: none.  The length. */
size_t explanation_encode(const struct inquiry *, const struct verdict *,
    const char *instance, size_t len, char *buf, size_t size);
