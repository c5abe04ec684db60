#pragma once
/* SPDX-License-Identifier: ISC */
/* The records of ended sessions, out of the journal.  The only user of
 * sd-journal. */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "bin/tarpitctl/session_record.h"

struct sd_journal;

struct journal_reader {
	struct sd_journal *journal;
	uint64_t since, until; /* usec since the epoch, until exclusive */
	uint64_t from, to;     /* what of that the journal has, at most */
	uint64_t records;      /* read */
	uint64_t unreadable;   /* of these: damaged, or not what we write */
	uint64_t reached;      /* the latest record read */
	uint64_t last;         /* the last one there was when it was opened */
};

/* Opens the journal of this machine (PATH NULL), a directory or a file of
 * one.  Negative: -errno; -ENODATA: there is no journal, or none that the
 * caller may read. */
int journal_reader_open(struct journal_reader *, const char *path,
    uint64_t since, uint64_t until) MUST_CHECK;
void journal_reader_close(struct journal_reader *);

/* The next session.  1: here it is; 0: that was all; else -errno: the journal
 * cannot be read any further, and what was read stands. */
int journal_reader_next(
    struct journal_reader *, struct session_record *ret) MUST_CHECK;

/* How much of the time span has been read, 0 to 1. */
double journal_reader_progress(const struct journal_reader *);
