/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/survey.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

const char *const survey_outcome[SURVEY_OUTCOMES] = { "passed", "graduated",
	"delivered", "abandoned", "refused", "shed", "failed" };

/* Somebody looks, or scrapes: better without an answer than late. */
enum { STATUS_MSEC = 3000 };

/*
 * The daemons
 */

void
control_die(const struct tarpitctl *t, int error)
{
	if (error == -EACCES)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "no permission for %s: this is for root and for members "
		    "of the group that it belongs to",
		    t->control);
	if (error == -ENOENT || error == -ECONNREFUSED)
		program_die(&tarpitctl, EXIT_TEMPORARY, 0,
		    "tarpitd is not running: nobody answers at %s "
		    "(systemctl status tarpitd.socket tarpitd)",
		    t->control);
	program_die(&tarpitctl, EXIT_TEMPORARY, error,
	    "no answer from tarpitd at %s", t->control);
}

void
control_open(const struct tarpitctl *t, struct link *ret)
{
	int r = link_open(ret, t->control);

	if (r < 0)
		control_die(t, r);
}

/* LINK was opened with the result R. */
static int
ask_status(
    struct link *link, int r, const char *question, struct daemon_status *ret)
{
	struct message m = { 0 };

	ret->said = (struct message){ ret->buf, 0 };
	if (r < 0)
		return r;
	link->msec = STATUS_MSEC;
	r = link_ask(link, question, strlen(question));
	if (r == 0)
		r = link_read(link, &m);
	/* An older one does not know the question. */
	if (r == 0 && message_find(&m, "error").value_len > 0)
		r = -EPROTO;
	if (r == 0) {
		memcpy(ret->buf, m.data, m.len);
		ret->said.len = m.len;
	}
	link_close(link);
	return r;
}

/*
 * The lists
 */

static FILE *
open_state(const char *dir, const char *name, const char *suffix)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	return fopen(path, "re");
}

/* Of NAME.times, which `tarpit-lists update` keeps: lines of name=value.  An
 * older one has only NAME.state, which is not for everybody. */
static void
read_state(const char *dir, struct list_status *list)
{
	char buf[4096];
	struct message m = { .data = buf };
	FILE *f = open_state(dir, list->name, ".times");

	if (f == NULL)
		f = open_state(dir, list->name, ".state");
	if (f == NULL) {
		/* Else a local file: it is as fresh as it is. */
		list->hidden = errno != ENOENT;
		return;
	}
	m.len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	list->fetched = true;
	list->failures = (uint64_t)message_number(&m, "failures");
	if (message_number(&m, "fetched") > 0)
		list->fresh = (uint64_t)message_number(&m, "fetched");
}

/* The directory beside the compiled file, as State= and Output= are shipped
 * (tarpit-lists.conf(5)): /var/lib/tarpit/lists and lists.cdb. */
static void
state_directory(const char *lists, char *buf, size_t size)
{
	size_t len = strlen(lists);

	if (len > 4 && strcmp(lists + len - 4, ".cdb") == 0)
		len -= 4;
	snprintf(buf, size, "%.*s", (int)len, lists);
}

static void
read_lists(struct survey *s, const char *path)
{
	struct cdbfile *file;
	char why[256], dir[4096];

	if (cdbfile_open(path, &file, why, sizeof(why)) < 0) {
		snprintf(s->lists_error, sizeof(s->lists_error), "%s: %s", path,
		    why);
		return;
	}
	s->compiled = cdbfile_created(file);
	s->n_lists = cdbfile_n_lists(file);
	state_directory(path, dir, sizeof(dir));
	for (size_t i = 0; i < s->n_lists; i++) {
		const struct cdbfile_list *from = cdbfile_list(file, i);
		struct list_status *to = &s->list[i];

		*to = (struct list_status){ .kind = from->kind,
			.entries = from->entries,
			.has_prefixes = from->has_prefixes,
			.has_systems = from->has_systems,
			.fresh = from->updated };
		snprintf(to->name, sizeof(to->name), "%s", from->name);
		read_state(dir, to);
	}
	cdbfile_free(file);
}

static void
find_lists(const struct tarpitctl *t, struct survey *s)
{
	struct option_error error = { 0 };
	struct rules rules;

	memset(&rules, 0, sizeof(rules));
	if (program_load(&tarpitctl, &t->call, &rules, &error) < 0)
		snprintf(s->lists_error, sizeof(s->lists_error),
		    "%.200s:%d: %.300s", error.file, error.line, error.text);
	else if (rules.lists[0] == '\0')
		snprintf(s->lists_error, sizeof(s->lists_error),
		    "policy.conf names none");
	else
		read_lists(s, rules.lists);
	rules_fini(&rules);
}

void
survey_take(const struct tarpitctl *t, struct survey *ret)
{
	struct link link;
	int r;

	ret->now = (uint64_t)time(NULL);
	ret->lists_error[0] = '\0';
	ret->n_lists = 0;
	ret->compiled = 0;
	ret->tarpitd.path = t->control;
	r = link_open(&link, t->control);
	ret->tarpitd.error =
	    ask_status(&link, r, "request=status\n\n", &ret->tarpitd);
	r = link_open_policy(&link, t->socket, &ret->policyd.path);
	ret->policyd.error =
	    ask_status(&link, r, "request=tarpit_status\n\n", &ret->policyd);
	find_lists(t, ret);
}
