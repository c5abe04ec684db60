/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/journal_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include "bin/common/journal.h"

static int
open_path(sd_journal **ret, const char *path)
{
	const char *files[] = { path, NULL };
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return sd_journal_open_directory(ret, path, 0);
	return sd_journal_open_files(ret, files, 0);
}

/* In every namespace: LogNamespace= in a unit is no reason to be blind. */
static int
open_journal(sd_journal **ret, const char *path)
{
	if (path != NULL)
		return open_path(ret, path);
	return sd_journal_open_namespace(
	    ret, NULL, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_ALL_NAMESPACES);
}

static int
match_sessions(struct journal_reader *j)
{
	char match[64];

	snprintf(
	    match, sizeof(match), "MESSAGE_ID=%s", event_id(EVENT_SESSION));
	return sd_journal_add_match(j->journal, match, 0);
}

/* In a damaged file sd_journal_next() says at the damage that this was the
 * end; so the end is looked up first, from behind. */
static int
find_last(struct journal_reader *j)
{
	int r = j->until < UINT64_MAX
	    ? sd_journal_seek_realtime_usec(j->journal, j->until)
	    : sd_journal_seek_tail(j->journal);

	if (r >= 0)
		r = sd_journal_previous(j->journal);
	if (r > 0)
		r = sd_journal_get_realtime_usec(j->journal, &j->last);
	return r;
}

static int
prepare(struct journal_reader *j)
{
	int r =
	    sd_journal_get_cutoff_realtime_usec(j->journal, &j->from, &j->to);

	if (r <= 0)
		return r < 0 ? r : -ENODATA;
	if (j->from < j->since)
		j->from = j->since;
	if (j->to > j->until)
		j->to = j->until;
	r = match_sessions(j);
	if (r >= 0)
		r = find_last(j);
	return r < 0 ? r : sd_journal_seek_realtime_usec(j->journal, j->since);
}

int
journal_reader_open(
    struct journal_reader *j, const char *path, uint64_t since, uint64_t until)
{
	int r;

	*j = (struct journal_reader){ .since = since, .until = until };
	r = open_journal(&j->journal, path);
	if (r >= 0)
		r = prepare(j);
	if (r < 0)
		journal_reader_close(j);
	return r < 0 ? r : 0;
}

void
journal_reader_close(struct journal_reader *j)
{
	sd_journal_close(j->journal);
	j->journal = NULL;
}

/* All fields in one pass: asking for each by name walks the entry's objects
 * from the start every time. */
static int
read_fields(struct journal_reader *j, struct session_record *ret)
{
	const void *field;
	size_t len;
	int r;

	session_record_begin(ret);
	sd_journal_restart_data(j->journal);
	while ((r = sd_journal_enumerate_available_data(
		    j->journal, &field, &len)) > 0)
		session_record_field(ret, field, len);
	return r < 0 ? r : session_record_end(ret);
}

/* 1: read; 0: outside of the time; else -errno. */
static int
read_record(struct journal_reader *j, struct session_record *ret)
{
	uint64_t when;
	int r = sd_journal_get_realtime_usec(j->journal, &when);

	if (r < 0)
		return r;
	if (when > j->reached)
		j->reached = when;
	/* Records of several boots or machines are only almost in order. */
	if (when < j->since || when >= j->until)
		return 0;
	r = read_fields(j, ret);
	ret->ended = when;
	return r < 0 ? r : 1;
}

int
journal_reader_next(struct journal_reader *j, struct session_record *ret)
{
	int r;

	while (
	    j->reached < j->until && (r = sd_journal_next(j->journal)) != 0) {
		if (r < 0)
			return r;
		r = read_record(j, ret);
		j->records += r != 0;
		j->unreadable += r < 0;
		if (r > 0)
			return 1;
	}
	return j->last >= j->since && j->reached < j->last ? -EBADMSG : 0;
}

double
journal_reader_progress(const struct journal_reader *j)
{
	if (j->reached <= j->from || j->to <= j->from)
		return 0;
	return j->reached >= j->to
	    ? 1
	    : (double)(j->reached - j->from) / (double)(j->to - j->from);
}
