/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/esmtp.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

enum { ALL = 0x7f };

static struct esmtp session;
static struct esmtp_limits limits;
static struct esmtp_step step;

static void
start(void)
{
	session = (struct esmtp){ 0 };
	limits = (struct esmtp_limits){
		.offers = ALL, .size = 1000, .recipients = 3
	};
}

/* Runs LINE and CRLF; the reply's first three bytes, or "" for none. */
static const char *
say(const char *line)
{
	static char code[4];
	char text[4096];
	int n = snprintf(text, sizeof(text), "%s\r\n", line);

	step = esmtp_line(&session, &limits, text, (size_t)n);
	snprintf(
	    code, sizeof(code), "%s", step.reply != NULL ? step.reply : "");
	return code;
}

static void
hello(void)
{
	start();
	CHECK_STR(say("EHLO client.test"), "");
	CHECK_INT(step.action, ESMTP_HELLO);
}

static void
accept_recipient(void)
{
	CHECK_STR(say("RCPT TO:<u@dest.test>"), "");
	CHECK_INT(step.action, ESMTP_RCPT);
	esmtp_note_recipient(&session, true);
}

static void
runs_a_transaction(void)
{
	hello();
	CHECK_STR(say("MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME"), "250");
	CHECK_INT(step.action, ESMTP_MAIL);
	CHECK_INT(step.path_len, strlen("<a@b.test>"));
	CHECK(memcmp(step.argument, "<a@b.test> SIZE=10 BODY=8BITMIME",
		  step.argument_len) == 0);
	accept_recipient();
	CHECK_STR(say("DATA"), "354");
	CHECK_INT(step.action, ESMTP_DATA);
	esmtp_end_transaction(&session, true);
	CHECK_STR(say("MAIL FROM:<>"), "250");
	CHECK_STR(say("QUIT"), "221");
	CHECK_INT(step.action, ESMTP_CLOSE);
}

static void
keeps_the_order(void)
{
	start();
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "503");
	hello();
	CHECK_STR(say("RCPT TO:<u@dest.test>"), "503");
	CHECK_STR(say("DATA"), "503");
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "250");
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "503");
	CHECK_STR(say("DATA"), "503");
	CHECK_STR(say("RCPT TO:<u@dest.test>"), "");
	esmtp_note_recipient(&session, false);
	CHECK_STR(say("DATA"), "554");
	CHECK_STR(say("RSET"), "250");
	CHECK_INT(step.action, ESMTP_FORGET);
	CHECK_STR(say("RCPT TO:<u@dest.test>"), "503");
}

static void
never_offers_what_is_the_mtas(void)
{
	static const char *const lines[] = { "AUTH PLAIN AGEAYg==", "ETRN x",
		"XCLIENT ADDR=192.0.2.1", "XFORWARD NAME=x", "STARTTLS",
		"EXPN list" };
	char buf[1024];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		hello();
		CHECK_STR(say(lines[i]), "502");
	}
	CHECK_STR(say("BURL imap://x"), "500");
	buf[esmtp_print_hello(
	    &session, &limits, "mx.test", buf, sizeof(buf) - 1)] = '\0';
	CHECK_STR(buf,
	    "250-mx.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
	    "250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-SMTPUTF8\r\n"
	    "250-CHUNKING\r\n250 SIZE 1000\r\n");
	CHECK_STR(say("HELO client.test"), "");
	buf[esmtp_print_hello(
	    &session, &limits, "mx.test", buf, sizeof(buf) - 1)] = '\0';
	CHECK_STR(buf, "250 mx.test\r\n");
}

/* RFC 3207, 4: no parameters; only where it is offered, and once. */
static void
offers_starttls_once(void)
{
	char buf[1024];

	hello();
	limits.offers = ALL | ESMTP_STARTTLS;
	CHECK_STR(say("STARTTLS now"), "501");
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "250");
	CHECK_STR(say("starttls"), "220");
	CHECK_INT(step.action, ESMTP_SECURE);
	buf[esmtp_print_hello(
	    &session, &limits, "mx.test", buf, sizeof(buf) - 1)] = '\0';
	CHECK(strstr(buf, "\r\n250-STARTTLS\r\n") != NULL);
	limits.offers = ALL;
	limits.secure = true;
	CHECK_STR(say("STARTTLS"), "503");
	CHECK_INT(step.action, ESMTP_SAY);
}

static void
learns_what_the_mta_does(void)
{
	static const char *const lines[] = { "PIPELINING", "SIZE 500", "VRFY",
		"ETRN", "AUTH PLAIN", "8bitmime", "DSN",
		"XCLIENT NAME ADDR PORT", "SIZEABLE 3" };
	struct esmtp_limits mta = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		esmtp_learn(&mta, lines[i], strlen(lines[i]));
	CHECK_INT(mta.offers,
	    ESMTP_PIPELINING | ESMTP_SIZE | ESMTP_8BITMIME | ESMTP_DSN);
	CHECK_INT(mta.size, 500);
}

/* What was not offered is not known. */
static void
knows_only_offered_parameters(void)
{
	static const char *const parameters[] = { "SIZE=1", "BODY=7BIT",
		"SMTPUTF8", "RET=FULL", "ENVID=x" };
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		snprintf(line, sizeof(line), "MAIL FROM:<a@b.test> %s",
		    parameters[i]);
		hello();
		CHECK_STR(say(line), "250");
		hello();
		limits.offers = 0;
		CHECK_STR(say(line), "555");
	}
	hello();
	CHECK_STR(say("MAIL FROM:<a@b.test> AUTH=<>"), "555");
	CHECK_STR(say("MAIL FROM:<a@b.test> MT-PRIORITY=3"), "555");
}

static void
checks_values(void)
{
	static const char *const bad[] = { "SIZE", "SIZE=", "SIZE=-1", "SIZE=x",
		"SIZE=1 SIZE=1", "BODY=BINARYMIME", "BODY", "SMTPUTF8=1",
		"RET=ALL", "ENVID=", "ENVID=a+2", "ENVID=a=b",
		"ENVID=01234567890123456789012345678901234567890123456789"
		"012345678901234567890123456789012345678901234567890" };
	static const char *const bad_rcpt[] = { "NOTIFY=", "NOTIFY=NEVER,DELAY",
		"NOTIFY=DELAY,", "NOTIFY=x", "ORCPT=", "ORCPT=rfc822",
		"ORCPT=rfc822;", "ORCPT=;x" };
	char line[512];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "MAIL FROM:<a@b.test> %s", bad[i]);
		hello();
		CHECK_STR(say(line), "501");
	}
	hello();
	CHECK_STR(say("MAIL FROM:<a@b.test> SIZE=1001"), "552");
	CHECK_STR(
	    say("MAIL FROM:<a@b.test> SIZE=1000 RET=hdrs ENVID=+2Bx"), "250");
	for (size_t i = 0; i < ARRAY_SIZE(bad_rcpt); i++) {
		snprintf(line, sizeof(line), "RCPT TO:<u@dest.test> %s",
		    bad_rcpt[i]);
		CHECK_STR(say(line), "501");
	}
	CHECK_STR(say("RCPT TO:<u@dest.test> NOTIFY=success,DELAY "
		      "ORCPT=rfc822;u@dest.test"),
	    "");
}

static void
checks_paths(void)
{
	static const char *const good[] = { "<a@b.test>", "<>", "<\"a b\"@c>",
		"<\"a>b\"@c>", "<\"a\\\"b\"@c>", "<@x,@y:a@b>", "  <a@b>" };
	static const char *const bad[] = { "", "a@b.test", "<a@b.test",
		"<a b@c>", "<a<b@c>", "<a@b>x", "<\"a@b>", "<a@b> \xc3\xa4",
		"<\xc3\xa4@b>" };
	char line[512];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(line, sizeof(line), "MAIL FROM:%s", good[i]);
		hello();
		CHECK_STR(say(line), "250");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "MAIL FROM:%s", bad[i]);
		hello();
		CHECK(step.reply == NULL && say(line)[0] == '5');
	}
	hello();
	CHECK_STR(say("MAIL FROM:<\xc3\xa4@b> SMTPUTF8"), "250");
	CHECK_STR(say("RCPT TO:<>"), "501");
}

/* Nothing that a command of ours must not hold gets into one. */
static void
takes_whole_clean_lines_only(void)
{
	hello();
	step = esmtp_line(&session, &limits, "NOOP\n", 5);
	CHECK(memcmp(step.reply, "500", 3) == 0);
	step = esmtp_line(&session, &limits, "\n", 1);
	CHECK(memcmp(step.reply, "500", 3) == 0);
	step = esmtp_line(&session, &limits, "NO\0OP\r\n", 7);
	CHECK(memcmp(step.reply, "500", 3) == 0);
	CHECK_STR(say("MAIL FROM:<a@b>\rRCPT TO:<c@d>"), "500");
	CHECK_STR(say("EHLO a\tb"), "500");
	CHECK_STR(say("EHLO a b"), "501");
	CHECK_STR(say("EHLO"), "501");
}

static void
counts_chunks(void)
{
	hello();
	CHECK_STR(say("BDAT 10"), "503");
	CHECK_INT(step.action, ESMTP_BDAT);
	CHECK_INT(step.chunk, 10);
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "250");
	accept_recipient();
	CHECK_STR(say("BDAT 10"), "");
	CHECK(!step.last);
	CHECK_STR(say("DATA"), "503");
	CHECK_STR(say("RCPT TO:<u@dest.test>"), "503");
	CHECK_STR(say("BDAT 0 LAST"), "");
	CHECK(step.last);
	CHECK_STR(say("BDAT 5 FIRST"), "501");
	CHECK_INT(step.chunk, 5);
	/* Where would it end? */
	CHECK_STR(say("BDAT x"), "421");
	CHECK_INT(step.action, ESMTP_CLOSE);
}

static void
limits_recipients(void)
{
	hello();
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "250");
	for (int i = 0; i < 3; i++)
		accept_recipient();
	CHECK_STR(say("RCPT TO:<u@dest.test>"), "452");
	CHECK_STR(say("DATA"), "354");
}

static void
limits_errors(void)
{
	hello();
	for (int i = 0; i < 19; i++)
		CHECK_STR(say("GET / HTTP/1.1"), "500");
	CHECK_STR(say("GET / HTTP/1.1"), "421");
	CHECK_INT(step.action, ESMTP_CLOSE);
}

static void
limits_commands(void)
{
	hello();
	for (int i = 1; i < 2000; i++)
		CHECK_STR(say("NOOP"), "250");
	CHECK_STR(say("NOOP"), "421");
	/* A message that the MTA took speaks for the client. */
	hello();
	for (int i = 1; i < 2000; i++)
		CHECK_STR(say("NOOP"), "250");
	esmtp_end_transaction(&session, true);
	CHECK_STR(say("NOOP"), "250");
}

static const struct check_case cases[] = {
	CASE(runs_a_transaction),
	CASE(keeps_the_order),
	CASE(never_offers_what_is_the_mtas),
	CASE(offers_starttls_once),
	CASE(learns_what_the_mta_does),
	CASE(knows_only_offered_parameters),
	CASE(checks_values),
	CASE(checks_paths),
	CASE(takes_whole_clean_lines_only),
	CASE(counts_chunks),
	CASE(limits_recipients),
	CASE(limits_errors),
	CASE(limits_commands),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
