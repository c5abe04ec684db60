/* SPDX-License-Identifier: ISC */
/* What is offered to a client, and what an MTA offers. */
#include <stdio.h>

#include "bin/common/decimal.h"
#include "bin/common/util.h"
#include "bin/tarpitd/esmtp.h"
#include "bin/tarpitd/token.h"

static const struct {
	const char *keyword;
	uint8_t offer;
} extensions[] = {
	{ "PIPELINING", ESMTP_PIPELINING },
	{ "8BITMIME", ESMTP_8BITMIME },
	{ "ENHANCEDSTATUSCODES", ESMTP_ENHANCED },
	{ "DSN", ESMTP_DSN },
	{ "SMTPUTF8", ESMTP_UTF8 },
	{ "CHUNKING", ESMTP_CHUNKING },
	{ "STARTTLS", ESMTP_STARTTLS },
};

size_t
esmtp_print_hello(const struct esmtp *e, const struct esmtp_limits *limits,
    const char *host_name, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "250-%s\r\n", host_name);
	size_t last = 0; /* where the last line begins */

	for (size_t i = 0;
	     i < ARRAY_SIZE(extensions) && (e->memory & ESMTP_SAID_EHLO) != 0;
	     i++) {
		if ((limits->offers & extensions[i].offer) == 0)
			continue;
		last = n;
		n += (size_t)snprintf(
		    buf + n, size - n, "250-%s\r\n", extensions[i].keyword);
	}
	/* RFC 1870, 3: SIZE 0 says that there is no fixed limit.  A client
	 * bounces by itself what is larger, so it is the MTA's and not ours. */
	if ((e->memory & ESMTP_SAID_EHLO) != 0 &&
	    (limits->offers & ESMTP_SIZE) != 0) {
		last = n;
		n += (size_t)snprintf(buf + n, size - n, "250-SIZE %llu\r\n",
		    (unsigned long long)limits->size);
	}
	buf[last + strlen("250")] = ' ';
	return n;
}

void
esmtp_learn(struct esmtp_limits *limits, const char *keyword, size_t len)
{
	const char *pos = keyword, *end = keyword + len;
	const char *word;
	size_t word_len;
	int64_t n;

	if (!token_next(&pos, end, &word, &word_len))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++)
		if (token_is(word, word_len, extensions[i].keyword))
			limits->offers |= extensions[i].offer;
	if (!token_is(word, word_len, "SIZE"))
		return;
	limits->offers |= ESMTP_SIZE;
	if (token_next(&pos, end, &word, &word_len) &&
	    decimal_parse(word, word_len, 1, INT64_MAX, &n) == 0)
		limits->size = (uint64_t)n;
}
