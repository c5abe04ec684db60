/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "data/cidr.h"
#include "policy/dnsbl.h"

/* A decimal number of at most MAX, and what follows it. */
static int
parse_number(const char **text, uint32_t max, uint32_t *ret)
{
	const char *p = *text;
	uint32_t n = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint32_t)(*p - '0');
		if (n > max)
			return -EINVAL;
	}
	*text = p;
	*ret = n;
	return 0;
}

static int
parse_range(const char **text, struct dnsbl_range *ret)
{
	uint32_t addr = 0, n, last;

	for (int i = 0; i < 4; i++) {
		if (i > 0 && *(*text)++ != '.')
			return -EINVAL;
		if (parse_number(text, 255, &n) < 0)
			return -EINVAL;
		addr = addr << 8 | n;
	}
	ret->from = ret->to = addr;
	if (**text != '-')
		return 0;
	++*text;
	if (parse_number(text, 255, &last) < 0 || last < (addr & 255))
		return -EINVAL;
	ret->to = (addr & ~UINT32_C(255)) | last;
	return 0;
}

int
dnsbl_filter_parse(const char *text, struct dnsbl_filter *ret)
{
	struct dnsbl_filter f = { 0 };

	while (*text != '\0') {
		if (f.n == DNSBL_RANGES_MAX ||
		    parse_range(&text, &f.range[f.n]) < 0 ||
		    !dnsbl_is_listing(f.range[f.n].from) ||
		    !dnsbl_is_listing(f.range[f.n].to))
			return -EINVAL;
		f.n++;
		if (*text == ',' && text[1] != '\0')
			text++;
		else if (*text != '\0')
			return -EINVAL;
	}
	*ret = f;
	return 0;
}

bool
dnsbl_filter_has(const struct dnsbl_filter *f, uint32_t answer)
{
	for (size_t i = 0; i < f->n; i++) {
		if (answer >= f->range[i].from && answer <= f->range[i].to)
			return true;
	}
	return f->n == 0;
}

bool
dnsbl_is_listing(uint32_t answer)
{
	return answer >> 24 == 127 && answer >> 8 != 0x7fffff;
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
