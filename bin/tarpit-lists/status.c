/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

/* What is known of a list's last fetch. */
struct fetched_list {
	const struct list_config *config; /* NULL: not configured any more */
	struct state state;
	bool is_remote, is_stale;
};

static struct fetched_list
find_fetched(const struct job *job, const char *name, uint64_t now)
{
	struct fetched_list f = { 0 };

	for (size_t i = 0; i < job->n_lists; i++)
		if (strcmp(job->lists[i].name, name) == 0)
			f.config = &job->lists[i];
	if (!f.config || f.config->source_type == SOURCE_FILE)
		return f;
	f.is_remote = true;
	state_load(job->config->state, name, &f.state);
	f.is_stale =
	    state_is_stale(&f.state, f.config->interval / USEC_PER_SEC, now);
	return f;
}

static const char *
describe_last(const struct fetched_list *f)
{
	if (!f->config)
		return "-";
	if (!f->is_remote)
		return "file";
	if (f->is_stale)
		return "STALE";
	if (f->state.failures > 0)
		return "failed";
	return f->state.fetched ? "ok" : "-";
}

/* What the table has no room for. */
static void
print_failure(const struct fetched_list *f, uint64_t now)
{
	const struct state *s = &f->state;
	uint64_t next = state_next(s, f->config->interval / USEC_PER_SEC);
	char age[24], wait[24];

	if (!f->is_remote || s->failures == 0)
		return;
	printf("%s: failed %" PRIu64 " times since it was last fetched%s%s: "
	       "%s; next try %s%s\n",
	    f->config->name, s->failures, s->fetched ? " " : "",
	    s->fetched ? format_age(age_of(s->fetched, now), age, sizeof(age))
		       : "",
	    s->result, next > now ? "in " : "is due",
	    next > now ? format_age(next - now, wait, sizeof(wait)) : "");
}

static bool
print_compiled(
    const struct job *job, const struct cdbfile_list *list, uint64_t now)
{
	struct fetched_list f = find_fetched(job, list->name, now);
	struct row row = { .name = list->name,
		.kind = cdbfile_kind_name(list->kind),
		.source = list->source };
	uint64_t good = f.state.fetched ? f.state.fetched : list->updated;

	snprintf(row.entries, sizeof(row.entries), "%" PRIu32, list->entries);
	snprintf(row.last, sizeof(row.last), "%s", describe_last(&f));
	format_age(age_of(good, now), row.age, sizeof(row.age));
	print_row(&row);
	return f.is_stale;
}

static bool
print_uncompiled(
    const struct job *job, const struct list_config *config, uint64_t now)
{
	struct fetched_list f = find_fetched(job, config->name, now);
	struct row row = { .name = config->name,
		.kind = cdbfile_kind_name((enum cdbfile_kind)config->kind),
		.source = "configured, not compiled yet",
		.entries = "-",
		.age = "-" };

	snprintf(row.last, sizeof(row.last), "%s", describe_last(&f));
	print_row(&row);
	return f.is_stale;
}

/*
 * All of them
 */

bool
status_print(const struct job *job, const struct cdbfile *file)
{
	uint64_t now = (uint64_t)time(NULL);
	bool is_stale = false;
	char age[24];

	print_row(&(struct row){
	    "LIST", "KIND", "SOURCE", "ENTRIES", "AGE", "LAST" });
	for (size_t i = 0; i < cdbfile_n_lists(file); i++)
		is_stale |= print_compiled(job, cdbfile_list(file, i), now);
	for (size_t i = 0; i < job->n_lists; i++)
		if (!cdbfile_list_named(file, job->lists[i].name))
			is_stale |= print_uncompiled(job, &job->lists[i], now);
	for (size_t i = 0; i < job->n_lists; i++) {
		struct fetched_list f =
		    find_fetched(job, job->lists[i].name, now);

		print_failure(&f, now);
	}
	for (size_t i = 0; i < cdbfile_n_lists(file); i++) {
		const char *name = cdbfile_list(file, i)->name;

		if (!find_fetched(job, name, now).config)
			printf("%s is no longer configured; the next build "
			       "leaves it out\n",
			    name);
	}
	printf("%s, compiled %s ago\n", job->config->output,
	    format_age(age_of(cdbfile_created(file), now), age, sizeof(age)));
	return is_stale;
}
