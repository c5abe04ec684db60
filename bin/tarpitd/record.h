#pragma once
/* SPDX-License-Identifier: ISC */
/* A session's one journal record, and the names that records use. */

#include "bin/tarpitd/dispatcher.h"

const char *outcome_name(enum outcome);

/* Room for any session's reason. */
enum { RECORD_REASON_SIZE = REASON_SIZE + 64 };

/* The policy's reason, and what we have seen and done ourselves. */
void record_reason(
    const struct dispatcher *, const struct session *, char *buf, size_t size);

/* What has become of S, which is over. */
void record_session(struct dispatcher *, const struct session *, uint64_t now);

struct fold;

/* What has become of those that were folded in SPAN usec (see folding.h): one
 * record that stands for all. */
void record_fold(struct dispatcher *, const struct fold *, uint64_t span);

/* The live counts in one line, for STATUS= and the record of the end. */
void record_counts(const struct dispatcher *, char *buf, size_t size);
