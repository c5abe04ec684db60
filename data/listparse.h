#pragma once
/* SPDX-License-Identifier: ISC */
/* What the parsers of the formats share; for list*.c only. */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"
#include "data/list.h"

/* Part of a line. */
struct slice {
	const char *at;
	size_t len;
};

enum { LIST_CONDITIONS_MAX = 16 };

/* The networks of `if` lines that a line of a Postfix table is inside of. */
struct condition {
	struct cidr cidr;
	bool is_negated, is_bad;
};

/* What the action of a line, or the value of a key, says. */
enum list_action { ACTION_NONE, ACTION_BLOCK, ACTION_ALLOW, ACTION_NEUTRAL };

/* One pass over a buffer. */
struct parser {
	const struct list_options *options;
	list_entry_fn *on_entry;
	void *arg;
	struct list_report *report;
	bool is_fatal; /* the line's error is the file's */
	/* JSON: the record that ends the list was there. */
	bool is_ended;
	/* CSV, ASN */
	unsigned column;    /* from 1 */
	bool has_ranges;    /* that end in the column that follows */
	char separator;     /* of the lines that were looked at; 0: many */
	unsigned n_content; /* lines so far that are no comment */
	unsigned n_lines;
	/* Postfix: a pattern that still waits for its action. */
	struct condition condition[LIST_CONDITIONS_MAX];
	unsigned n_conditions;
	struct condition pending;
	unsigned pending_line; /* 0: there is none */
	/* rbldnsd: in a data set that has no addresses. */
	bool is_foreign_set;
	/* nft: inside of the braces that have elements, and of one of them. */
	bool is_in_elements, is_in_item;
	bool is_tcprules;          /* CDB */
	char clean[LIST_LINE_MAX]; /* a line without Unicode's spaces */
};

/* A format: what data/list.c knows of it. */
struct format {
	const char *name;
	int (*parse_line)(struct parser *, struct slice line);
	/* How well LINE, which is no comment, fits: 0 not, 1 well, more if it
   * is in no other format. */
	unsigned (*fits)(struct slice line);
	int (*end)(struct parser *);     /* NULL: nothing to do */
	bool has_long_lines, is_ordered; /* see list_format_is_ordered() */
};

extern const struct format list_format_drop_json, list_format_asn_json,
    list_format_postfix, list_format_rbldnsd, list_format_dshield,
    list_format_asn, list_format_csv, list_format_p2p, list_format_ipset,
    list_format_nft;

/* Says what is wrong with the current line; returns -EBADMSG. */
int list_bad_line(struct parser *, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same of the file as a whole. */
int list_bad_file(struct parser *, const char *format, ...) PRINTF_LIKE(2, 3);

/* 0 if R says that the current line is bad and that is tolerated: it has been
 * told of; else R. */
int list_tolerate(struct parser *, int r) MUST_CHECK;

/* What to quote of a slice: lists come from strangers, messages go to terminals
 * and journals.  What is not ASCII, or would not be seen, is shown as \xNN. */
struct quote {
	char text[4 * 48 + 1];
};
const char *list_quote(struct slice, struct quote *);

/* Here, since they are asked of every byte. */
static inline bool
list_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool
list_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct slice list_trim(struct slice);
/* Up to a blank. */
struct slice list_first_word(struct slice);
/* What follows PART, at the start of S, trimmed. */
struct slice list_rest(struct slice s, struct slice part);
/* Cuts the comment off LINE, and trims both. */
struct slice list_take_comment(struct slice *line);
/* Whether S is TEXT in any case, or begins with it. */
bool list_is(struct slice, const char *text);
bool list_begins(struct slice, const char *text);
bool list_is_comment(struct slice line);

/* One address, prefix or range `first-last`, with the identifier NOTE if it is
 * fit to be one. */
int list_put_networks(struct parser *, struct slice text, struct slice note,
    bool is_excluded) MUST_CHECK;
int list_put_prefix(struct parser *, struct slice text, struct slice note,
    bool is_excluded) MUST_CHECK;
int list_put_cidr(struct parser *, const struct cidr *, bool is_masked,
    struct slice note, bool is_excluded) MUST_CHECK;
/* Both in one family and in order; -EINVAL: they are not. */
int list_put_range(struct parser *, struct in6_addr first, struct in6_addr last,
    struct slice note, bool is_excluded) MUST_CHECK;
int list_put(
    struct parser *, struct list_entry *, struct slice note) MUST_CHECK;
void list_note_foreign(struct parser *);

/* Whether S is an address, a prefix or a range. */
bool list_is_networks(struct slice);

/* "192.0.2" or "192.0.2.", "2001:db8" or "2001:db8:": what access(5), rbldnsd
 * and tcprules write for a prefix.  0 or -EINVAL. */
int list_parse_short(struct slice, struct cidr *ret) MUST_CHECK;

/* "AS64496" and, unless NEEDS_AS, "64496". */
bool list_parse_asn(struct slice, bool needs_as, uint32_t *ret);

/* The first word of ACTION as access(5) has it; NONE: it is no action. */
enum list_action list_parse_action(struct slice action);

/* The fields of a line, quotes taken off; how many. */
size_t list_split(struct slice line, struct slice fields[LIST_COLUMNS_MAX]);

/* Which column of BUF has networks, or systems; 0, or -EBADMSG. */
int list_find_column(struct parser *, const char *buf, size_t len) MUST_CHECK;

/* All of a CDB file. */
bool list_is_cdb(const char *buf, size_t len);
int list_parse_cdb(struct parser *, const char *buf, size_t len) MUST_CHECK;
