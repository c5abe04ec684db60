/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/build.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/tarpit-lists/content.h"
#include "bin/tarpit-lists/publish.h"
#include "bin/tarpit-lists/report.h"
#include "bin/tarpit-lists/state.h"

struct build {
	const struct job *job;
	bool lenient, has_news;
	struct cdbfile_list *lists; /* those that go into the file */
	size_t n_lists;
	struct content all;
	struct cdbfile *previous; /* NULL: none that can be read */
	bool has_failed;          /* a list was not good */
	bool is_spoiled;          /* nothing may be published */
};

static void
report_built(const struct build *b)
{
	size_t entries = content_entries(&b->all);
	struct record record;

	record_begin(&record, EVENT_LISTS_BUILT,
	    "compiled %zu lists with %zu entries into %s", b->n_lists, entries,
	    b->job->config->output);
	record_field(&record, "TARPIT_LISTS", "%zu", b->n_lists);
	record_field(&record, "TARPIT_ENTRIES", "%zu", entries);
	journal_send(b->job->journal, &record);
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

int
build_read_file(
    const char *file, char **ret_buf, size_t *ret_len, uint64_t *ret_changed)
{
	/* O_NONBLOCK: a FIFO must not hang us. */
	AUTO_FD fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > CONTENT_SIZE_MAX)
		return -EFBIG;
	r = read_all(fd, (size_t)st.st_size, ret_buf, ret_len);
	if (r == 0)
		*ret_changed = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0;
	return r;
}

/* Reads CONFIG's list from FILE into CONTENT; 0, or -errno and the reason. */
static int
read_list(struct build *b, const struct list_config *config, const char *file,
    struct content *content, uint64_t *ret_changed, char *why, size_t size)
{
	struct content_text text = { .config = config, .name = file };
	AUTO_FREE char *buf = NULL;
	int r = build_read_file(file, &buf, &text.len, ret_changed);

	if (r < 0) {
		snprintf(why, size, "%s: %s", file, strerror(-r));
		return r;
	}
	text.buf = buf;
	r = content_read(&text, b->job->journal, content, why, size);
	if (r == 0 && !b->job->config->force)
		r = content_check(&text, content, b->previous, why, size);
	return r;
}

/* Puts the list into the file that is to be. */
static int
take_list(struct build *b, const struct list_config *config,
    const struct content *content, uint64_t changed)
{
	b->lists[b->n_lists] = (struct cdbfile_list){ .name = config->name,
		.source = config->source,
		.kind = (enum cdbfile_kind)config->kind,
		.entries = (uint32_t)content_entries(content),
		.updated = changed };
	return content_append(&b->all, content, (uint16_t)b->n_lists++);
}

/* A list of which there is nothing good.  Lists that have never been in use
 * are missed by nobody; without one that is, nothing is published. */
static void
miss_list(struct build *b, const struct list_config *config, const char *why)
{
	b->has_failed = true;
	if (!b->lenient ||
	    (b->previous && cdbfile_list_named(b->previous, config->name)))
		b->is_spoiled = true;
	report_list(
	    b->job->journal, EVENT_LISTS_ERROR, config->name, "%s", why);
}

/* One that was never fetched is no error of the build. */
static bool
is_unfetched(
    const struct build *b, const struct list_config *config, const char *copy)
{
	if (config->source_type == SOURCE_FILE || access(copy, F_OK) == 0 ||
	    (b->previous && cdbfile_list_named(b->previous, config->name)))
		return false;
	if (!b->lenient)
		report_list(b->job->journal, EVENT_LISTS_WARNING, config->name,
		    "%s: not fetched yet, left out; run tarpit-lists update",
		    config->source);
	return true;
}

static int
gather_list(struct build *b, const struct list_config *config)
{
	AUTO_FREE char *copy =
	    state_path(b->job->config->state, config->name, ".copy");
	const char *file = copy;
	struct content content = { 0 };
	uint64_t changed = 0;
	char why[2048];
	int r;

	if (!copy)
		return -ENOMEM;
	if (is_unfetched(b, config, copy))
		return 0;
	if (config->source_type == SOURCE_FILE)
		file = config->source;
	r = read_list(b, config, file, &content, &changed, why, sizeof(why));
	if (r < 0 && b->lenient && file != copy && access(copy, F_OK) == 0) {
		b->has_failed = true;
		report_list(b->job->journal, EVENT_LISTS_ERROR, config->name,
		    "%s; its last good copy stands", why);
		content_fini(&content);
		r = read_list(
		    b, config, copy, &content, &changed, why, sizeof(why));
	}
	if (r == 0)
		r = take_list(b, config, &content, changed);
	else
		miss_list(b, config, why);
	content_fini(&content);
	return r == -ENOMEM ? r : 0;
}

/*
 * Whether there is anything to do
 */

static uint64_t
changed_at(const char *path)
{
	struct stat st;

	if (!path || stat(path, &st) < 0 || st.st_mtime < 0)
		return UINT64_MAX;
	return (uint64_t)st.st_mtime;
}

static bool
is_list_current(const struct build *b, const struct list_config *config)
{
	const struct cdbfile_list *now =
	    cdbfile_list_named(b->previous, config->name);
	AUTO_FREE char *copy =
	    state_path(b->job->config->state, config->name, ".copy");
	bool is_file = config->source_type == SOURCE_FILE;

	/* Within the second in which it was compiled a file may change and
	 * look the same; our own copies do not. */
	return now && strcmp(now->source, config->source) == 0 &&
	    (int)now->kind == config->kind &&
	    now->updated == changed_at(is_file ? config->source : copy) &&
	    now->updated < cdbfile_created(b->previous) + !is_file &&
	    changed_at(config->path) < cdbfile_created(b->previous);
}

/* Whether the file in use is what a build would make. */
static bool
is_current(const struct build *b)
{
	const struct job *job = b->job;
	size_t n = 0;

	if (!b->previous || b->has_news || job->config->force)
		return false;
	for (size_t i = 0; i < job->n_lists; i++) {
		const struct list_config *config = &job->lists[i];
		AUTO_FREE char *copy =
		    state_path(job->config->state, config->name, ".copy");

		if (copy && is_unfetched(b, config, copy))
			continue;
		if (!is_list_current(b, config))
			return false;
		n++;
	}
	return n == cdbfile_n_lists(b->previous);
}

/*
 * All of it
 */

struct cdbfile *
build_open_previous(const struct job *job)
{
	const char *output = job->config->output;
	struct cdbfile *previous = NULL;
	char why[256];
	int r = cdbfile_open(output, &previous, why, sizeof(why));

	if (r < 0 && r != -ENOENT)
		report_list(job->journal, EVENT_LISTS_WARNING, NULL,
		    "%s cannot be compared with: %s", output, why);
	return r < 0 ? NULL : previous;
}

static int
publish_lists(struct build *b)
{
	const char *output = b->job->config->output;
	struct cdbfile_content content = {
		.lists = b->lists,
		.n_lists = b->n_lists,
		.prefixes = b->all.prefixes,
		.n_prefixes = b->all.n_prefixes,
		.asns = b->all.asns,
		.n_asns = b->all.n_asns,
		.notes = b->all.notes,
		.notes_size = b->all.notes_size,
		.created = (uint64_t)time(NULL),
	};
	char why[256];

	if (publish(output, &content, why, sizeof(why)) == 0)
		return 0;
	report_list(
	    b->job->journal, EVENT_LISTS_ERROR, NULL, "%s: %s", output, why);
	return EXIT_TEMPORARY;
}

/* What was published becomes the copy that stands in for a file that is bad
 * the next time. */
static int
keep_copies(const struct build *b)
{
	const struct job *job = b->job;

	for (size_t i = 0; i < job->n_lists; i++) {
		const struct list_config *config = &job->lists[i];
		AUTO_FREE char *buf = NULL;
		uint64_t changed;
		size_t len;
		int r;

		if (config->source_type != SOURCE_FILE)
			continue;
		r = build_read_file(config->source, &buf, &len, &changed);
		if (r == 0)
			r = state_save_copy(
			    job->config->state, config->name, buf, len);
		if (r < 0) {
			report_list(job->journal, EVENT_LISTS_ERROR,
			    config->name, "keeping a copy in %s: %s",
			    job->config->state, strerror(-r));
			return EXIT_TEMPORARY;
		}
	}
	return 0;
}

static int
build(struct build *b)
{
	const struct job *job = b->job;
	int code;

	if (b->lenient && is_current(b))
		return 0;
	/* Go on after an error: whoever mends lists wants to hear of all. */
	for (size_t i = 0; i < job->n_lists; i++)
		if (gather_list(b, &job->lists[i]) < 0)
			return EXIT_TEMPORARY;
	if (b->is_spoiled)
		return EXIT_OPERATOR;
	b->all.n_prefixes = cdbfile_sort(b->all.prefixes, b->all.n_prefixes);
	b->all.n_asns = cdbfile_sort_asns(b->all.asns, b->all.n_asns);
	code = publish_lists(b);
	if (code != 0)
		return code;
	report_built(b);
	/* A copy of what is not good would be no good copy. */
	if (b->lenient && !b->has_failed)
		return keep_copies(b);
	return b->has_failed ? EXIT_OPERATOR : 0;
}

int
build_lock(const struct job *job, int *ret_lock)
{
	const char *output = job->config->output;
	int r = publish_lock(output, ret_lock);

	if (r == -EWOULDBLOCK) {
		report_list(job->journal, EVENT_LISTS_ERROR, NULL,
		    "%s.lock: another tarpit-lists is at work", output);
		return EXIT_TEMPORARY;
	}
	if (r < 0) {
		report_list(job->journal, EVENT_LISTS_ERROR, NULL,
		    "%s.lock: %s", output, strerror(-r));
		return r == -ENOSPC || r == -ENOMEM ? EXIT_TEMPORARY
						    : EXIT_OPERATOR;
	}
	return 0;
}

static int
run(const struct job *job, bool lenient, bool has_news)
{
	struct build b = {
		.job = job,
		.lenient = lenient,
		.has_news = has_news,
		.lists = calloc(job->n_lists + 1, sizeof(*b.lists)),
		.previous = build_open_previous(job),
	};
	int code = b.lists ? build(&b) : EXIT_TEMPORARY;

	cdbfile_free(b.previous);
	content_fini(&b.all);
	free(b.lists);
	return code;
}

int
build_run(const struct job *job)
{
	return run(job, false, true);
}

int
build_run_lenient(const struct job *job, bool has_news)
{
	return run(job, true, has_news);
}
