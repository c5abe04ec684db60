#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The PROXY protocol, versions 1 and 2: the line or block that a proxy sends
 * ahead of what its client says, to tell who that is.  Pure: bytes in, addresses
 * out, and back.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <sys/types.h>

#include "bin/common/util.h"

enum {
	/* A header takes no more.  Version 1 has 107 bytes at most; senders of
	 * version 2 keep to 536, addresses and all (section 2.2). */
	PROXY_HEADER_MAX = 1024,
	/* Of those that we make: version 2, no TLVs. */
	PROXY_PRINT_MAX = 16 + 36,
};

enum proxy_subject {
	PROXY_CLIENT,  /* of whom the addresses are */
	PROXY_LOCAL,   /* nobody: the proxy looks whether we are well */
	PROXY_UNKNOWN, /* somebody whose addresses cannot be told */
};

/* Addresses as everywhere: IPv4 as ::ffff:a.b.c.d.  They and the ports (host
 * order) are set for PROXY_CLIENT; of PROXY_UNKNOWN the client is 0.0.0.0. */
struct proxy_header {
	enum proxy_subject subject;
	struct in6_addr client, server;
	in_port_t client_port, server_port;
};

/* Reads the header at the beginning of DATA.  Its length; or -EAGAIN: it may be
 * the beginning of one; -EBADMSG: it is none; -EMSGSIZE: one that is larger
 * than PROXY_HEADER_MAX.  TLVs are skipped unread, the checksum among them:
 * TCP has one of its own. */
ssize_t proxy_parse(
    const char *data, size_t len, struct proxy_header *ret) MUST_CHECK;

/* Writes a header of version 2 for CLIENT or LOCAL into BUF (PROXY_PRINT_MAX
 * bytes); its length. */
size_t proxy_print(const struct proxy_header *, char *buf);
