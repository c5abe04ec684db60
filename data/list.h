#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * List formats to entries: networks and autonomous systems.  Pure: a buffer
 * in, calls out; no I/O.  data/list_json.c is the only user of jansson.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"
#include "data/cidr.h"

/* What a list is written in.  AUTO recognises the others by their content. */
enum list_format {
	LIST_AUTO,
	LIST_CIDR, /* an address, prefix or range a line; `#`, `;` comments */
	LIST_DROP_JSON, /* Spamhaus DROP: one JSON object a line */
	LIST_ASN_JSON,  /* Spamhaus ASN-DROP, likewise */
	LIST_IPSUM,     /* an address and on how many lists it was seen */
	LIST_FORMAT_COUNT
};

/* As in `Format=`. */
const char *list_format_name(enum list_format);

enum {
	LIST_LINE_MAX = 1024, /* bytes, without the line's end */
	LIST_NOTE_MAX = 31,   /* bytes of a public identifier */
};

struct list_options {
	enum list_format format;
	uint32_t
	    min_count; /* LIST_IPSUM: entries seen less often are left out */
};

struct list_entry {
	bool is_asn;
	uint32_t asn;     /* if it is one, */
	struct cidr cidr; /* else this */
	/* The publisher's identifier for it, [A-Za-z0-9._-]*, at most
	 * LIST_NOTE_MAX bytes, not terminated; valid during the call. */
	const char *note;
	size_t note_len;
};

/* Called for each entry.  0, or -errno to stop with: then list_parse()
 * returns it. */
typedef int list_entry_fn(void *arg, const struct list_entry *);

/* What happened; line numbers count from 1. */
struct list_report {
	enum list_format format; /* the one found; LIST_AUTO: no line says */
	size_t entries;
	size_t left_out;      /* had too low a count */
	size_t masked;        /* entries that had host bits set, now cleared */
	unsigned masked_line; /* the first of them */
	uint64_t timestamp;   /* the publisher's; Unix seconds; 0: none */
	unsigned line;        /* on error: where */
	char text[128];       /* on error: what is wrong there */
};

/* Parses all of BUF.  A byte order mark and CRLF are tolerated; text after an
 * entry, a NUL, a line of more than LIST_LINE_MAX bytes, and JSON without the
 * record that must end it are errors.  A range is as many entries as it takes
 * prefixes.  0, or -EBADMSG with `line` and `text` in *RET_REPORT, which is
 * always filled. */
int list_parse(const struct list_options *, const char *buf, size_t len,
    list_entry_fn *on_entry, void *arg,
    struct list_report *ret_report) MUST_CHECK;
