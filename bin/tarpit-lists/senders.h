#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A list of senders: the networks of all domains of a source
 * "spf:DOMAIN spf:DOMAIN ...".  A domain that cannot be looked up keeps what it
 * last said, so that no single one makes the list go stale.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/journal.h"
#include "bin/common/util.h"

struct senders {
	const char *list, *source; /* name and Source= */
	const char *resolver;      /* see resolver_new() */
	const char *copy;          /* text of the last time; NULL: none */
	size_t copy_len;
	struct journal *journal; /* for domains that fail */
	/* Filled: those that failed, and why, as far as there is room. */
	char left_out[300];
};

/* Whether SOURCE is of that form; else the reason in WHY. */
bool senders_is_valid(const char *source, char *why, size_t size);

/* *RET_TEXT, for the caller to free, has a line "# spf:DOMAIN" and then the
 * networks of each.  0, or with the reason in WHY if none could be looked up:
 * -EAGAIN if it may be later, or as spf_collect(). */
int senders_collect(struct senders *, char **ret_text, size_t *ret_len,
    char *why, size_t size) MUST_CHECK;
