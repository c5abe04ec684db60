/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/party.h"

#include <arpa/inet.h>

#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"

static struct parties parties;

static struct in6_addr
address(const char *text)
{
	struct in6_addr addr;

	CHECK_INT(inet_pton(AF_INET6, text, &addr), 1);
	return addr;
}

static struct party *
get(const char *text)
{
	struct in6_addr addr = address(text);
	struct party *p = party_get(&parties, &addr);

	CHECK(p != NULL);
	return p;
}

static struct party *
find(const char *text)
{
	struct in6_addr addr = address(text);

	return party_find(&parties, &addr);
}

static void
hosts_and_networks_are_told_apart(void)
{
	struct party *a, *b, *c, *d, *e;

	parties.size = sizeof(struct party);
	a = get("::ffff:192.0.2.1");
	b = get("::ffff:192.0.2.2");
	c = get("::ffff:192.0.3.1");
	CHECK(a != b && b != c);
	CHECK(a->network == b->network && c->network != a->network);
	CHECK(a->network->network == NULL);
	CHECK_INT(a->bits, 128);
	CHECK_INT(a->network->bits, 120);
	CHECK_INT(parties.n, 5);
	d = get("2001:db8:1:2::1");
	e = get("2001:db8:1:2:ffff::2");
	CHECK(d == e);
	CHECK_INT(d->bits, 64);
	CHECK_INT(d->network->bits, 48);
	CHECK(get("2001:db8:1:3::1") != d);
	CHECK(find("2001:db8:1:3::1")->network == d->network);
	CHECK(get("2001:db8:2:2::1")->network != d->network);
	/* 192.0.2.1 as a /128 is not the network of the same bytes. */
	CHECK(find("::ffff:192.0.2.0") == NULL);
	parties_fini(&parties);
	CHECK_INT(parties.n, 0);
	CHECK(find("::ffff:192.0.2.1") == NULL);
}

static void
gone_with_the_last_reference(void)
{
	struct party *a, *b;
	long live = memory_live;

	parties.size = sizeof(struct party);
	a = get("::ffff:192.0.2.1");
	CHECK(get("::ffff:192.0.2.1") == a);
	CHECK(party_ref(a) == a);
	b = get("::ffff:192.0.2.2");
	party_use(a, 10);
	party_use(b, 5);
	CHECK_INT(a->used, 10);
	CHECK_INT(a->network->used, 15);
	party_use(b, -5);
	CHECK_INT(b->used, 0);
	CHECK_INT(a->network->used, 10);
	party_put(&parties, a);
	party_put(&parties, a);
	CHECK(find("::ffff:192.0.2.1") == a);
	party_put(&parties, a);
	CHECK(find("::ffff:192.0.2.1") == NULL);
	CHECK_INT(parties.n, 2);
	CHECK_INT(b->network->refs, 1);
	party_put(&parties, b);
	CHECK_INT(parties.n, 0);
	CHECK_INT(memory_live, live);
	party_put(&parties, NULL);
}

static int
get_or_not(void)
{
	struct in6_addr addr = address("::ffff:192.0.2.1");

	return party_get(&parties, &addr) != NULL ? 0 : -ENOMEM;
}

static void
without_memory_there_is_none(void)
{
	parties.size = sizeof(struct party) + 64;
	CHECK_MEMORY(get_or_not());
	CHECK_INT(parties.n, 2);
	party_put(&parties, find("::ffff:192.0.2.1"));
	CHECK_INT(parties.n, 0);
}

/* The owner's part begins zeroed, and any order of comings and goings is
 * survived. */
static void
many_come_and_go(void)
{
	enum { N = 2000 };
	static struct party *held[N];
	long live = memory_live;

	parties.size = sizeof(struct party) + 64;
	srandom(1);
	for (int step = 0; step < 20000; step++) {
		int i = (int)(random() % N);
		char text[64];

		if (held[i] != NULL) {
			party_put(&parties, held[i]);
			held[i] = NULL;
			continue;
		}
		snprintf(
		    text, sizeof(text), "::ffff:10.0.%d.%d", i / 100, i % 100);
		held[i] = get(text);
		for (size_t k = 0; k < 64; k++)
			CHECK_INT(((char *)(held[i] + 1))[k], 0);
		memset(held[i] + 1, 0xff, 64);
	}
	for (int i = 0; i < N; i++)
		party_put(&parties, held[i]);
	CHECK_INT(parties.n, 0);
	CHECK_INT(memory_live, live);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(hosts_and_networks_are_told_apart),
		CASE(gone_with_the_last_reference),
		CASE(without_memory_there_is_none),
		CASE(many_come_and_go),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
