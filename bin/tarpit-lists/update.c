/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/update.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bin/tarpit-lists/content.h"
#include "bin/tarpit-lists/credentials.h"
#include "bin/tarpit-lists/fetch.h"
#include "bin/tarpit-lists/geoip.h"
#include "bin/tarpit-lists/report.h"
#include "bin/tarpit-lists/senders.h"
#include "bin/tarpit-lists/state.h"
#include "bin/tarpit-lists/url.h"

struct update {
	const struct job *job;
	struct cdbfile *previous; /* to compare sizes with; NULL: none */
	uint64_t now;             /* Unix seconds */
	bool show_progress;
	bool has_news, needs_operator, needs_retry;
};

/* One list, or database, on its way. */
struct attempt {
	const char *name, *source; /* of records and of the state */
	const char *secret_file;   /* that has a password in it; NULL: none */
	uint64_t source_id;        /* of what is not shown of the source */
	uint64_t interval;         /* seconds */
	/* A list's; NULL for a database, which has the others. */
	const struct list_config *config;
	const struct geoip_config *geoip;
	enum geoip_database database;
	char *copy; /* path of the last good one */
	struct state state;
	struct fetched got;
	char what[64]; /* that was fetched: "1407 entries" */
	char why[sizeof(((struct state *)NULL)->result)];
};

/*
 * Fetching
 */

/* What F says, with what is known of the copy that we have. */
static int
fetch_url(const struct update *u, struct attempt *a, struct fetch f)
{
	const struct config *config = u->job->config;
	/* Without the copy "not modified" would leave us with nothing. */
	bool has_copy = access(a->copy, R_OK) == 0 && !config->force;
	int r;

	f.label = u->show_progress ? a->name : NULL;
	f.ca_file = config->ca_file;
	f.timeout = config->timeout;
	f.etag = has_copy ? a->state.etag : "";
	f.modified = has_copy ? a->state.modified : "";
	r = fetch(&f, &a->got);
	if (r < 0)
		snprintf(a->why, sizeof(a->why), "%.200s: %s", a->source,
		    a->got.why);
	return r;
}

static int
fetch_database(const struct update *u, struct attempt *a)
{
	AUTO_FREE char *url = NULL;
	AUTO_FREE char *user_pwd = NULL;
	int r = geoip_address(a->geoip, a->database, &url, &user_pwd);

	if (r < 0)
		return r;
	return fetch_url(u, a,
	    (struct fetch){
		.url = url, .user_pwd = user_pwd, .max_size = GEOIP_SIZE_MAX });
}

static int
fetch_list(const struct update *u, struct attempt *a)
{
	const struct list_config *config = a->config;
	AUTO_FREE char *host = fetch_host(config->url);
	AUTO_FREE char *user_pwd = NULL;
	AUTO_FREE char *headers = NULL;
	int r = 0;

	if (*config->credentials)
		r = credentials_read(config->credentials, host ? host : "",
		    &user_pwd, a->why, sizeof(a->why));
	if (r == 0 && *config->header)
		r = credentials_read_headers(
		    config->header, &headers, a->why, sizeof(a->why));
	if (r < 0)
		return r;
	return fetch_url(u, a,
	    (struct fetch){ .url = config->url,
		.user_pwd = user_pwd,
		.headers = headers,
		.max_size = config->max_size });
}

static int
collect_senders(const struct update *u, struct attempt *a)
{
	int r;

	struct senders s = { .list = a->name,
		.source = a->source,
		.resolver = u->job->config->resolver,
		.journal = u->job->journal };
	AUTO_FREE char *copy = NULL;
	uint64_t changed;

	if (build_read_file(a->copy, &copy, &s.copy_len, &changed) == 0)
		s.copy = copy;
	r = senders_collect(
	    &s, &a->got.body, &a->got.len, a->why, sizeof(a->why));
	memcpy(a->state.left_out, s.left_out, sizeof(s.left_out));
	return r;
}

static int
get(const struct update *u, struct attempt *a)
{
	if (a->geoip)
		return fetch_database(u, a);
	if (a->config->source_type == SOURCE_SPF)
		return collect_senders(u, a);
	return fetch_list(u, a);
}

/*
 * Accepting
 */

/* Not every server knows that we have it already. */
static bool
is_copy(const struct attempt *a)
{
	AUTO_FREE char *buf = NULL;
	uint64_t changed;
	size_t len;

	return build_read_file(a->copy, &buf, &len, &changed) == 0 &&
	    len == a->got.len && memcmp(buf, a->got.body, len) == 0;
}

/* What came must be a list, and a plausible one, before it takes the place of
 * the copy that was. */
static int
accept_list(const struct update *u, struct attempt *a)
{
	struct content_text text = { .config = a->config,
		.name = a->config->source,
		.buf = a->got.body,
		.len = a->got.len };
	struct content content = { 0 };
	int r = content_read(
	    &text, u->job->journal, &content, a->why, sizeof(a->why));

	if (r == 0 && !u->job->config->force)
		r = content_check(
		    &text, &content, u->previous, a->why, sizeof(a->why));
	snprintf(
	    a->what, sizeof(a->what), "%zu entries", content_entries(&content));
	content_fini(&content);
	if (r < 0)
		return r;
	r = state_save_copy(
	    u->job->config->state, a->name, a->got.body, a->got.len);
	if (r < 0)
		snprintf(a->why, sizeof(a->why), "keeping a copy in %s: %s",
		    u->job->config->state, strerror(-r));
	return r;
}

static int
accept_database(struct attempt *a)
{
	char why[300];
	int r = geoip_publish(
	    a->geoip, a->database, &a->got.body, &a->got.len, why, sizeof(why));

	if (r < 0)
		snprintf(a->why, sizeof(a->why), "%.200s: %s", a->source, why);
	snprintf(a->what, sizeof(a->what), "%zu bytes", a->got.len);
	return r;
}

/*
 * One list or database
 */

static void
note_success(struct update *u, struct attempt *a)
{
	struct state *s = &a->state;

	s->fetched = u->now;
	s->failures = 0;
	s->not_before = 0;
	if (a->got.body) {
		memcpy(s->etag, a->got.etag, sizeof(s->etag));
		memcpy(s->modified, a->got.modified, sizeof(s->modified));
	}
	if (a->got.not_modified) {
		snprintf(s->result, sizeof(s->result), "not modified");
		return;
	}
	u->has_news |= a->config != NULL;
	snprintf(s->result, sizeof(s->result), "%s", a->what);
	report_list(u->job->journal, EVENT_LIST_CHANGED, a->name,
	    "fetched %s: %s", a->source, a->what);
}

static void
note_failure(struct update *u, struct attempt *a, int error)
{
	struct state *s = &a->state;

	s->not_before = a->got.retry_after ? u->now + a->got.retry_after : 0;
	snprintf(s->result, sizeof(s->result), "%s", a->why);
	/* What cannot be reached may be tomorrow, and what we cannot write is
	 * told where it is; all else somebody must mend. */
	if (error == -EPROTO || error == -ETIMEDOUT || error == -EAGAIN ||
	    error == -ENOMEM || error == -ENOSPC)
		u->needs_retry = true;
	else
		u->needs_operator = true;
	report_list(u->job->journal, EVENT_LIST_FAILED, a->name, "%s; %s",
	    a->why,
	    access(a->copy, F_OK) == 0 ? "its last good copy stands"
				       : "there is no copy yet");
}

static void
try_once(struct update *u, struct attempt *a)
{
	int r = get(u, a);

	/* A database is packed otherwise than its copy. */
	if (r == 0 && a->config && a->got.body && is_copy(a))
		a->got.not_modified = true;
	if (r == 0 && !a->got.not_modified)
		r = a->geoip ? accept_database(a) : accept_list(u, a);
	if (r == 0)
		note_success(u, a);
	else
		note_failure(u, a, r);
	free(a->got.body);
}

/* Another source makes everything that is known of it worthless, but for its
 * copy, which stands until there is a better one. */
static void
load_state(const struct update *u, struct attempt *a)
{
	(void)state_load(u->job->config->state, a->name, &a->state);
	/* A clock that was set back must not stop us. */
	if (strcmp(a->state.source, a->source) != 0 ||
	    a->state.source_id != a->source_id || a->state.tried > u->now) {
		a->state = (struct state){ .source_id = a->source_id };
		snprintf(
		    a->state.source, sizeof(a->state.source), "%s", a->source);
	}
}

static int
save_state(const struct update *u, const struct attempt *a)
{
	const char *dir = u->job->config->state;
	int r = state_save(dir, a->name, &a->state);

	if (r < 0)
		report_list(u->job->journal, EVENT_LISTS_ERROR, a->name,
		    "%s: %s", dir, strerror(-r));
	return r;
}

/* A password is in a file that is meant to be read by all. */
static void
check_secret_file(const struct update *u, const struct attempt *a)
{
	struct stat st;

	if (a->secret_file && stat(a->secret_file, &st) == 0 &&
	    (st.st_mode & 04))
		report_list(u->job->journal, EVENT_LISTS_WARNING, a->name,
		    "%s has a secret in it and can be read by everybody; "
		    "chmod 640, and chgrp tarpit-lists",
		    a->secret_file);
}

/* Fetches it if it is due. */
static int
update_one(struct update *u, struct attempt *a)
{
	int r;

	state_protect(u->job->config->state, a->name);
	load_state(u, a);
	if (!u->job->config->force &&
	    u->now < state_next(&a->state, a->interval))
		return 0;
	check_secret_file(u, a);
	/* Said before it is so: whoever is killed in a download, or cannot
	 * write down that he had one, must not ask again each minute. */
	a->state.tried = u->now;
	a->state.failures++;
	snprintf(a->state.result, sizeof(a->state.result), "interrupted");
	r = save_state(u, a);
	if (r == 0) {
		try_once(u, a);
		r = save_state(u, a);
	}
	return r;
}

static int
update_list(struct update *u, const struct list_config *config)
{
	AUTO_FREE char *copy =
	    state_path(u->job->config->state, config->name, ".copy");
	struct attempt a = { .name = config->name,
		.source = config->source,
		.interval = config->interval / USEC_PER_SEC,
		.config = config,
		.copy = copy };

	if (config->url) {
		a.source_id = url_fingerprint(config->url);
		if (url_has_secret(config->url))
			a.secret_file = config->path;
	}
	return copy ? update_one(u, &a) : -ENOMEM;
}

static int
update_database(struct update *u, enum geoip_database which)
{
	const struct geoip_config *geoip = u->job->geoip;
	struct attempt a = { .name = geoip_name(which),
		.source = geoip->shown[which],
		.secret_file = geoip->has_secret ? geoip->path : NULL,
		.source_id = url_fingerprint(geoip->source[which]),
		.interval = geoip->interval / USEC_PER_SEC,
		.geoip = geoip,
		.database = which,
		.copy = geoip->file[which] };

	return *a.source ? update_one(u, &a) : 0;
}

/*
 * All of them
 */

static int
make_state_directory(const struct job *job)
{
	const char *dir = job->config->state;

	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return 0;
	report_list(job->journal, EVENT_LISTS_ERROR, NULL, "%s: %s", dir,
	    strerror(errno));
	return EXIT_OPERATOR;
}

/* The worse of two exit codes: what needs somebody comes first. */
static int
worse(int a, int b)
{
	if (a == EXIT_OPERATOR || b == EXIT_OPERATOR)
		return EXIT_OPERATOR;
	return a ? a : b;
}

int
update_run(const struct job *job)
{
	struct update u = {
		.job = job,
		.now = (uint64_t)time(NULL),
		.show_progress = isatty(STDERR_FILENO) == 1,
	};
	int code = make_state_directory(job);

	if (code != 0)
		return code;
	u.previous = build_open_previous(job);
	for (size_t i = 0; i < job->n_lists; i++)
		if (job->lists[i].source_type != SOURCE_FILE &&
		    update_list(&u, &job->lists[i]) < 0)
			u.needs_retry = true;
	cdbfile_free(u.previous);
	for (int i = 0; i < GEOIP_COUNT; i++)
		if (update_database(&u, (enum geoip_database)i) < 0)
			u.needs_retry = true;
	code = u.needs_operator ? EXIT_OPERATOR
	    : u.needs_retry     ? EXIT_TEMPORARY
				: 0;
	return worse(code, build_run_lenient(job, u.has_news));
}
