/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "data/cidr.h"
#include "policy/dnsbl.h"

/* A pattern while it is read: all four numbers. */
struct pattern {
	uint64_t number[4][4];
};

static int
fail(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

static bool
test_bit(const uint64_t set[static 4], uint32_t i)
{
	return set[i / 64] >> i % 64 & 1;
}

static int
parse_number(const char **text, uint32_t *ret, const char **ret_why)
{
	const char *p = *text;
	uint32_t n = 0;

	if (*p < '0' || *p > '9')
		return fail(ret_why,
		    "the filter is not of the form 127.0.0.2-11 or "
		    "127.0.[2;4..20].[1..3]");
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint32_t)(*p - '0');
		if (n > 255)
			return fail(
			    ret_why, "a number of the filter is above 255");
	}
	*text = p;
	*ret = n;
	return 0;
}

/* "2", "2-11" or "2..11", added to SET. */
static int
parse_range(const char **text, uint64_t set[static 4], const char **ret_why)
{
	uint32_t from, to;
	int r = parse_number(text, &from, ret_why);

	if (r < 0)
		return r;
	to = from;
	if (**text == '-' || (**text == '.' && (*text)[1] == '.')) {
		*text += **text == '-' ? 1 : 2;
		r = parse_number(text, &to, ret_why);
		if (r < 0)
			return r;
	}
	if (to < from)
		return fail(ret_why, "a range of the filter goes down");
	for (; from <= to; from++)
		set[from / 64] |= UINT64_C(1) << from % 64;
	return 0;
}

/* One of the four numbers. */
static int
parse_octet(const char **text, uint64_t set[static 4], const char **ret_why)
{
	int r;

	if (**text != '[')
		return parse_range(text, set, ret_why);
	do {
		++*text;
		r = parse_range(text, set, ret_why);
		if (r < 0)
			return r;
	} while (**text == ';' || **text == ',');
	if (**text != ']')
		return fail(ret_why, "a ] is missing in the filter");
	++*text;
	return 0;
}

static bool
is_only(const uint64_t set[static 4], uint32_t i)
{
	uint64_t only[4] = { 0 };

	only[i / 64] = UINT64_C(1) << i % 64;
	return memcmp(set, only, sizeof(only)) == 0;
}

/* Others than listings would never be met. */
static int
check_pattern(const struct pattern *p, const char **ret_why)
{
	if (!is_only(p->number[0], 127))
		return fail(ret_why,
		    "the filter has answers outside 127/8, which no list "
		    "gives");
	if (is_only(p->number[1], 255) && is_only(p->number[2], 255))
		return fail(ret_why,
		    "127.255.255.x are errors of the list, never listings");
	return 0;
}

static int
parse_pattern(
    const char **text, struct dnsbl_pattern *ret, const char **ret_why)
{
	struct pattern p = { 0 };

	for (int i = 0; i < 4; i++) {
		int r;

		if (i > 0 && *(*text)++ != '.')
			return fail(ret_why,
			    "the filter is not of the form 127.0.0.2-11 or "
			    "127.0.[2;4..20].[1..3]");
		r = parse_octet(text, p.number[i], ret_why);
		if (r < 0)
			return r;
	}
	memcpy(ret->number, p.number[1], sizeof(ret->number));
	return check_pattern(&p, ret_why);
}

int
dnsbl_filter_parse(
    const char *text, struct dnsbl_filter *ret, const char **ret_why)
{
	struct dnsbl_filter f = { 0 };

	if (strlen(text) > DNSBL_FILTER_MAX)
		return fail(ret_why, "the filter is longer than 190 bytes");
	while (*text != '\0') {
		int r;

		if (f.n == DNSBL_PATTERNS_MAX)
			return fail(ret_why,
			    "the filter has more than 16 patterns; "
			    "127.0.0.[2;4..11] is one");
		r = parse_pattern(&text, &f.pattern[f.n], ret_why);
		if (r < 0)
			return r;
		f.n++;
		if ((*text == ',' || *text == ';') && text[1] != '\0')
			text++;
		else if (*text != '\0')
			return fail(ret_why,
			    "the filter is not of the form 127.0.0.2-11 or "
			    "127.0.[2;4..20].[1..3], with commas between");
	}
	*ret = f;
	return 0;
}

bool
dnsbl_filter_has(const struct dnsbl_filter *f, uint32_t answer)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct dnsbl_pattern *p = &f->pattern[i];

		if (answer >> 24 == 127 &&
		    test_bit(p->number[0], answer >> 16 & 255) &&
		    test_bit(p->number[1], answer >> 8 & 255) &&
		    test_bit(p->number[2], answer & 255))
			return true;
	}
	return f->n == 0;
}

bool
dnsbl_is_listing(uint32_t answer)
{
	return answer >> 24 == 127 && answer >> 8 != 0x7fffff;
}

const char *
dnsbl_refusal(uint32_t answer)
{
	if (answer >> 8 != 0x7fffff)
		return "what is outside 127/8: the resolver makes up answers, "
		       "or the zone is given up";
	/* As Spamhaus has them, and others after it. */
	switch (answer & 255) {
	case 252:
		return "127.255.255.252: the zone's name is mistyped";
	case 254:
		return "127.255.255.254: it refuses public resolvers; run one "
		       "of your own";
	case 255:
		return "127.255.255.255: it is asked too often from this "
		       "resolver";
	default:
		return "127.255.255.x: it refuses this resolver";
	}
}

void
dnsbl_name(
    const struct in6_addr *addr, const char *zone, char name[DNS_NAME_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = addr->s6_addr;
	size_t n = 0;

	if (cidr_addr_is_v4(addr)) {
		snprintf(name, DNS_NAME_SIZE, "%d.%d.%d.%d.%s", b[15], b[14],
		    b[13], b[12], zone ? zone : "in-addr.arpa");
		return;
	}
	for (size_t i = 16; i-- > 0;) {
		name[n++] = digits[b[i] & 15];
		name[n++] = '.';
		name[n++] = digits[b[i] >> 4];
		name[n++] = '.';
	}
	snprintf(name + n, DNS_NAME_SIZE - n, "%s", zone ? zone : "ip6.arpa");
}
