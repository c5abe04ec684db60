/* SPDX-License-Identifier: ISC */
/* The half of option.h that reads files; the only user of libinih. */
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

#include "bin/common/option.h"

/* A file being read: libinih asks for lines and hands out keys; what either
 * finds wrong is kept here, because libinih itself passes on no reason. */
struct reading {
	const struct option_table *table;
	void *config;
	FILE *stream;
	int line;   /* of the last one read */
	int failed; /* 0 or the first -errno, with the error filled */
	struct option_error *error;
	/* NULL, or what is wrong is left out, and the first of it told here,
	 * unless it has a text already. */
	struct option_error *first;
};

static void
tell_first(struct option_error *first, const struct option_error *error)
{
	if (first->text[0] == '\0')
		*first = *error;
}

static void
fail(struct reading *rd, int error, int line)
{
	rd->error->line = line;
	if (rd->first != NULL)
		tell_first(rd->first, rd->error);
	else
		rd->failed = error;
}

/* A section header is checked here, for libinih would cut a long one, ignore
 * what follows it, and tell nobody of a section without keys. */
static void
check_header(struct reading *rd, char *line)
{
	char *end = strchr(line, ']'), *rest;

	if (end == NULL)
		return; /* libinih objects */
	*end = '\0';
	rest = end + 1 + strspn(end + 1, " \t\r\n");
	if (!option_has_section(rd->table, line + 1)) {
		option_say(rd->error, "[%s]: unknown section", line + 1);
		fail(rd, -EINVAL, rd->line);
	} else if (*rest != '\0' && *rest != ';' && *rest != '#') {
		option_say(
		    rd->error, "[%s]: something follows on the line", line + 1);
		fail(rd, -EINVAL, rd->line);
	}
	*end = ']';
}

/* The next line, without the white space it begins with: libinih would take an
 * indented key for the continuation of the value above it.  Its length,
 * -ENODATA at the end of the file, -EILSEQ for a NUL, -EMSGSIZE, or -errno of
 * reading. */
static int
get_line(FILE *stream, char *buf, int size)
{
	int c, len = 0;

	while ((c = getc(stream)) != EOF && c != '\n') {
		if (len == 0 && (c == ' ' || c == '\t'))
			continue;
		if (c == '\0')
			return -EILSEQ;
		if (len == size - 2) /* room for LF and NUL */
			return -EMSGSIZE;
		buf[len++] = (char)c;
	}
	if (c == EOF && ferror(stream))
		return -errno; /* EISDIR, for one */
	if (c == EOF && len == 0)
		return -ENODATA;
	buf[len] = '\n';
	buf[len + 1] = '\0';
	return len;
}

/* What libinih calls instead of fgets(); NULL ends the parsing. */
static char *
read_line(char *buf, int size, void *arg)
{
	struct reading *rd = arg;
	int r;

	if (rd->failed != 0)
		return NULL;
	r = get_line(rd->stream, buf, size);
	if (r == -ENODATA)
		return NULL;
	rd->line++;
	if (r == -EILSEQ) {
		option_say(rd->error, "the line contains a NUL byte");
		fail(rd, -EINVAL, rd->line);
	} else if (r == -EMSGSIZE) {
		option_say(
		    rd->error, "the line is longer than %d bytes", size - 2);
		fail(rd, -EINVAL, rd->line);
	} else if (r < 0) {
		option_say(rd->error, "%s", strerror(-r));
		fail(rd, r, 0);
		return NULL;
	} else if (buf[0] == '[') {
		check_header(rd, buf);
	}
	/* A line that cannot be read is an empty one to who goes on. */
	if (r < 0)
		strcpy(buf, "\n");
	return rd->failed == 0 ? buf : NULL;
}

static int
handle_key(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *rd = arg;
	struct option_error e;
	int r;

	if (rd->failed != 0)
		return 0;
	r = option_set(rd->table, section, key, value, rd->config, &e);
	if (r < 0) {
		option_say(rd->error, "%s", e.text);
		fail(rd, r, rd->line);
	} else if (rd->table->note != NULL) {
		rd->table->note(
		    rd->config, section, key, rd->error->file, rd->line);
	}
	return r >= 0;
}

/* The three in one string from the heap, or NULL. */
static char *
join(const char *a, const char *b, const char *c)
{
	char *s;

	return asprintf(&s, "%s%s%s", a, b, c) < 0 ? NULL : s;
}

/* Fills the error with one of the file as a whole, and returns it. */
static int
fail_file(struct option_error *e, const char *file, int error)
{
	snprintf(e->file, sizeof(e->file), "%s", file);
	e->line = 0;
	option_say(e, "%s", strerror(-error));
	return error;
}

/* FIRST as in the reading. */
static int
load_file(const struct option_table *table, const char *file, void *config,
    struct option_error *e, struct option_error *first)
{
	struct reading rd = {
		.table = table, .config = config, .error = e, .first = first
	};
	int line;

	rd.stream = fopen(file, "re");
	if (rd.stream == NULL)
		return fail_file(e, file, -errno);
	snprintf(e->file, sizeof(e->file), "%s", file);
	e->line = 0;
	line = ini_parse_stream(read_line, &rd, handle_key, &rd);
	fclose(rd.stream);
	/* libinih goes on after a line that it cannot read, so that what we
	 * found may stand further down; the first error is the one to tell. */
	if (line > 0 && (rd.failed == 0 || line < e->line)) {
		option_say(e, "neither [Section] nor Key=value");
		fail(&rd, -EINVAL, line);
	} else if (line < 0 && rd.failed == 0) {
		return fail_file(e, file, -ENOMEM);
	}
	return rd.failed;
}

static int
is_drop_in(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 &&
	    strcmp(d->d_name + len - 5, ".conf") == 0;
}

/* By bytes: alphasort() would follow the locale. */
static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What is left of an error where work goes on: nothing. */
static int
pass_over(int error, const struct option_error *e, struct option_error *first)
{
	if (error < 0 && first != NULL) {
		tell_first(first, e);
		return 0;
	}
	return error;
}

static int
load_drop_in(const struct option_table *table, const char *dir,
    const char *name, void *config, struct option_error *e,
    struct option_error *first)
{
	AUTO_FREE char *path = join(dir, "/", name);

	if (path == NULL)
		return fail_file(e, dir, -ENOMEM);
	return pass_over(load_file(table, path, config, e, first), e, first);
}

static int
load_drop_ins(const struct option_table *table, const char *file, void *config,
    struct option_error *ret_error, struct option_error *first)
{
	AUTO_FREE char *dir = join(file, ".d", "");
	struct dirent **names;
	int n, r = 0;

	if (dir == NULL)
		return fail_file(ret_error, file, -ENOMEM);
	n = scandir(dir, &names, is_drop_in, compare_names);
	if (n < 0)
		return errno == ENOENT ? 0 : fail_file(ret_error, dir, -errno);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = load_drop_in(table, dir, names[i]->d_name, config,
			    ret_error, first);
		free(names[i]);
	}
	free(names);
	return r;
}

int
option_load(const struct option_table *table, const char *file, void *config,
    struct option_error *ret_error)
{
	int r = load_file(table, file, config, ret_error, NULL);

	if (r < 0)
		return r;
	return option_load_drop_ins(table, file, config, ret_error);
}

int
option_load_drop_ins(const struct option_table *table, const char *file,
    void *config, struct option_error *ret_error)
{
	return load_drop_ins(table, file, config, ret_error, NULL);
}

int
option_load_valid(const struct option_table *table, const char *file,
    void *config, struct option_error *ret_error)
{
	struct option_error e = { 0 }, first = { 0 };
	int r = load_file(table, file, config, &e, &first);

	(void)pass_over(r, &e, &first);
	r = load_drop_ins(table, file, config, &e, &first);
	(void)pass_over(r, &e, &first);
	*ret_error = first;
	return first.text[0] != '\0' ? -EINVAL : 0;
}
