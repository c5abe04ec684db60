/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/clock.h"

struct transfer {
	const struct fetch *fetch;
	struct fetched *ret;
	size_t cap;
	bool too_large, no_memory;
	bool bar_shown;
	char curl_error[CURL_ERROR_SIZE];
	char *url;             /* of this hop, without user and password */
	char *user, *password; /* for the first hop's server; NULL: none */
	uint64_t deadline;     /* of all hops */
};

/*
 * What arrives
 */

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct fetched *f = t->ret;
	size_t len = size * n;

	/* Here, and not only by Content-Length: what is packed says nothing
	 * of how large it will be. */
	if (len > t->fetch->max_size - f->len) {
		t->too_large = true;
		return 0;
	}
	if (f->len + len > t->cap) {
		size_t cap = t->cap ? t->cap : 65536;
		char *bigger;

		while (cap < f->len + len)
			cap *= 2;
		bigger = realloc(f->body, cap);
		if (!bigger) {
			t->no_memory = true;
			return 0;
		}
		f->body = bigger;
		t->cap = cap;
	}
	memcpy(f->body + f->len, data, len);
	f->len += len;
	return len;
}

/* A redirect's body is not the file. */
static void
forget_body(struct fetched *f)
{
	f->len = 0;
	f->etag[0] = f->modified[0] = '\0';
}

/* Takes the header's value if it is NAME, and fits: half an ETag is none. */
static void
take_header(
    const char *line, size_t len, const char *name, char *ret, size_t size)
{
	size_t name_len = strlen(name);

	if (len <= name_len || strncasecmp(line, name, name_len) != 0)
		return;
	line += name_len;
	len -= name_len;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	for (size_t i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			return;
	if (len < size) {
		memcpy(ret, line, len);
		ret[len] = '\0';
	}
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
		forget_body(t->ret);
	take_header(data, len, "etag:", t->ret->etag, sizeof(t->ret->etag));
	take_header(data, len, "last-modified:", t->ret->modified,
	    sizeof(t->ret->modified));
	return len;
}

static int
on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total,
    curl_off_t up_now)
{
	static const char full[] = "##############################";
	struct transfer *t = arg;
	int done = total > 0 ? (int)(now * 30 / total) : 0;

	(void)up_total;
	(void)up_now;
	if (!t->fetch->label)
		return 0;
	t->bar_shown = true;
	fprintf(stderr, "\r%-20.20s [%-30.*s] %7lld KB", t->fetch->label,
	    done > 30 ? 30 : done, full, (long long)now / 1024);
	return 0;
}

/*
 * Asking
 */

/* LINE after what there is; one that finds no memory is left out. */
static struct curl_slist *
append(struct curl_slist *headers, const char *line)
{
	struct curl_slist *more = curl_slist_append(headers, line);

	return more ? more : headers;
}

static struct curl_slist *
make_headers(const struct fetch *f, bool is_own)
{
	struct curl_slist *headers = NULL;
	char line[400];

	/* Without a condition we get the file again, which does no harm. */
	if (f->etag[0] != '\0') {
		snprintf(line, sizeof(line), "If-None-Match: %s", f->etag);
		headers = append(headers, line);
	}
	if (f->modified[0] != '\0') {
		snprintf(
		    line, sizeof(line), "If-Modified-Since: %s", f->modified);
		headers = append(headers, line);
	}
	for (const char *h = is_own ? f->headers : NULL; h && *h;
	     h += strlen(h) + 1)
		headers = append(headers, h);
	return headers;
}

static void
set_limits(CURL *curl, const struct transfer *t)
{
	const struct fetch *f = t->fetch;
	uint64_t now = clock_now();
	uint64_t left = now < t->deadline ? t->deadline - now : 1;

	curl_easy_setopt(
	    curl, CURLOPT_CONNECTTIMEOUT, (long)FETCH_CONNECT_TIMEOUT);
	curl_easy_setopt(
	    curl, CURLOPT_TIMEOUT_MS, (long)(left / USEC_PER_MSEC + 1));
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)FETCH_SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)FETCH_SLOW_TIME);
	curl_easy_setopt(
	    curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->max_size);
	/* libcurl sends headers of ours to whoever it is redirected to, so
	 * that we follow redirects ourselves. */
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	/* Who asked for TLS is not sent elsewhere without. */
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
	    strncasecmp(f->url, "https:", 6) == 0 ? "https" : "https,http");
}

static void
set_options(
    CURL *curl, struct transfer *t, bool is_own, struct curl_slist *headers)
{
	const struct fetch *f = t->fetch;

	set_limits(curl, t);
	curl_easy_setopt(curl, CURLOPT_URL, t->url);
	curl_easy_setopt(curl, CURLOPT_USERAGENT,
	    "tarpit-lists (updates block lists of a mail server)");
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, ""); /* all it knows */
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->curl_error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, f->label ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	if (f->ca_file[0] != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, f->ca_file);
	curl_easy_setopt(curl, CURLOPT_USERNAME, is_own ? t->user : NULL);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, is_own ? t->password : NULL);
}

/*
 * Where to
 */

/* A part of URL, decoded, for the caller to free; NULL: there is none. */
static char *
url_part(const char *url, CURLUPart part, unsigned flags)
{
	CURLU *u = curl_url();
	char *text = NULL, *copy = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, part, &text, flags) == CURLUE_OK)
		copy = strdup(text);
	curl_free(text);
	curl_url_cleanup(u);
	return copy;
}

char *
fetch_host(const char *url)
{
	return url_part(url, CURLUPART_HOST, 0);
}

/* Whether both are of one scheme, host and port. */
static bool
is_same_server(const char *a, const char *b)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST,
		CURLUPART_PORT };
	bool is_same = true;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		AUTO_FREE char *of_a =
		    url_part(a, parts[i], CURLU_DEFAULT_PORT);
		AUTO_FREE char *of_b =
		    url_part(b, parts[i], CURLU_DEFAULT_PORT);

		is_same = is_same && of_a && of_b && !strcasecmp(of_a, of_b);
	}
	return is_same;
}

/* URL without user and password, which are asked for apart; as it is if libcurl
 * cannot read it, which it then says. */
static char *
without_user(const char *url)
{
	CURLU *u = curl_url();
	char *text = NULL, *copy = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
		copy = strdup(text);
	else
		copy = strdup(url);
	curl_free(text);
	curl_url_cleanup(u);
	return copy;
}

static int
take_target(struct transfer *t)
{
	const struct fetch *f = t->fetch;
	const char *colon = f->user_pwd ? strchr(f->user_pwd, ':') : NULL;

	t->url = without_user(f->url);
	if (colon) {
		t->user = strndup(f->user_pwd, (size_t)(colon - f->user_pwd));
		t->password = strdup(colon + 1);
	} else {
		t->user = url_part(f->url, CURLUPART_USER, CURLU_URLDECODE);
		t->password =
		    url_part(f->url, CURLUPART_PASSWORD, CURLU_URLDECODE);
	}
	return t->url && (!colon || (t->user && t->password)) ? 0 : -ENOMEM;
}

/*
 * What came of it
 */

static int PRINTF_LIKE(3, 4)
    fail(struct fetched *f, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(f->why, sizeof(f->why), format, ap);
	va_end(ap);
	return error;
}

/* Covers SECRET wherever TEXT has it. */
static void
cover(char *text, const char *secret)
{
	size_t len = secret ? strlen(secret) : 0;
	char *at = text;

	while (len > 2 && (at = strstr(at, secret)) != NULL) {
		memset(at, '*', len);
		at += len;
	}
}

/* libcurl quotes what it cannot make sense of. */
static void
cover_secrets(const struct transfer *t, char *text)
{
	const char *query = strchr(t->url, '?');

	cover(text, t->password);
	cover(text, t->user);
	cover(text, query);
	cover(text, query ? query + 1 : NULL);
	for (const char *h = t->fetch->headers; h && *h; h += strlen(h) + 1)
		cover(text, strchr(h, ':') + 1);
}

static int
judge_curl(struct transfer *t, CURLcode code)
{
	struct fetched *f = t->ret;

	if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return fail(f, -EFBIG, "larger than %llu bytes, its MaxSize=",
		    (unsigned long long)t->fetch->max_size);
	if (t->no_memory || code == CURLE_OUT_OF_MEMORY)
		return fail(f, -ENOMEM, "out of memory");
	cover_secrets(t, t->curl_error);
	/* What cannot be parsed as a URL may be any part of a password. */
	if (code == CURLE_URL_MALFORMAT)
		t->curl_error[0] = '\0';
	return fail(f, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EPROTO,
	    "%s%s%s", curl_easy_strerror(code), t->curl_error[0] ? ": " : "",
	    t->curl_error);
}

static int
judge_status(CURL *curl, const struct transfer *t)
{
	struct fetched *f = t->ret;
	bool had_conditions = t->fetch->etag[0] || t->fetch->modified[0];
	curl_off_t retry_after = 0;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
	/* Nobody may silence us for longer than a day. */
	if (retry_after > 0)
		f->retry_after =
		    retry_after < 86400 ? (uint64_t)retry_after : 86400;
	f->not_modified = status == 304 && had_conditions;
	if (status == 200 || f->not_modified)
		return 0;
	return fail(f, -EPROTO, "HTTP status %ld%s", status,
	    status == 401 || status == 403 ? " (not allowed)"
		: status == 404            ? " (not found)"
		: status == 429            ? " (asked too often)"
		: status == 304
		? " (not modified), but we have nothing and had said so"
		: "");
}

static bool
is_redirect(CURL *curl, char **ret_url)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	*ret_url = NULL;
	return (status == 301 || status == 302 || status == 303 ||
		   status == 307 || status == 308) &&
	    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, ret_url) ==
	    CURLE_OK &&
	    *ret_url;
}

/* One question; *RET_NEXT, on the heap, is where it was redirected to, or
 * NULL. */
static int
ask(CURL *curl, struct transfer *t, char **ret_next)
{
	bool is_own = is_same_server(t->fetch->url, t->url);
	struct curl_slist *headers = make_headers(t->fetch, is_own);
	char *next;
	CURLcode code;
	int r = 0;

	forget_body(t->ret);
	set_options(curl, t, is_own, headers);
	code = curl_easy_perform(curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		r = judge_curl(t, code);
	else if (!is_redirect(curl, &next))
		r = judge_status(curl, t);
	else if (!(*ret_next = without_user(next)))
		r = fail(t->ret, -ENOMEM, "out of memory");
	return r;
}

static int
perform(CURL *curl, struct transfer *t)
{
	int r = 0;

	for (unsigned hop = 0; r == 0; hop++) {
		char *next = NULL;

		r = ask(curl, t, &next);
		if (!next)
			break;
		free(t->url);
		t->url = next;
		if (hop == FETCH_REDIRECTS_MAX)
			r = fail(t->ret, -EPROTO,
			    "Maximum (%d) redirects followed",
			    FETCH_REDIRECTS_MAX);
	}
	if (t->bar_shown)
		fputc('\n', stderr);
	return r;
}

int
fetch(const struct fetch *f, struct fetched *ret)
{
	struct transfer t = {
		.fetch = f, .ret = ret, .deadline = clock_now() + f->timeout
	};
	CURL *curl;
	int r;

	*ret = (struct fetched){ 0 };
	curl = curl_easy_init();
	r = curl ? take_target(&t) : -ENOMEM;
	if (r < 0)
		r = fail(ret, r, "out of memory");
	else
		r = perform(curl, &t);
	curl_easy_cleanup(curl);
	free(t.url);
	free(t.user);
	free(t.password);
	if (r < 0) {
		free(ret->body);
		ret->body = NULL;
		ret->len = 0;
	}
	return r;
}
