/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/geoip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/tarpit-lists/publish.h"
#include "bin/tarpit-lists/state.h"
#include "bin/tarpit-lists/unpack.h"
#include "bin/tarpit-lists/url.h"
#include "policy/mmdb_check.h"
#include "policy/rules.h"
#include "policy/source.h"

#define TEXT(KEY, member, preset, text)                                       \
	{                                                                     \
		.section = "GeoIp", .key = KEY, .type = OPTION_STRING,        \
		.offset = offsetof(struct geoip_config, member), .max = 1023, \
		.initial = preset, .help = text, .secret = true               \
	}

static const struct option options[] = {
	TEXT("Account", account, "", "MaxMind's number for you"),
	TEXT("Key", key, "", "the licence key that belongs to it"),
	TEXT("Server", server, "https://download.maxmind.com",
	    "where MaxMind's editions are"),
	TEXT("Country", source[GEOIP_COUNTRY], "",
	    "URL, or an edition such as GeoLite2-Country"),
	TEXT("CountryFile", file[GEOIP_COUNTRY], "/var/lib/tarpit/country.mmdb",
	    "where it goes"),
	TEXT("Asn", source[GEOIP_ASN], "",
	    "URL, or an edition such as GeoLite2-ASN"),
	TEXT("AsnFile", file[GEOIP_ASN], "/var/lib/tarpit/asn.mmdb",
	    "where it goes"),
	/* MaxMind allows 30 downloads a day, of all databases and machines
	 * together, and publishes twice a week. */
	{ .section = "GeoIp",
	    .key = "Interval",
	    .type = OPTION_TIME,
	    .offset = offsetof(struct geoip_config, interval),
	    .initial = "1d",
	    .min = (int64_t)(3600 * USEC_PER_SEC),
	    .max = (int64_t)(366 * 86400 * USEC_PER_SEC),
	    .help = "time between fetches" },
};

static const struct option_table geoip_table = {
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

static bool
is_url(const char *source)
{
	return strstr(source, "://") != NULL;
}

static int
fail(const char *file, const char *a, const char *b, struct option_error *e)
{
	snprintf(e->file, sizeof(e->file), "%s", file);
	e->line = 0;
	snprintf(e->text, sizeof(e->text), "%.200s %.200s", a, b);
	return -EINVAL;
}

/* An edition needs an account, and goes into a URL. */
static int
check(const struct geoip_config *c, const char *file, struct option_error *e)
{
	for (int i = 0; i < GEOIP_COUNT; i++) {
		const char *source = c->source[i];

		if (*source == '\0' ||
		    strncasecmp(source, "https://", 8) == 0 ||
		    strncasecmp(source, "http://", 7) == 0)
			continue;
		/* What looks like neither may be a key in the wrong place. */
		if (source[strspn(source,
			"abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-")] != '\0')
			return fail(file,
			    "[GeoIp] Country= or Asn= is neither an https URL "
			    "nor an edition of MaxMind's:",
			    is_url(source) ? c->shown[i] : "", e);
		if (*c->account == '\0' || *c->key == '\0')
			return fail(file, source, "needs Account= and Key=", e);
	}
	return 0;
}

static int
fill_shown(struct geoip_config *c, const char *file)
{
	c->path = strdup(file);
	c->has_secret = *c->key || url_has_secret(c->server);
	for (int i = 0; i < GEOIP_COUNT; i++) {
		const char *source = c->source[i];

		c->shown[i] =
		    is_url(source) ? url_public(source) : strdup(source);
		if (!c->shown[i])
			return -ENOMEM;
		c->has_secret |= is_url(source) && url_has_secret(source);
	}
	return c->path ? 0 : -ENOMEM;
}

int
geoip_load(
    const char *file, struct geoip_config *c, struct option_error *ret_error)
{
	int r;

	memset(c, 0, sizeof(*c));
	option_defaults(&geoip_table, c);
	r = access(file, F_OK) < 0
	    ? option_load_drop_ins(&geoip_table, file, c, ret_error)
	    : option_load(&geoip_table, file, c, ret_error);
	if (r == 0)
		r = fill_shown(c, file);
	if (r == 0)
		r = check(c, file, ret_error);
	if (r < 0)
		geoip_fini(c);
	return r;
}

void
geoip_fini(struct geoip_config *c)
{
	option_fini(&geoip_table, c);
	for (int i = 0; i < GEOIP_COUNT; i++) {
		free(c->shown[i]);
		c->shown[i] = NULL;
	}
	free(c->path);
	c->path = NULL;
}

const char *
geoip_name(enum geoip_database which)
{
	return which == GEOIP_COUNTRY ? "geoip.country" : "geoip.asn";
}

int
geoip_address(const struct geoip_config *c, enum geoip_database which,
    char **ret_url, char **ret_user_pwd)
{
	const char *source = c->source[which];

	*ret_url = *ret_user_pwd = NULL;
	if (is_url(source)) {
		*ret_url = strdup(source);
		return *ret_url ? 0 : -ENOMEM;
	}
	if (asprintf(ret_url, "%s/geoip/databases/%s/download?suffix=tar.gz",
		c->server, source) < 0) {
		*ret_url = NULL;
		return -ENOMEM;
	}
	if (asprintf(ret_user_pwd, "%s:%s", c->account, c->key) < 0) {
		*ret_user_pwd = NULL;
		free(*ret_url);
		*ret_url = NULL;
		return -ENOMEM;
	}
	return 0;
}

/*
 * Publishing
 */

/* As tarpit-policyd will: by its own source of facts. */
static int
verify(char *path, enum geoip_database which, char *why, size_t size)
{
	const struct source_ops *ops =
	    which == GEOIP_COUNTRY ? &source_country : &source_asn;
	struct rules rules = { .country = path, .asn = path };
	struct source_note note = { .failed = true };
	struct source *source;

	if (ops->open(&source, &rules, NULL) < 0) {
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	(void)ops->refresh(source, &note);
	ops->free(source);
	if (!note.failed)
		return 0;
	snprintf(why, size, "%.200s", note.text);
	return -EBADMSG;
}

static int
write_all(const char *path, const char *buf, size_t len)
{
	AUTO_FD fd = -1;
	int r;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, buf, len);
	if (r < 0)
		return r;
	return fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* The file is replaced, never written into: tarpit-policyd may be reading. */
static int
replace(const char *path, const char *temporary, enum geoip_database which,
    const char *buf, size_t len, char *why, size_t size)
{
	AUTO_FREE char *copy = strdup(temporary);
	int r = copy ? write_all(temporary, buf, len) : -ENOMEM;

	if (r == 0)
		r = verify(copy, which, why, size);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	return r < 0 ? r : publish_sync_directory(path);
}

static bool
is_database(const char *member, size_t len)
{
	return mmdb_check_is_mmdb((const uint8_t *)member, len);
}

int
geoip_publish(const struct geoip_config *c, enum geoip_database which,
    char **buf, size_t *len, char *why, size_t size)
{
	AUTO_FREE char *temporary = NULL;
	int r = unpack(buf, len, is_database, GEOIP_SIZE_MAX, why, size);

	if (r < 0)
		return r;
	if (asprintf(&temporary, "%s.tmp", c->file[which]) < 0) {
		temporary = NULL;
		r = -ENOMEM;
	} else {
		why[0] = '\0';
		r = replace(
		    c->file[which], temporary, which, *buf, *len, why, size);
	}
	if (r < 0 && why[0] == '\0')
		snprintf(why, size, "%s: %s", c->file[which], strerror(-r));
	return r;
}
