/* SPDX-License-Identifier: ISC */
#include "policy/dns_budget.h"

#include "bin/common/util.h"
#include "data/cidr.h"
#include "tests/helpers/check.h"

#define NOW    (1000 * USEC_PER_SEC)
#define MINUTE (60 * USEC_PER_SEC)

enum { LOOKUPS = 10 };

static struct dns_budget *budget;

static struct in6_addr
address(const char *text)
{
	struct in6_addr addr;

	CHECK_INT(cidr_parse_addr(text, strlen(text), &addr), 0);
	return addr;
}

static bool
spend(const char *text, uint64_t now)
{
	struct in6_addr addr = address(text);

	return dns_budget_spend(budget, &addr, now);
}

/* Host I of the network N of 2001:db8:A::/48. */
static bool
spend_of(unsigned int a, unsigned int n, unsigned int i, uint64_t now)
{
	char text[64];

	snprintf(text, sizeof(text), "2001:db8:%x:%x::%x", a, n, i);
	return spend(text, now);
}

/* At the limit, and as it comes back. */
static void
a_network_of_64_bits_has_its_lookups(void)
{
	budget = dns_budget_new(LOOKUPS, 1);
	for (unsigned int i = 0; i < LOOKUPS; i++)
		CHECK(spend_of(0, 0, i, NOW));
	CHECK(!spend_of(0, 0, 99, NOW));
	/* What is refused costs nothing. */
	CHECK(!spend_of(0, 0, 99, NOW + MINUTE / LOOKUPS - 1));
	CHECK(spend_of(0, 0, 99, NOW + MINUTE / LOOKUPS));
	CHECK(!spend_of(0, 0, 99, NOW + MINUTE / LOOKUPS));
	/* Its neighbour has its own, and after a rest it has all. */
	CHECK(spend_of(0, 1, 0, NOW));
	for (unsigned int i = 0; i < LOOKUPS; i++)
		CHECK(spend_of(0, 0, i, NOW + 2 * MINUTE));
	CHECK(!spend_of(0, 0, 99, NOW + 2 * MINUTE));
	budget = dns_budget_free(budget);
}

static void
larger_networks_have_more(void)
{
	unsigned int n = 0;

	budget = dns_budget_new(LOOKUPS, 0);
	while (spend_of(0, n, 0, NOW))
		n++;
	CHECK_INT(n, LOOKUPS * DNS_BUDGET_PER_48);
	/* Other /48s of the /32 have what that has left. */
	for (n = 0; spend_of(1 + n / 40, n % 40, 0, NOW); n++)
		;
	CHECK_INT(n, LOOKUPS * (DNS_BUDGET_PER_32 - DNS_BUDGET_PER_48));
	CHECK(spend("2001:db9::1", NOW));
	budget = dns_budget_free(budget);
}

static void
addresses_of_ipv4_are_free(void)
{
	budget = dns_budget_new(1, 0);
	for (int i = 0; i < 100; i++)
		CHECK(spend("192.0.2.1", NOW));
	budget = dns_budget_free(budget);
}

/* Thousands of others do not make room for who has spent all. */
static void
who_has_spent_most_is_remembered(void)
{
	char text[64];

	budget = dns_budget_new(LOOKUPS, 1);
	for (unsigned int i = 0; i < LOOKUPS; i++)
		CHECK(spend_of(0, 0, i, NOW));
	for (unsigned int i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "2a00:%x:1:1::1", i);
		(void)spend(text, NOW);
	}
	CHECK(!spend_of(0, 0, 99, NOW));
	budget = dns_budget_free(budget);
}

/*
 * Answers
 */

static void
note(const char *text, const char *one, const char *other, uint64_t now)
{
	struct dns_answer answer = { .status = DNS_NOTHING };
	struct in6_addr addr = address(text);

	if (one) {
		answer.status = DNS_FOUND;
		answer.address[answer.n++] = address(one);
	}
	if (other)
		answer.address[answer.n++] = address(other);
	dns_budget_note(budget, &addr, 0, &answer, now);
}

static bool
is_listed(const char *text, uint64_t now, struct dns_answer *ret)
{
	struct in6_addr addr = address(text);

	return dns_budget_is_listed(budget, &addr, 0, now, ret);
}

static void
three_in_a_row_speak_for_all(void)
{
	struct in6_addr two = address("127.0.0.2"), four = address("127.0.0.4");
	struct dns_answer answer;

	budget = dns_budget_new(LOOKUPS, 1);
	CHECK(!is_listed("2001:db8::9", NOW, &answer));
	note("2001:db8::1", "127.0.0.2", "127.0.0.4", NOW);
	note("2001:db8::2", "127.0.0.4", "127.0.0.2", NOW);
	/* The same one again is nobody else. */
	note("2001:db8::2", "127.0.0.4", "127.0.0.2", NOW);
	CHECK(!is_listed("2001:db8::9", NOW, &answer));
	note("2001:db8::3", "127.0.0.2", "127.0.0.4", NOW);
	CHECK(is_listed("2001:db8::9", NOW, &answer));
	CHECK_INT(answer.status, DNS_FOUND);
	CHECK_INT(answer.n, 2);
	CHECK(IN6_ARE_ADDR_EQUAL(&answer.address[0], &two));
	CHECK(IN6_ARE_ADDR_EQUAL(&answer.address[1], &four));
	CHECK(!is_listed("2001:db8:0:1::9", NOW, &answer));
	CHECK(is_listed("2001:db8::9", NOW + DNS_BUDGET_MEMORY, &answer));
	CHECK(!is_listed("2001:db8::9", NOW + DNS_BUDGET_MEMORY + 1, &answer));
	budget = dns_budget_free(budget);
}

/* Of hosts that are not one sender's nothing is said. */
static void
who_differ_do_not(void)
{
	struct dns_answer answer;

	budget = dns_budget_new(LOOKUPS, 1);
	note("2001:db8::1", "127.0.0.2", NULL, NOW);
	note("2001:db8::2", "127.0.0.2", NULL, NOW);
	note("2001:db8::3", NULL, NULL, NOW);
	note("2001:db8::4", "127.0.0.2", NULL, NOW);
	note("2001:db8::5", "127.0.0.2", NULL, NOW);
	CHECK(!is_listed("2001:db8::9", NOW, &answer));
	note("2001:db8::6", "127.0.0.3", NULL, NOW);
	CHECK(!is_listed("2001:db8::9", NOW, &answer));
	/* Nor that none is listed. */
	for (int i = 0; i < 9; i++) {
		note("2001:db8::a", NULL, NULL, NOW);
		note("2001:db8::b", NULL, NULL, NOW);
	}
	CHECK(!is_listed("2001:db8::9", NOW, &answer));
	/* What is too old counts for nothing. */
	note("2001:db8:0:1::1", "127.0.0.2", NULL, NOW);
	note("2001:db8:0:1::2", "127.0.0.2", NULL, NOW);
	note("2001:db8:0:1::3", "127.0.0.2", NULL, NOW + DNS_BUDGET_MEMORY + 1);
	CHECK(!is_listed(
	    "2001:db8:0:1::9", NOW + DNS_BUDGET_MEMORY + 1, &answer));
	budget = dns_budget_free(budget);
}

static void
failures_and_ipv4_are_not_noted(void)
{
	struct dns_answer failed = { .status = DNS_FAILED }, answer;
	struct in6_addr addr = address("2001:db8::3");

	budget = dns_budget_new(LOOKUPS, 1);
	note("2001:db8::1", "127.0.0.2", NULL, NOW);
	note("2001:db8::2", "127.0.0.2", NULL, NOW);
	dns_budget_note(budget, &addr, 0, &failed, NOW);
	note("2001:db8::4", "127.0.0.2", NULL, NOW);
	CHECK(is_listed("2001:db8::9", NOW, &answer));
	for (int i = 0; i < 3; i++) {
		note("192.0.2.1", "127.0.0.2", NULL, NOW);
		note("192.0.2.2", "127.0.0.2", NULL, NOW);
	}
	CHECK(!is_listed("192.0.2.3", NOW, &answer));
	budget = dns_budget_free(budget);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(a_network_of_64_bits_has_its_lookups),
		CASE(larger_networks_have_more),
		CASE(addresses_of_ipv4_are_free),
		CASE(who_has_spent_most_is_remembered),
		CASE(three_in_a_row_speak_for_all),
		CASE(who_differ_do_not),
		CASE(failures_and_ipv4_are_not_noted),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
