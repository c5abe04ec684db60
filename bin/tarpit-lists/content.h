#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The entries of a list, or of all of them: read from text, checked for what a
 * publisher's mistake looks like, and put together.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/util.h"
#include "bin/tarpit-lists/config.h"
#include "data/cdbfile.h"

/* All zero is an empty one. */
struct content {
	struct cdbfile_prefix *prefixes;
	size_t n_prefixes, prefixes_cap;
	struct cdbfile_asn *asns;
	size_t n_asns, asns_cap;
	char *notes; /* see struct cdbfile_content */
	size_t notes_size, notes_cap;
	/* Lines that were left out because they cannot be read; the first of
	 * them in words, "line 7: ...; line 9: ...". */
	size_t n_bad;
	char bad[700];
};

void content_fini(struct content *);

/* A list's text, as it is about to be read. */
struct content_text {
	const struct list_config *config;
	const char *name; /* of the text, for records: a path or URL */
	const char *buf;
	size_t len;
};

/* Parses TEXT, unpacked if need be, into *RET_CONTENT (zeroed), sorted, every
 * entry once; says in the journal (NULL: to nobody) what is odd.  Lines that
 * cannot be read, or are wider than any list should be, are left out up to
 * MaxBadLines=.  0, or -errno with the reason, which names the text and the
 * line, in WHY (SIZE bytes): -EBADMSG, -EFBIG (unpacked), -ENOMEM. */
int content_read(const struct content_text *, struct journal *,
    struct content *ret_content, char *why, size_t size) MUST_CHECK;

/* The largest text that is read: larger than any public list by far. */
enum { CONTENT_SIZE_MAX = 256 << 20 };

/* Whether it is large enough, and has not shrunk by too much from what
 * PREVIOUS (NULL ok) has of the list.  0, or -EINVAL with the reason in
 * WHY. */
int content_check(const struct content_text *, const struct content *,
    const struct cdbfile *previous, char *why, size_t size) MUST_CHECK;

size_t content_entries(const struct content *);

/* Adds FROM, of the list NUMBER, to TO; cdbfile_sort() must follow.  0 or
 * -ENOMEM. */
int content_append(
    struct content *to, const struct content *from, uint16_t number) MUST_CHECK;
