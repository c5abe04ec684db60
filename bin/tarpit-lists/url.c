/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/url.h"

#include <stdio.h>
#include <string.h>

#include "data/cdblayout.h"

/* A URL, taken apart; the parts are not terminated. */
struct parts {
	const char *scheme;
	int scheme_len; /* with "://" */
	const char *host;
	int host_len; /* with the port */
	const char *path;
	int path_len;
	bool has_user, has_query, is_odd;
};

/* "host", "host:25", "[::1]:25": what stands after the last colon is a port, or
 * part of a bracket. */
static bool
is_host(const char *host, size_t len)
{
	const char *colon = memrchr(host, ':', len);
	const char *bracket = memchr(host, ']', len);
	size_t digits;

	if (!colon || (bracket && bracket > colon))
		return true;
	digits = strspn(colon + 1, "0123456789");
	return colon + 1 + digits == host + len &&
	    (bracket || memchr(host, ':', len) == colon);
}

/* With "://"; 0: there is none, and what has it has it in a password. */
static size_t
scheme_len(const char *url)
{
	size_t len = strspn(url,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "+-.");

	return strncmp(url + len, "://", 3) == 0 ? len + 3 : 0;
}

static struct parts
take_apart(const char *url)
{
	struct parts p = { .scheme = url };
	const char *at, *rest;
	size_t len;

	p.host = url + scheme_len(url);
	p.scheme_len = (int)(p.host - url);
	len = strcspn(p.host, "/?#");
	rest = p.host + len;
	at = memrchr(p.host, '@', len);
	p.has_user = at != NULL;
	if (at) {
		len -= (size_t)(at + 1 - p.host);
		p.host = at + 1;
	}
	p.host_len = (int)len;
	p.path = rest;
	p.path_len = (int)strcspn(rest, "?#");
	p.has_query = rest[p.path_len] == '?';
	at = strrchr(rest, '@');
	/* "https://me:12/34@host/": who put a slash, a ? or a # into a user or a
	 * password has it taken for where the host ends. */
	p.is_odd = !is_host(p.host, len) ||
	    (at &&
		(*rest != '/' || at < rest + p.path_len || strchr(rest, '#') ||
		    p.has_user || memchr(p.host, ':', (size_t)(at - p.host))));
	return p;
}

char *
url_public(const char *url)
{
	struct parts p = take_apart(url);
	char *text;
	int r;

	if (p.is_odd)
		r = asprintf(&text, "%.*s...", p.scheme_len, p.scheme);
	else
		r = asprintf(&text, "%.*s%.*s%.*s%s", p.scheme_len, p.scheme,
		    p.host_len, p.host, p.path_len, p.path,
		    p.has_query ? "?..." : "");
	return r < 0 ? NULL : text;
}

bool
url_is_suspicious(const char *text)
{
	const char *at = strrchr(text, '@');

	return at && memchr(text, ':', (size_t)(at - text));
}

bool
url_has_secret(const char *url)
{
	static const char *const words[] = { "key", "tok", "pass", "pwd",
		"secret", "auth", "sig", "cred", "login" };
	struct parts p = take_apart(url);
	const char *query = p.path + p.path_len;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(query, words[i]))
			return true;
	return p.has_user || p.is_odd;
}

uint64_t
url_fingerprint(const char *url)
{
	/* Numbers in state files have 63 bits. */
	return layout_checksum(
		   LAYOUT_CHECKSUM_INIT, (const uint8_t *)url, strlen(url)) >>
	    1;
}
