/* SPDX-License-Identifier: ISC */
/* Making sure of a database before it is used. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "bin/common/fd.h"
#include "data/file_kind.h"
#include "policy/mmdb_check.h"
#include "policy/source_geoip_internal.h"

enum {
	FILE_MAX = 1 << 30,
	/* Different records in which a value is looked for before a database
	 * is said to have none.  The largest published ones that do have some
	 * have it in most of theirs; one of another kind is told apart in less
	 * than a second. */
	TRIALS_MAX = 1 << 18,
	V4_BITS = 32,
	V4_PREFIX = 96, /* of IPv4 in a tree of IPv6 */
};

struct geoip *
source_geoip_free(struct geoip *db)
{
	if (db) {
		if (db->mmdb.file_content)
			MMDB_close(&db->mmdb);
		free(db);
	}
	return NULL;
}

/* The library maps its file.  Mapping the operator's file would let anybody
 * who overwrites or truncates it kill us with SIGBUS, so that it gets a copy
 * that nobody can reach.  The size, or -errno. */
static ssize_t
copy_file(const char *path, int *ret_fd)
{
	AUTO_FD from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO_FD to = memfd_create("mmdb", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n, size = 0;

	if (from < 0 || to < 0)
		return -errno;
	while ((n = sendfile(to, from, NULL, FILE_MAX)) > 0) {
		size += n;
		if (size > FILE_MAX)
			return -EFBIG;
	}
	if (n < 0)
		return -errno;
	if (fcntl(to, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = fd_take(&to);
	return size;
}

/* Checks what MMDB_open() will read before anything else does.  What is no
 * database at all is called by its name. */
static int
check_metadata(int fd, size_t size, char *why, size_t why_size)
{
	void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	char kind[FILE_KIND_SIZE];
	const char *text = NULL;
	int r;

	if (map == MAP_FAILED)
		return -errno;
	r = mmdb_check_metadata(map, size, &text);
	if (r < 0 && !mmdb_check_is_mmdb(map, size) &&
	    file_kind(map, size, kind))
		snprintf(why, why_size, "not a .mmdb file but %s", kind);
	else if (r < 0)
		snprintf(why, why_size, "%s", text);
	munmap(map, size);
	return r;
}

static int
open_copy(struct geoip *db, int fd, const char **ret_why)
{
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = MMDB_open(path, MMDB_MODE_MMAP, &db->mmdb);
	if (r == MMDB_SUCCESS)
		return 0;
	memset(&db->mmdb, 0, sizeof(db->mmdb));
	if (r == MMDB_IO_ERROR)
		return -errno;
	*ret_why = MMDB_strerror(r);
	return r == MMDB_OUT_OF_MEMORY_ERROR ? -ENOMEM : -EBADMSG;
}

/*
 * What it has values for
 */

struct search {
	const struct geoip_kind *kind;
	struct geoip *db;
	uint8_t *visited; /* a bit for each node below IPv4's */
	uint8_t *barren; /* a bit for each offset of a record without a value */
	size_t trials;
};

static bool
test_bit(const uint8_t *bits, size_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static void
set_bit(uint8_t *bits, size_t i)
{
	bits[i / 8] |= (uint8_t)(1 << i % 8);
}

/* Most records are in many networks: each is tried once. */
static void
try_record(struct search *s, uint8_t type, MMDB_entry_s *entry,
    enum geoip_family family)
{
	if (s->db->has[family] || type != MMDB_RECORD_TYPE_DATA ||
	    test_bit(s->barren, entry->offset) || s->trials == TRIALS_MAX)
		return;
	s->trials++;
	if (source_geoip_read(s->kind, entry) != 0)
		s->db->has[family] = true;
	else
		set_bit(s->barren, entry->offset);
}

/* All below the node ROOT of the IPv4 networks.  To the end even when a value is
 * found, for the rest is IPv6's. */
static void
search_v4(struct search *s, uint32_t root)
{
	const uint32_t n = s->db->mmdb.metadata.node_count;
	struct {
		uint32_t node;
		unsigned int depth;
	} stack[V4_BITS + 1], at;
	size_t n_stack = 1;

	stack[0].node = root;
	stack[0].depth = 0;
	while (n_stack > 0) {
		MMDB_search_node_s node;

		at = stack[--n_stack];
		if (at.node >= n || at.depth == V4_BITS ||
		    test_bit(s->visited, at.node) ||
		    MMDB_read_node(&s->db->mmdb, at.node, &node) !=
			MMDB_SUCCESS)
			continue;
		set_bit(s->visited, at.node);
		try_record(s, node.left_record_type, &node.left_record_entry,
		    GEOIP_V4);
		try_record(s, node.right_record_type, &node.right_record_entry,
		    GEOIP_V4);
		at.depth++;
		at.node = (uint32_t)node.right_record;
		stack[n_stack++] = at;
		at.node = (uint32_t)node.left_record;
		stack[n_stack++] = at;
	}
}

static void
search_v6(struct search *s)
{
	for (uint32_t i = 0; i < s->db->mmdb.metadata.node_count; i++) {
		MMDB_search_node_s node;

		if (s->db->has[GEOIP_V6])
			return;
		if (test_bit(s->visited, i) ||
		    MMDB_read_node(&s->db->mmdb, i, &node) != MMDB_SUCCESS)
			continue;
		try_record(s, node.left_record_type, &node.left_record_entry,
		    GEOIP_V6);
		try_record(s, node.right_record_type, &node.right_record_entry,
		    GEOIP_V6);
	}
}

/* One record may be all there is of IPv4. */
static void
search_v4_record(struct search *s, uint32_t value)
{
	MMDB_entry_s entry = { &s->db->mmdb,
		value - s->db->mmdb.metadata.node_count - 16 };

	try_record(s, MMDB_RECORD_TYPE_DATA, &entry, GEOIP_V4);
}

static int
search_values(struct search *s)
{
	const MMDB_s *m = &s->db->mmdb;
	const MMDB_ipv4_start_node_s *v4 = &m->ipv4_start_node;
	AUTO_FREE uint8_t *visited = NULL, *barren = NULL;

	s->visited = visited = calloc(1, m->metadata.node_count / 8 + 1);
	s->barren = barren = calloc(1, m->data_section_size / 8 + 1);
	if (!visited || !barren)
		return -ENOMEM;
	if (m->metadata.ip_version == 4) {
		search_v4(s, 0);
		return 0;
	}
	/* A record that begins before ::/96 is of all the world, or of
	 * reserved space: it says nothing of IPv4. */
	if (v4->netmask == V4_PREFIX && v4->node_value > m->metadata.node_count)
		search_v4_record(s, v4->node_value);
	else if (v4->netmask == V4_PREFIX)
		search_v4(s, v4->node_value);
	search_v6(s);
	return 0;
}

static int
check_content(
    const struct geoip_kind *kind, struct geoip *db, const char **ret_why)
{
	struct search s = { .kind = kind, .db = db };
	const MMDB_s *m = &db->mmdb;
	int r = mmdb_check_tree(m->file_content, (size_t)m->file_size,
	    m->metadata.node_count, m->metadata.record_size, ret_why);

	if (r < 0)
		return r;
	if (m->metadata.ip_version != 4 && m->metadata.ip_version != 6) {
		*ret_why = "neither IPv4 nor IPv6";
		return -EBADMSG;
	}
	r = search_values(&s);
	if (r == 0 && !db->has[GEOIP_V4] && !db->has[GEOIP_V6]) {
		*ret_why = kind->missing;
		r = -EBADMSG;
	}
	return r;
}

/* Some tens of milliseconds for a database of 10 MB. */
static int
load(const struct geoip_kind *kind, const char *path, struct geoip **ret_db,
    char *why, size_t why_size)
{
	const char *text = NULL;
	struct geoip *db;
	AUTO_FD fd = -1;
	ssize_t size = copy_file(path, &fd);
	int r;

	if (size <= 0)
		return size < 0 ? (int)size : -ENODATA;
	r = check_metadata(fd, (size_t)size, why, why_size);
	if (r < 0)
		return r;
	db = calloc(1, sizeof(*db));
	if (!db)
		return -ENOMEM;
	r = open_copy(db, fd, &text);
	if (r == 0)
		r = check_content(kind, db, &text);
	if (text)
		snprintf(why, why_size, "%s", text);
	if (r < 0)
		source_geoip_free(db);
	else
		*ret_db = db;
	return r;
}

int
source_geoip_load(const struct geoip_kind *kind, const char *path,
    struct geoip **ret_db, char *why, size_t size)
{
	int r;

	why[0] = '\0';
	r = load(kind, path, ret_db, why, size);
	if (r < 0 && why[0] == '\0')
		snprintf(why, size, "%s",
		    r == -ENODATA ? "empty: fetch it again" : strerror(-r));
	return r;
}
