/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct transfer {
	const struct fetch *fetch;
	struct fetched *ret;
	size_t cap;
	bool too_large, no_memory;
	bool bar_shown;
	char curl_error[CURL_ERROR_SIZE];
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

static struct curl_slist *
conditions(const struct fetch *f)
{
	struct curl_slist *headers = NULL, *more;
	char line[400];

	if (f->etag[0] != '\0') {
		snprintf(line, sizeof(line), "If-None-Match: %s", f->etag);
		headers = curl_slist_append(NULL, line);
	}
	if (f->modified[0] != '\0') {
		snprintf(
		    line, sizeof(line), "If-Modified-Since: %s", f->modified);
		/* Without it we get the file again, which does no harm. */
		more = curl_slist_append(headers, line);
		headers = more ? more : headers;
	}
	return headers;
}

static void
set_limits(CURL *curl, const struct fetch *f)
{
	curl_easy_setopt(
	    curl, CURLOPT_CONNECTTIMEOUT, (long)FETCH_CONNECT_TIMEOUT);
	curl_easy_setopt(
	    curl, CURLOPT_TIMEOUT_MS, (long)(f->timeout / USEC_PER_MSEC));
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)FETCH_SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)FETCH_SLOW_TIME);
	curl_easy_setopt(
	    curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->max_size);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
	/* Who asked for TLS is not sent elsewhere without. */
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR,
	    strncmp(f->url, "https:", 6) == 0 ? "https" : "https,http");
}

static void
set_options(CURL *curl, struct transfer *t, struct curl_slist *headers)
{
	const struct fetch *f = t->fetch;

	set_limits(curl, f);
	curl_easy_setopt(curl, CURLOPT_URL, f->url);
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
	if (f->user_pwd)
		curl_easy_setopt(curl, CURLOPT_USERPWD, f->user_pwd);
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

static int
judge_curl(const struct transfer *t, CURLcode code)
{
	struct fetched *f = t->ret;

	if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return fail(f, -EFBIG, "larger than %llu bytes, its MaxSize=",
		    (unsigned long long)t->fetch->max_size);
	if (t->no_memory || code == CURLE_OUT_OF_MEMORY)
		return fail(f, -ENOMEM, "out of memory");
	return fail(f, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EPROTO,
	    "%s%s%s", curl_easy_strerror(code), t->curl_error[0] ? ": " : "",
	    t->curl_error);
}

static int
judge_status(CURL *curl, struct fetched *f)
{
	curl_off_t retry_after = 0;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
	/* Nobody may silence us for longer than a day. */
	if (retry_after > 0)
		f->retry_after =
		    retry_after < 86400 ? (uint64_t)retry_after : 86400;
	f->not_modified = status == 304;
	if (status == 200 || status == 304)
		return 0;
	return fail(f, -EPROTO, "HTTP status %ld%s", status,
	    status == 401 || status == 403 ? " (not allowed)"
		: status == 404            ? " (not found)"
		: status == 429            ? " (asked too often)"
					   : "");
}

static int
perform(CURL *curl, struct transfer *t)
{
	struct curl_slist *headers = conditions(t->fetch);
	CURLcode code;

	set_options(curl, t, headers);
	code = curl_easy_perform(curl);
	if (t->bar_shown)
		fputc('\n', stderr);
	curl_slist_free_all(headers);
	return code == CURLE_OK ? judge_status(curl, t->ret)
				: judge_curl(t, code);
}

int
fetch(const struct fetch *f, struct fetched *ret)
{
	struct transfer t = { .fetch = f, .ret = ret };
	CURL *curl;
	int r;

	*ret = (struct fetched){ 0 };
	curl = curl_easy_init();
	if (!curl)
		return fail(ret, -ENOMEM, "out of memory");
	r = perform(curl, &t);
	curl_easy_cleanup(curl);
	if (r < 0) {
		free(ret->body);
		ret->body = NULL;
		ret->len = 0;
	}
	return r;
}
