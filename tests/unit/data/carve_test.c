/* SPDX-License-Identifier: ISC */
#include "data/carve.h"

#include "tests/helpers/check.h"

enum { MANY = 40 };

static struct cdbfile_prefix
prefix(const char *text, bool is_out)
{
	struct cdbfile_prefix p = { .list = is_out };
	bool masked;

	CHECK_INT(cidr_parse(text, strlen(text), &p.cidr, &masked), 0);
	return p;
}

static int
by_cidr(const void *a, const void *b)
{
	const struct cdbfile_prefix *pa = a, *pb = b;

	return cidr_compare(&pa->cidr, &pb->cidr);
}

/* TEXT is networks, "!" before what is taken out; EXPECTED what is left, in
 * ascending order. */
static void
check_carved(const char *text, bool is_ordered, const char *expected)
{
	struct cdbfile_prefix in[MANY], *out = NULL;
	char copy[512], seen[1024] = "", buf[CIDR_STRLEN], *save;
	size_t n = 0, n_out = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		in[n++] = prefix(w + (*w == '!'), *w == '!');
	CHECK_INT(carve(in, n, is_ordered, &out, &n_out), 0);
	if (n_out > 0)
		qsort(out, n_out, sizeof(*out), by_cidr);
	for (size_t i = 0; i < n_out; i++) {
		size_t len = strlen(seen);

		CHECK_INT(out[i].list, 0);
		snprintf(seen + len, sizeof(seen) - len, "%s%s", i ? " " : "",
		    cidr_format(&out[i].cidr, buf));
	}
	CHECK_STR(seen, expected);
	free(out);
}

static void
leaves_alone_what_nothing_is_taken_from(void)
{
	check_carved("192.0.2.0/24 192.0.2.0/25 !198.51.100.0/24", false,
	    "192.0.2.0/24 192.0.2.0/25");
	check_carved("", false, "");
	check_carved("!0.0.0.0/0 !::/0", true, "");
}

static void
takes_out_by_length(void)
{
	check_carved("192.0.2.0/24 !192.0.2.0/26 192.0.2.7", false,
	    "192.0.2.7/32 192.0.2.64/26 192.0.2.128/25");
	check_carved("!192.0.2.0/24 192.0.2.0/24", false, "");
	check_carved("!0.0.0.0/0 192.0.2.1", false, "192.0.2.1/32");
}

static void
takes_out_by_order(void)
{
	check_carved("!192.0.2.0/25 192.0.2.0/24", true, "192.0.2.128/25");
	check_carved("192.0.2.0/24 !192.0.2.0/25", true, "192.0.2.0/24");
	check_carved("!192.0.2.0/24 192.0.2.7", true, "");
	check_carved("192.0.2.7 !192.0.2.0/24", true, "192.0.2.7/32");
	check_carved("192.0.2.7 !192.0.2.0/29 192.0.2.0/28", true,
	    "192.0.2.7/32 192.0.2.8/29");
}

static void
keeps_families_apart(void)
{
	check_carved("!::/0 192.0.2.1 2001:db8::1", true, "192.0.2.1/32");
	check_carved("2001:db8::/126 !2001:db8::1", false,
	    "2001:db8::/128 2001:db8::2/127");
	check_carved("::/0 !8000::/1", false, "::/1");
	check_carved(
	    "255.255.255.254/31 !255.255.255.255", false, "255.255.255.254/32");
}

/* Who decides of ADDR, as the manual says it. */
static bool
is_in(const struct cdbfile_prefix *p, size_t n, bool is_ordered,
    const struct in6_addr *addr)
{
	const struct cdbfile_prefix *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!cidr_contains(&p[i].cidr, addr))
			continue;
		if (best && is_ordered)
			continue;
		if (!best || p[i].cidr.len > best->cidr.len ||
		    (p[i].cidr.len == best->cidr.len && p[i].list))
			best = &p[i];
	}
	return best && !best->list;
}

static void
agrees_with_a_simple_search(void)
{
	unsigned state = 7;

	for (int round = 0; round < 500; round++) {
		struct cdbfile_prefix in[MANY], *out = NULL;
		struct in6_addr base = prefix("192.0.2.0", false).cidr.addr;
		size_t n_out = 0;

		for (size_t i = 0; i < MANY; i++) {
			state = state * 1103515245 + 12345;
			base.s6_addr[15] = (uint8_t)(state >> 16);
			in[i] = (struct cdbfile_prefix){
				.cidr =
				    cidr_mask(&base, 120 + (state >> 24) % 9),
				.list = state >> 28 & 1,
			};
		}
		CHECK_INT(carve(in, MANY, round % 2, &out, &n_out), 0);
		for (int last = 0; last < 256; last++) {
			bool found = false;

			base.s6_addr[15] = (uint8_t)last;
			for (size_t i = 0; i < n_out; i++)
				found |= cidr_contains(&out[i].cidr, &base);
			CHECK_INT(found, is_in(in, MANY, round % 2, &base));
		}
		free(out);
	}
}

static const struct check_case cases[] = {
	CASE(leaves_alone_what_nothing_is_taken_from),
	CASE(takes_out_by_length),
	CASE(takes_out_by_order),
	CASE(keeps_families_apart),
	CASE(agrees_with_a_simple_search),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
