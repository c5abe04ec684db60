/* SPDX-License-Identifier: ISC */
/*
 * Zone files of rbldnsd: ip4set, ip4trie, ip4tset, ip6tset, ip6trie.
 *
 *	$SOA 3000 ns.example.org admin.example.org 0 600 300 86400 300
 *	:127.0.0.2:listed, see https://example.org/$
 *	192.0.2.0/24
 *	!192.0.2.7
 *	192.0.2.1-9  :127.0.0.3:another text
 *	198.51.100
 *
 * Of the entries that have an address the longest prefix counts, as in ip4trie;
 * an exclusion as long as an entry wins.
 */
#include <errno.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "data/listparse.h"

/* One to four octets "192.0.2"; how many, or 0. */
static unsigned
parse_octets(struct slice s, uint8_t octets[4])
{
	unsigned n = 0;

	while (n < 4) {
		const char *dot = memchr(s.at, '.', s.len);
		size_t len = dot ? (size_t)(dot - s.at) : s.len;
		int64_t value;

		if (len > 3 || decimal_parse(s.at, len, 0, 255, &value) < 0)
			return 0;
		octets[n++] = (uint8_t)value;
		if (!dot)
			return n;
		s.at += len + 1;
		s.len -= len + 1;
	}
	return 0;
}

static struct in6_addr
to_addr(const uint8_t octets[4])
{
	struct in6_addr addr = { .s6_addr = { [10] = 0xff, 0xff } };

	memcpy(&addr.s6_addr[12], octets, 4);
	return addr;
}

/* "2001:db8", without "::". */
static int
parse_groups(struct slice s, struct cidr *ret)
{
	char buf[INET6_ADDRSTRLEN];
	size_t groups = 1;
	bool masked;

	if (s.len == 0 || s.len > 36 || memmem(s.at, s.len, "::", 2))
		return -EINVAL;
	memcpy(buf, s.at, s.len);
	for (size_t i = 0; i < s.len; i++)
		groups += s.at[i] == ':';
	memcpy(buf + s.len, "::", 3);
	if (groups > 7 || cidr_parse(buf, s.len + 2, ret, &masked) < 0)
		return -EINVAL;
	*ret = cidr_mask(&ret->addr, (unsigned)groups * 16);
	return 0;
}

int
list_parse_short(struct slice s, struct cidr *ret)
{
	uint8_t octets[4] = { 0 };
	struct in6_addr addr;
	unsigned n;

	if (s.len > 1 && (s.at[s.len - 1] == '.' || s.at[s.len - 1] == ':') &&
	    s.at[s.len - 2] != ':')
		s.len--;
	if (memchr(s.at, ':', s.len))
		return parse_groups(s, ret);
	n = parse_octets(s, octets);
	if (n == 0)
		return -EINVAL;
	addr = to_addr(octets);
	*ret = cidr_mask(&addr, CIDR_V4_BITS + 8 * n);
	return 0;
}

/* "192.0.2.1-9", "192.0.2-3": the last octets of what is before the dash are
 * replaced. */
static bool
parse_short_range(struct slice s, struct in6_addr *first, struct in6_addr *last)
{
	const char *dash = memchr(s.at, '-', s.len);
	struct slice from = s, to = s;
	uint8_t a[4] = { 0 }, b[4];
	unsigned n, m;

	if (!dash)
		return false;
	from.len = (size_t)(dash - s.at);
	to.at = dash + 1;
	to.len = s.len - from.len - 1;
	from = list_trim(from);
	to = list_trim(to);
	if (cidr_parse_addr(from.at, from.len, first) == 0 &&
	    cidr_parse_addr(to.at, to.len, last) == 0)
		return true;
	n = parse_octets(from, a);
	m = parse_octets(to, b);
	if (n == 0 || m == 0 || m > n)
		return false;
	*first = to_addr(a);
	memmove(b + n - m, b, m);
	memcpy(b, a, n - m);
	memset(b + n, 255, 4 - n);
	*last = to_addr(b);
	return true;
}

/* "127/8": fewer octets than four, and a length. */
static bool
parse_short_prefix(struct slice s, struct cidr *ret)
{
	const char *slash = memchr(s.at, '/', s.len);
	uint8_t octets[4] = { 0 };
	struct in6_addr addr;
	int64_t len;

	if (!slash)
		return list_parse_short(s, ret) == 0;
	if (decimal_parse(slash + 1, s.len - (size_t)(slash - s.at) - 1, 0, 32,
		&len) < 0 ||
	    parse_octets(
		(struct slice){ s.at, (size_t)(slash - s.at) }, octets) == 0)
		return false;
	addr = to_addr(octets);
	*ret = cidr_mask(&addr, CIDR_V4_BITS + (unsigned)len);
	return true;
}

/*
 * Lines
 */

/* What an entry line has: "[!]network[:value or text]". */
struct line {
	struct slice network;
	bool is_excluded;
	bool has_value; /* one that begins with a colon */
};

static struct line
take_apart(struct slice s)
{
	struct line line = { 0 };
	const char *colon, *dot;

	s = list_trim(s);
	if (s.len > 0 && s.at[0] == '!') {
		line.is_excluded = true;
		s = list_trim((struct slice){ s.at + 1, s.len - 1 });
	}
	line.network = list_first_word(s);
	for (size_t i = 0; i < line.network.len; i++)
		if (line.network.at[i] == '#' || line.network.at[i] == ';')
			line.network.len = i;
	/* "192.0.2.1:127.0.0.2:text", which no IPv6 address looks like. */
	colon = memchr(line.network.at, ':', line.network.len);
	dot = colon
	    ? memchr(line.network.at, '.', (size_t)(colon - line.network.at))
	    : NULL;
	if (dot)
		line.network.len = (size_t)(colon - line.network.at);
	s = list_rest(s, line.network);
	line.has_value = s.len > 0 && s.at[0] == ':';
	return line;
}

/* "$SOA" and the like; "$DATASET ip4set:name ..." says what follows, and the
 * name may be missing. */
static int
parse_directive(struct parser *p, struct slice line)
{
	static const char *const types[] = { "ip4set", "ip4trie", "ip4tset",
		"ip6trie", "ip6tset" };
	struct slice word = list_first_word(line), type;
	const char *colon;

	if (!list_is(word, "$DATASET"))
		return 0;
	type = list_first_word(list_rest(line, word));
	colon = memchr(type.at, ':', type.len);
	if (colon)
		type.len = (size_t)(colon - type.at);
	p->is_foreign_set = true;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (list_is(type, types[i]))
			p->is_foreign_set = false;
	return 0;
}

/* ":127.0.0.2:text" or ":2:text" for all entries that follow; not "::1". */
static bool
is_default_value(struct slice line)
{
	return line.at[0] == ':' && !list_begins(line, "::") &&
	    memchr(line.at + 1, ':', line.len - 1);
}

static int
parse_rbldnsd_line(struct parser *p, struct slice text)
{
	struct slice none = { text.at, 0 };
	struct in6_addr first, last;
	struct list_entry entry = { 0 };
	struct line line;
	UNINITIALIZED struct quote q;
	bool masked;
	int r = -EINVAL;

	if (list_is_comment(text))
		return 0;
	text = list_trim(text);
	if (text.at[0] == '$')
		return parse_directive(p, text);
	if (p->is_foreign_set) {
		list_note_foreign(p);
		return 0;
	}
	if (is_default_value(text))
		return 0;
	line = take_apart(text);
	if (cidr_parse(
		line.network.at, line.network.len, &entry.cidr, &masked) == 0)
		return list_put_cidr(
		    p, &entry.cidr, masked, none, line.is_excluded);
	entry.is_excluded = line.is_excluded;
	if (parse_short_range(line.network, &first, &last))
		r = list_put_range(p, first, last, none, line.is_excluded);
	else if (parse_short_prefix(line.network, &entry.cidr))
		r = list_put(p, &entry, none);
	if (r == -EINVAL)
		return list_bad_line(p, "\"%s\" is no network or range",
		    list_quote(line.network, &q));
	return r;
}

/* Networks cut short alone say too little: "1.2.3" may be a mistake. */
static unsigned
rbldnsd_fits(struct slice text)
{
	struct in6_addr first, last;
	struct line line;
	struct cidr cidr;

	text = list_trim(text);
	if (text.at[0] == '$')
		return 3;
	if (is_default_value(text))
		return 2;
	line = take_apart(text);
	if (list_rest(text, line.network).len > 0 && !line.has_value &&
	    list_rest(text, line.network).at[0] != '#')
		return 0;
	if (list_is_networks(line.network) ||
	    parse_short_range(line.network, &first, &last))
		return 1;
	return (line.is_excluded || line.has_value) &&
	    parse_short_prefix(line.network, &cidr);
}

const struct format list_format_rbldnsd = {
	.name = "rbldnsd",
	.parse_line = parse_rbldnsd_line,
	.fits = rbldnsd_fits,
	.has_long_lines = true,
};
