#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Compiled lists: which lists is an address in, answered by one probe into a
 * CDB file whatever prefix lengths the lists hold.  The layout is in
 * data/FORMAT.md.  data/cdb*.c are the only users of libcdb.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "data/cidr.h"

enum {
	CDBFILE_VERSION = 1,
	CDBFILE_LISTS_MAX = 128,
	CDBFILE_NAME_MAX = 63, /* bytes of a list's name */
	CDBFILE_SOURCE_MAX = 1023,
	CDBFILE_SIZE_MAX = 1 << 30, /* bytes of a file that we will open */
};

enum cdbfile_kind { CDBFILE_BLOCK, CDBFILE_ALLOW, CDBFILE_KIND_COUNT };

/* "block" or "allow". */
const char *cdbfile_kind_name(enum cdbfile_kind);

/* One list.  Lists are numbered from 0 in the order of their names. */
struct cdbfile_list {
	const char *name; /* [a-z0-9-]+ */
	const char *source;
	enum cdbfile_kind kind;
	uint32_t entries; /* distinct prefixes */
	uint64_t updated; /* when its source last changed; Unix seconds */
};

/*
 * Reading
 */

struct cdbfile;

/* One list that has the address, and the longest of its prefixes that does:
 * cidr_mask(addr, prefix_len) is that prefix. */
struct cdbfile_hit {
	uint16_t list;
	uint8_t prefix_len; /* 0..128; an IPv4 /24 is 120 */
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

/* One entry of one list. */
struct cdbfile_prefix {
	struct cidr cidr;
	uint16_t list;
};

/* Sorts PREFIXES as cdbfile_write() wants them, removes those that a list has
 * twice, and returns how many are left. */
size_t cdbfile_sort(struct cdbfile_prefix *prefixes, size_t n);

/* Compiles into FD, an empty file open for reading and writing at its start,
 * which the caller then syncs and closes.  PREFIXES are as cdbfile_sort()
 * left them; CREATED is in Unix seconds.  0, -EINVAL (a list number, a name or
 * the order is wrong), -E2BIG (too many lists, or 4 GiB reached), -ENOMEM, or
 * what write() said: -ENOSPC and so on. */
int cdbfile_write(int fd, const struct cdbfile_list *lists, size_t n_lists,
    const struct cdbfile_prefix *prefixes, size_t n_prefixes,
    uint64_t created) MUST_CHECK;
