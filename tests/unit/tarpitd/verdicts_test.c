/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/verdicts.h"

#include <arpa/inet.h>

#include "tests/helpers/check.h"

#define NOW (100 * USEC_PER_SEC)

static struct in6_addr
address(const char *text)
{
	struct in6_addr a;

	CHECK_INT(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static struct verdict
verdict(const char *reason, uint32_t ttl)
{
	struct verdict v = { .lane = LANE_SLOW,
		.score = 35,
		.rate = 60,
		.ttl = ttl,
		.country = "CN",
		.asn = 64496,
		.reason_len = strlen(reason) };

	strcpy(v.reason, reason);
	return v;
}

static void
equal_verdicts_are_one(void)
{
	struct verdict a = verdict("country.CN+15", 0);
	struct verdict b = verdict("country.CN+16", 0);
	struct intern in;
	uint32_t first, other;

	CHECK_INT(intern_init(&in), 0);
	first = verdict_intern(&in, &a);
	CHECK(first != INTERN_NONE);
	CHECK_INT(verdict_intern(&in, &a), first);
	other = verdict_intern(&in, &b);
	CHECK(other != first);
	CHECK_INT(verdict_text(&in, first)->score, 35);
	CHECK_INT(verdict_text(&in, first)->asn, 64496);
	CHECK_STR(verdict_text(&in, first)->country, "CN");
	CHECK_STR(verdict_text(&in, first)->reason, "country.CN+15");
	CHECK_STR(verdict_text(&in, other)->reason, "country.CN+16");
	CHECK(verdict_text(&in, INTERN_NONE) == NULL);
	intern_fini(&in);
}

static void
the_longest_reason_fits(void)
{
	struct verdict v = { .reason_len = REASON_SIZE - 1 };
	struct intern in;
	uint32_t number;

	memset(v.reason, 'x', REASON_SIZE - 1);
	CHECK_INT(intern_init(&in), 0);
	number = verdict_intern(&in, &v);
	CHECK_STR(verdict_text(&in, number)->reason, v.reason);
	intern_fini(&in);
}

static void
an_answer_holds_for_its_ttl(void)
{
	struct answer_cache *cache = answer_cache_new();
	struct in6_addr a = address("::ffff:192.0.2.1");
	struct verdict v = verdict("x", 10);

	CHECK(cache != NULL);
	CHECK(answer_cache_get(cache, &a, NOW) == NULL);
	answer_cache_put(cache, &a, &v, NOW);
	CHECK(answer_cache_get(cache, &a, NOW) != NULL);
	CHECK_STR(answer_cache_get(cache, &a, NOW)->reason, "x");
	CHECK(answer_cache_get(cache, &a, NOW + 10 * USEC_PER_SEC - 1) != NULL);
	CHECK(answer_cache_get(cache, &a, NOW + 10 * USEC_PER_SEC) == NULL);
	answer_cache_free(cache);
}

static void
without_ttl_it_is_not_kept(void)
{
	struct answer_cache *cache = answer_cache_new();
	struct in6_addr a = address("::ffff:192.0.2.1");
	struct verdict v = verdict("x", 0);

	answer_cache_put(cache, &a, &v, NOW);
	CHECK(answer_cache_get(cache, &a, NOW) == NULL);
	answer_cache_free(cache);
}

/* An allow list was withdrawn while an earlier pass was good for an hour. */
static void
a_newer_answer_ends_an_older_one(void)
{
	struct answer_cache *cache = answer_cache_new();
	struct in6_addr a = address("::ffff:192.0.2.1");
	struct in6_addr other = address("::ffff:192.0.2.2");
	struct verdict pass = verdict("x", 3600), slow = verdict("y", 0);

	answer_cache_put(cache, &a, &pass, NOW);
	answer_cache_put(cache, &other, &slow, NOW);
	CHECK(answer_cache_get(cache, &a, NOW) != NULL);
	answer_cache_put(cache, &a, &slow, NOW);
	CHECK(answer_cache_get(cache, &a, NOW) == NULL);
	answer_cache_free(cache);
}

static void
clearing_forgets_all(void)
{
	struct answer_cache *cache = answer_cache_new();
	struct in6_addr a = address("2001:db8::1");
	struct verdict v = verdict("x", 3600);

	answer_cache_put(cache, &a, &v, NOW);
	answer_cache_clear(cache);
	CHECK(answer_cache_get(cache, &a, NOW) == NULL);
	answer_cache_put(cache, &a, &v, NOW);
	CHECK(answer_cache_get(cache, &a, NOW) != NULL);
	answer_cache_free(cache);
}

/* Far more addresses than places: each answer is the client's own or none. */
static void
nobody_gets_anothers_answer(void)
{
	struct answer_cache *cache = answer_cache_new();
	unsigned int found = 0;

	for (uint32_t i = 1; i <= 20000; i++) {
		struct in6_addr a = address("::ffff:0.0.0.0");
		struct verdict v = verdict("x", 3600);
		uint32_t net = htonl(0xc0000000 + i);

		memcpy(a.s6_addr + 12, &net, 4);
		v.score = (int32_t)i;
		answer_cache_put(cache, &a, &v, NOW);
	}
	for (uint32_t i = 1; i <= 20000; i++) {
		struct in6_addr a = address("::ffff:0.0.0.0");
		uint32_t net = htonl(0xc0000000 + i);
		const struct verdict *v;

		memcpy(a.s6_addr + 12, &net, 4);
		v = answer_cache_get(cache, &a, NOW);
		if (v == NULL)
			continue;
		CHECK_INT(v->score, i);
		found++;
	}
	/* Most of its 4,096 places are used, so the addresses spread. */
	CHECK(found > 3500);
	answer_cache_free(cache);
}

static const struct check_case cases[] = {
	CASE(equal_verdicts_are_one),
	CASE(the_longest_reason_fits),
	CASE(an_answer_holds_for_its_ttl),
	CASE(without_ttl_it_is_not_kept),
	CASE(a_newer_answer_ends_an_older_one),
	CASE(clearing_forgets_all),
	CASE(nobody_gets_anothers_answer),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
