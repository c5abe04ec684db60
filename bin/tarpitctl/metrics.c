/* SPDX-License-Identifier: ISC */
/* tarpitctl metrics: for Prometheus, by hand, into a file, or over HTTP. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bin/common/fd.h"
#include "bin/tarpitctl/exposition.h"
#include "bin/tarpitctl/serve.h"

static enum exposition_format
format_of(const struct tarpitctl *t)
{
	return t->openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

/* All of it is there, or what was there before: node_exporter may read at any
 * moment.  Its collector takes *.prom only, so the new one is not seen. */
static int
replace_file(const char *path, const char *text, size_t len)
{
	AUTO_FREE char *temporary = NULL;
	AUTO_FD fd = -1;
	int r;

	if (asprintf(&temporary, "%s.new", path) < 0)
		return -ENOMEM;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, text, len);
	if (r == 0 && (fsync(fd) < 0 || rename(temporary, path) < 0))
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	return r;
}

static int
write_file(const struct tarpitctl *t, const struct survey *s)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (out == NULL)
		program_die(&tarpitctl, EXIT_TEMPORARY, -errno, "metrics");
	exposition_write(out, format_of(t), s);
	r = fclose(out) == 0 ? replace_file(t->output, text, len) : -errno;
	if (r < 0)
		program_die(
		    &tarpitctl, EXIT_TEMPORARY, r, "--output %s", t->output);
	return EXIT_SUCCESS;
}

int
metrics_run(const struct tarpitctl *t, const char *operand)
{
	struct survey s;

	(void)operand;
	if (t->serve)
		return serve_run(t);
	survey_take(t, &s);
	if (t->output != NULL)
		return write_file(t, &s);
	exposition_write(stdout, format_of(t), &s);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_TEMPORARY;
}
