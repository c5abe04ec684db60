/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "bin/common/decimal.h"

enum {
	V1_MAX = 107, /* its CRLF included */
	V2_FIXED = 16,
	V2_LOCAL = 0x20, /* version and command */
	V2_PROXY = 0x21,
	/* Family and transport. */
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_FAMILY_MAX = 3, /* unspecified, IPv4, IPv6, unix */
	V2_TRANSPORT_MAX = 2,
	V2_TCP4_SIZE = 12,
	V2_TCP6_SIZE = 36,
};

static const char v1_signature[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum {
	V1_SIGNATURE = sizeof(v1_signature) - 1,
	V2_SIGNATURE = sizeof(v2_signature) - 1,
};

static void
map_v4(struct in6_addr *ret, const void *v4)
{
	memset(ret, 0, sizeof(*ret));
	memset(ret->s6_addr + 10, 0xff, 2);
	memcpy(ret->s6_addr + 12, v4, 4);
}

/* 0.0.0.0 is nobody's address, and in nobody's list of those that are trusted. */
static void
set_unknown(struct proxy_header *h)
{
	static const uint8_t nobody[4];

	h->subject = PROXY_UNKNOWN;
	map_v4(&h->client, nobody);
	h->client_port = 0;
}

/* The word at *POS, up to a blank or END; NULL if it is none, or too long. */
static const char *
next_word(const char **pos, const char *end, char *buf, size_t size)
{
	const char *blank = memchr(*pos, ' ', (size_t)(end - *pos));
	size_t len = (size_t)((blank != NULL ? blank : end) - *pos);

	if (len == 0 || len >= size || memchr(*pos, '\0', len) != NULL)
		return NULL;
	memcpy(buf, *pos, len);
	buf[len] = '\0';
	*pos = blank != NULL ? blank + 1 : end;
	return buf;
}

/* Of either family, whatever the line began with.  An nginx with an IPv6 client
 * and an IPv4 upstream says TCP6 and gives the one's address as the source and
 * the other's as the destination. */
static bool
parse_v1_address(const char **pos, const char *end, struct in6_addr *ret)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (next_word(pos, end, text, sizeof(text)) == NULL)
		return false;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return inet_pton(AF_INET6, text, ret) == 1;
	map_v4(ret, &v4);
	return true;
}

static bool
parse_v1_port(const char **pos, const char *end, in_port_t *ret)
{
	char text[sizeof("65535")];
	int64_t n;

	if (next_word(pos, end, text, sizeof(text)) == NULL ||
	    (text[0] == '0' && text[1] != '\0') ||
	    decimal_parse(text, strlen(text), 0, 65535, &n) < 0)
		return false;
	*ret = (in_port_t)n;
	return true;
}

/* "TCP4 192.0.2.1 198.51.100.1 40000 25", all between "PROXY " and CRLF. */
static bool
parse_v1_line(const char *pos, const char *end, struct proxy_header *h)
{
	char text[sizeof("UNKNOWN")];

	if (next_word(&pos, end, text, sizeof(text)) == NULL)
		return false;
	if (strcmp(text, "UNKNOWN") == 0) {
		/* What follows is to be ignored. */
		set_unknown(h);
		return true;
	}
	if (strcmp(text, "TCP4") != 0 && strcmp(text, "TCP6") != 0)
		return false;
	h->subject = PROXY_CLIENT;
	return parse_v1_address(&pos, end, &h->client) &&
	    parse_v1_address(&pos, end, &h->server) &&
	    parse_v1_port(&pos, end, &h->client_port) &&
	    parse_v1_port(&pos, end, &h->server_port) && pos == end &&
	    end[-1] != ' ';
}

static ssize_t
parse_v1(const char *data, size_t len, struct proxy_header *h)
{
	size_t looked = len < V1_MAX ? len : V1_MAX;
	const char *cr = memchr(data, '\r', looked);

	if (cr == NULL || cr + 1 == data + len)
		return looked < V1_MAX ? -EAGAIN : -EBADMSG;
	if (cr + 1 == data + V1_MAX || cr[1] != '\n' ||
	    !parse_v1_line(data + V1_SIGNATURE, cr, h))
		return -EBADMSG;
	return cr + 2 - data;
}

static in_port_t
read_port(const char *p)
{
	in_port_t port;

	memcpy(&port, p, sizeof(port));
	return ntohs(port);
}

/* The SIZE bytes behind the fixed part.  What stands behind the addresses are
 * TLVs. */
static bool
parse_v2_addresses(int kind, const char *p, size_t size, struct proxy_header *h)
{
	set_unknown(h);
	if (kind == V2_TCP4) {
		if (size < V2_TCP4_SIZE)
			return false;
		map_v4(&h->client, p);
		map_v4(&h->server, p + 4);
		p += 8;
	} else if (kind == V2_TCP6) {
		if (size < V2_TCP6_SIZE)
			return false;
		memcpy(&h->client, p, 16);
		memcpy(&h->server, p + 16, 16);
		p += 32;
	} else {
		/* Unix sockets, datagrams, nothing specified; the values that
		 * have no meaning "must be rejected" (section 2.2). */
		return kind >> 4 <= V2_FAMILY_MAX &&
		    (kind & 15) <= V2_TRANSPORT_MAX;
	}
	h->client_port = read_port(p);
	h->server_port = read_port(p + 2);
	h->subject = PROXY_CLIENT;
	return true;
}

static ssize_t
parse_v2(const char *data, size_t len, struct proxy_header *h)
{
	const uint8_t *byte = (const uint8_t *)data;
	size_t size;

	if (len > V2_SIGNATURE && byte[12] != V2_LOCAL && byte[12] != V2_PROXY)
		return -EBADMSG;
	if (len < V2_FIXED)
		return -EAGAIN;
	size = (size_t)(byte[14] << 8 | byte[15]);
	if (V2_FIXED + size > PROXY_HEADER_MAX)
		return -EMSGSIZE;
	if (len < V2_FIXED + size)
		return -EAGAIN;
	if (byte[12] == V2_LOCAL)
		h->subject = PROXY_LOCAL;
	else if (!parse_v2_addresses(byte[13], data + V2_FIXED, size, h))
		return -EBADMSG;
	return (ssize_t)(V2_FIXED + size);
}

/* 1: DATA begins so, 0: it may yet, -1: it does not. */
static int
begins(const char *data, size_t len, const char *signature, size_t size)
{
	if (memcmp(data, signature, len < size ? len : size) != 0)
		return -1;
	return len >= size;
}

ssize_t
proxy_parse(const char *data, size_t len, struct proxy_header *ret)
{
	int v1 = begins(data, len, v1_signature, V1_SIGNATURE);
	int v2 = begins(data, len, v2_signature, V2_SIGNATURE);
	struct proxy_header h = { 0 };
	ssize_t n = v1 == 0 || v2 == 0 ? -EAGAIN : -EBADMSG;

	if (v1 > 0)
		n = parse_v1(data, len, &h);
	else if (v2 > 0)
		n = parse_v2(data, len, &h);
	if (n >= 0)
		*ret = h;
	return n;
}

static size_t
put_port(char *p, in_port_t port)
{
	port = htons(port);
	memcpy(p, &port, sizeof(port));
	return sizeof(port);
}

/* The receiver tells IPv4 by the family, so addresses are not left mapped
 * unless they are of different families. */
static size_t
print_addresses(const struct proxy_header *h, bool v4, char *p)
{
	const size_t skip = v4 ? 12 : 0, size = 16 - skip;

	memcpy(p, h->client.s6_addr + skip, size);
	memcpy(p + size, h->server.s6_addr + skip, size);
	p += 2 * size;
	p += put_port(p, h->client_port);
	(void)put_port(p, h->server_port);
	return 2 * (size + sizeof(in_port_t));
}

size_t
proxy_print(const struct proxy_header *h, char *buf)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(&h->client) &&
	    IN6_IS_ADDR_V4MAPPED(&h->server);
	size_t size = 0;

	memset(buf, 0, V2_FIXED);
	memcpy(buf, v2_signature, V2_SIGNATURE);
	buf[12] = V2_LOCAL;
	if (h->subject == PROXY_CLIENT) {
		buf[12] = V2_PROXY;
		buf[13] = v4 ? V2_TCP4 : V2_TCP6;
		size = print_addresses(h, v4, buf + V2_FIXED);
	}
	buf[15] = (char)size;
	return V2_FIXED + size;
}
