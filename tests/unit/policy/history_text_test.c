/* SPDX-License-Identifier: ISC */
/* Records as a server keeps them, and what is found in their place. */
#include "policy/history_text.h"

#include <errno.h>

#include "policy/history_queue.h"
#include "policy/redis_record.h"
#include "tests/helpers/check.h"

enum { NOW = 1000000 };

static const struct history_fading fading = { { 1000, 100, 200, 1000 } };

static void
keys_are_addresses_and_networks(void)
{
	char buf[HISTORY_KEY_TEXT_MAX];

	CHECK_STR(
	    history_format_key(
		&(struct history_key){ 0xc0000207, HISTORY_V4_HOST }, buf),
	    "tarpit:192.0.2.7");
	CHECK_STR(history_format_key(
		      &(struct history_key){ 0xc00002, HISTORY_V4_NET }, buf),
	    "tarpit:192.0.2.0/24");
	CHECK_STR(history_format_key(&(struct history_key){ 0x20010db800010002,
					 HISTORY_V6_HOST },
		      buf),
	    "tarpit:2001:db8:1:2::/64");
	CHECK_STR(
	    history_format_key(
		&(struct history_key){ 0x20010db8000100, HISTORY_V6_NET }, buf),
	    "tarpit:2001:db8:1::/56");
	CHECK_STR(
	    history_format_key(
		&(struct history_key){ UINT64_MAX, HISTORY_V6_HOST }, buf),
	    "tarpit:ffff:ffff:ffff:ffff::/64");
}

static int
parse(const char *text, struct history_record *rec)
{
	memset(rec, 0, sizeof(*rec));
	return history_parse_value(
	    text, strlen(text), HISTORY_ABANDONED, NOW, rec);
}

static void
values_are_read_as_written(void)
{
	char buf[HISTORY_VALUE_TEXT_MAX];
	struct history_record rec;

	CHECK_INT(parse("999999 17", &rec), 0);
	CHECK_INT(rec.when[HISTORY_ABANDONED], 999999);
	CHECK_INT(rec.amount[HISTORY_ABANDONED], 17);
	CHECK_INT(rec.amount[HISTORY_PATIENT], 0);
	CHECK_STR(
	    history_format_value(&rec, HISTORY_ABANDONED, buf), "999999 17");
	rec.when[HISTORY_PATIENT] = UINT32_MAX;
	rec.amount[HISTORY_PATIENT] = HISTORY_AMOUNT_MAX;
	CHECK_STR(
	    history_format_value(&rec, HISTORY_PATIENT, buf), "4294967295 128");
}

static void
values_of_others_are_refused(void)
{
	static const char *const bad[] = { "", " ", "1", "1 ", " 1", "1 1 ",
		"1  1", "1 129", "1 -1", "-1 1", "4294967296 1", "1\t1", "x 1",
		"1 x", "0x1 1", "99999999999999999999 1" };
	struct history_record rec;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(parse(bad[i], &rec), -EBADMSG);
	CHECK_INT(history_parse_value("1 1\0", 4, HISTORY_PATIENT, NOW, &rec),
	    -EBADMSG);
}

static void
times_to_come_are_now(void)
{
	struct history_record rec;

	CHECK_INT(parse("4294967295 16", &rec), 0);
	CHECK_INT(rec.when[HISTORY_ABANDONED], NOW);
}

/* What a host wrote unseen, and what another had written before. */
static void
merging_counts_what_was_added(void)
{
	struct history_record a = { 0 }, there = { 0 };

	there.when[HISTORY_ABANDONED] = NOW;
	there.amount[HISTORY_ABANDONED] = 3 * HISTORY_ONE;
	CHECK(history_add(&a, &fading, HISTORY_ABANDONED, NOW));
	CHECK(history_add(&a, &fading, HISTORY_ABANDONED, NOW));
	history_merge(&a, &there, &fading);
	CHECK_INT(a.amount[HISTORY_ABANDONED], 5 * HISTORY_ONE);
	CHECK(redis_record_differs(&a, &there));
	/* Again, with what it wrote or before that has arrived. */
	history_merge(&a, &there, &fading);
	CHECK_INT(a.amount[HISTORY_ABANDONED], 5 * HISTORY_ONE);
	there = a;
	history_merge(&a, &there, &fading);
	CHECK_INT(a.amount[HISTORY_ABANDONED], 5 * HISTORY_ONE);
	CHECK(!redis_record_differs(&a, &there));
	/* Of long ago: a half-life before. */
	there.when[HISTORY_ABANDONED] = NOW - 100;
	there.amount[HISTORY_ABANDONED] = 8 * HISTORY_ONE;
	a = (struct history_record){ 0 };
	CHECK(history_add(&a, &fading, HISTORY_ABANDONED, NOW));
	history_merge(&a, &there, &fading);
	CHECK_INT(a.amount[HISTORY_ABANDONED], 5 * HISTORY_ONE);
	CHECK_INT(a.when[HISTORY_ABANDONED], NOW);
}

static struct redis_answer
answer_of(const char *patient, const char *abandoned, const char *pregreet)
{
	const char *text[] = { patient, abandoned, pregreet };
	struct redis_answer answer = { .result = REDIS_ANSWERED, .n = 3 };

	for (size_t i = 0; i < 3; i++) {
		answer.value[i].text = text[i];
		answer.value[i].len = text[i] ? strlen(text[i]) : 0;
	}
	return answer;
}

static void
answers_become_records(void)
{
	struct redis_answer answer = answer_of("5 16", NULL, "6 32");
	struct history_record rec;

	CHECK(redis_record_read(&answer, HISTORY_V4_HOST, NOW, &rec));
	CHECK_INT(rec.when[HISTORY_PATIENT], 5);
	CHECK_INT(rec.amount[HISTORY_ABANDONED], 0);
	CHECK_INT(rec.amount[HISTORY_PREGREET], 32);
	answer = answer_of("5 16", "garbage", NULL);
	CHECK(!redis_record_read(&answer, HISTORY_V4_HOST, NOW, &rec));
	CHECK_INT(rec.amount[HISTORY_PATIENT], 16);
	CHECK_INT(rec.amount[HISTORY_ABANDONED], 0);
	/* A server that answers with less, or with more. */
	answer.n = 0;
	CHECK(redis_record_read(&answer, HISTORY_V4_HOST, NOW, &rec));
	CHECK_INT(rec.amount[HISTORY_PATIENT], 0);
	answer.n = REDIS_LINK_VALUES_MAX;
	answer.value[1].text = NULL;
	CHECK(redis_record_read(&answer, HISTORY_V4_HOST, NOW, &rec));
	CHECK_INT(rec.amount[HISTORY_PATIENT], 16);
}

static void
networks_have_fields_of_their_own(void)
{
	struct redis_answer answer = answer_of("5 0", NULL, "6 255");
	struct history_record rec;

	CHECK_STR(history_field(HISTORY_V6_HOST, HISTORY_SEEN), "seen");
	CHECK_STR(history_field(HISTORY_V4_NET, 2), "host3");
	CHECK_STR(history_field(HISTORY_V6_NET, HISTORY_CAUGHT), "caught");
	CHECK(redis_record_read(&answer, HISTORY_V4_NET, NOW, &rec));
	CHECK_INT(history_net_hosts(&rec, &fading, 100), 2);
	CHECK_INT(rec.amount[2], 255);
	answer = answer_of("5 256", NULL, NULL);
	CHECK(!redis_record_read(&answer, HISTORY_V4_NET, NOW, &rec));
	CHECK(history_is_empty(&rec));
}

static void
queue_is_bounded_and_in_order(void)
{
	struct history_queue q = { 0 };
	struct history_key key = { .scope = HISTORY_V4_HOST };
	uint64_t in = 0, out = 0;

	CHECK(!history_queue_pop(&q, &key));
	/* Mostly full, emptied and filled again by turns. */
	for (int round = 0; round < 5; round++) {
		for (key.bits = in; history_queue_push(&q, &key);)
			key.bits = ++in;
		CHECK_INT(history_queue_len(&q), in - out);
		CHECK(in - out <= HISTORY_QUEUE_MAX);
		CHECK(in - out >= HISTORY_QUEUE_MAX / 2);
		for (int i = 0; i < HISTORY_QUEUE_MAX / 3 * 2; i++) {
			CHECK(history_queue_pop(&q, &key));
			CHECK_INT(key.bits, out++);
		}
	}
	while (history_queue_pop(&q, &key))
		CHECK_INT(key.bits, out++);
	CHECK_INT(out, in);
	history_queue_fini(&q);
}

static const struct check_case cases[] = {
	CASE(keys_are_addresses_and_networks),
	CASE(values_are_read_as_written),
	CASE(values_of_others_are_refused),
	CASE(times_to_come_are_now),
	CASE(merging_counts_what_was_added),
	CASE(answers_become_records),
	CASE(networks_have_fields_of_their_own),
	CASE(queue_is_bounded_and_in_order),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
