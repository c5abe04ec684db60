/* SPDX-License-Identifier: ISC */
/* tarpitctl report: what tarpit did, and what it saved. */
#include "bin/tarpitctl/report.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "bin/tarpitctl/journal_reader.h"
#include "bin/tarpitctl/live.h"
#include "bin/tarpitctl/plot.h"
#include "bin/tarpitctl/tarpitctl.h"
#include "bin/tarpitctl/when.h"

/*
 * The command line
 */

void
report_defaults(struct tarpitctl *t)
{
	t->until = UINT64_MAX;
	assume_defaults(&t->assumed);
}

static int
set_time(uint64_t *at, const char *value, char *why, size_t size)
{
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
	if (when_parse(value, now, at) == 0)
		return 0;
	snprintf(why, size,
	    "not a time such as \"2026-11-22 08:00\", yesterday or -7d");
	return -EINVAL;
}

int
report_set_since(void *config, const char *value, char *why, size_t size)
{
	return set_time(&((struct tarpitctl *)config)->since, value, why, size);
}

int
report_set_until(void *config, const char *value, char *why, size_t size)
{
	return set_time(&((struct tarpitctl *)config)->until, value, why, size);
}

int
report_set_html(void *config, const char *value, char *why, size_t size)
{
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->html = value;
	return 0;
}

int
report_set_file(void *config, const char *value, char *why, size_t size)
{
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->file = value;
	return 0;
}

int
report_set_assumption(void *config, const char *value, char *why, size_t size)
{
	return assume(&((struct tarpitctl *)config)->assumed, value, why, size);
}

/*
 * The progress bar
 */

enum { BAR_WIDTH = 40 };

struct bar {
	bool shown;    /* standard error is a terminal */
	uint64_t next; /* when to draw it again */
};

static void
bar_draw(struct bar *b, const struct journal_reader *j)
{
	uint64_t now;
	int done;

	/* Asking the clock costs more than counting; a record takes some ten
	 * microseconds. */
	if (!b->shown || j->records % 256 != 0)
		return;
	now = clock_now();
	if (now < b->next)
		return;
	b->next = now + USEC_PER_SEC / 5;
	done = (int)(journal_reader_progress(j) * BAR_WIDTH);
	fprintf(stderr, "\r[%.*s%*s] %3d %% %llu sessions ", done,
	    "########################################", BAR_WIDTH - done, "",
	    done * 100 / BAR_WIDTH, (unsigned long long)j->records);
}

static void
bar_clear(const struct bar *b)
{
	/* As wide as it may have become. */
	if (b->shown && b->next > 0)
		fprintf(stderr, "\r%*s\r", 78, "");
}

/*
 * Reading
 */

/* Sessions that were still open at the end of a time in the past have their
 * records later.  Those that lasted another day are not waited for. */
#define LOOK_AHEAD (24 * 3600 * USEC_PER_SEC)

static void
open_reader(const struct tarpitctl *t, struct journal_reader *j)
{
	uint64_t until = t->until;
	int r;

	if (until < UINT64_MAX - LOOK_AHEAD)
		until += LOOK_AHEAD;
	r = journal_reader_open(j, t->file, t->since, until);
	if (r == -ENODATA && t->file == NULL)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "there is no journal that you may read: are you in the "
		    "group systemd-journal?");
	if (r == -ENODATA)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "%s: no journal with records", t->file);
	if (r == -EBADMSG || r == -EPROTONOSUPPORT)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "%s is no journal, or damaged at its beginning",
		    t->file != NULL ? t->file : "what should be the journal");
	if (r < 0)
		program_die(&tarpitctl, EXIT_OPERATOR, r, "%s",
		    t->file != NULL ? t->file : "the journal");
}

/* One that stands for many, since they were folded, is many like it. */
static void
add_record(const struct tarpitctl *t, struct tally *tally,
    const struct session_record *record)
{
	for (uint32_t i = 0; i < record->sessions; i++)
		if (record->ended < t->until)
			tally_add(tally, record);
		else
			tally_add_later(tally, record, t->until);
}

/* Whether the journal could be read to its end. */
static bool
read_sessions(const struct tarpitctl *t, struct tally *tally)
{
	struct bar bar = { .shown = isatty(STDERR_FILENO) == 1 };
	struct session_record record;
	struct journal_reader j;
	int r;

	open_reader(t, &j);
	while ((r = journal_reader_next(&j, &record)) > 0) {
		add_record(t, tally, &record);
		bar_draw(&bar, &j);
	}
	bar_clear(&bar);
	tally->unreadable = j.unreadable;
	journal_reader_close(&j);
	if (r < 0)
		fprintf(stderr,
		    "tarpitctl: the journal cannot be read to its end: %s\n"
		    "(journalctl --verify says which file is damaged)\n",
		    strerror(-r));
	return r == 0;
}

/* Those that are open now have no record.  Asked for after the records were
 * read, so that none counts twice. */
static void
add_live(const struct tarpitctl *t, struct tally *tally)
{
	int r;

	if (t->file != NULL || t->until < UINT64_MAX)
		return;
	r = live_add(tally, t->control);
	/* Where no dispatcher runs no session is open. */
	if (r < 0 && r != -ENOENT && r != -ECONNREFUSED)
		fprintf(stderr,
		    "tarpitctl: sessions that are open now are left out: %s: "
		    "%s\n",
		    t->control, strerror(-r));
}

/*
 * Writing
 */

static int
close_page(FILE *out, int r)
{
	if (r == 0 && (fflush(out) != 0 || ferror(out)))
		r = errno != 0 ? -errno : -EIO;
	if (fclose(out) != 0 && r == 0)
		r = -errno;
	return r;
}

/* Whoever looks at the page meanwhile sees the old one or the new one. */
static int
replace_page(const struct findings *f, const char *path)
{
	AUTO_FREE char *temporary = NULL;
	mode_t mask = umask(0);
	FILE *out;
	int fd, r;

	umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (out == NULL) {
		r = -errno;
		close(fd);
	} else {
		r = close_page(out, report_html(f, out));
	}
	if (r == 0 &&
	    (chmod(temporary, 0666 & ~mask) < 0 || rename(temporary, path) < 0))
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

static int
write_page(const struct findings *f, const char *path)
{
	struct stat st;
	FILE *out;

	if (strcmp(path, "-") == 0)
		return report_html(f, stdout);
	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return replace_page(f, path);
	/* A pipe or a device is to be written to, not replaced by a file. */
	out = fopen(path, "we");
	return out == NULL ? -errno : close_page(out, report_html(f, out));
}

static bool
is_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static int
write_report(const struct tarpitctl *t, const struct findings *f)
{
	int r = 0;

	if (t->html != NULL) {
		r = write_page(f, t->html);
		if (r < 0)
			program_die(&tarpitctl, EXIT_TEMPORARY,
			    r == -EPROTO ? 0 : r, "%s%s", t->html,
			    r == -EPROTO ? ": gnuplot has failed" : "");
	}
	if (t->json) {
		r = report_json(f, stdout);
		if (r < 0)
			program_die(&tarpitctl, EXIT_TEMPORARY, r,
			    "the report in JSON");
	}
	if (t->html == NULL && !t->json)
		report_text(f, is_utf8(), stdout);
	if (fflush(stdout) != 0 || ferror(stdout))
		program_die(
		    &tarpitctl, EXIT_TEMPORARY, -errno, "standard output");
	/* What could be read has been reported, but it was not all. */
	return f->complete ? EXIT_SUCCESS : EXIT_TEMPORARY;
}

/* What is asked for; of no sessions the report is of this moment rather than of
 * 1970. */
static void
find_span(const struct tarpitctl *t, const struct tally *tally,
    uint64_t *ret_since, uint64_t *ret_until)
{
	uint64_t now = (uint64_t)time(NULL) * USEC_PER_SEC;

	*ret_until = t->until;
	*ret_since = t->since;
	if (tally->sessions > 0)
		return;
	if (t->until == UINT64_MAX)
		*ret_until = t->since > now ? t->since : now;
	if (t->since == 0)
		*ret_since = *ret_until;
}

int
report_run(const struct tarpitctl *t, const char *operand)
{
	uint64_t since, until;
	AUTO_FREE struct findings *f = calloc(1, sizeof(*f));
	struct tally tally;
	bool complete;
	int r;

	(void)operand;
	if (t->since >= t->until)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "--since is not before --until");
	/* Before all is read, and not after. */
	if (t->html != NULL && (r = plot_check()) < 0)
		program_die(&tarpitctl, EXIT_OPERATOR, r,
		    "the pictures of --html need gnuplot (Debian: the package "
		    "gnuplot-nox)");
	if (f == NULL || tally_init(&tally) < 0)
		program_die(&tarpitctl, EXIT_TEMPORARY, -ENOMEM, "report");
	complete = read_sessions(t, &tally);
	add_live(t, &tally);
	find_span(t, &tally, &since, &until);
	findings_compute(&tally, &t->assumed, since, until, f);
	f->complete = complete;
	r = write_report(t, f);
	tally_fini(&tally);
	return r;
}
