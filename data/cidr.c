/* SPDX-License-Identifier: ISC */
#include "data/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct in6_addr
map_v4(const struct in_addr *v4)
{
	struct in6_addr addr = { 0 };

	addr.s6_addr[10] = addr.s6_addr[11] = 0xff;
	memcpy(&addr.s6_addr[12], v4, sizeof(*v4));
	return addr;
}

bool
cidr_addr_is_v4(const struct in6_addr *addr)
{
	return IN6_IS_ADDR_V4MAPPED(addr);
}

bool
cidr_is_v4(const struct cidr *cidr)
{
	return cidr->len >= CIDR_V4_BITS && cidr_addr_is_v4(&cidr->addr);
}

/* What inet_pton() takes, no more and no less: lists have millions of them, and
 * it needs a copy with a NUL. */
static bool
parse_v4(const char *text, size_t len, struct in_addr *ret)
{
	uint8_t bytes[4] = { 0 };
	unsigned n = 0, digits = 0, value = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9') {
			/* No leading zero: 010.1 is 8.0.0.1 to some. */
			if (digits > 0 && value == 0)
				return false;
			value = value * 10 + (unsigned)(c - '0');
			if (++digits > 3 || value > 255)
				return false;
			continue;
		}
		if (c != '.' || digits == 0 || n == 3)
			return false;
		bytes[n++] = (uint8_t)value;
		value = digits = 0;
	}
	bytes[n] = (uint8_t)value;
	memcpy(ret, bytes, sizeof(*ret));
	return n == 3 && digits > 0;
}

static int
parse_v6(const char *text, size_t len, struct in6_addr *ret_addr)
{
	char buf[INET6_ADDRSTRLEN];

	if (len >= sizeof(buf) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return inet_pton(AF_INET6, buf, ret_addr) == 1 ? 0 : -EINVAL;
}

/* Not inet_aton(): it takes 010.1 for 8.0.0.1, and what a list means must not
 * depend on the reader. */
int
cidr_parse_addr(const char *text, size_t len, struct in6_addr *ret_addr)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (parse_v4(text, len, &v4))
		*ret_addr = map_v4(&v4);
	else if (parse_v6(text, len, &v6) == 0)
		*ret_addr = v6;
	else
		return -EINVAL;
	return 0;
}

/* A prefix length in [0, MAX] of one to three digits; 0 or -ERANGE. */
static int
parse_len(const char *text, size_t len, unsigned max, unsigned *ret_len)
{
	unsigned value = 0;

	if (len < 1 || len > 3 || (len > 1 && text[0] == '0'))
		return -ERANGE;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -ERANGE;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > max)
		return -ERANGE;
	*ret_len = value;
	return 0;
}

int
cidr_parse(
    const char *text, size_t len, struct cidr *ret_cidr, bool *ret_masked)
{
	const char *slash = memchr(text, '/', len);
	size_t addr_len = slash ? (size_t)(slash - text) : len;
	struct in6_addr addr;
	unsigned bits = CIDR_BITS;
	int r = cidr_parse_addr(text, addr_len, &addr);

	if (r < 0)
		return r;
	if (slash) {
		/* How it was written decides what the length counts from. */
		bool dotted = !memchr(text, ':', addr_len);
		unsigned base = dotted ? CIDR_V4_BITS : 0;

		r = parse_len(
		    slash + 1, len - addr_len - 1, CIDR_BITS - base, &bits);
		if (r < 0)
			return r;
		bits += base;
	}
	*ret_cidr = cidr_mask(&addr, bits);
	*ret_masked = memcmp(&ret_cidr->addr, &addr, sizeof(addr)) != 0;
	return 0;
}

const char *
cidr_format_addr(const struct in6_addr *addr, char *buf)
{
	if (cidr_addr_is_v4(addr))
		inet_ntop(AF_INET, &addr->s6_addr[12], buf, CIDR_STRLEN);
	else
		inet_ntop(AF_INET6, addr, buf, CIDR_STRLEN);
	return buf;
}

const char *
cidr_format(const struct cidr *cidr, char *buf)
{
	bool v4 = cidr_is_v4(cidr);
	size_t len;

	/* Not cidr_format_addr(): ::ffff:0:0/90 is an IPv6 prefix although
	 * its first address is IPv4-mapped. */
	if (v4)
		cidr_format_addr(&cidr->addr, buf);
	else
		inet_ntop(AF_INET6, &cidr->addr, buf, CIDR_STRLEN);
	len = strlen(buf);
	snprintf(buf + len, CIDR_STRLEN - len, "/%u",
	    v4 ? cidr->len - CIDR_V4_BITS : cidr->len);
	return buf;
}

/* The bits of byte I that a prefix of LEN bits fixes. */
static uint8_t
byte_mask(unsigned len, unsigned i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	if (len <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 * (i + 1) - len));
}

struct cidr
cidr_mask(const struct in6_addr *addr, unsigned len)
{
	struct cidr cidr = { *addr, (uint8_t)len };
	unsigned whole = len / 8;

	if (whole < sizeof(*addr)) {
		cidr.addr.s6_addr[whole] &= byte_mask(len, whole);
		memset(&cidr.addr.s6_addr[whole + 1], 0,
		    sizeof(*addr) - whole - 1);
	}
	return cidr;
}

struct in6_addr
cidr_last(const struct cidr *cidr)
{
	struct in6_addr last = cidr->addr;

	for (unsigned i = 0; i < sizeof(last); i++)
		last.s6_addr[i] |= (uint8_t)~byte_mask(cidr->len, i);
	return last;
}

bool
cidr_contains(const struct cidr *cidr, const struct in6_addr *addr)
{
	struct cidr of_addr = cidr_mask(addr, cidr->len);

	return memcmp(&of_addr.addr, &cidr->addr, sizeof(*addr)) == 0;
}

static uint32_t
get_v4(const struct in6_addr *addr)
{
	uint32_t v4;

	memcpy(&v4, &addr->s6_addr[12], sizeof(v4));
	return ntohl(v4);
}

/* The same of an IPv4 range: most ranges are. */
static bool
take_v4_range(
    struct in6_addr *first, const struct in6_addr *last, struct cidr *ret_cidr)
{
	uint32_t from = get_v4(first), to = get_v4(last), size = to - from;
	unsigned host_bits = from ? (unsigned)__builtin_ctz(from) : 32;
	uint32_t next;

	/* As many bits as the range is long: SIZE + 1 addresses. */
	while (host_bits > 0 && ((UINT64_C(1) << host_bits) - 1) > size)
		host_bits--;
	ret_cidr->addr = *first;
	ret_cidr->len = (uint8_t)(CIDR_BITS - host_bits);
	if (((UINT64_C(1) << host_bits) - 1) == size)
		return false;
	next = htonl(from + (UINT32_C(1) << host_bits));
	memcpy(&first->s6_addr[12], &next, sizeof(next));
	return true;
}

bool
cidr_take_range(
    struct in6_addr *first, const struct in6_addr *last, struct cidr *ret_cidr)
{
	unsigned len = 0;
	struct in6_addr end;

	if (cidr_addr_is_v4(first))
		return take_v4_range(first, last, ret_cidr);
	/* The first length, from the widest, that fits at both ends; a single
	 * address always does. */
	for (;; len++) {
		*ret_cidr = cidr_mask(first, len);
		end = cidr_last(ret_cidr);
		if (memcmp(&ret_cidr->addr, first, sizeof(*first)) == 0 &&
		    memcmp(&end, last, sizeof(end)) <= 0)
			break;
	}
	if (memcmp(&end, last, sizeof(end)) == 0)
		return false;
	for (size_t i = sizeof(end); i-- > 0;)
		if (++end.s6_addr[i] != 0)
			break;
	*first = end;
	return true;
}

int
cidr_compare(const struct cidr *a, const struct cidr *b)
{
	int order = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	return order != 0 ? order : (int)a->len - (int)b->len;
}

bool
cidr_addr_next(struct in6_addr *addr)
{
	for (size_t i = sizeof(*addr); i-- > 0;)
		if (++addr->s6_addr[i] != 0)
			return true;
	return false;
}

struct in6_addr
cidr_addr_before(struct in6_addr addr)
{
	for (size_t i = sizeof(addr); i-- > 0;)
		if (addr.s6_addr[i]-- != 0)
			break;
	return addr;
}
