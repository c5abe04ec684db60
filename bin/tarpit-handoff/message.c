/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-handoff/message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/attrs.h"

/* The text of an IPv4 or IPv6 address, normalised into BUF. */
static int
parse_address(const struct attr *a, char buf[INET6_ADDRSTRLEN])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	struct in_addr in;

	if (attr_str(a, text, sizeof text) < 0)
		return -EBADMSG;
	if (inet_pton(AF_INET, text, &in) == 1) {
		inet_ntop(AF_INET, &in, buf, INET6_ADDRSTRLEN);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return -EBADMSG;
	/* A v4-mapped address would miss the MTA's rules for IPv4. */
	if (IN6_IS_ADDR_V4MAPPED(&in6))
		inet_ntop(AF_INET, &in6.s6_addr[12], buf, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &in6, buf, INET6_ADDRSTRLEN);
	return 0;
}

static int
parse_port(const struct attr *a, char buf[6])
{
	int64_t port;

	/* 0 is what a proxy says that does not know it. */
	if (attr_int(a, 0, 65535, &port) < 0)
		return -EBADMSG;
	snprintf(buf, 6, "%u", (unsigned)(uint16_t)port);
	return 0;
}

/* A value that was there before would be the one that somebody else
 * checked: refuse to choose. */
static int
parse_attr(const struct attr *a, struct message *m)
{
	const struct {
		const char *name;
		char *member;
		int (*parse)(const struct attr *, char *);
	} known[] = {
		{ "client_address", m->client_address, parse_address },
		{ "client_port", m->client_port, parse_port },
		{ "server_address", m->server_address, parse_address },
		{ "server_port", m->server_port, parse_port },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!attr_is(a, known[i].name))
			continue;
		if (known[i].member[0] != '\0')
			return -EBADMSG;
		return known[i].parse(a, known[i].member);
	}
	return 0;
}

int
message_parse(const char *buf, size_t len, struct message *ret)
{
	struct message m = { 0 };
	const char *pos = buf;
	struct attr a;
	size_t end;
	int r;

	r = attrs_find_end(buf, len, &end);
	if (r == -EAGAIN && len >= MESSAGE_MAX)
		return -EMSGSIZE;
	if (r < 0)
		return r;
	if (end != len)
		return -EBADMSG;
	while ((r = attrs_next(&pos, buf + end, &a)) > 0)
		if (parse_attr(&a, &m) < 0)
			return -EBADMSG;
	if (r < 0)
		return r;
	if (m.client_address[0] == '\0' || m.client_port[0] == '\0' ||
	    m.server_address[0] == '\0' || m.server_port[0] == '\0')
		return -EBADMSG;
	*ret = m;
	return 0;
}
