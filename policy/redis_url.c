/* SPDX-License-Identifier: ISC */
#include "policy/redis_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/decimal.h"

enum scheme_kind { SCHEME_TCP, SCHEME_UNIX, SCHEME_TLS };

/* As redis-cli, valkey-cli and the common libraries have them. */
static const struct {
	const char *text;
	enum scheme_kind kind;
} schemes[] = {
	{ "redis://", SCHEME_TCP },
	{ "valkey://", SCHEME_TCP },
	{ "redis+unix://", SCHEME_UNIX },
	{ "valkey+unix://", SCHEME_UNIX },
	{ "redis+socket://", SCHEME_UNIX },
	{ "redis-socket://", SCHEME_UNIX },
	{ "unix://", SCHEME_UNIX },
	{ "rediss://", SCHEME_TLS },
	{ "valkeys://", SCHEME_TLS },
	{ "redis+tls://", SCHEME_TLS },
	{ "redis+ssl://", SCHEME_TLS },
};

/* Part of a URL; never terminated. */
struct part {
	const char *at;
	size_t len;
};

static int
fail(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

bool
redis_url_is(const char *text)
{
	/* Slashes may have been forgotten: no such directory is meant. */
	static const char *const begin[] = {
		"redis:", "rediss:", "valkey:", "valkeys:", "unix:"
	};

	for (size_t i = 0; i < ARRAY_SIZE(begin); i++) {
		if (strncasecmp(text, begin[i], strlen(begin[i])) == 0)
			return true;
	}
	return strstr(text, "://") != NULL;
}

/* What stands before the first of the bytes of ANY; all if there is none. */
static struct part
cut(struct part *rest, const char *any)
{
	struct part head = { rest->at, 0 };

	while (head.len < rest->len && !strchr(any, rest->at[head.len]))
		head.len++;
	rest->at += head.len;
	rest->len -= head.len;
	return head;
}

static int
hex_digit(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static bool
unescape(struct part from, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < from.len; i++) {
		int high, low;

		if (n + 1 == size)
			return false;
		if (from.at[i] != '%') {
			to[n++] = from.at[i];
			continue;
		}
		high = i + 2 < from.len ? hex_digit(from.at[i + 1]) : -1;
		low = high >= 0 ? hex_digit(from.at[i + 2]) : -1;
		if (low < 0 || high + low == 0)
			return false;
		to[n++] = (char)(high << 4 | low);
		i += 2;
	}
	to[n] = '\0';
	return true;
}

/* Where the secret ends: at the last @, since people write passwords as they
 * are, with @ and / and ? in them; the rest of a URL has none.  But a path, which
 * begins with a slash, may. */
static const char *
find_at(struct part rest, bool tcp)
{
	const char *found = NULL;

	if (!tcp && rest.len > 0 && *rest.at == '/')
		return NULL;
	for (size_t i = 0; i < rest.len; i++) {
		if (rest.at[i] == '@' &&
		    (tcp || (i + 1 < rest.len && rest.at[i + 1] == '/')))
			found = rest.at + i;
	}
	return found;
}

/* Takes "USER:PASSWORD@" from the front of REST, if it is there. */
static bool
parse_secret(struct part *rest, bool tcp, struct redis_url *url)
{
	const char *at = find_at(*rest, tcp);
	struct part password = *rest, user;

	if (!at)
		return true;
	password.len = (size_t)(at - rest->at);
	rest->len -= password.len + 1;
	rest->at = at + 1;
	user = cut(&password, ":");
	if (password.len < 2)
		return false;
	password.at++;
	password.len--;
	return unescape(user, url->user, sizeof(url->user)) &&
	    unescape(password, url->password, sizeof(url->password));
}

/* All of TEXT, as a number from MIN on. */
static bool
parse_number(struct part text, uint16_t min, uint16_t *ret)
{
	int64_t n;

	if (decimal_parse(text.at, text.len, min, UINT16_MAX, &n) < 0)
		return false;
	*ret = (uint16_t)n;
	return true;
}

static bool
copy(struct part from, char *to, size_t size)
{
	if (from.len == 0 || from.len >= size)
		return false;
	memcpy(to, from.at, from.len);
	to[from.len] = '\0';
	return true;
}

/* A name or an IPv4 address. */
static bool
is_name(const char *host)
{
	for (; *host != '\0'; host++) {
		if (!isalnum((unsigned char)*host) && !strchr("-._", *host))
			return false;
	}
	return true;
}

static bool
is_ipv6(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET6, host, &addr) == 1;
}

/* What follows the host or the path: "?db=NUMBER". */
static int
parse_query(
    struct part query, bool has_db, struct redis_url *url, const char **ret_why)
{
	static const char begin[] = "?db=";
	const size_t n = sizeof(begin) - 1;

	if (query.len < n || memcmp(query.at, begin, n) != 0)
		return fail(ret_why,
		    "what follows the ? is not ?db=NUMBER, all that can be "
		    "said there");
	if (has_db)
		return fail(
		    ret_why, "the database is named twice, by /DB and by ?db=");
	if (!parse_number(
		(struct part){ query.at + n, query.len - n }, 0, &url->db))
		return fail(ret_why,
		    "what follows ?db= is not the number of a database, 0 to "
		    "65535");
	return 0;
}

static int
parse_host(struct part *rest, struct redis_url *url, const char **ret_why)
{
	bool brackets = rest->len > 0 && *rest->at == '[';
	struct part host;

	if (brackets) {
		rest->at++;
		rest->len--;
		host = cut(rest, "]");
		if (rest->len == 0)
			return fail(ret_why, "the ] of the address is missing");
		rest->at++;
		rest->len--;
	} else {
		host = cut(rest, ":/?");
	}
	if (!copy(host, url->host, sizeof(url->host)))
		return fail(ret_why,
		    "there is no host, or too long a one; the form is "
		    "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]");
	if (brackets ? !is_ipv6(url->host) : !is_name(url->host))
		return fail(ret_why,
		    "the host is no name and no address; the form is "
		    "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], with an IPv6 "
		    "address in [ ]");
	return 0;
}

static int
parse_tcp(struct part rest, struct redis_url *url, const char **ret_why)
{
	struct part db;
	int r = parse_host(&rest, url, ret_why);

	if (r < 0)
		return r;
	if (rest.len > 0 && *rest.at == ':') {
		struct part port = { rest.at + 1, rest.len - 1 };

		rest = port;
		port = cut(&rest, "/?");
		if (!parse_number(port, 1, &url->port))
			return fail(ret_why, "the port is not 1 to 65535");
	}
	db = cut(&rest, "?");
	if (db.len > 0 &&
	    (*db.at != '/' ||
		(db.len > 1 &&
		    !parse_number(
			(struct part){ db.at + 1, db.len - 1 }, 0, &url->db))))
		return fail(ret_why,
		    "the database, behind the /, is not a number to 65535");
	return rest.len == 0 ? 0 : parse_query(rest, db.len > 1, url, ret_why);
}

static int
parse_unix(struct part rest, struct redis_url *url, const char **ret_why)
{
	struct part path = cut(&rest, "?");

	if (path.len == 0 || *path.at != '/' ||
	    !copy(path, url->path, sizeof(url->path)))
		return fail(ret_why,
		    "not an absolute path of at most 107 bytes; the form is "
		    "redis+unix:///PATH[?db=DB]");
	return rest.len == 0 ? 0 : parse_query(rest, false, url, ret_why);
}

int
redis_url_parse(const char *text, struct redis_url *ret, const char **ret_why)
{
	struct redis_url url = { .port = REDIS_PORT };
	struct part rest;
	size_t i = 0;
	bool tcp;
	int r;

	while (i < ARRAY_SIZE(schemes) &&
	    strncasecmp(text, schemes[i].text, strlen(schemes[i].text)) != 0)
		i++;
	if (i == ARRAY_SIZE(schemes))
		return fail(ret_why,
		    "neither a directory nor redis://HOST:PORT/DB nor "
		    "redis+unix:///PATH");
	if (schemes[i].kind == SCHEME_TLS)
		return fail(ret_why,
		    "TLS to the server is not supported: let a tunnel on this "
		    "host (stunnel) do it, and write redis://127.0.0.1:PORT/DB");
	tcp = schemes[i].kind == SCHEME_TCP;
	rest.at = text + strlen(schemes[i].text);
	rest.len = strlen(rest.at);
	if (!parse_secret(&rest, tcp, &url))
		return fail(ret_why,
		    "what stands before @ is not USER:PASSWORD or :PASSWORD, "
		    "with %XX for odd bytes (a % itself is %25)");
	r = tcp ? parse_tcp(rest, &url, ret_why)
		: parse_unix(rest, &url, ret_why);
	if (r == 0)
		*ret = url;
	return r;
}

const char *
redis_url_format(const struct redis_url *url, char *buf, size_t size)
{
	bool v6 = strchr(url->host, ':') != NULL;

	if (*url->host == '\0')
		snprintf(
		    buf, size, "redis+unix://%s?db=%u", url->path, url->db);
	else
		snprintf(buf, size, "redis://%s%s%s:%u/%u", v6 ? "[" : "",
		    url->host, v6 ? "]" : "", url->port, url->db);
	return buf;
}
