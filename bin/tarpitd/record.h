#pragma once
/* SPDX-License-Identifier: ISC */
/* A session's one journal record, and the names that records use. */

#include "bin/tarpitd/dispatcher.h"

const char *outcome_name(enum outcome);

/* What has become of S, which is over. */
void record_session(struct dispatcher *, const struct session *, uint64_t now);

/* The live counts in one line, for STATUS= and the record of the end. */
void record_counts(const struct dispatcher *, char *buf, size_t size);
