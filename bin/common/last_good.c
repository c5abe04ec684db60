/* SPDX-License-Identifier: ISC */
#include "bin/common/last_good.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last line: without it, a crash or a full disk has cut the copy off. */
static const char end_mark[] = "\n# complete\n";

/* The last of the directories that systemd names, since the first may be full
 * of data. */
static int
print_path(const char *program, char path[LAST_GOOD_PATH])
{
	const char *dirs = getenv("STATE_DIRECTORY"), *last;
	int n;

	if (dirs == NULL || *dirs == '\0')
		return -ENOENT;
	last = strrchr(dirs, ':');
	n = snprintf(path, LAST_GOOD_PATH, "%s/%s.last-good",
	    last != NULL ? last + 1 : dirs, program);
	return n < LAST_GOOD_PATH - 4 ? 0 : -ENAMETOOLONG;
}

static bool
is_complete(FILE *f)
{
	char tail[sizeof(end_mark)] = "";
	long len = sizeof(end_mark) - 1;

	return fseek(f, -len, SEEK_END) == 0 &&
	    fread(tail, 1, (size_t)len, f) == (size_t)len &&
	    strcmp(tail, end_mark) == 0;
}

int
last_good_find(const char *program, char path[LAST_GOOD_PATH])
{
	int r = print_path(program, path);
	FILE *f;

	if (r < 0)
		return r;
	f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	r = is_complete(f) ? 0 : -ENOENT;
	fclose(f);
	return r;
}

/* A file that is not there has nothing in it. */
static int
append(const char *file, FILE *to)
{
	FILE *from = fopen(file, "re");
	char buf[4096];
	size_t n;

	if (from == NULL)
		return errno == ENOENT ? 0 : -errno;
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
		if (fwrite(buf, 1, n, to) != n)
			break;
	fclose(from);
	/* The last line of a file may lack its end. */
	return fputc('\n', to) == EOF ? -EIO : 0;
}

static int
append_drop_ins(const char *file, FILE *to)
{
	AUTO_FREE char *pattern = NULL;
	glob_t g = { 0 };
	int r;

	if (asprintf(&pattern, "%s.d/*.conf", file) < 0) {
		pattern = NULL;
		return -ENOMEM;
	}
	r = glob(pattern, 0, NULL, &g);
	if (r == GLOB_NOMATCH)
		return 0;
	if (r != 0)
		return -EIO;
	for (size_t i = 0; i < g.gl_pathc && r == 0; i++)
		r = append(g.gl_pathv[i], to);
	globfree(&g);
	return r;
}

static int
write_copy(const char *file, FILE *to)
{
	int r = append(file, to);

	if (r == 0)
		r = append_drop_ins(file, to);
	if (r == 0 && fputs(end_mark, to) == EOF)
		r = -EIO;
	if (r == 0 && fflush(to) != 0)
		r = -errno;
	return r;
}

int
last_good_keep(const char *program, const char *file)
{
	char path[LAST_GOOD_PATH], new[LAST_GOOD_PATH + 4];
	int r = print_path(program, path);
	mode_t mask;
	FILE *to;

	if (r < 0)
		return r;
	snprintf(new, sizeof(new), "%s.new", path);
	mask = umask(077);
	to = fopen(new, "we");
	umask(mask);
	if (to == NULL)
		return -errno;
	r = write_copy(file, to);
	if (fclose(to) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(new, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(new);
	return r;
}
