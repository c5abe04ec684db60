#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * List formats to entries: networks and autonomous systems.  Pure: a buffer
 * in, calls out; no I/O.  The formats are in one table in data/list.c, each in
 * a file of its own; data/list_json.c is the only user of jansson.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"
#include "data/cidr.h"
#include "data/file_kind.h"

/* What a list is written in.  AUTO recognises the others by their content. */
enum list_format {
	LIST_AUTO,
	LIST_CIDR, /* an address, prefix or range a line; `#`, `;` comments */
	LIST_DROP_JSON, /* Spamhaus DROP: one JSON object a line */
	LIST_ASN_JSON,  /* Spamhaus ASN-DROP, likewise */
	LIST_IPSUM,     /* an address and on how many lists it was seen */
	LIST_POSTFIX,   /* cidr_table(5) with the actions of access(5) */
	LIST_RBLDNSD,   /* ip4set, ip4trie, ip6tset, ip6trie */
	LIST_DSHIELD,   /* start, end, prefix length, separated by tabs */
	LIST_ASN,       /* AS64496 or 64496 a line, or as a column */
	LIST_CSV,       /* a column has addresses, prefixes or ranges */
	LIST_P2P,       /* PeerGuardian: name:first-last */
	LIST_IPSET,     /* ipset save */
	LIST_NFT,       /* nft list, or a file for nft -f */
	LIST_CDB, /* of tinycdb, tcprules, postmap, rbldns: keys are networks */
	LIST_FORMAT_COUNT
};

/* As in `Format=`. */
const char *list_format_name(enum list_format);

/* Whether of two entries that have an address the first counts; otherwise it is
 * the one with the longer prefix. */
bool list_format_is_ordered(enum list_format);

enum {
	LIST_LINE_MAX = 1024, /* bytes, without the line's end, of an entry */
	LIST_NOTE_MAX = 31,   /* bytes of a public identifier */
	LIST_COLUMNS_MAX = 64,
	LIST_TEXT_MAX = 255, /* bytes of what is wrong with a line */
};

/* What happened; line numbers count from 1, and in a CDB file they count
 * records. */
struct list_report {
	enum list_format format; /* the one found; LIST_AUTO: no line says */
	size_t entries;
	size_t excluded;       /* of them, see struct list_entry */
	size_t left_out;       /* had too low a count */
	size_t foreign;        /* are no network, and right: host names */
	unsigned foreign_line; /* the first of them */
	size_t masked;         /* entries that had host bits set, now cleared */
	unsigned masked_line;  /* the first of them */
	size_t bad;            /* lines left out, see list_options */
	uint64_t timestamp;    /* the publisher's; Unix seconds; 0: none */
	unsigned line;         /* on error: where; 0: the file as a whole */
	char text[LIST_TEXT_MAX + 1]; /* on error: what is wrong there */
};

struct list_options {
	enum list_format format;
	uint32_t
	    min_count; /* LIST_IPSUM: entries seen less often are left out */
	/* What is rejected in tables that also let through is an entry of a
	 * block list, what is let through one of an allow list. */
	bool is_allow;
	const char *column; /* number from 1, or name; NULL or "": find it */
	/* Told of each line that cannot be read, which is then left out; NULL:
	 * the first one ends it. */
	void (*on_bad)(void *arg, const struct list_report *);
};

struct list_entry {
	bool is_asn;
	/* These addresses are *not* in the list though another entry has them,
	 * see list_format_is_ordered(). */
	bool is_excluded;
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

/* Parses all of BUF.  A byte order mark, CRLF and spaces of Unicode are
 * tolerated; text after an entry, a NUL, a long line, and JSON without the
 * record that must end it are errors.  A range is as many entries as it takes
 * prefixes.  0, or -EBADMSG with `line` and `text` in *RET_REPORT, which is
 * always filled: a bad line if `on_bad` is not set, or the file as a whole. */
int list_parse(const struct list_options *, const char *buf, size_t len,
    list_entry_fn *on_entry, void *arg,
    struct list_report *ret_report) MUST_CHECK;

/* Says in TEXT what BUF is instead of a list: an archive, another encoding, or,
 * which *RET_IS_PAGE says, a page whose lines show it as well.  TEXT, or NULL if
 * it may be a list. */
const char *list_foreign_kind(
    const char *buf, size_t len, char text[FILE_KIND_SIZE], bool *ret_is_page);
