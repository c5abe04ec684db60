/* SPDX-License-Identifier: ISC */
/* SPF records of strangers: one a line, which the names that they lead to have
 * in turn.  What comes out is networks, one a line, and bounded look-ups. */
#include "bin/tarpit-lists/spf.h"

#include <errno.h>

#include "bin/tarpit-lists/resolve.h"
#include "data/cidr.h"
#include "tests/helpers/fuzz.h"

/* In place of the DNS. */
struct resolver {
	char *next; /* line */
	unsigned questions;
};

static char *
next_line(struct resolver *r)
{
	char *line = strsep(&r->next, "\n");

	r->questions++;
	return line;
}

int
resolver_txt(struct resolver *r, const char *name, const char *prefix,
    int (*on_answer)(void *arg, const char *text), void *arg)
{
	const char *line = next_line(r);

	REQUIRE(strlen(name) < 254);
	REQUIRE(strcmp(prefix, "v=spf1") == 0);
	return line && strlen(line) <= RESOLVE_TEXT_MAX ? on_answer(arg, line)
							: -ENOENT;
}

int
resolver_mx(struct resolver *r, const char *name,
    int (*on_answer)(void *arg, const char *host), void *arg)
{
	(void)name;
	r->questions++;
	for (int i = 0; i < 12; i++) {
		int error = on_answer(arg, "mx.example.org");

		if (error < 0)
			return error;
	}
	return 0;
}

int
resolver_addresses(struct resolver *r, const char *name,
    int (*on_answer)(void *arg, const struct in6_addr *), void *arg)
{
	struct in6_addr addr = { .s6_addr = { 0x20, 1, 0xd, 0xb8 } };

	r->questions++;
	if (strlen(name) % 2)
		return -ENOENT;
	return on_answer(arg, &addr);
}

static void
check_text(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) && *line) {
		struct cidr cidr;
		bool masked;

		REQUIRE(cidr_parse(line, strlen(line), &cidr, &masked) == 0);
		REQUIRE(!masked);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *lines = strndup((const char *)data, size);
	struct resolver r = { .next = lines };
	AUTO_FREE char *text = NULL;
	char why[300] = "";
	size_t len;

	if (spf_collect(&r, "example.org", &text, &len, why, sizeof(why)) < 0)
		REQUIRE(why[0] != '\0');
	else
		check_text(text);
	/* Eleven records, ten terms, and the hosts of each MX. */
	REQUIRE(r.questions <= 1 + SPF_LOOKUPS_MAX * (1 + SPF_MX_MAX + 1));
	return 0;
}
