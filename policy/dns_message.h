#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * DNS answers (RFC 1035): the addresses or names that a response holds, and for
 * how long.  Pure: bytes in.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28 };

enum dns_status {
	DNS_FOUND,
	DNS_NOTHING, /* no such name, or none of this type */
	DNS_FAILED,  /* no resolver gave an answer that says either */
};

enum {
	/* What is more is left out, which `more` says. */
	DNS_ADDRESSES_MAX = 128,
	DNS_NAMES_MAX = 10,
	DNS_TEXT_MAX = 253, /* a name in text, RFC 1035 3.1 */
	DNS_TTL_MAX = 86400,
	DNS_TTL_NEGATIVE_MAX = 3600,
	DNS_TTL_FAILED = 10,
};

struct dns_answer {
	enum dns_status status;
	uint32_t ttl; /* seconds */
	bool more;    /* than these; nothing can be said of the others */
	size_t n;     /* addresses or names */
	union {
		struct in6_addr address[DNS_ADDRESSES_MAX]; /* IPv4 mapped */
		/* Lower case, letters, digits and -._ only: others '?'. */
		char name[DNS_NAMES_MAX][DNS_TEXT_MAX + 1];
	};
};

/* Reads a response to a question for TYPE.  0, or -EBADMSG. */
int dns_message_read(const uint8_t *message, size_t len, enum dns_type type,
    struct dns_answer *ret) MUST_CHECK;
