#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the source of facts from databases have in common: what a
 * value is and where it stands (source_geoip_fields.c), making sure of a new
 * file (source_geoip_load.c), questions (source_geoip.c).  The only users of
 * libmaxminddb.
 */

#include <maxminddb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/source.h"

enum {
	/* Records remembered by their offset: a country database has some 250
	 * different ones, and finding a field by its name costs as much as
	 * finding the record. */
	GEOIP_CACHE_SIZE = 4096,
	GEOIP_PATHS_MAX = 24,
	GEOIP_PATH_MAX = 4, /* names, and the NULL behind them */
};

enum geoip_family { GEOIP_V4, GEOIP_V6, GEOIP_FAMILIES };

/* One kind of database. */
struct geoip_kind {
	/* Where in a record publishers put the value; tried in this order. */
	const char *path[GEOIP_PATHS_MAX][GEOIP_PATH_MAX];
	/* The value as a number; 0: none. */
	uint32_t (*read)(const MMDB_entry_data_s *);
	void (*add)(struct inquiry *, uint32_t value);
	const char *missing; /* what a database of another kind lacks */
};

/* A database in use. */
struct geoip {
	MMDB_s mmdb;
	/* Has any value for clients of this family: if not, it says nothing of
	 * them, rather than that they are nowhere. */
	bool has[GEOIP_FAMILIES];
	struct geoip_cached {
		uint32_t offset; /* plus one; 0: free */
		uint32_t value;
	} cache[GEOIP_CACHE_SIZE];
};

/* ---- source_geoip_fields.c ---- */

extern const struct geoip_kind source_geoip_country, source_geoip_asn;

/* Whether a code of two capital letters is that of a country.  Some publishers
 * have EU, AP, ZZ and the like where there is none. */
bool source_geoip_is_country(const char code[2]);

/* The value in a record; 0: none. */
uint32_t source_geoip_read(const struct geoip_kind *, MMDB_entry_s *);

/* ---- source_geoip_load.c ---- */

/* Opens the file at PATH, and makes sure of it.  0, or -errno with *RET_WHY
 * (SIZE bytes) saying why. */
int source_geoip_load(const struct geoip_kind *, const char *path,
    struct geoip **ret_db, char *why, size_t size) MUST_CHECK;
struct geoip *source_geoip_free(struct geoip *);
