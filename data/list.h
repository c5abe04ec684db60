#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Text list formats to prefixes.  Pure: a buffer in, calls out; no I/O.
 */

#include <stddef.h>

#include "bin/common/util.h"
#include "data/cidr.h"

/* What a list is written in.  AUTO recognises the others by their content. */
enum list_format {
	LIST_AUTO,
	LIST_CIDR, /* an address or a prefix a line; `#` and `;` comments */
	LIST_FORMAT_COUNT
};

enum { LIST_LINE_MAX = 1024 }; /* bytes, without the line's end */

/* Called for each entry.  0, or -errno to stop with: then list_parse()
 * returns it. */
typedef int list_entry_fn(void *arg, const struct cidr *);

/* What happened; line numbers count from 1. */
struct list_report {
	size_t entries;
	size_t masked;        /* entries that had host bits set, now cleared */
	unsigned masked_line; /* the first of them */
	unsigned line;        /* on error: where */
	char text[128];       /* on error: what is wrong there */
};

/* Parses all of BUF.  A byte order mark and CRLF are tolerated; text after an
 * entry, a NUL and a line of more than LIST_LINE_MAX bytes are errors.  0, or
 * -EBADMSG with `line` and `text` in *RET_REPORT, which is always filled. */
int list_parse(enum list_format, const char *buf, size_t len,
    list_entry_fn *on_entry, void *arg,
    struct list_report *ret_report) MUST_CHECK;
