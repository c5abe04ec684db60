/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/common/decimal.h"
#include "bin/common/fd.h"
#include "bin/tarpit-lists/publish.h"

/* The first wait after a failure, doubled by each further one. */
enum { BACK_OFF = 300 };

/* Lists are stale when this many fetches in a row should have been. */
enum { STALE_INTERVALS = 3 };

/* The members, by the name that they have in the file. */
static const struct member {
	const char *name;
	size_t offset;
	size_t size;    /* of a string; 0: a uint64_t */
	bool is_public; /* in NAME.times, too */
} members[] = {
#define TEXT(member)                                              \
	{                                                         \
#member, offsetof(struct state, member),          \
		    sizeof(((struct state *)NULL)->member), false \
	}
#define NUMBER(member)                                            \
	{                                                         \
#member, offsetof(struct state, member), 0, false \
	}
#define TIME(member)                                             \
	{                                                        \
#member, offsetof(struct state, member), 0, true \
	}
	TEXT(source),
	NUMBER(source_id),
	TEXT(etag),
	TEXT(modified),
	NUMBER(not_before),
	TIME(tried),
	TIME(fetched),
	TIME(failures),
	TEXT(result),
	TEXT(left_out),
};

char *
state_path(const char *dir, const char *name, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s/%s%s", dir, name, suffix) < 0 ? NULL : path;
}

/*
 * Reading
 */

static void
set_member(struct state *state, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		char *at = (char *)state + members[i].offset;
		int64_t number;

		if (strcmp(members[i].name, name) != 0)
			continue;
		if (members[i].size > 0)
			snprintf(at, members[i].size, "%s", value);
		else if (decimal_parse(
			     value, strlen(value), 0, INT64_MAX, &number) == 0)
			*(uint64_t *)(void *)at = (uint64_t)number;
	}
}

int
state_load(const char *dir, const char *name, struct state *ret_state)
{
	AUTO_FREE char *path = state_path(dir, name, ".state");
	FILE *f = path ? fopen(path, "re") : NULL;
	int r = !f && errno == EACCES ? -EACCES : 0;
	char line[2048];

	*ret_state = (struct state){ 0 };
	while (f && fgets(line, sizeof(line), f)) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		set_member(ret_state, line, value);
	}
	if (f)
		fclose(f);
	return r;
}

void
state_protect(const char *dir, const char *name)
{
	static const char *const suffixes[] = { ".state", ".copy" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		AUTO_FREE char *path = state_path(dir, name, suffixes[i]);
		struct stat st;

		if (path && lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    (st.st_mode & 077))
			(void)chmod(path, 0600);
	}
}

/*
 * Writing
 */

static int
write_and_sync(int fd, const char *buf, size_t len)
{
	int r = fd_write_all(fd, buf, len);

	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

static int
replace(const char *path, const char *temporary, mode_t mode, const void *buf,
    size_t len)
{
	AUTO_FD fd = -1;
	int r;

	/* Left by one of us that was killed; whoever holds the lock is alone. */
	if (unlink(temporary) < 0 && errno != ENOENT)
		return -errno;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_and_sync(fd, buf, len);
	/* Whatever our umask. */
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	return r < 0 ? r : publish_sync_directory(path);
}

static int
save(const char *dir, const char *name, const char *suffix, mode_t mode,
    const void *buf, size_t len)
{
	AUTO_FREE char *path = state_path(dir, name, suffix);
	AUTO_FREE char *temporary = state_path(dir, name, ".tmp");

	if (!path || !temporary)
		return -ENOMEM;
	return replace(path, temporary, mode, buf, len);
}

int
state_save_copy(const char *dir, const char *name, const void *buf, size_t len)
{
	return save(dir, name, ".copy", 0600, buf, len);
}

static size_t
print_members(
    const struct state *state, bool public_only, char *buf, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *at = (const char *)state + members[i].offset;
		char *to = buf + len;
		size_t room = size - len;

		if (public_only && !members[i].is_public)
			continue;
		if (members[i].size > 0)
			len += (size_t)snprintf(
			    to, room, "%s=%s\n", members[i].name, at);
		else
			len += (size_t)snprintf(to, room, "%s=%llu\n",
			    members[i].name,
			    (unsigned long long)*(
				const uint64_t *)(const void *)at);
	}
	return len;
}

int
state_save(const char *dir, const char *name, const struct state *state)
{
	char buf[4096];
	size_t len = print_members(state, false, buf, sizeof(buf));
	int r = save(dir, name, ".state", 0600, buf, len);

	if (r < 0)
		return r;
	len = print_members(state, true, buf, sizeof(buf));
	return save(dir, name, ".times", 0644, buf, len);
}

/*
 * Time
 */

uint64_t
state_next(const struct state *s, uint64_t interval)
{
	uint64_t wait = interval, next;

	if (s->failures > 0) {
		/* 20 doublings are past any interval. */
		uint64_t doublings = s->failures < 20 ? s->failures - 1 : 20;

		wait = (uint64_t)BACK_OFF << doublings;
		if (wait > interval)
			wait = interval;
	}
	next = s->tried ? s->tried + wait : 0;
	return next > s->not_before ? next : s->not_before;
}

bool
state_is_stale(const struct state *s, uint64_t interval, uint64_t now)
{
	return s->failures > 0 &&
	    (s->fetched == 0 || now - s->fetched > STALE_INTERVALS * interval);
}
