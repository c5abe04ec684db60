#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The hand-off message: who is connected to whom, as the dispatcher saw it
 * when it accepted the session.  Pure: bytes in, a checked structure out.
 */

#include <netinet/in.h>
#include <stddef.h>

#include "bin/common/util.h"

/* A message is about 100 bytes; the rest is room for attributes that only
 * later versions know. */
enum { MESSAGE_MAX = 4096 };

/* Addresses are in their shortest form, IPv4 not mapped into IPv6. */
struct message {
	char client_address[INET6_ADDRSTRLEN], client_port[6];
	char server_address[INET6_ADDRSTRLEN], server_port[6];
};

/* Reads the message that is BUF[0..LEN).  0 and *RET, or -EAGAIN: more has to
 * come, -EMSGSIZE: none can come any more, -EBADMSG: it is not a hand-off:
 * not name=value, an address or port missing, given twice or wrong, or bytes
 * after the end.  Attributes of other names are ignored. */
int message_parse(const char *buf, size_t len, struct message *ret) MUST_CHECK;
