/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/tarpit-lists/publish.h"
#include "data/list.h"

/* Larger than any public list by far; a source is read into memory whole. */
enum { SOURCE_SIZE_MAX = 256 << 20 };

struct build {
	const struct config *config;
	const struct list_config *configs;
	struct cdbfile_list *lists; /* one for each of configs */
	size_t n_lists;
	struct cdbfile_prefix *prefixes;
	size_t n_prefixes, prefixes_cap;
	struct cdbfile *previous; /* NULL: none that can be read */
	struct journal *journal;
};

/* One list being read. */
struct reading {
	struct build *build;
	uint16_t number;
};

/*
 * Records
 */

static void report(const struct build *, enum event, const char *list,
    const char *format, ...) PRINTF_LIKE(4, 5);

/* One record about LIST, or about the whole if that is NULL. */
static void
report(const struct build *b, enum event event, const char *list,
    const char *format, ...)
{
	struct record record;
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	record_begin(&record, event, "%s", text);
	if (list)
		record_field(&record, "TARPIT_LIST", "%s", list);
	journal_send(b->journal, &record);
}

static void
report_built(const struct build *b)
{
	struct record record;

	record_begin(&record, EVENT_LISTS_BUILT,
	    "compiled %zu lists with %zu entries into %s", b->n_lists,
	    b->n_prefixes, b->config->output);
	record_field(&record, "TARPIT_LISTS", "%zu", b->n_lists);
	record_field(&record, "TARPIT_ENTRIES", "%zu", b->n_prefixes);
	journal_send(b->journal, &record);
}

/*
 * Reading sources
 */

/* All of FD, whose size SIZE is what fstat() said. */
static int
read_all(int fd, size_t size, char **ret_buf, size_t *ret_len)
{
	AUTO_FREE char *buf = malloc(size + 1);
	size_t len = 0;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	/* One byte more than there should be: a file that grows is caught. */
	while (len <= size && (n = read(fd, buf + len, size + 1 - len)) != 0) {
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	if (len > size)
		return -EAGAIN;
	*ret_buf = buf;
	*ret_len = len;
	buf = NULL;
	return 0;
}

static int
read_source(
    const char *path, char **ret_buf, size_t *ret_len, uint64_t *ret_updated)
{
	/* O_NONBLOCK: a FIFO must not hang us. */
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > SOURCE_SIZE_MAX)
		return -EFBIG;
	r = read_all(fd, (size_t)st.st_size, ret_buf, ret_len);
	if (r == 0)
		*ret_updated = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0;
	return r;
}

static int
add_prefix(void *arg, const struct cidr *cidr)
{
	const struct reading *reading = arg;
	struct build *b = reading->build;

	if (b->n_prefixes == b->prefixes_cap) {
		size_t cap = b->prefixes_cap ? 2 * b->prefixes_cap : 1024;
		void *bigger =
		    reallocarray(b->prefixes, cap, sizeof(*b->prefixes));

		if (!bigger)
			return -ENOMEM;
		b->prefixes = bigger;
		b->prefixes_cap = cap;
	}
	b->prefixes[b->n_prefixes++] =
	    (struct cdbfile_prefix){ *cidr, reading->number };
	return 0;
}

static int
parse_source(struct build *b, size_t i, const char *buf, size_t len)
{
	const struct list_config *config = &b->configs[i];
	struct reading reading = { b, (uint16_t)i };
	struct list_report result;
	int r = list_parse((enum list_format)config->format, buf, len,
	    add_prefix, &reading, &result);

	if (r == -EBADMSG)
		report(b, EVENT_LISTS_ERROR, config->name, "%s:%u: %s",
		    config->source, result.line, result.text);
	else if (r < 0)
		report(b, EVENT_LISTS_ERROR, config->name, "%s: %s",
		    config->source, strerror(-r));
	else if (result.masked > 0)
		report(b, EVENT_LISTS_WARNING, config->name,
		    "%s:%u: %zu entries have bits set past their prefix "
		    "length, this the first; taken for the whole network",
		    config->source, result.masked_line, result.masked);
	return r;
}

static int
read_list(struct build *b, size_t i)
{
	const struct list_config *config = &b->configs[i];
	AUTO_FREE char *buf = NULL;
	uint64_t updated;
	size_t len;
	int r = read_source(config->source, &buf, &len, &updated);

	if (r < 0) {
		report(b, EVENT_LISTS_ERROR, config->name, "%s: %s",
		    config->source, strerror(-r));
		return r;
	}
	b->lists[i] = (struct cdbfile_list){ .name = config->name,
		.source = config->source,
		.kind = (enum cdbfile_kind)config->kind,
		.updated = updated };
	return parse_source(b, i, buf, len);
}

/*
 * Plausibility
 */

/* What a publisher's mistake, an emptied file or a cut-off copy looks like. */
static int
check_size(const struct build *b, size_t i)
{
	const struct list_config *config = &b->configs[i];
	const struct cdbfile_list *list = &b->lists[i], *before = NULL;
	uint64_t least;

	if (list->entries < config->min_entries) {
		report(b, EVENT_LISTS_ERROR, config->name,
		    "%s: %u entries, fewer than MinEntries=%lld",
		    config->source, list->entries,
		    (long long)config->min_entries);
		return -EINVAL;
	}
	if (b->previous)
		before = cdbfile_list_named(b->previous, config->name);
	if (!before)
		return 0;
	/* In hundredths of entries, so that nothing is rounded. */
	least =
	    (uint64_t)before->entries * (uint64_t)(100 - config->max_shrink);
	if ((uint64_t)list->entries * 100 >= least)
		return 0;
	report(b, EVENT_LISTS_ERROR, config->name,
	    "%s: %u entries instead of %u is more than MaxShrink=%lld%% "
	    "allows; if that is right, build with --force",
	    config->source, list->entries, before->entries,
	    (long long)config->max_shrink);
	return -EINVAL;
}

static int
check_sizes(struct build *b)
{
	int result = 0;

	for (size_t i = 0; i < b->n_prefixes; i++)
		b->lists[b->prefixes[i].list].entries++;
	for (size_t i = 0; !b->config->force && i < b->n_lists; i++) {
		int r = check_size(b, i);

		if (r < 0)
			result = r;
	}
	return result;
}

/* The lists in use: only their sizes matter here, so that building goes on,
 * and repairs them, if they cannot be read. */
static void
open_previous(struct build *b)
{
	char why[256];
	int r = cdbfile_open(b->config->output, &b->previous, why, sizeof(why));

	if (r < 0 && r != -ENOENT)
		report(b, EVENT_LISTS_WARNING, NULL,
		    "%s cannot be compared with: %s", b->config->output, why);
}

/*
 * All of it
 */

static int
publish_lists(struct build *b)
{
	struct publish_content content = {
		.lists = b->lists,
		.n_lists = b->n_lists,
		.prefixes = b->prefixes,
		.n_prefixes = b->n_prefixes,
		.created = (uint64_t)time(NULL),
	};
	char why[256];

	if (publish(b->config->output, &content, why, sizeof(why)) == 0)
		return 0;
	report(b, EVENT_LISTS_ERROR, NULL, "%s: %s", b->config->output, why);
	return EXIT_TEMPORARY;
}

static int
build(struct build *b)
{
	bool all_good = true;

	open_previous(b);
	/* Go on after an error: whoever mends lists wants to hear of all. */
	for (size_t i = 0; i < b->n_lists; i++)
		if (read_list(b, i) < 0)
			all_good = false;
	if (!all_good)
		return EXIT_OPERATOR;
	b->n_prefixes = cdbfile_sort(b->prefixes, b->n_prefixes);
	if (check_sizes(b) < 0)
		return EXIT_OPERATOR;
	return publish_lists(b);
}

static int
lock_output(const struct build *b, int *ret_lock)
{
	const char *output = b->config->output;
	int r = publish_lock(output, ret_lock);

	if (r == -EWOULDBLOCK) {
		report(b, EVENT_LISTS_ERROR, NULL,
		    "%s.lock: another tarpit-lists is at work", output);
		return EXIT_TEMPORARY;
	}
	if (r < 0) {
		report(b, EVENT_LISTS_ERROR, NULL, "%s.lock: %s", output,
		    strerror(-r));
		return r == -ENOSPC || r == -ENOMEM ? EXIT_TEMPORARY
						    : EXIT_OPERATOR;
	}
	return 0;
}

int
build_run(const struct config *config, const struct list_config *lists,
    size_t n_lists, struct journal *journal)
{
	struct build b = {
		.config = config,
		.configs = lists,
		.lists = calloc(n_lists ? n_lists : 1, sizeof(*b.lists)),
		.n_lists = n_lists,
		.journal = journal,
	};
	AUTO_FD lock = -1;
	int code = EXIT_TEMPORARY;

	if (b.lists) {
		code = lock_output(&b, &lock);
		if (code == 0)
			code = build(&b);
		if (code == 0)
			report_built(&b);
	}
	cdbfile_free(b.previous);
	free(b.prefixes);
	free(b.lists);
	return code;
}
