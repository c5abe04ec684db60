/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/clients.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "tests/helpers/check.h"

static struct clients clients;

static struct in6_addr
address(const char *text)
{
	struct in6_addr a;
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "%s%s",
	    strchr(text, ':') == NULL ? "::ffff:" : "", text);
	CHECK_INT(inet_pton(AF_INET6, mapped, &a), 1);
	return a;
}

static void
add(const char *client)
{
	struct in6_addr a = address(client);

	clients_add(&clients, &a, 1);
}

static void
take(const char *client)
{
	struct in6_addr a = address(client);

	clients_remove(&clients, &a, 1);
}

static uint32_t
count(const char *client, enum client_width width)
{
	struct in6_addr a = address(client);

	return clients_count(&clients, &a, width);
}

static void
ipv4_is_counted_by_address_and_24(void)
{
	CHECK_INT(clients_init(&clients, 10), 0);
	add("192.0.2.1");
	add("192.0.2.1");
	add("192.0.2.200");
	add("192.0.3.1");
	CHECK_INT(count("192.0.2.1", CLIENT_HOST), 2);
	CHECK_INT(count("192.0.2.7", CLIENT_HOST), 0);
	CHECK_INT(count("192.0.2.7", CLIENT_NETWORK), 3);
	CHECK_INT(count("192.0.3.7", CLIENT_NETWORK), 1);
	/* Not all of IPv4 is a site, nor is it ::/48. */
	CHECK_INT(count("192.0.2.1", CLIENT_SITE), 0);
	CHECK_INT(count("::1", CLIENT_SITE), 0);
	add("::1");
	add("::c000:201");
	CHECK_INT(count("192.0.2.1", CLIENT_HOST), 2);
	CHECK_INT(count("::2", CLIENT_HOST), 2);
	CHECK(clients_check(&clients));
	clients_fini(&clients);
}

static void
ipv6_is_counted_by_64_56_and_48(void)
{
	CHECK_INT(clients_init(&clients, 10), 0);
	add("2001:db8:1:100::1");
	add("2001:db8:1:100:ffff::1");
	add("2001:db8:1:1ff::1");
	add("2001:db8:1:200::1");
	add("2001:db8:2:100::1");
	CHECK_INT(count("2001:db8:1:100::99", CLIENT_HOST), 2);
	CHECK_INT(count("2001:db8:1:100::99", CLIENT_NETWORK), 3);
	CHECK_INT(count("2001:db8:1:100::99", CLIENT_SITE), 4);
	CHECK_INT(count("2001:db8:2::", CLIENT_SITE), 1);
	/* A prefix that ends in zeros is not the wider one. */
	add("2001:db8:3::1");
	CHECK_INT(count("2001:db8:3::", CLIENT_HOST), 1);
	CHECK_INT(count("2001:db8:3::", CLIENT_SITE), 1);
	CHECK(clients_check(&clients));
	clients_fini(&clients);
}

static void
the_narrowest_limit_that_is_exceeded(void)
{
	struct client_limits limits = { .max = { 2, 3, 4 } };
	struct in6_addr a = address("2001:db8:1:100::1");

	CHECK_INT(clients_init(&clients, 10), 0);
	add("2001:db8:1:100::1");
	add("2001:db8:1:100::1");
	CHECK_INT(clients_exceeds(&clients, &a, &limits), CLIENT_WIDTHS);
	add("2001:db8:1:101::1");
	CHECK_INT(clients_exceeds(&clients, &a, &limits), CLIENT_WIDTHS);
	add("2001:db8:1:200::1");
	CHECK_INT(clients_exceeds(&clients, &a, &limits), CLIENT_WIDTHS);
	add("2001:db8:1:200::1");
	CHECK_INT(clients_exceeds(&clients, &a, &limits), CLIENT_SITE);
	add("2001:db8:1:102::1");
	CHECK_INT(clients_exceeds(&clients, &a, &limits), CLIENT_NETWORK);
	add("2001:db8:1:100::2");
	CHECK_INT(clients_exceeds(&clients, &a, &limits), CLIENT_HOST);
	limits = (struct client_limits){ 0 };
	CHECK_INT(clients_exceeds(&clients, &a, &limits), CLIENT_WIDTHS);
	clients_fini(&clients);
}

static void
amounts_are_added_up(void)
{
	struct in6_addr a = address("192.0.2.1"), b = address("192.0.2.2");

	CHECK_INT(clients_init(&clients, 10), 0);
	clients_add(&clients, &a, 1000);
	clients_add(&clients, &b, 500);
	clients_add(&clients, &b, 0);
	clients_remove(&clients, &a, 300);
	CHECK_INT(count("192.0.2.1", CLIENT_HOST), 700);
	CHECK_INT(clients_count_widest(&clients, &a), 1200);
	clients_remove(&clients, &a, 700);
	clients_remove(&clients, &b, 500);
	CHECK_INT(clients.n, 0);
	clients_fini(&clients);
}

static void
a_prefix_is_printed_as_one_counts_it(void)
{
	struct in6_addr a = address("192.0.2.99"), ret, want;
	unsigned int len;

	CHECK(clients_prefix(&a, CLIENT_HOST, &ret, &len));
	CHECK_INT(len, 32);
	CHECK(IN6_ARE_ADDR_EQUAL(&ret, &a));
	CHECK(clients_prefix(&a, CLIENT_NETWORK, &ret, &len));
	want = address("192.0.2.0");
	CHECK_INT(len, 24);
	CHECK(IN6_ARE_ADDR_EQUAL(&ret, &want));
	CHECK(!clients_prefix(&a, CLIENT_SITE, &ret, &len));
	a = address("2001:db8:1:1ff::9");
	CHECK(clients_prefix(&a, CLIENT_NETWORK, &ret, &len));
	want = address("2001:db8:1:100::");
	CHECK_INT(len, 56);
	CHECK(IN6_ARE_ADDR_EQUAL(&ret, &want));
}

/* As many as there may be, in whatever order they come and go: none is lost,
 * and in the end nothing is left. */
static void
nothing_is_left_of_a_crowd(void)
{
	enum { MANY = 5000 };
	static struct in6_addr who[MANY];
	bool here[MANY] = { false };
	uint32_t n = 0;

	CHECK_INT(clients_init(&clients, MANY), 0);
	srandom(1);
	for (int i = 0; i < MANY; i++) {
		who[i] = address("2001:db8::");
		for (int b = 4; b < 9; b++)
			who[i].s6_addr[b] = (uint8_t)random();
		if (i % 2 != 0)
			who[i] = address("192.0.2.0");
		if (i % 2 != 0)
			for (int b = 13; b < 16; b++)
				who[i].s6_addr[b] = (uint8_t)random();
	}
	for (int round = 0; round < 100000; round++) {
		long i = random() % MANY;

		if (here[i])
			clients_remove(&clients, &who[i], 1);
		else
			clients_add(&clients, &who[i], 1);
		n += here[i] ? -1U : 1U;
		here[i] = !here[i];
		if (round % 5000 == 0)
			CHECK(clients_check(&clients));
	}
	CHECK(n > 0 && clients.n >= n);
	for (int i = 0; i < MANY; i++)
		if (here[i])
			clients_remove(&clients, &who[i], 1);
	CHECK_INT(clients.n, 0);
	CHECK_INT(clients.n_buckets, 1);
	CHECK(clients.n_touched > 5000);
	clients_trim(&clients);
	CHECK_INT(clients.n_touched, 0);
	add("192.0.2.1");
	CHECK_INT(count("192.0.2.1", CLIENT_HOST), 1);
	take("192.0.2.1");
	clients_fini(&clients);
}

static const struct check_case cases[] = {
	CASE(ipv4_is_counted_by_address_and_24),
	CASE(ipv6_is_counted_by_64_56_and_48),
	CASE(the_narrowest_limit_that_is_exceeded),
	CASE(amounts_are_added_up),
	CASE(a_prefix_is_printed_as_one_counts_it),
	CASE(nothing_is_left_of_a_crowd),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
