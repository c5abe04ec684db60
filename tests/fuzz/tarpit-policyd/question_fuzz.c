/* SPDX-License-Identifier: ISC */
/* The policy service's side: every message is a question or an error, and each
 * has an answer that fits and can be read. */
#include "bin/tarpit-policyd/question.h"

#include "tests/helpers/fuzz.h"

/* One complete message, in which the instance comes back as it was. */
static void
check_answer(const char *buf, size_t len, const struct question *q)
{
	const char *pos = buf;
	struct attr a;
	size_t end;
	int r;

	REQUIRE(len <= ANSWER_MAX);
	REQUIRE(attrs_find_end(buf, len, &end) == 0 && end == len);
	while ((r = attrs_next(&pos, buf + len, &a)) > 0)
		if (attr_is(&a, "instance")) {
			REQUIRE(a.value_len == q->instance_len);
			REQUIRE(memcmp(a.value, q->instance, a.value_len) == 0);
		}
	REQUIRE(r == 0);
}

/* The largest verdict there can be. */
static void
fill_verdict(struct verdict *v)
{
	*v = (struct verdict){ .lane = LANE_THROTTLE,
		.score = -SCORE_MAX,
		.rate = UINT32_MAX,
		.patience = UINT32_MAX,
		.ttl = UINT32_MAX,
		.country = "DE",
		.asn = UINT32_MAX,
		.reason_len = REASON_SIZE - 1 };
	memset(v->reason, 'x', v->reason_len);
}

static void
ask(const char *msg, size_t len)
{
	struct question q;
	struct verdict v;
	const char *why = NULL;
	char buf[ANSWER_MAX];

	memset(&q, 0xa5, sizeof(q));
	if (question_read(msg, len, &q, &why) < 0) {
		REQUIRE(why != NULL && q.instance_len <= INSTANCE_MAX);
		check_answer(buf, question_answer_error(&q, why, buf), &q);
		return;
	}
	REQUIRE(q.instance_len <= INSTANCE_MAX);
	REQUIRE(q.has_addr || q.request != REQUEST_SESSION);
	fill_verdict(&v);
	check_answer(buf,
	    question_answer(
		&q, &v, QUESTION_OVERLOADED | QUESTION_HOST_ONLY, buf),
	    &q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = fuzz_copy(data, size);
	size_t len;

	if (attrs_find_end(copy, size, &len) == 0)
		ask(copy, len);
	return 0;
}
