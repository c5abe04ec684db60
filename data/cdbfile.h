#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Compiled lists: which lists is an address in, answered by one probe into a
 * CDB file whatever prefix lengths the lists hold; and which lists name an
 * autonomous system.  The layout is in data/FORMAT.md.  data/cdb*.c are the only users of libcdb.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "data/cidr.h"

enum {
	CDBFILE_VERSION = 2,
	CDBFILE_LISTS_MAX = 128,
	CDBFILE_NAME_MAX = 63, /* bytes of a list's name */
	CDBFILE_SOURCE_MAX = 1023,
	CDBFILE_NOTE_MAX = 31,      /* bytes of a public identifier */
	CDBFILE_SIZE_MAX = 1 << 30, /* bytes of a file that we will open */
};

enum cdbfile_kind { CDBFILE_BLOCK, CDBFILE_ALLOW, CDBFILE_KIND_COUNT };

/* "block" or "allow". */
const char *cdbfile_kind_name(enum cdbfile_kind);

/* One list.  Lists are numbered from 0 in the order of their names. */
struct cdbfile_list {
	const char *name; /* [a-z0-9_-]+ */
	const char *source;
	enum cdbfile_kind kind;
	uint32_t entries; /* distinct prefixes and systems */
	uint64_t updated; /* when its source last changed; Unix seconds */
	/* What the entries are; of a file that was opened. */
	bool has_prefixes, has_systems;
};

/*
 * Reading
 */

struct cdbfile;

/* One list that has the address, and the longest of its prefixes that does:
 * cidr_mask(addr, prefix_len) is that prefix. */
struct cdbfile_hit {
	uint32_t note; /* for cdbfile_note() */
	uint16_t list;
	uint8_t prefix_len; /* 0..128; an IPv4 /24 is 120; 0 for a system */
};

struct cdbfile_match {
	size_t n;
	struct cdbfile_hit hit[CDBFILE_LISTS_MAX]; /* by list number */
};

/* Opens PATH, verifies all of it, and keeps a private copy in memory, so that
 * whatever is done to the file later cannot hurt.  Blocks for as long as the
 * copy takes (about 5 ms a megabyte).  0, or -errno with the reason for the
 * operator in WHY (SIZE bytes, without the path): -ENOENT and so on as from
 * open(), -EBADMSG (not such a file, truncated, damaged), -EPROTO (of another
 * version), -EFBIG. */
int cdbfile_open(const char *path, struct cdbfile **ret_file, char *why,
    size_t size) MUST_CHECK;
struct cdbfile *cdbfile_free(struct cdbfile *);

/* Looks ADDR up; an IPv4 address is IPv4-mapped.  1 and *RET_MATCH if any list
 * has it, 0 if none, -EBADMSG if the file contradicts itself, which
 * cdbfile_open() can only rule out for damage, not for malice.  Allocates
 * nothing; any number of threads may ask at once. */
int cdbfile_find(const struct cdbfile *, const struct in6_addr *addr,
    struct cdbfile_match *ret_match) MUST_CHECK;

/* The same for an autonomous system. */
int cdbfile_find_asn(const struct cdbfile *, uint32_t asn,
    struct cdbfile_match *ret_match) MUST_CHECK;

/* The public identifier under which the list has what was found, such as
 * "SBL123": [A-Za-z0-9._-]*, borrowed from the file; "" if there is none. */
const char *cdbfile_note(const struct cdbfile *, const struct cdbfile_hit *);

size_t cdbfile_n_lists(const struct cdbfile *);
/* Borrowed from the file; I < cdbfile_n_lists(). */
const struct cdbfile_list *cdbfile_list(const struct cdbfile *, size_t i);
/* By name; NULL if there is no such list. */
const struct cdbfile_list *cdbfile_list_named(
    const struct cdbfile *, const char *name);
/* When it was compiled; Unix seconds. */
uint64_t cdbfile_created(const struct cdbfile *);

/*
 * Writing
 */

/* One entry of one list; NOTE is where its identifier starts in the content's
 * `notes`, 0 if it has none. */
struct cdbfile_prefix {
	struct cidr cidr;
	uint16_t list;
	uint32_t note;
};

struct cdbfile_asn {
	uint32_t asn;
	uint16_t list;
	uint32_t note;
};

/* All that goes into a file. */
struct cdbfile_content {
	const struct cdbfile_list *lists;
	size_t n_lists;
	/* As cdbfile_sort() and cdbfile_sort_asns() left them. */
	const struct cdbfile_prefix *prefixes;
	size_t n_prefixes;
	const struct cdbfile_asn *asns;
	size_t n_asns;
	/* Identifiers, each NUL-terminated, the first one empty.  NULL: there
	 * are none. */
	const char *notes;
	size_t notes_size;
	uint64_t created; /* Unix seconds */
};

/* Whether the LEN bytes at S may be a note. */
bool cdbfile_is_note(const char *s, size_t len);

/* Sort as cdbfile_write() wants it, remove what a list has twice, and return
 * how many are left. */
size_t cdbfile_sort(struct cdbfile_prefix *prefixes, size_t n);
size_t cdbfile_sort_asns(struct cdbfile_asn *asns, size_t n);

/* Compiles into FD, an empty file open for reading and writing at its start,
 * which the caller then syncs and closes.  0, -EINVAL (a list number, a name, a
 * note or the order is wrong), -E2BIG (too many lists), -EFBIG, -ENOMEM, or
 * what write() said: -ENOSPC and so on. */
int cdbfile_write(int fd, const struct cdbfile_content *) MUST_CHECK;
