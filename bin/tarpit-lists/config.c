/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "bin/tarpit-lists/senders.h"
#include "bin/tarpit-lists/url.h"

static const char *const kind_names[] = { "block", "allow", NULL };
/* In the order of enum list_format. */
static const char *const format_names[] = { "auto", "cidr", "drop-json",
	"asn-json", "ipsum", "postfix-cidr", "rbldnsd", "dshield", "asn", "csv",
	"p2p", "ipset", "nft", "cdb", NULL };
static const char *const allow_names[] = { "auto", "no", "yes", NULL };

static int
parse_percent(const char *value, void *member, char *why, size_t size)
{
	size_t len = strlen(value);
	char number[8];
	int r = -EINVAL;

	if (len > 1 && len <= sizeof(number) && value[len - 1] == '%') {
		memcpy(number, value, len - 1);
		number[len - 1] = '\0';
		r = option_parse_int(number, 0, 100, member);
	}
	if (r < 0)
		snprintf(why, size, "not a percentage from 0%% to 100%%");
	return r;
}

/* "10", or "1%". */
static int
parse_limit(const char *value, void *member, char *why, size_t size)
{
	struct limit *limit = member, l = { 0 };
	int r;

	l.is_share = strchr(value, '%') != NULL;
	if (l.is_share)
		r = parse_percent(value, &l.percent, why, size);
	else
		r = option_parse_int(value, 0, INT32_MAX, &l.number);
	if (r == 0)
		*limit = l;
	else
		snprintf(why, size,
		    "neither a number nor a percentage from 0%% to 100%%");
	return r;
}

static int
parse_min_entries(const char *value, void *member, char *why, size_t size)
{
	int64_t *number = member;
	int r = 0;

	if (strcmp(value, "auto") == 0)
		*number = MIN_ENTRIES_AUTO;
	else
		r = option_parse_int(value, 0, INT32_MAX, number);
	if (r < 0)
		snprintf(why, size, "neither auto nor a number from 0 to %d",
		    INT32_MAX);
	return r;
}

/* A line has no room for all domains of a list of senders, so that several
 * "spf:" lines add up. */
static int
parse_source(const char *value, void *member, char *why, size_t size)
{
	char **source = member, *joined;
	const char *before = *source ? *source : "";
	bool adds =
	    strncmp(before, "spf:", 4) == 0 && strncmp(value, "spf:", 4) == 0;

	if (asprintf(&joined, "%s%s%s", adds ? before : "", adds ? " " : "",
		value) < 0) {
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	free(*source);
	*source = joined;
	if (strlen(joined) <= CDBFILE_SOURCE_MAX)
		return 0;
	snprintf(why, size, "longer than %d bytes", CDBFILE_SOURCE_MAX);
	return -ERANGE;
}

#define LISTS_PATH(member, KEY, initially, text)                       \
	{                                                              \
		.section = "Lists", .key = KEY, .type = OPTION_STRING, \
		.min = 1, .max = 4000,                                 \
		.offset = offsetof(struct config, member),             \
		.initial = initially, .help = text,                    \
	}

static const struct option config_options[] = {
	LISTS_PATH(directory, "Directory", SYSCONFDIR "/tarpit/lists.d",
	    "one NAME.conf for each list"),
	LISTS_PATH(
	    output, "Output", "/var/lib/tarpit/lists.cdb", "the compiled file"),
	LISTS_PATH(
	    state, "State", "/var/lib/tarpit/lists", "kept between updates"),
	LISTS_PATH(geoip, "GeoIp", SYSCONFDIR "/tarpit/geoip.conf",
	    "databases to fetch; need not exist"),
	{ .section = "Lists",
	    .key = "CaFile",
	    .type = OPTION_STRING,
	    .max = 4000,
	    .offset = offsetof(struct config, ca_file),
	    .initial = "",
	    .help = "trusted authorities in PEM; empty: the system's" },
	{ .section = "Lists",
	    .key = "Timeout",
	    .type = OPTION_TIME,
	    .offset = offsetof(struct config, timeout),
	    .initial = "5min",
	    .min = (int64_t)USEC_PER_SEC,
	    .max = (int64_t)(3600 * USEC_PER_SEC),
	    .help = "longest time of one download" },
	{ .section = "Lists",
	    .key = "Resolver",
	    .type = OPTION_STRING,
	    .max = 64,
	    .offset = offsetof(struct config, resolver),
	    .initial = "",
	    .help = "ADDRESS[:PORT] to ask for spf: sources; empty: the "
		    "system's" },
};

const struct option_table config_table = {
	.options = config_options,
	.n_options = ARRAY_SIZE(config_options),
};

#define LIST_OPTION(member, KEY, TYPE)                        \
	.section = "List", .key = KEY, .type = OPTION_##TYPE, \
	.offset = offsetof(struct list_config, member)

static const struct option list_options[] = {
	{ LIST_OPTION(kind, "Kind", ENUM), .initial = "block",
	    .names = kind_names, .help = "what the list is for" },
	{ LIST_OPTION(source, "Source", CUSTOM), .initial = "",
	    .parse = parse_source, .secret = true,
	    .help = "file, https URL, or spf:DOMAIN..." },
	{ LIST_OPTION(format, "Format", ENUM), .initial = "auto",
	    .names = format_names, .help = "what it is written in" },
	{ LIST_OPTION(column, "Column", STRING), .max = 64,
	    .help = "csv, asn: the column, by number or name" },
	{ LIST_OPTION(interval, "Interval", TIME), .initial = "1h",
	    .min = (int64_t)(60 * USEC_PER_SEC),
	    .max = (int64_t)(366 * 86400 * USEC_PER_SEC),
	    .help = "time between fetches" },
	{ LIST_OPTION(credentials, "Credentials", STRING), .max = 4000,
	    .secret = true, .help = "file with user and password for the URL" },
	{ LIST_OPTION(header, "Header", STRING), .max = 4000, .secret = true,
	    .help = "file with headers to send to the URL" },
	{ LIST_OPTION(min_entries, "MinEntries", CUSTOM), .initial = "auto",
	    .parse = parse_min_entries,
	    .help = "fewer are taken for a mistake; 0: may be empty" },
	{ LIST_OPTION(max_bad_lines, "MaxBadLines", CUSTOM), .initial = "1%",
	    .parse = parse_limit,
	    .help = "so many, or a share, are left out; more refuse the list" },
	{ LIST_OPTION(max_shrink, "MaxShrink", CUSTOM), .initial = "50%",
	    .parse = parse_percent,
	    .help = "losing more at once is taken for a mistake" },
	{ LIST_OPTION(min_count, "MinCount", INT), .initial = "0",
	    .max = INT32_MAX,
	    .help = "ipsum: leave out what fewer lists have" },
	{ LIST_OPTION(max_size, "MaxSize", SIZE), .initial = "64M", .min = 1024,
	    .max = 256 << 20, .help = "bytes of a download, unpacked" },
	{ LIST_OPTION(allow_wide, "AllowWide", BOOL), .initial = "no",
	    .help = "take networks wider than /8 or ::/16" },
	{ LIST_OPTION(allow_private, "AllowPrivate", ENUM), .initial = "auto",
	    .names = allow_names,
	    .help = "take private and loopback networks; auto: in files" },
};

static const struct option_table list_table = {
	.options = list_options,
	.n_options = ARRAY_SIZE(list_options),
};

void
config_error(struct option_error *e, const char *file, unsigned line,
    const char *format, ...)
{
	va_list ap;

	snprintf(e->file, sizeof(e->file), "%s", file);
	e->line = (int)line;
	va_start(ap, format);
	vsnprintf(e->text, sizeof(e->text), format, ap);
	va_end(ap);
}

/* Ends with .conf, and is no editor's or packager's leftover. */
static int
is_list_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && entry->d_name[0] != '.' && strcmp(dot, ".conf") == 0;
}

/* The name goes into weights ("list.NAME") and reasons, where anything else
 * would need quoting. */
static int
take_name(struct list_config *list, const char *file_name,
    struct option_error *ret_error)
{
	size_t len = strlen(file_name) - strlen(".conf");

	if (len == 0 || len > CDBFILE_NAME_MAX ||
	    strspn(file_name, "abcdefghijklmnopqrstuvwxyz0123456789-_") !=
		len) {
		config_error(ret_error, list->path, 0,
		    "a list's name is 1 to %d of a-z, 0-9 and - or _",
		    CDBFILE_NAME_MAX);
		return -EINVAL;
	}
	memcpy(list->name, file_name, len);
	list->name[len] = '\0';
	return 0;
}

static int
fail_source(
    const struct list_config *list, const char *why, struct option_error *e)
{
	config_error(e, list->path, 0, "[List] Source=%s", why);
	return -EINVAL;
}

/* *PATH from the directory of FILE, if it is neither empty nor absolute. */
static int
make_absolute(char **path, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *absolute;

	if (**path == '/' || **path == '\0' || !slash)
		return 0;
	if (asprintf(&absolute, "%.*s/%s", (int)(slash - file), file, *path) <
	    0)
		return -ENOMEM;
	free(*path);
	*path = absolute;
	return 0;
}

/* From here on `source` is what may be seen of it. */
static int
take_url(struct list_config *list)
{
	list->source_type = SOURCE_URL;
	list->url = list->source;
	list->source = url_public(list->url);
	return list->source ? 0 : -ENOMEM;
}

static bool
is_url(const char *source)
{
	return strncasecmp(source, "https://", 8) == 0 ||
	    strncasecmp(source, "http://", 7) == 0;
}

/* Tells what kind of source it is and completes it, or says why it is none.
 * What looks like a password is not repeated. */
static int
resolve_source(
    struct list_config *list, const char *file, struct option_error *e)
{
	char why[200], text[240];

	if (list->source[0] == '\0')
		return fail_source(list, " is missing", e);
	if (strncmp(list->source, "spf:", 4) == 0) {
		list->source_type = SOURCE_SPF;
		if (senders_is_valid(list->source, why, sizeof(why)))
			return 0;
		snprintf(text, sizeof(text), ": %s", why);
		return fail_source(list, text, e);
	}
	if (is_url(list->source))
		return take_url(list);
	if (strstr(list->source, "://") || url_is_suspicious(list->source)) {
		AUTO_FREE char *seen = url_public(list->source);
		const char *scheme = strstr(list->source, "://");

		snprintf(text, sizeof(text),
		    "%.120s: neither an https URL, a file, nor spf:DOMAIN",
		    scheme && seen ? seen : "");
		return fail_source(list, text, e);
	}
	if (make_absolute(&list->source, file) < 0)
		return -ENOMEM;
	if (strlen(list->source) <= CDBFILE_SOURCE_MAX)
		return 0;
	snprintf(
	    text, sizeof(text), " is longer than %d bytes", CDBFILE_SOURCE_MAX);
	return fail_source(list, text, e);
}

/* Both are names of files: whoever writes the password itself here is told so,
 * and nobody else hears it. */
static int
resolve_secrets(
    struct list_config *list, const char *file, struct option_error *e)
{
	if (list->source_type != SOURCE_URL &&
	    (*list->credentials || *list->header)) {
		config_error(e, list->path, 0,
		    "[List] Credentials= and Header= are for URLs");
		return -EINVAL;
	}
	if (strpbrk(list->credentials, ": ") || strpbrk(list->header, ": ")) {
		config_error(e, list->path, 0,
		    "[List] Credentials= and Header= name files that have the "
		    "secret, without a colon or a space in their names");
		return -EINVAL;
	}
	if (make_absolute(&list->credentials, file) < 0)
		return -ENOMEM;
	return make_absolute(&list->header, file);
}

static int
load_list(const struct config *config, const char *file, const char *file_name,
    struct list_config *list, struct option_error *ret_error)
{
	int r;

	if (asprintf(&list->path, "%s/%s", config->directory, file_name) < 0) {
		list->path = NULL;
		return -ENOMEM;
	}
	option_defaults(&list_table, list);
	r = take_name(list, file_name, ret_error);
	if (r == 0)
		r = option_load(&list_table, list->path, list, ret_error);
	if (r == 0)
		r = resolve_source(list, file, ret_error);
	return r < 0 ? r : resolve_secrets(list, file, ret_error);
}

static int
compare_lists(const void *a, const void *b)
{
	const struct list_config *la = a, *lb = b;

	/* Not the order of the files: "a-b.conf" is before "a.conf". */
	return strcmp(la->name, lb->name);
}

static void
free_entries(struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

static int
load_all(const struct config *config, const char *file, struct dirent **entries,
    int n, struct list_config **ret_lists, struct option_error *ret_error)
{
	struct list_config *lists = calloc(n ? (size_t)n : 1, sizeof(*lists));
	int r = lists ? 0 : -ENOMEM;

	for (int i = 0; r == 0 && i < n; i++)
		r = load_list(
		    config, file, entries[i]->d_name, &lists[i], ret_error);
	if (r < 0) {
		if (lists)
			config_free_lists(lists, (size_t)n);
		return r;
	}
	qsort(lists, (size_t)n, sizeof(*lists), compare_lists);
	*ret_lists = lists;
	return 0;
}

int
config_load_lists(const struct config *config, const char *file,
    struct list_config **ret_lists, size_t *ret_n,
    struct option_error *ret_error)
{
	struct dirent **entries;
	int n = scandir(config->directory, &entries, is_list_file, alphasort);
	int r;

	if (n < 0) {
		r = -errno;
		config_error(
		    ret_error, config->directory, 0, "%s", strerror(-r));
		return r;
	}
	config_error(ret_error, config->directory, 0, "out of memory");
	if (n > CDBFILE_LISTS_MAX) {
		config_error(ret_error, config->directory, 0,
		    "%d lists; no more than %d can be compiled", n,
		    CDBFILE_LISTS_MAX);
		r = -E2BIG;
	} else {
		r = load_all(config, file, entries, n, ret_lists, ret_error);
	}
	free_entries(entries, n);
	if (r == 0)
		*ret_n = (size_t)n;
	return r;
}

void
config_free_lists(struct list_config *lists, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		option_fini(&list_table, &lists[i]);
		free(lists[i].source);
		free(lists[i].url);
		free(lists[i].path);
	}
	free(lists);
}
