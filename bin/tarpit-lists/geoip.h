#pragma once
/* SPDX-License-Identifier: ISC */
/* geoip.conf, and the databases that it says to fetch. */

#include <stddef.h>

#include "bin/common/option.h"
#include "bin/common/util.h"

enum geoip_database { GEOIP_COUNTRY, GEOIP_ASN, GEOIP_COUNT };

enum { GEOIP_SIZE_MAX = 256 << 20 };

struct geoip_config {
	char *account, *key;       /* MaxMind's; "" none */
	char *server;              /* where its editions are */
	char *source[GEOIP_COUNT]; /* URL or edition, secret; "" none */
	char *shown[GEOIP_COUNT];  /* what of it may be seen */
	char *path;                /* of the file itself */
	bool has_secret;           /* in it */
	char *file[GEOIP_COUNT];   /* what tarpit-policyd opens */
	uint64_t interval;         /* usec */
};

/* Reads FILE, which need not exist.  0, or -errno with *RET_ERROR filled. */
int geoip_load(const char *file, struct geoip_config *,
    struct option_error *ret_error) MUST_CHECK;
void geoip_fini(struct geoip_config *);

/* "geoip.country": its name in records and in State=; no list has a dot. */
const char *geoip_name(enum geoip_database);

/* What to ask the web for; the caller frees both.  *RET_USER_PWD is NULL where
 * no account is needed: the key is for MaxMind's server alone.  0 or
 * -ENOMEM. */
int geoip_address(const struct geoip_config *, enum geoip_database,
    char **ret_url, char **ret_user_pwd) MUST_CHECK;

/* Takes what was fetched, *BUF (*LEN bytes, on the heap, may be replaced), out
 * of its packing, opens it as tarpit-policyd would, and only then puts it in
 * the old one's place.  0, or -errno with the reason in WHY (SIZE bytes). */
int geoip_publish(const struct geoip_config *, enum geoip_database, char **buf,
    size_t *len, char *why, size_t size) MUST_CHECK;
