/* SPDX-License-Identifier: ISC */
#include "policy/redis_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/decimal.h"

static const char tcp_scheme[] = "redis://", unix_scheme[] = "redis+unix://";

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

/* Takes "USER:PASSWORD@" from the front of REST, if it is there. */
static bool
parse_secret(struct part *rest, struct redis_url *url)
{
	struct part after = *rest, secret = cut(&after, "@/");
	struct part password = secret, user;

	if (after.len == 0 || *after.at != '@')
		return true;
	*rest = (struct part){ after.at + 1, after.len - 1 };
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

static int
parse_tcp(struct part rest, struct redis_url *url, const char **ret_why)
{
	bool brackets = rest.len > 0 && *rest.at == '[';
	struct part host;

	if (brackets) {
		rest.at++;
		rest.len--;
		host = cut(&rest, "]");
		if (rest.len == 0)
			return fail(ret_why, "the ] of the address is missing");
		rest.at++;
		rest.len--;
	} else {
		host = cut(&rest, ":/");
	}
	if (!copy(host, url->host, sizeof(url->host)))
		return fail(ret_why, "there is no host, or too long a one");
	if (brackets ? !is_ipv6(url->host) : !is_name(url->host))
		return fail(ret_why, "the host is no name and no address");
	if (rest.len > 0 && *rest.at == ':') {
		struct part port = { rest.at + 1, rest.len - 1 };

		rest = port;
		port = cut(&rest, "/");
		if (!parse_number(port, 1, &url->port))
			return fail(ret_why, "the port is not 1 to 65535");
	}
	if (rest.len == 0 || (rest.len == 1 && *rest.at == '/'))
		return 0;
	if (*rest.at != '/' ||
	    !parse_number(
		(struct part){ rest.at + 1, rest.len - 1 }, 0, &url->db))
		return fail(ret_why, "the database is not a number to 65535");
	return 0;
}

static int
parse_unix(struct part rest, struct redis_url *url, const char **ret_why)
{
	static const char query[] = "?db=";
	struct part path = cut(&rest, "?");

	if (path.len == 0 || *path.at != '/' ||
	    !copy(path, url->path, sizeof(url->path)))
		return fail(
		    ret_why, "not an absolute path of at most 107 bytes");
	if (rest.len == 0)
		return 0;
	if (rest.len < sizeof(query) ||
	    memcmp(rest.at, query, sizeof(query) - 1) != 0 ||
	    !parse_number((struct part){ rest.at + sizeof(query) - 1,
			      rest.len - sizeof(query) + 1 },
		0, &url->db))
		return fail(ret_why, "what follows the path is not ?db=NUMBER");
	return 0;
}

int
redis_url_parse(const char *text, struct redis_url *ret, const char **ret_why)
{
	bool tcp = strncmp(text, tcp_scheme, sizeof(tcp_scheme) - 1) == 0;
	struct redis_url url = { .port = REDIS_PORT };
	struct part rest;
	int r;

	if (!tcp && strncmp(text, unix_scheme, sizeof(unix_scheme) - 1) != 0)
		return fail(ret_why,
		    "neither a directory nor redis:// nor redis+unix://");
	rest.at = text + (tcp ? sizeof(tcp_scheme) : sizeof(unix_scheme)) - 1;
	rest.len = strlen(rest.at);
	if (!parse_secret(&rest, &url))
		return fail(ret_why,
		    "what stands before @ is not USER:PASSWORD or :PASSWORD, "
		    "with %XX for odd bytes");
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
		    buf, size, "%s%s?db=%u", unix_scheme, url->path, url->db);
	else
		snprintf(buf, size, "%s%s%s%s:%u/%u", tcp_scheme, v6 ? "[" : "",
		    url->host, v6 ? "]" : "", url->port, url->db);
	return buf;
}
