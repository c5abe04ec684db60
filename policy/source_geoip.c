/* SPDX-License-Identifier: ISC */
/* Facts from databases in MaxMind's format: country, autonomous system. */
#include <arpa/inet.h>
#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <time.h>

#include "bin/common/fd.h"
#include "data/cidr.h"
#include "policy/explanation.h"
#include "policy/loader.h"
#include "policy/mmdb_check.h"
#include "policy/source.h"

enum {
	FILE_MAX = 1 << 30,
	/* Records remembered by their offset: a country database has some 250
	 * different ones, and finding a field by its name costs as much as
	 * finding the record. */
	CACHE_SIZE = 4096,
	/* Records tried before a new database is used. */
	TRIALS = 1000,
};

/* One kind of database. */
struct geoip_kind {
	/* Where in a record publishers put the value; tried in this order;
	 * NULL-terminated, as is each path. */
	const char *const *paths[4];
	/* The value as a number; 0: none. */
	uint32_t (*read)(const MMDB_entry_data_s *);
	void (*add)(struct inquiry *, uint32_t value);
	const char *missing; /* what a database of another kind lacks */
};

/* A database in use. */
struct geoip {
	MMDB_s mmdb;
	struct cached {
		uint32_t offset; /* plus one; 0: free */
		uint32_t value;
	} cache[CACHE_SIZE];
};

struct source {
	const struct geoip_kind *kind;
	const char *path;
	struct loader *loader;
	struct geoip *db; /* NULL: none could be opened yet */
};

/*
 * Fields
 */

static const char *const country_path[] = { "country", "iso_code", NULL };
static const char *const country_flat[] = { "country_code", NULL };
static const char *const registered_path[] = { "registered_country", "iso_code",
	NULL };
static const char *const asn_path[] = { "autonomous_system_number", NULL };
static const char *const asn_flat[] = { "asn", NULL };

static uint32_t
read_country(const MMDB_entry_data_s *data)
{
	char code[2];
	int index;

	if (data->type != MMDB_DATA_TYPE_UTF8_STRING || data->data_size != 2)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		code[i] = data->utf8_string[i];
		if (code[i] >= 'a' && code[i] <= 'z')
			code[i] = (char)(code[i] - 'a' + 'A');
	}
	index = country_index(code);
	return index < 0 ? 0 : (uint32_t)index + 1;
}

static void
add_country(struct inquiry *q, uint32_t value)
{
	uint32_t index = value - 1;

	if (value == 0) {
		rules_add_named(q->rules, FACT_COUNTRY_UNKNOWN, &q->facts);
		return;
	}
	q->facts.country[0] = (char)('A' + index / 26);
	q->facts.country[1] = (char)('A' + index % 26);
	q->facts.country[2] = '\0';
	facts_add(&q->facts,
	    &(struct fact){ .kind = FACT_COUNTRY,
		.weight = q->rules->country_weight[index],
		.number = index });
}

/* "AS64496" or "64496", at most 32 bits. */
static uint32_t
read_asn_text(const char *text, size_t len)
{
	uint64_t asn = 0;
	size_t i = len > 2 && memcmp(text, "AS", 2) == 0 ? 2 : 0;

	if (i == len || len - i > 10)
		return 0;
	for (; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		asn = asn * 10 + (uint64_t)(text[i] - '0');
	}
	return asn > UINT32_MAX ? 0 : (uint32_t)asn;
}

static uint32_t
read_asn(const MMDB_entry_data_s *data)
{
	switch (data->type) {
	case MMDB_DATA_TYPE_UINT16:
		return data->uint16;
	case MMDB_DATA_TYPE_UINT32:
		return data->uint32;
	case MMDB_DATA_TYPE_UINT64:
		return data->uint64 > UINT32_MAX ? 0 : (uint32_t)data->uint64;
	case MMDB_DATA_TYPE_UTF8_STRING:
		return read_asn_text(data->utf8_string, data->data_size);
	default: /* the library's types are plain numbers */
		return 0;
	}
}

static void
add_asn(struct inquiry *q, uint32_t asn)
{
	if (asn == 0) {
		rules_add_named(q->rules, FACT_ASN_UNKNOWN, &q->facts);
		return;
	}
	q->facts.asn = asn;
	facts_add(&q->facts,
	    &(struct fact){ .kind = FACT_ASN,
		.weight = rules_asn_weight(q->rules, asn),
		.number = asn });
}

static const struct geoip_kind kind_country = {
	.paths = { country_path, country_flat, registered_path },
	.read = read_country,
	.add = add_country,
	.missing = "no country code (country.iso_code, country_code)",
};

static const struct geoip_kind kind_asn = {
	.paths = { asn_path, asn_flat },
	.read = read_asn,
	.add = add_asn,
	.missing = "no number (autonomous_system_number, asn)",
};

/* A field that is not there, is of another type or is damaged is no value:
 * the next place is tried. */
static uint32_t
read_entry(const struct geoip_kind *kind, MMDB_entry_s *entry)
{
	MMDB_entry_data_s data;
	uint32_t value = 0;

	for (size_t i = 0; kind->paths[i] && value == 0; i++) {
		if (MMDB_aget_value(entry, &data, kind->paths[i]) ==
			MMDB_SUCCESS &&
		    data.has_data)
			value = kind->read(&data);
	}
	return value;
}

/*
 * Loading
 */

static struct geoip *
geoip_free(struct geoip *db)
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

/* Checks what MMDB_open() will read before anything else does. */
static int
check_metadata(int fd, size_t size, const char **ret_why)
{
	void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	int r;

	if (map == MAP_FAILED)
		return -errno;
	r = mmdb_check_metadata(map, size, ret_why);
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

/* Does one of the first records hold a value of this kind? */
static bool
has_values(const struct geoip_kind *kind, MMDB_s *mmdb)
{
	unsigned int tried = 0;

	for (uint32_t i = 0; i < mmdb->metadata.node_count; i++) {
		MMDB_search_node_s node;

		if (MMDB_read_node(mmdb, i, &node) != MMDB_SUCCESS)
			return false;
		if (node.left_record_type == MMDB_RECORD_TYPE_DATA &&
		    tried++ < TRIALS &&
		    read_entry(kind, &node.left_record_entry))
			return true;
		if (node.right_record_type == MMDB_RECORD_TYPE_DATA &&
		    tried++ < TRIALS &&
		    read_entry(kind, &node.right_record_entry))
			return true;
		if (tried >= TRIALS)
			return false;
	}
	return false;
}

static int
check_content(const struct geoip_kind *kind, MMDB_s *mmdb, const char **ret_why)
{
	int r = mmdb_check_tree(mmdb->file_content, (size_t)mmdb->file_size,
	    mmdb->metadata.node_count, mmdb->metadata.record_size, ret_why);

	if (r < 0)
		return r;
	if (mmdb->metadata.ip_version != 4 && mmdb->metadata.ip_version != 6) {
		*ret_why = "neither IPv4 nor IPv6";
		return -EBADMSG;
	}
	if (!has_values(kind, mmdb)) {
		*ret_why = kind->missing;
		return -EBADMSG;
	}
	return 0;
}

/* Some tens of milliseconds for a database of 10 MB. */
static int
load(const struct geoip_kind *kind, const char *path, struct geoip **ret_db,
    const char **ret_why)
{
	struct geoip *db;
	AUTO_FD fd = -1;
	ssize_t size = copy_file(path, &fd);
	int r;

	if (size <= 0)
		return size < 0 ? (int)size : -ENODATA;
	r = check_metadata(fd, (size_t)size, ret_why);
	if (r < 0)
		return r;
	db = calloc(1, sizeof(*db));
	if (!db)
		return -ENOMEM;
	r = open_copy(db, fd, ret_why);
	if (r == 0)
		r = check_content(kind, &db->mmdb, ret_why);
	if (r < 0)
		geoip_free(db);
	else
		*ret_db = db;
	return r;
}

static int
load_for_loader(
    const void *arg, const char *path, void **ret_data, char *why, size_t size)
{
	const char *text = NULL;
	struct geoip *db;
	int r = load(arg, path, &db, &text);

	if (r == 0)
		*ret_data = db;
	else
		snprintf(why, size, "%s",
		    text                ? text
			: r == -ENODATA ? "empty"
					: strerror(-r));
	return r;
}

static void
free_for_loader(void *db)
{
	geoip_free(db);
}

static const struct loader_kind loader_kind = { load_for_loader,
	free_for_loader };

/*
 * The table
 */

static int
geoip_open(
    struct source **ret_source, const struct geoip_kind *kind, const char *path)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->kind = kind;
	s->path = path;
	s->loader = loader_new(&loader_kind, kind);
	if (!s->loader) {
		free(s);
		return -ENOMEM;
	}
	*ret_source = s;
	return 0;
}

static int
country_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	(void)loop;
	return geoip_open(ret_source, &kind_country, rules->country);
}

static int
asn_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	(void)loop;
	return geoip_open(ret_source, &kind_asn, rules->asn);
}

static struct source *
source_free(struct source *s)
{
	if (s) {
		loader_free(s->loader);
		geoip_free(s->db);
		free(s);
	}
	return NULL;
}

static void
geoip_inherit(struct source *s, struct source *old)
{
	struct loader *loader = s->loader;

	if (strcmp(s->path, old->path) != 0)
		return;
	s->db = old->db;
	old->db = NULL;
	/* With what it may be loading, and what it has seen. */
	s->loader = old->loader;
	old->loader = loader;
}

static bool
geoip_refresh(struct source *s, struct source_note *note)
{
	char why[200] = "";
	void *db = NULL;
	int r = 0;

	if (*s->path == '\0' ||
	    !loader_poll(s->loader, s->path, &r, &db, why, sizeof(why)))
		return false;
	if (r == 0) {
		loader_discard(s->loader, s->db);
		s->db = db;
	}
	note->failed = r < 0;
	note->has_data = s->db != NULL;
	snprintf(note->file, sizeof(note->file), "%s", s->path);
	if (r < 0)
		snprintf(note->text, sizeof(note->text), "%s", why);
	else
		snprintf(note->text, sizeof(note->text), "%s, %u nodes",
		    s->db->mmdb.metadata.database_type,
		    s->db->mmdb.metadata.node_count);
	return true;
}

/* 1 with *RET_ENTRY, 0 if the database does not have the address, or -EINVAL
 * if it can say nothing of it: IPv6, asked of a database of IPv4. */
static int
find_entry(MMDB_s *mmdb, const struct in6_addr *addr, MMDB_entry_s *ret_entry)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to = { .in6 = { .sin6_family = AF_INET6, .sin6_addr = *addr } };
	MMDB_lookup_result_s result;
	int error;

	if (cidr_addr_is_v4(addr)) {
		to.in = (struct sockaddr_in){ .sin_family = AF_INET };
		memcpy(&to.in.sin_addr, &addr->s6_addr[12], 4);
	}
	result = MMDB_lookup_sockaddr(mmdb, &to.sa, &error);
	if (error != MMDB_SUCCESS)
		return -EINVAL;
	*ret_entry = result.entry;
	return result.found_entry;
}

static void
geoip_add(struct source *s, struct inquiry *q)
{
	struct cached *cached;
	MMDB_entry_s entry;
	int r;

	r = find_entry(&s->db->mmdb, &q->addr, &entry);
	if (r == 0)
		s->kind->add(q, 0);
	if (r <= 0)
		return;
	cached = &s->db->cache[entry.offset * UINT32_C(2654435769) >> 20];
	if (cached->offset != entry.offset + 1) {
		cached->offset = entry.offset + 1;
		cached->value = read_entry(s->kind, &entry);
	}
	s->kind->add(q, cached->value);
}

static enum source_ask
geoip_ask(struct source *s, struct inquiry *q)
{
	size_t since = q->facts.n;
	char age[AGE_SIZE];

	if (!s->db)
		return SOURCE_DONE;
	geoip_add(s, q);
	if (q->explain)
		inquiry_explain(q, since, "%s, %s old",
		    s->db->mmdb.metadata.database_type,
		    explanation_age((int64_t)time(NULL) -
			    (int64_t)s->db->mmdb.metadata.build_epoch,
			age));
	return SOURCE_DONE;
}

const struct source_ops source_country = {
	.name = "country",
	.open = country_open,
	.free = source_free,
	.inherit = geoip_inherit,
	.refresh = geoip_refresh,
	.ask = geoip_ask,
};

const struct source_ops source_asn = {
	.name = "asn",
	.open = asn_open,
	.free = source_free,
	.inherit = geoip_inherit,
	.refresh = geoip_refresh,
	.ask = geoip_ask,
};
