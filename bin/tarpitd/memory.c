/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Version 1 has no word for "none" but the largest number of pages. */
#define NO_LIMIT (UINT64_C(1) << 60)

struct bound {
	const char *root;
	uint64_t limit;
	char *text; /* [MEMORY_BOUND_SIZE] */
};

static void
note(struct bound *b, uint64_t limit, const char *what, const char *of)
{
	if (limit >= b->limit)
		return;
	b->limit = limit;
	snprintf(b->text, MEMORY_BOUND_SIZE, "%s%s", what, of);
}

/* The first number of a file; false if there is none: "max". */
static bool
read_number(const char *path, uint64_t *ret)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (f == NULL)
		return false;
	ok = fscanf(f, "%" SCNu64, ret) == 1;
	fclose(f);
	return ok && *ret < NO_LIMIT;
}

static void
look_at(struct bound *b, const char *mount, const char *group, const char *file)
{
	char path[PATH_MAX], what[64];
	uint64_t n;
	int len = snprintf(
	    path, sizeof(path), "%s%s%s/%s", b->root, mount, group, file);

	if (len < 0 || (size_t)len >= sizeof(path) || !read_number(path, &n))
		return;
	snprintf(what, sizeof(what), "%s of ", file);
	note(b, n, what, *group != '\0' ? group : "/");
}

/* GROUP and all above it.  In a container the path may be the host's, and only
 * the top be there. */
static void
look_up(struct bound *b, const char *group, bool version2)
{
	char path[PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", group);
	do {
		slash = strrchr(path, '/');
		if (slash != NULL && slash[1] == '\0')
			*slash = '\0';
		if (version2) {
			look_at(b, "/sys/fs/cgroup", path, "memory.max");
			look_at(b, "/sys/fs/cgroup", path, "memory.high");
		} else {
			look_at(b, "/sys/fs/cgroup/memory", path,
			    "memory.limit_in_bytes");
		}
		slash = strrchr(path, '/');
		if (slash != NULL)
			*slash = '\0';
	} while (slash != NULL);
}

/* Lines are "0::/path" or "4:memory:/path". */
static void
look_at_groups(struct bound *b)
{
	char line[PATH_MAX + 64];
	FILE *f;

	snprintf(line, sizeof(line), "%s/proc/self/cgroup", b->root);
	f = fopen(line, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		char *names = strchr(line, ':');
		char *path = names != NULL ? strchr(names + 1, ':') : NULL;

		if (path == NULL)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (names[1] == '\0')
			look_up(b, path, true);
		else if (strcmp(names + 1, "memory") == 0)
			look_up(b, path, false);
	}
	fclose(f);
}

static void
look_at_machine(struct bound *b)
{
	uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES);
	char line[256];
	uint64_t kb;
	FILE *f;

	note(b, pages * (uint64_t)sysconf(_SC_PAGESIZE) / 2,
	    "half of the machine's memory", "");
	snprintf(line, sizeof(line), "%s/proc/meminfo", b->root);
	f = fopen(line, "re");
	if (f == NULL)
		return; /* ProcSubset=pid */
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %" SCNu64, &kb) == 1)
			note(b, kb * 1024 / 4 * 3,
			    "three quarters of the memory available", "");
	fclose(f);
}

uint64_t
memory_limit(const char *root, char ret_bound[MEMORY_BOUND_SIZE])
{
	struct bound b = {
		.root = root, .limit = UINT64_MAX, .text = ret_bound
	};

	look_at_machine(&b);
	look_at_groups(&b);
	return b.limit;
}

uint64_t
memory_spool(uint64_t limit, uint64_t wanted)
{
	return wanted < limit / 4 ? wanted : limit / 4;
}

uint64_t
memory_sessions(uint64_t limit, uint64_t other)
{
	if (other > limit / 2)
		other = limit / 2;
	return (limit - other) / MEMORY_PER_SESSION;
}
