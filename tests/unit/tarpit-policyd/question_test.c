/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-policyd/question.h"

#include <arpa/inet.h>
#include <errno.h>

#include "data/cidr.h"
#include "tests/helpers/check.h"

static struct question q;
static const char *why;

static int
read_message(const char *msg)
{
	memset(&q, 0xff, sizeof(q));
	why = NULL;
	return question_read(msg, strlen(msg), &q, &why);
}

static void
check_refused(const char *msg, const char *reason)
{
	CHECK_INT(read_message(msg), -EBADMSG);
	CHECK_STR(why, reason);
}

static void
check_addr(const char *expected)
{
	char text[CIDR_STRLEN];

	CHECK(q.has_addr);
	CHECK_STR(cidr_format_addr(&q.addr, text), expected);
}

static void
session(void)
{
	CHECK_INT(read_message("request=tarpit_session\ninstance=a=b\n"
			       "client_address=192.0.2.1\nclient_port=25\n"
			       "server_address=::1\nserver_port=25\n"
			       "something=else\n\n"),
	    0);
	CHECK_INT(q.request, REQUEST_SESSION);
	CHECK_INT(q.instance_len, 3);
	CHECK(memcmp(q.instance, "a=b", 3) == 0);
	CHECK(!q.pregreet);
	check_addr("192.0.2.1");
}

static void
behaviour(void)
{
	CHECK_INT(read_message("request=tarpit_session\nclient_address=::1\n"
			       "behaviour=pregreet\n\n"),
	    0);
	CHECK(q.pregreet);
	CHECK_INT(q.instance_len, 0);
	CHECK_INT(read_message("request=tarpit_session\nclient_address=::1\n"
			       "behaviour=singing\n\n"),
	    0);
	CHECK(!q.pregreet);
}

static void
addresses(void)
{
	CHECK_INT(read_message("request=tarpit_session\n"
			       "client_address=::ffff:192.0.2.9\n\n"),
	    0);
	check_addr("192.0.2.9");
	CHECK_INT(read_message("request=tarpit_session\n"
			       "client_address=2001:DB8::1\n\n"),
	    0);
	check_addr("2001:db8::1");
	check_refused("request=tarpit_session\nclient_address=fe80::1%lo\n\n",
	    "client_address: not an address");
	check_refused("request=tarpit_session\nclient_address=192.0.2.1 \n\n",
	    "client_address: not an address");
	check_refused("request=tarpit_session\nclient_address=\n\n",
	    "client_address: not an address");
	check_refused("request=tarpit_session\ninstance=1\n\n",
	    "client_address: missing");
}

static void
other_requests(void)
{
	CHECK_INT(read_message("request=tarpit_outcome\n"
			       "client_address=192.0.2.1\n"
			       "outcome=passed\nheld_ms=3\n\n"),
	    0);
	CHECK_INT(q.request, REQUEST_OUTCOME);
	CHECK_INT(read_message("request=smtpd_access_policy\n"
			       "client_address=unknown\n\n"),
	    0);
	CHECK_INT(q.request, REQUEST_POSTFIX);
	CHECK(!q.has_addr);
	check_refused("request=tarpit_sessions\n\n", "request: unknown");
	check_refused("request=\n\n", "request: unknown");
	check_refused("client_address=::1\n\n", "request: missing");
	check_refused("\n", "request: missing");
}

static void
refused_ones_keep_their_instance(void)
{
	check_refused("instance=7\nrequest=nonsense\n\n", "request: unknown");
	CHECK_INT(q.instance_len, 1);
	CHECK_INT(q.instance[0], '7');
	check_refused("instance=8\nGET / HTTP/1.0\n\n",
	    "a line is not of the form name=value");
	CHECK_INT(q.instance_len, 1);
	CHECK_INT(q.instance[0], '8');
}

static void
instance_at_its_limit(void)
{
	char msg[512], instance[INSTANCE_MAX + 2];

	memset(instance, 'i', sizeof(instance));
	snprintf(msg, sizeof(msg), "request=tarpit_outcome\ninstance=%.*s\n\n",
	    INSTANCE_MAX, instance);
	CHECK_INT(read_message(msg), 0);
	CHECK_INT(q.instance_len, INSTANCE_MAX);
	snprintf(msg, sizeof(msg), "request=tarpit_outcome\ninstance=%.*s\n\n",
	    INSTANCE_MAX + 1, instance);
	check_refused(msg, "instance: too long");
	CHECK_INT(q.instance_len, 0);
}

static void
last_of_a_name_counts(void)
{
	CHECK_INT(read_message("request=tarpit_session\ninstance=1\n"
			       "client_address=192.0.2.1\ninstance=2\n"
			       "client_address=192.0.2.2\n\n"),
	    0);
	CHECK_INT(q.instance[0], '2');
	check_addr("192.0.2.2");
}

static void
answer_fields(void)
{
	struct verdict v = { .lane = LANE_HOLD,
		.score = 115,
		.rate = 5,
		.patience = 25,
		.ttl = 0,
		.country = "CN",
		.asn = 4294967295,
		.reason = "list.drop+100 country.CN+15" };
	char buf[ANSWER_MAX + 1] = "";

	v.reason_len = strlen(v.reason);
	CHECK_INT(read_message("instance=x\nrequest=tarpit_session\n"
			       "client_address=::1\n\n"),
	    0);
	buf[question_answer(&q, &v, 0, buf)] = '\0';
	CHECK_STR(buf,
	    "instance=x\naction=hold\nscore=115\nrate=5\n"
	    "patience=25\nreason=list.drop+100 country.CN+15\n"
	    "country=CN\nasn=4294967295\nttl=0\n\n");
}

static void
unknown_origin_is_empty(void)
{
	struct verdict v = { .lane = LANE_PASS, .score = -7, .ttl = 60 };
	char buf[ANSWER_MAX + 1] = "";

	CHECK_INT(read_message("request=tarpit_session\n"
			       "client_address=::1\n\n"),
	    0);
	buf[question_answer(&q, &v, 0, buf)] = '\0';
	CHECK_STR(buf,
	    "action=pass\nscore=-7\nrate=0\npatience=0\nreason=\n"
	    "country=\nasn=\nttl=60\n\n");
}

static void
largest_answers_fit(void)
{
	struct verdict v = { .lane = LANE_THROTTLE,
		.score = -SCORE_MAX,
		.rate = UINT32_MAX,
		.patience = UINT32_MAX,
		.ttl = UINT32_MAX,
		.country = "ZZ",
		.asn = UINT32_MAX,
		.reason_len = REASON_SIZE - 1 };
	char buf[ANSWER_MAX], action[513];

	memset(v.reason, 'r', sizeof(v.reason) - 1);
	memset(q.instance, 'i', sizeof(q.instance));
	q.instance_len = sizeof(q.instance);
	CHECK(question_answer(&q, &v, 0, buf) <= ANSWER_MAX);
	CHECK(question_answer_error(&q, "a line is not of the form name=value",
		  buf) <= ANSWER_MAX);
	/* The longest that policy.conf accepts. */
	memset(action, 'a', sizeof(action) - 1);
	action[sizeof(action) - 1] = '\0';
	CHECK_INT(question_answer_postfix(action, NULL, buf), 512 + 9);
}

static void
actions_are_filled_in(void)
{
	struct verdict v = { .score = -7,
		.country = "DE",
		.reason = "list.drop+100 asn.1-107" };
	char buf[ANSWER_MAX + 1] = "", action[513];
	size_t n;

	buf[question_answer_postfix(
	    "PREPEND X-Tarpit: %{score} (%{reason}) %{country}", &v, buf)] =
	    '\0';
	CHECK_STR(buf,
	    "action=PREPEND X-Tarpit: -7 (list.drop+100 asn.1-107) DE\n\n");
	v.country[0] = '\0';
	buf[question_answer_postfix("%{country}%{", &v, buf)] = '\0';
	CHECK_STR(buf, "action=unknown%{\n\n");
	/* The longest of all is cut. */
	memset(v.reason, 'r', sizeof(v.reason) - 1);
	for (n = 0; n + 9 < sizeof(action); n += 9)
		memcpy(action + n, "%{reason}", 10);
	n = question_answer_postfix(action, &v, buf);
	CHECK(n <= ANSWER_MAX && n > 600);
	CHECK(memcmp(buf + n - 3, "r\n\n", 3) == 0);
}

static void
other_answers(void)
{
	char buf[ANSWER_MAX + 1] = "";

	check_refused("instance=5\nrequest=?\n\n", "request: unknown");
	buf[question_answer_error(&q, why, buf)] = '\0';
	CHECK_STR(buf, "instance=5\nerror=request: unknown\n\n");
	buf[question_answer_postfix("DUNNO", NULL, buf)] = '\0';
	CHECK_STR(buf, "action=DUNNO\n\n");
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(session),
		CASE(behaviour),
		CASE(addresses),
		CASE(other_requests),
		CASE(refused_ones_keep_their_instance),
		CASE(instance_at_its_limit),
		CASE(last_of_a_name_counts),
		CASE(answer_fields),
		CASE(unknown_origin_is_empty),
		CASE(largest_answers_fit),
		CASE(actions_are_filled_in),
		CASE(other_answers),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
