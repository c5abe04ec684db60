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
		.offers = ALL, .size = 1000, .room = 900, .recipients = 3
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
	CHECK_STR(say("DATA"), "503");
	CHECK_STR(say("RCPT TO:<u@dest.test>"), "503");
	/* Whether EHLO has to come first is the MTA's to say. */
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "");
	CHECK_INT(step.action, ESMTP_MAIL);
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
	/* What the MTA's own listener may have is not refused for good. */
	static const char *const lines[] = { "AUTH PLAIN AGEAYg==", "ETRN x",
		"STARTTLS", "XCLIENT ADDR=192.0.2.1", "XFORWARD NAME=x",
		"EXPN list" };
	static const char *const codes[] = { "454", "458", "454", "502", "502",
		"502" };
	char buf[1024];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		hello();
		CHECK_STR(say(lines[i]), codes[i]);
		CHECK_INT(step.action, ESMTP_SAY);
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
	CHECK_STR(say("EHLO client.test"), "");
	limits.offers = ESMTP_DSN;
	buf[esmtp_print_hello(
	    &session, &limits, "mx.test", buf, sizeof(buf) - 1)] = '\0';
	CHECK_STR(buf, "250-mx.test\r\n250 DSN\r\n");
	limits.offers = 0;
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

/* What goes on to the MTA, whoever answers. */
static void
check_argument(const char *expected, size_t path_len)
{
	CHECK_INT(step.argument_len, strlen(expected));
	CHECK(memcmp(step.argument, expected, step.argument_len) == 0);
	CHECK_INT(step.path_len, path_len);
}

/* The answer to what is by the book is known, if the MTA offers it; all else
 * is for the MTA to judge. */
static void
asks_about_odd_senders(void)
{
	hello();
	CHECK_STR(say("MAIL FROM:<a@b.test> AUTH=<>"), "");
	CHECK_INT(step.action, ESMTP_MAIL);
	check_argument("<a@b.test> AUTH=<>", 10);
	esmtp_end_transaction(&session, false);
	CHECK_STR(say("MAIL FROM:a@b.test\tSIZE=10  "), "");
	check_argument("a@b.test\tSIZE=10", 8);
	esmtp_end_transaction(&session, false);
	/* Larger than the MTA takes; then larger than we do. */
	CHECK_STR(say("MAIL FROM:<a@b.test> SIZE=1001"), "");
	CHECK_INT(step.action, ESMTP_MAIL);
	esmtp_end_transaction(&session, false);
	CHECK_STR(say("MAIL FROM:<a@b.test> SIZE=901"), "452");
	CHECK_INT(step.action, ESMTP_SAY);
	CHECK_STR(say("MAIL FROM:<a@b.test> SIZE=900"), "250");
	hello();
	limits.offers = 0;
	CHECK_STR(say("MAIL FROM:<a@b.test> SIZE=900"), "");
	CHECK_INT(step.action, ESMTP_MAIL);
}

static void
leaves_recipients_to_the_mta(void)
{
	static const char *const lines[] = { "RCPT TO:u@dest.test",
		"RCPT TO: <u@dest.test>",
		"rcpt\tto:<u@dest.test> ORCPT=rfc822;", "RCPT TO:<>",
		"RCPT TO:<u@dest.test> NOTIFY=x FOO",
		"RCPT TO:<\xc3\xa4@dest.test>", "RCPT TO : <u@dest.test" };

	hello();
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "250");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		CHECK_STR(say(lines[i]), "");
		CHECK_INT(step.action, ESMTP_RCPT);
	}
	check_argument("<u@dest.test", 12);
}

/* Not even an MTA that takes everything finds anything in these. */
static void
says_what_is_expected(void)
{
	static const char *const lines[][2] = {
		{ "EHLO", "501 5.5.4 Syntax: EHLO hostname\r\n" },
		{ "HELO \t ", "501 5.5.4 Syntax: HELO hostname\r\n" },
		{ "MAIL", "501 5.5.4 Syntax: MAIL FROM:<address>\r\n" },
		{ "MAIL FROM:", "501 5.5.4 Syntax: MAIL FROM:<address>\r\n" },
		{ "MAIL <a@b>", "501 5.5.4 Syntax: MAIL FROM:<address>\r\n" },
		{ "MAIL TO:<a@b>",
		    "501 5.5.4 Syntax: MAIL FROM:<address>\r\n" },
		{ "VRFY", "501 5.5.4 Syntax: VRFY address\r\n" },
		{ "DATA now", "501 5.5.4 Syntax: DATA\r\n" },
		{ "BDAT 1 LAST 2", "501 5.5.4 Syntax: BDAT count [LAST]\r\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		hello();
		CHECK_STR(say(lines[i][0]), "501");
		CHECK_STR(step.reply, lines[i][1]);
	}
	hello();
	CHECK_STR(say("MAIL FROM:<>"), "250");
	CHECK_STR(say("RCPT"), "501");
	CHECK_STR(step.reply, "501 5.5.4 Syntax: RCPT TO:<address>\r\n");
}

/* Whatever real clients call themselves. */
static void
takes_any_name(void)
{
	static const char *const names[] = { "My PC 1", "x.test\t",
		"[192.0.2.1]", "[IPv6:2001:db8::1]", "under_score", "-", "<x>",
		"\xc3\xa4.test" };
	char line[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(line, sizeof(line), " ehlo\t%s ", names[i]);
		start();
		CHECK_STR(say(line), "");
		CHECK_INT(step.action, ESMTP_HELLO);
		CHECK_INT(step.argument[0], names[i][0]);
	}
	CHECK_STR(say("EHLO \xe4.test"), "451");
	CHECK_STR(say("EHLO \xc0\x80"), "451");
}

/* Nothing that a command of ours must not hold gets into one. */
static void
takes_whole_clean_lines_only(void)
{
	hello();
	step = esmtp_line(&session, &limits, "NOOP\n", 5);
	CHECK(memcmp(step.reply, "451", 3) == 0);
	step = esmtp_line(&session, &limits, "\n", 1);
	CHECK(memcmp(step.reply, "451", 3) == 0);
	step = esmtp_line(&session, &limits, "NO\0OP\r\n", 7);
	CHECK(memcmp(step.reply, "451", 3) == 0);
	CHECK_STR(say("MAIL FROM:<a@b>\rRCPT TO:<c@d>"), "451");
	CHECK_STR(say("EHLO a\x7f"), "451");
	CHECK_STR(say("EHLO a\x1b"), "451");
	CHECK_STR(say(""), "500");
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
deliver(int recipients)
{
	limits.recipients = 1000;
	CHECK_STR(say("MAIL FROM:<a@b.test>"), "250");
	for (int i = 0; i < recipients; i++) {
		say("RCPT TO:<u@b.test>");
		CHECK_INT(step.action, ESMTP_RCPT);
		esmtp_note_recipient(&session, true);
	}
	CHECK_STR(say("DATA"), "354");
	esmtp_end_transaction(&session, true);
}

static void
limits_commands(void)
{
	int n = 1;

	hello();
	do {
		n += 3;
		say("MAIL FROM:<a@b.test>");
		say("RCPT TO:<u@b.test>");
		esmtp_note_recipient(&session, true);
	} while (strcmp(say("RSET"), "421") != 0);
	CHECK(n > 1998 && n <= 2004);
	CHECK_INT(step.action, ESMTP_CLOSE);
}

/* A relay of any size is not cut, and pays for nothing but its own. */
static void
messages_pay_for_their_commands(void)
{
	hello();
	for (int i = 0; i < 2000; i++) {
		deliver(1 + i % 3);
		CHECK_STR(say("RSET"), "250");
	}
	CHECK(session.commands < 10);
	/* A message with 1,000 recipients. */
	deliver(1000);
	CHECK(session.commands < 10);
}

static void
limits_junk(void)
{
	static const char *const junk[] = { "NOOP", "VRFY u@b.test", "HELP",
		"RSET", "HELO client.test" };

	for (size_t j = 0; j < ARRAY_SIZE(junk); j++) {
		int n = 1;

		hello();
		while (strcmp(say(junk[j]), "421") != 0)
			CHECK(++n < 130);
		CHECK(n >= 119);
		CHECK_INT(step.action, ESMTP_CLOSE);
	}
	/* In between messages it is a habit. */
	hello();
	for (int i = 0; i < 500; i++) {
		deliver(1);
		CHECK_STR(say("NOOP"), "250");
	}
}

/* One message does not make good for nineteen probes. */
static void
messages_pay_for_few_errors(void)
{
	hello();
	for (int i = 0; i < 19; i++)
		CHECK(!esmtp_note_error(&session, ESMTP_ERROR));
	deliver(1);
	CHECK(!esmtp_note_error(&session, ESMTP_ERROR));
	CHECK(esmtp_note_error(&session, ESMTP_ERROR));
	/* A list with 3 bad ones of 100, again and again. */
	hello();
	for (int i = 0; i < 50; i++) {
		for (int bad = 0; bad < 3; bad++)
			CHECK(!esmtp_note_error(&session, ESMTP_ERROR));
		deliver(97);
	}
	/* Each of 150 recipients is greylisted. */
	for (int i = 0; i < 150; i++)
		CHECK(!esmtp_note_error(&session, ESMTP_DEFERRAL));
	for (int i = 0; i < 49; i++)
		CHECK(!esmtp_note_error(&session, ESMTP_DEFERRAL));
	CHECK(esmtp_note_error(&session, ESMTP_DEFERRAL));
}

static const struct check_case cases[] = {
	CASE(runs_a_transaction),
	CASE(keeps_the_order),
	CASE(never_offers_what_is_the_mtas),
	CASE(offers_starttls_once),
	CASE(learns_what_the_mta_does),
	CASE(asks_about_odd_senders),
	CASE(leaves_recipients_to_the_mta),
	CASE(says_what_is_expected),
	CASE(takes_any_name),
	CASE(takes_whole_clean_lines_only),
	CASE(counts_chunks),
	CASE(limits_recipients),
	CASE(limits_errors),
	CASE(limits_commands),
	CASE(limits_junk),
	CASE(messages_pay_for_their_commands),
	CASE(messages_pay_for_few_errors),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
