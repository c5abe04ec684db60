#pragma once
/* SPDX-License-Identifier: ISC */
/* What the parsers of the formats share; for list*.c only. */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"
#include "data/list.h"

/* One pass over a buffer. */
struct parser {
	const struct list_options *options;
	list_entry_fn *on_entry;
	void *arg;
	struct list_report *report;
	bool is_ended; /* the record that ends JSON lists was there */
};

/* Part of a line. */
struct slice {
	const char *at;
	size_t len;
};

/* Says what is wrong with the current line; returns -EBADMSG. */
int list_bad_line(struct parser *, const char *format, ...) PRINTF_LIKE(2, 3);

/* How much of S to quote: lists come from strangers, messages go to terminals
 * and journals. */
int list_quotable(struct slice s);

/* One prefix, with the identifier NOTE if it is fit to be one. */
int list_put_prefix(
    struct parser *, struct slice text, struct slice note) MUST_CHECK;
int list_put(
    struct parser *, struct list_entry *, struct slice note) MUST_CHECK;

/* One line of the JSON formats. */
int list_parse_json_line(struct parser *, struct slice line) MUST_CHECK;

/* Which of the JSON formats has such a line; LIST_AUTO: none. */
enum list_format list_recognise_json(struct slice line);
