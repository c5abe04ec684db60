#pragma once
/* SPDX-License-Identifier: ISC */
/* What there is to know of the bundle at this moment, for `status` and
 * `metrics`: what the daemons say of themselves, and the age of the lists. */

#include <stdbool.h>
#include <stdint.h>

#include "bin/tarpitctl/link.h"
#include "bin/tarpitctl/tarpitctl.h"
#include "data/cdbfile.h"

/* How a session may have ended, in the order in which they are shown. */
enum { SURVEY_OUTCOMES = 7 };
extern const char *const survey_outcome[SURVEY_OUTCOMES];

/* So many in a row that the MTA took and did not serve: one alone may be a
 * client that it does not want. */
enum { SURVEY_UNSERVED = 3 };

struct list_status {
	char name[CDBFILE_NAME_MAX + 1];
	enum cdbfile_kind kind;
	uint32_t entries;
	bool has_prefixes, has_systems;
	uint64_t fresh;    /* when it was last fetched, or else changed; Unix
			      seconds */
	bool fetched;      /* rather than a local file */
	bool hidden;       /* whether it was, the caller may not read */
	uint64_t failures; /* to fetch it since then */
};

struct survey {
	uint64_t now; /* Unix seconds */
	/* What a daemon said; its `error` is 0, or -errno: it does not
	 * answer. */
	struct daemon_status {
		int error;
		const char *path; /* where */
		struct message said;
		char buf[ATTRS_MAX];
	} tarpitd, policyd;
	char lists_error[600]; /* in words; "" if the lists could be read */
	uint64_t compiled;     /* Unix seconds */
	size_t n_lists;
	struct list_status list[CDBFILE_LISTS_MAX];
};

/* Asks all of them.  Takes as long as they do; never fails as a whole. */
void survey_take(const struct tarpitctl *, struct survey *ret);

/* Connects to the dispatcher, or dies saying what to do about it. */
void control_open(const struct tarpitctl *, struct link *ret);
/* Says why the dispatcher cannot be talked to, and exits. */
void control_die(const struct tarpitctl *, int error) __attribute__((noreturn));
