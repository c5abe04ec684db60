#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A directory for one test case, removed with all that is in it when the
 * process exits.  One a process.
 */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/helpers/check.h"

static char scratch_dir[64];
static pid_t scratch_owner;

static inline int
scratch_remove_one(
    const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void
scratch_remove(void)
{
	/* Not in a child that a case forks. */
	if (getpid() != scratch_owner)
		return;
	nftw(scratch_dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of NAME in the scratch directory, which this makes if need be; for
 * the caller to free, or not. */
static inline char *
scratch_path(const char *name)
{
	char *path;

	if (scratch_dir[0] == '\0') {
		strcpy(scratch_dir, "/tmp/tarpit-test.XXXXXX");
		CHECK(mkdtemp(scratch_dir) != NULL);
		scratch_owner = getpid();
		atexit(scratch_remove);
	}
	CHECK(asprintf(&path, "%s/%s", scratch_dir, name) > 0);
	return path;
}

/* Writes SIZE bytes of CONTENT to the file NAME there, and gives its path. */
static inline char *
scratch_write(const char *name, const char *content, size_t size)
{
	char *path = scratch_path(name);
	FILE *f = fopen(path, "we");

	CHECK(f != NULL);
	CHECK(fwrite(content, 1, size, f) == size);
	CHECK(fclose(f) == 0);
	return path;
}
