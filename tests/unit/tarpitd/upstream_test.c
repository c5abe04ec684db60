/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/upstream.h"

#include <unistd.h>

#include "tests/helpers/scripted_mta.h"

static struct loop *loop;
static struct upstream up;
static struct spool_store store = {
	.directory = "/tmp", .memory_max = 1 << 20, .total_max = 1 << 20
};
static struct spool body;
static struct transaction tx;
static bool is_wanted;

/* What its handler was told. */
static struct {
	int done, idle, closed;
	enum upstream_result result;
	char reply[4096];
	char why[128];
} told;

static void
on_done(struct upstream *u, enum upstream_result result, const char *reply,
    size_t len, uint64_t now)
{
	(void)u;
	(void)now;
	told.done++;
	told.result = result;
	CHECK(len < sizeof(told.reply));
	if (len > 0)
		memcpy(told.reply, reply, len);
	told.reply[len] = '\0';
}

static void
on_idle(struct upstream *u, uint64_t now)
{
	(void)u;
	(void)now;
	told.idle++;
}

static void
on_closed(struct upstream *u, const char *why, uint64_t now)
{
	(void)u;
	(void)now;
	told.closed++;
	snprintf(told.why, sizeof(told.why), "%s", why == NULL ? "" : why);
}

static bool
on_wanted(struct upstream *u)
{
	(void)u;
	return is_wanted;
}

/* What is open may be given to the next client as well. */
static const struct upstream_handler handler = { .on_done = on_done,
	.on_idle = on_idle,
	.on_open = on_idle,
	.on_closed = on_closed,
	.is_wanted = on_wanted };

/* A connection is being opened; what the MTA says may be changed before. */
static void
begin(void)
{
	struct sockaddr_storage ss = { 0 };

	memset(&told, 0, sizeof(told));
	is_wanted = true;
	CHECK_INT(loop_new(&loop), 0);
	mta_begin(loop, (struct sockaddr_in *)&ss);
	up = (struct upstream){ .loop = loop,
		.handler = &handler,
		.host_name = "mx.test",
		.timeout = 60 * USEC_PER_SEC };
	CHECK_INT(
	    upstream_open(&up, &ss, sizeof(struct sockaddr_in), loop_now(loop)),
	    0);
}

static void
begin_idle(void)
{
	begin();
	MTA_TURN_UNTIL(told.idle == 1);
}

static void
end(void)
{
	upstream_fini(&up);
	spool_drop(&store, &body);
	mta_end();
	loop_free(loop);
}

/* A message to two recipients, or only the question about them. */
static void
run(bool message)
{
	static const char recipients[] = "<u@d.test>\0<v@d.test>";
	static const char text[] = "Subject: x\r\n\r\n..\r\n";

	tx = (struct transaction){ .port = 4711,
		.esmtp = true,
		.first = true,
		.helo = "client.test",
		.sender = "<a@b.test> RET=HDRS",
		.recipients = recipients,
		.recipients_len = message ? sizeof(recipients) : 11 };
	CHECK_INT(inet_pton(AF_INET6, "::ffff:192.0.2.7", &tx.client), 1);
	if (message) {
		CHECK_INT(
		    spool_append(&store, &body, text, sizeof(text) - 1), 0);
		tx.body = &body;
	}
	upstream_run(&up, &tx, loop_now(loop));
}

static void
a_message_goes_with_its_identity(void)
{
	begin_idle();
	CHECK(up.has_xclient);
	CHECK_INT(up.offers.offers, ESMTP_DSN);
	run(true);
	MTA_TURN_UNTIL(told.done == 1);
	CHECK_INT(told.result, UPSTREAM_SAID);
	CHECK_STR(told.reply, "250 2.0.0 Ok: queued\r\n");
	CHECK(mta_has_heard(" ADDR=192.0.2.7 PORT=4711\r\n"));
	CHECK(mta_has_heard("EHLO client.test\r\n"));
	CHECK(mta_has_heard("MAIL FROM:<a@b.test> RET=HDRS\r\n"));
	CHECK(mta_has_heard("RCPT TO:<u@d.test>\r\n"));
	CHECK(mta_has_heard("RCPT TO:<v@d.test>\r\n"));
	CHECK(mta_has_heard("Subject: x\r\n\r\n..\r\n.\r\n"));
	MTA_TURN_UNTIL(told.idle == 2);
	CHECK_INT(told.closed, 0);
	end();
}

static void
one_client_after_another(void)
{
	begin_idle();
	for (int i = 1; i <= 5; i++) {
		run(i % 2 == 0);
		MTA_TURN_UNTIL(told.done == i && told.idle == i + 1);
		CHECK(told.result == UPSTREAM_SAID ||
		    told.result == UPSTREAM_KEPT);
		CHECK(told.reply[0] == '2');
		spool_drop(&store, &body);
	}
	end();
}

static void
a_reply_is_the_same_in_any_pieces(void)
{
	static const char reply[] = "550-5.1.1 no such\r\n"
				    "550-5.1.1 user\r\n550 5.1.1 here\r\n";

	begin_idle();
	mta.by_bytes = true;
	mta_answer("RCPT", reply);
	run(false);
	MTA_TURN_UNTIL(told.done == 1);
	CHECK(told.result == UPSTREAM_SAID || told.result == UPSTREAM_KEPT);
	CHECK_STR(told.reply, reply);
	MTA_TURN_UNTIL(told.idle == 2);
	end();
}

/* RESULT if the MTA answers VERB in that way, in a message's transaction. */
static void
check_answer(const char *verb, const char *answer, enum upstream_result result)
{
	begin_idle();
	mta_answer(verb, answer);
	run(true);
	MTA_TURN_UNTIL(told.done == 1);
	CHECK_INT(told.result, result);
	if (result == UPSTREAM_SAID)
		CHECK_STR(told.reply, answer);
	MTA_TURN_UNTIL(told.closed == 1 || told.idle == 2);
	CHECK_INT(told.done, 1);
	end();
}

static const char *const before_dot[] = { "XCLIENT", "EHLO", "MAIL", "RCPT",
	"DATA" };

static void
goodbye_in_each_phase(void)
{
	static const char goodbye[] = "421 4.3.2 Shutting down\r\n";

	for (size_t i = 0; i < ARRAY_SIZE(before_dot); i++)
		check_answer(before_dot[i], goodbye, UPSTREAM_LOST);
	check_answer(".", goodbye, UPSTREAM_UNSURE);
}

static void
a_lost_connection_in_each_phase(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_dot); i++)
		check_answer(before_dot[i], "", UPSTREAM_LOST);
	check_answer(".", "", UPSTREAM_UNSURE);
}

static void
garbage_in_each_phase(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_dot); i++)
		check_answer(before_dot[i], "yes\r\n", UPSTREAM_LOST);
	check_answer(".", "250-a\r\n550 b\r\n", UPSTREAM_UNSURE);
}

static void
a_refusal_in_each_phase(void)
{
	static const char refusal[] = "554 5.7.1 No\r\n";

	check_answer("XCLIENT", refusal, UPSTREAM_SAID);
	check_answer("EHLO", refusal, UPSTREAM_SAID);
	check_answer("MAIL", refusal, UPSTREAM_SAID);
	check_answer("RCPT", refusal, UPSTREAM_CHANGED);
	check_answer("DATA", refusal, UPSTREAM_SAID);
	check_answer(".", refusal, UPSTREAM_SAID);
	check_answer(".", "451 4.3.0 Later\r\n", UPSTREAM_SAID);
}

/* What is meant for everybody, and what for one client only. */
static void
a_refusal_of_xclient_is_told_from_one_of_the_client(void)
{
	static const char *const of_all[] = {
		"550 5.7.0 Error: insufficient authorization\r\n",
		"500 5.5.1 What?\r\n",
		"502 5.5.1 Error: command not implemented\r\n",
		"503 5.5.1 Error: MAIL transaction in progress\r\n",
	};
	static const char *const of_one[] = {
		"554 5.7.1 <unknown[192.0.2.7]>: Client host rejected\r\n",
		"550 5.7.1 Not 5.7.0 but insufficient\r\n",
		"554 5.7.0 Blocked\r\n",
		"521 5.7.1 No mail from you\r\n",
		"450-4.7.1 Client host\r\n450 4.7.1 rejected\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(of_all); i++)
		check_answer("XCLIENT", of_all[i], UPSTREAM_NO_IDENTITY);
	for (size_t i = 0; i < ARRAY_SIZE(of_one); i++)
		check_answer("XCLIENT", of_one[i], UPSTREAM_SAID);
	check_answer("XCLIENT", "501 5.5.4 Bad PORT\r\n", UPSTREAM_SPOILED);
}

static void
a_goodbye_has_words_for_the_client(void)
{
	begin_idle();
	mta_answer("XCLIENT", "421-4.7.0 Not\r\n421 4.7.0 you\r\n");
	run(true);
	MTA_TURN_UNTIL(told.done == 1);
	CHECK_INT(told.result, UPSTREAM_LOST);
	CHECK_STR(told.reply, "451-4.7.0 Not\r\n451 4.7.0 you\r\n");
	end();
}

static void
nothing_is_delivered_for_who_has_left(void)
{
	begin_idle();
	is_wanted = false;
	run(true);
	MTA_TURN_UNTIL(told.done == 1);
	CHECK_INT(told.result, UPSTREAM_GONE);
	MTA_TURN_UNTIL(told.closed == 1);
	CHECK(!mta_has_heard("\r\n.\r\n"));
	end();
}

/* The MTA says nothing to VERB, which it hears as TEXT, and the client leaves
 * then. */
static void
abandon_at(const char *verb, const char *text)
{
	begin_idle();
	mta_answer(verb, NULL);
	mta.heard[0] = '\0';
	mta.n_heard = 0;
	run(true);
	MTA_TURN_UNTIL(mta_has_heard(text));
	upstream_abandon(&up, loop_now(loop));
}

static void
abandoned_in_each_phase(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_dot); i++) {
		abandon_at(before_dot[i], before_dot[i]);
		MTA_TURN_UNTIL(told.closed == 1);
		CHECK_INT(told.done, 0);
		CHECK(!mta_has_heard("\r\n.\r\n"));
		end();
	}
}

static void
what_is_committed_runs_to_its_end(void)
{
	abandon_at(".", "\r\n.\r\n");
	CHECK(upstream_is_committed(&up));
	CHECK_INT(told.closed, 0);
	mta_say_to_all("250 2.0.0 Ok\r\n");
	MTA_TURN_UNTIL(told.idle == 2);
	CHECK_INT(told.done, 0);
	end();
}

static void
silence_is_not_waited_for_for_ever(void)
{
	begin_idle();
	up.timeout = USEC_PER_SEC / 10;
	mta_answer("MAIL", NULL);
	run(true);
	MTA_TURN_UNTIL(told.closed == 1);
	CHECK_INT(told.done, 1);
	CHECK_INT(told.result, UPSTREAM_TIMED_OUT);
	CHECK(strstr(told.why, "no answer in time") != NULL);
	end();
}

static void
an_mta_that_does_not_want_us(void)
{
	begin();
	mta.greeting = "554 5.7.1 mta.test not you\r\n";
	MTA_TURN_UNTIL(told.closed == 1);
	CHECK_INT(told.idle, 0);
	CHECK(told.why[0] != '\0');
	end();
}

static void
an_mta_without_xclient(void)
{
	begin();
	mta_answer("EHLO", "250-mta.test\r\n250 SIZE 1000\r\n");
	MTA_TURN_UNTIL(told.idle == 1);
	CHECK(!up.has_xclient);
	CHECK_INT(up.offers.size, 1000);
	end();
}

static const struct check_case cases[] = {
	CASE(a_message_goes_with_its_identity),
	CASE(one_client_after_another),
	CASE(a_reply_is_the_same_in_any_pieces),
	CASE(goodbye_in_each_phase),
	CASE(a_lost_connection_in_each_phase),
	CASE(garbage_in_each_phase),
	CASE(a_refusal_in_each_phase),
	CASE(a_refusal_of_xclient_is_told_from_one_of_the_client),
	CASE(a_goodbye_has_words_for_the_client),
	CASE(nothing_is_delivered_for_who_has_left),
	CASE(abandoned_in_each_phase),
	CASE(what_is_committed_runs_to_its_end),
	CASE(silence_is_not_waited_for_for_ever),
	CASE(an_mta_that_does_not_want_us),
	CASE(an_mta_without_xclient),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
