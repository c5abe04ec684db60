/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bin/tarpit-lists/content.h"
#include "bin/tarpit-lists/state.h"

/* One line of the table. */
struct row {
	const char *name, *kind, *source;
	char entries[16], age[24], last[24];
};

/* SECONDS in its two largest units would be exact; one is what is read. */
static const char *
format_age(uint64_t seconds, char *buf, size_t size)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" },
		{ 1, "s" } };
	size_t i = 0;

	/* "90 min" says more than "1 h". */
	while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(buf, size, "%" PRIu64 " %s", seconds / units[i].seconds,
	    units[i].name);
	return buf;
}

static uint64_t
age_of(uint64_t when, uint64_t now)
{
	return now > when ? now - when : 0;
}

static void
print_row(const struct row *row)
{
	printf("%-20s %-6s %10s %8s  %-10s %s\n", row->name, row->kind,
	    row->entries, row->age, row->last, row->source);
}

/*
 * One list
 */

/* What is known of a list, from its state and from reading it. */
struct known {
	const struct list_config *config; /* NULL: not configured any more */
	struct state state;
	bool is_remote, is_hidden, is_stale;
	bool is_refused; /* a build would not take it, */
	char why[2048];  /* for this reason */
	size_t n_bad;    /* lines left out */
	char bad[sizeof(((struct content *)NULL)->bad)];
};

/* A build's opinion of the list as it is now. */
static void
read_list(
    const struct job *job, const struct cdbfile *file, struct known *known)
{
	const struct list_config *config = known->config;
	AUTO_FREE char *copy =
	    state_path(job->config->state, config->name, ".copy");
	const char *path = known->is_remote ? copy : config->source;
	struct content_text text = { .config = config, .name = path };
	struct content content = { 0 };
	AUTO_FREE char *buf = NULL;
	uint64_t changed;
	int r =
	    path ? build_read_file(path, &buf, &text.len, &changed) : -ENOMEM;

	/* Not fetched yet; or for others to see. */
	if (known->is_remote && r < 0) {
		known->is_hidden |= r == -EACCES;
		return;
	}
	if (r < 0)
		snprintf(known->why, sizeof(known->why), "%s: %s", path,
		    strerror(-r));
	text.buf = buf;
	if (r == 0)
		r = content_read(
		    &text, NULL, &content, known->why, sizeof(known->why));
	if (r == 0 && !known->is_remote)
		r = content_check(
		    &text, &content, file, known->why, sizeof(known->why));
	known->is_refused = r < 0;
	known->n_bad = content.n_bad;
	memcpy(known->bad, content.bad, sizeof(known->bad));
	content_fini(&content);
}

static void
learn(const struct job *job, const struct cdbfile *file,
    const struct list_config *config, uint64_t now, struct known *ret)
{
	*ret = (struct known){ .config = config,
		.is_remote = config->source_type != SOURCE_FILE };
	if (ret->is_remote) {
		ret->is_hidden = state_load(job->config->state, config->name,
				     &ret->state) < 0;
		ret->is_stale = state_is_stale(
		    &ret->state, config->interval / USEC_PER_SEC, now);
	}
	read_list(job, file, ret);
}

static const struct known *
find_known(const struct job *job, const struct known *known, const char *name)
{
	static const struct known none;

	for (size_t i = 0; i < job->n_lists; i++)
		if (strcmp(job->lists[i].name, name) == 0)
			return &known[i];
	return &none;
}

static const char *
describe_last(const struct known *k)
{
	if (!k->config)
		return "-";
	if (k->is_refused)
		return "failed";
	if (!k->is_remote)
		return "file";
	if (k->is_hidden)
		return "?";
	if (k->is_stale && k->state.fetched)
		return "STALE";
	if (k->state.failures > 0)
		return "failed";
	return k->state.fetched ? "ok" : "-";
}

/* What the table has no room for. */
static void
print_failure(const struct known *k, uint64_t now)
{
	const struct state *s = &k->state;
	uint64_t next = state_next(s, k->config->interval / USEC_PER_SEC);
	char age[24], wait[24];

	if (k->is_hidden)
		printf("%s: when it was fetched can be read by root and the "
		       "owner of the lists only\n",
		    k->config->name);
	if (k->is_refused)
		printf("%s: cannot be compiled: %s\n", k->config->name, k->why);
	if (k->n_bad > 0 && !k->is_refused)
		printf("%s: %zu %s left out: %s%s\n", k->config->name, k->n_bad,
		    k->n_bad == 1 ? "line is" : "lines are", k->bad,
		    k->n_bad > 3 ? "; and more" : "");
	if (s->left_out[0] && s->failures == 0)
		printf("%s: as far as it answers; left out or as before: %s\n",
		    k->config->name, s->left_out);
	if (!k->is_remote || s->failures == 0)
		return;
	printf("%s: failed %" PRIu64 " times since it was last fetched%s%s: "
	       "%s; next try %s%s\n",
	    k->config->name, s->failures, s->fetched ? " " : "",
	    s->fetched ? format_age(age_of(s->fetched, now), age, sizeof(age))
		       : "",
	    s->result, next > now ? "in " : "is due",
	    next > now ? format_age(next - now, wait, sizeof(wait)) : "");
}

static void
print_compiled(
    const struct cdbfile_list *list, const struct known *k, uint64_t now)
{
	struct row row = { .name = list->name,
		.kind = cdbfile_kind_name(list->kind),
		.source = list->source };
	uint64_t good = k->state.fetched ? k->state.fetched : list->updated;

	snprintf(row.entries, sizeof(row.entries), "%" PRIu32, list->entries);
	snprintf(row.last, sizeof(row.last), "%s", describe_last(k));
	format_age(age_of(good, now), row.age, sizeof(row.age));
	print_row(&row);
}

static void
print_uncompiled(const struct known *k)
{
	const struct list_config *config = k->config;
	struct row row = { .name = config->name,
		.kind = cdbfile_kind_name((enum cdbfile_kind)config->kind),
		.source = "configured, not compiled yet",
		.entries = "-",
		.age = "-" };

	snprintf(row.last, sizeof(row.last), "%s", describe_last(k));
	print_row(&row);
}

/*
 * All of them
 */

static void
print_table(const struct job *job, const struct cdbfile *file,
    const struct known *known, uint64_t now)
{
	size_t n = file ? cdbfile_n_lists(file) : 0;

	print_row(&(struct row){
	    "LIST", "KIND", "SOURCE", "ENTRIES", "AGE", "LAST" });
	for (size_t i = 0; i < n; i++) {
		const struct cdbfile_list *list = cdbfile_list(file, i);

		print_compiled(list, find_known(job, known, list->name), now);
	}
	for (size_t i = 0; i < job->n_lists; i++)
		if (!file || !cdbfile_list_named(file, job->lists[i].name))
			print_uncompiled(&known[i]);
}

static void
print_rest(const struct job *job, const struct cdbfile *file,
    const struct known *known, uint64_t now)
{
	size_t n = file ? cdbfile_n_lists(file) : 0;
	char age[24];

	for (size_t i = 0; i < job->n_lists; i++)
		print_failure(&known[i], now);
	for (size_t i = 0; i < n; i++) {
		const char *name = cdbfile_list(file, i)->name;

		if (!find_known(job, known, name)->config)
			printf("%s is no longer configured; the next build "
			       "leaves it out\n",
			    name);
	}
	if (file)
		printf("%s, compiled %s ago\n", job->config->output,
		    format_age(
			age_of(cdbfile_created(file), now), age, sizeof(age)));
	else
		printf("%s is not there: no list is in use\n",
		    job->config->output);
}

bool
status_print(const struct job *job, const struct cdbfile *file)
{
	uint64_t now = (uint64_t)time(NULL);
	AUTO_FREE struct known *known =
	    calloc(job->n_lists + 1, sizeof(*known));
	bool is_bad = file == NULL;

	if (!known)
		return true;
	for (size_t i = 0; i < job->n_lists; i++) {
		learn(job, file, &job->lists[i], now, &known[i]);
		is_bad |= known[i].is_stale || known[i].is_refused;
	}
	print_table(job, file, known, now);
	print_rest(job, file, known, now);
	return is_bad;
}
