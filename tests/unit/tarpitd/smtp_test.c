/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/smtp.h"

#include "bin/common/util.h"
#include "bin/tarpitd/texts.h"
#include "tests/helpers/check.h"

enum { HELLO = SMTP_SAID_HELLO, MAIL = SMTP_SAID_HELLO | SMTP_HAS_SENDER };

static struct smtp_result
say(uint8_t memory, const char *line)
{
	char buf[SMTP_LINE_MAX + 2];
	int n = snprintf(buf, sizeof(buf), "%s\r\n", line);

	CHECK(n > 0 && (size_t)n < sizeof(buf));
	return smtp_line(memory, buf, (size_t)n);
}

static void
check_slice(const char *slice, size_t len, const char *expected)
{
	CHECK_INT(len, strlen(expected));
	CHECK(memcmp(slice, expected, len) == 0);
}

static void
every_command_has_its_reply(void)
{
	static const struct {
		uint8_t memory, after;
		const char *line;
		enum smtp_reply reply;
	} steps[] = {
		{ 0, HELLO, "EHLO client.example", SMTP_EHLO },
		{ 0, HELLO, "HELO client.example", SMTP_HELO },
		{ MAIL, HELLO, "EHLO client.example", SMTP_EHLO },
		{ MAIL, HELLO, "HELO client.example", SMTP_HELO },
		{ 0, 0, "EHLO", SMTP_SYNTAX_HELLO },
		{ 0, 0, "HELO", SMTP_SYNTAX_HELLO },
		{ HELLO, MAIL, "MAIL FROM:<a@b.example>", SMTP_SENDER_OK },
		{ HELLO, MAIL, "MAIL FROM:<>", SMTP_SENDER_OK },
		{ HELLO, HELLO, "MAIL", SMTP_SYNTAX_MAIL },
		{ HELLO, HELLO, "MAIL FROM:", SMTP_SYNTAX_MAIL },
		{ HELLO, HELLO, "MAIL FROM:<a", SMTP_SYNTAX_MAIL },
		{ HELLO, HELLO, "MAIL TO:<a@b.example>", SMTP_SYNTAX_MAIL },
		{ 0, 0, "MAIL FROM:<a@b.example>", SMTP_SEQUENCE },
		{ MAIL, MAIL, "MAIL FROM:<a@b.example>", SMTP_SEQUENCE },
		{ MAIL, MAIL, "RCPT TO:<a@b.example>", SMTP_RECIPIENT_REFUSED },
		{ MAIL, MAIL, "RCPT", SMTP_SYNTAX_RCPT },
		{ MAIL, MAIL, "RCPT TO:", SMTP_SYNTAX_RCPT },
		{ MAIL, MAIL, "RCPT FROM:<a@b.example>", SMTP_SYNTAX_RCPT },
		{ 0, 0, "RCPT TO:<a@b.example>", SMTP_SEQUENCE },
		{ HELLO, HELLO, "RCPT TO:<a@b.example>", SMTP_SEQUENCE },
		{ MAIL, MAIL, "DATA", SMTP_NO_RECIPIENTS },
		{ HELLO, HELLO, "DATA", SMTP_SEQUENCE },
		{ 0, 0, "DATA", SMTP_SEQUENCE },
		{ MAIL, HELLO, "RSET", SMTP_RESET },
		{ 0, 0, "RSET", SMTP_RESET },
		{ MAIL, MAIL, "NOOP", SMTP_NOOP },
		{ 0, 0, "NOOP whatever", SMTP_NOOP },
		{ HELLO, HELLO, "VRFY postmaster", SMTP_VRFY },
		{ HELLO, HELLO, "VRFY", SMTP_SYNTAX },
		{ HELLO, HELLO, "HELP", SMTP_HELP },
		{ HELLO, HELLO, "HELP MAIL", SMTP_HELP },
		{ MAIL, MAIL, "QUIT", SMTP_BYE },
		{ 0, 0, "EXPN staff", SMTP_NO_SUCH },
		{ 0, 0, "AUTH PLAIN AGEAYg==", SMTP_NO_AUTH_NOW },
		{ MAIL, MAIL, "BDAT 10 LAST", SMTP_NO_SUCH },
		{ 0, 0, "ETRN example.org", SMTP_NO_SUCH },
		{ HELLO, HELLO, "STARTTLS", SMTP_NO_TLS_NOW },
		{ HELLO, HELLO, "GET / HTTP/1.1", SMTP_UNKNOWN },
		{ HELLO, HELLO, "EHLOX y", SMTP_UNKNOWN },
		{ HELLO, HELLO, "EHL y", SMTP_UNKNOWN },
		{ HELLO, HELLO, "", SMTP_UNKNOWN },
		{ HELLO, HELLO, " NOOP", SMTP_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct smtp_result r = say(steps[i].memory, steps[i].line);

		if (r.reply != steps[i].reply)
			fprintf(stderr, "\"%s\"\n", steps[i].line);
		CHECK_INT(r.reply, steps[i].reply);
		CHECK_INT(r.memory, steps[i].after);
		CHECK_INT(r.close, r.reply == SMTP_BYE);
		CHECK_INT(r.prompt, r.reply == SMTP_RESET);
		CHECK_INT(r.recipient, r.reply == SMTP_RECIPIENT_REFUSED);
	}
}

static void
case_and_trailing_blanks_do_not_matter(void)
{
	CHECK_INT(say(0, "ehlo x").reply, SMTP_EHLO);
	CHECK_INT(say(0, "eHlO x \t ").reply, SMTP_EHLO);
	CHECK_INT(say(0, "HELO  ").reply, SMTP_SYNTAX_HELLO);
	CHECK_INT(
	    say(MAIL, "rcpt to:<x@y.example>  ").reply, SMTP_RECIPIENT_REFUSED);
	CHECK_INT(
	    say(MAIL, "RCPT TO: <x@y.example>").reply, SMTP_RECIPIENT_REFUSED);
	CHECK_INT(say(0, "quit ").reply, SMTP_BYE);
	CHECK_INT(say(0, "NOOP ").reply, SMTP_NOOP);
}

/* RFC 3207, 4: no parameters; only where it is offered, and once. */
static void
starttls_is_offered_once(void)
{
	const uint8_t offered = HELLO | SMTP_TLS_OFFERED;
	struct smtp_result r = say(offered | MAIL, "EHLO x");

	CHECK_INT(r.reply, SMTP_EHLO_TLS);
	CHECK_INT(r.memory, offered);
	CHECK_INT(say(SMTP_TLS_OFFERED, "HELO x").reply, SMTP_HELO);
	CHECK_INT(say(SMTP_TLS_ACTIVE, "EHLO x").reply, SMTP_EHLO);
	CHECK_INT(
	    say(SMTP_TLS_ACTIVE, "EHLO x").memory, HELLO | SMTP_TLS_ACTIVE);
	r = say(offered, "STARTTLS");
	CHECK_INT(r.reply, SMTP_TLS_READY);
	CHECK(r.starttls);
	r = say(offered, "STARTTLS now");
	CHECK_INT(r.reply, SMTP_SYNTAX);
	CHECK(!r.starttls);
	r = say(HELLO | SMTP_TLS_ACTIVE, "STARTTLS");
	CHECK_INT(r.reply, SMTP_TLS_TWICE);
	CHECK(!r.starttls);
	CHECK(!say(HELLO, "STARTTLS").starttls);
}

static void
words_are_what_was_said(void)
{
	struct smtp_result r = say(0, "EHLO client.example ");

	check_slice(r.helo, r.helo_len, "client.example");
	CHECK_INT(r.sender_len, 0);
	r = say(HELLO, "MAIL FROM:<a@b.example> SIZE=10");
	check_slice(r.sender, r.sender_len, "<a@b.example>");
	CHECK_INT(r.helo_len, 0);
	r = say(HELLO, "MAIL FROM:<>");
	check_slice(r.sender, r.sender_len, "<>");
	r = say(HELLO, "MAIL FROM:a@b.example BODY=8BITMIME");
	check_slice(r.sender, r.sender_len, "a@b.example");
	r = say(0, "MAIL FROM:<a@b.example>");
	CHECK_INT(r.reply, SMTP_SEQUENCE);
	r = say(0, "NOOP x");
	CHECK_INT(r.helo_len + r.sender_len, 0);
}

static void
bare_lf_and_nul_are_errors(void)
{
	CHECK_INT(smtp_line(0, "\n", 1).reply, SMTP_BARE_LF);
	CHECK_INT(smtp_line(0, "QUIT\n", 5).reply, SMTP_BARE_LF);
	CHECK(!smtp_line(0, "QUIT\n", 5).close);
	CHECK_INT(smtp_line(MAIL, "RCPT TO:<a>\n", 12).reply, SMTP_BARE_LF);
	CHECK_INT(smtp_line(0, "\r\n", 2).reply, SMTP_UNKNOWN);
	CHECK_INT(smtp_line(0, "QUIT\0\r\n", 7).reply, SMTP_SYNTAX);
	CHECK(!smtp_line(0, "QUIT\0\r\n", 7).close);
	CHECK_INT(smtp_line(0, "\0\r\n", 3).reply, SMTP_SYNTAX);
	CHECK_INT(smtp_line(0, "EHLO a\rb\r\n", 10).reply, SMTP_EHLO);
}

static void
the_longest_line_is_one(void)
{
	char line[SMTP_LINE_MAX];
	struct smtp_result r;

	memset(line, 'x', sizeof(line));
	memcpy(line, "EHLO ", 5);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	r = smtp_line(0, line, sizeof(line));
	CHECK_INT(r.reply, SMTP_EHLO);
	CHECK_INT(r.helo_len, sizeof(line) - 7);
	memset(line, ' ', sizeof(line) - 2);
	CHECK_INT(smtp_line(0, line, sizeof(line)).reply, SMTP_UNKNOWN);
	memcpy(line, "NOOP", 4);
	CHECK_INT(smtp_line(0, line, sizeof(line)).reply, SMTP_NOOP);
}

/* Whatever is said, nothing is accepted but hellos and senders. */
static void
check_harmless(uint8_t memory, const struct smtp_result *r, const char *line)
{
	bool rcpt = strncasecmp(line, "RCPT", 4) == 0;
	bool data = strncasecmp(line, "DATA", 4) == 0 ||
	    strncasecmp(line, "BDAT", 4) == 0;

	CHECK(r->reply > SMTP_GREETING && r->reply < SMTP_REPLY_COUNT);
	if (r->reply != SMTP_RECIPIENT_REFUSED && (rcpt || data))
		CHECK_INT(smtp_reply_format(r->reply)[0], '5');
	if ((r->memory & SMTP_HAS_SENDER) > (memory & SMTP_HAS_SENDER))
		CHECK_INT(r->reply, SMTP_SENDER_OK);
	CHECK_INT(r->recipient, r->reply == SMTP_RECIPIENT_REFUSED);
	CHECK_INT(r->close, r->reply == SMTP_BYE);
}

static void
no_byte_disturbs_it(void)
{
	static const char *const verbs[] = { "", "RCPT", "RCPT TO:<", "DATA",
		"MAIL FROM:", "MAIL FROM:<x>", "EHLO", "EHLO ", "BDAT ",
		"DATA ", "RSET", "QUIT" };
	char line[64];

	for (size_t v = 0; v < ARRAY_SIZE(verbs); v++)
		for (int a = 0; a < 256; a++)
			for (int b = 0; b < 256; b++) {
				size_t n = strlen(verbs[v]);
				struct smtp_result r;
				uint8_t memory = (uint8_t)(b & 3);

				memcpy(line, verbs[v], n);
				line[n++] = (char)a;
				line[n++] = (char)b;
				memcpy(line + n, "\r\n", 3);
				r = smtp_line(memory, line, n + 2);
				check_harmless(memory, &r, line);
			}
}

static void
random_lines_are_answered(void)
{
	static const char *const pieces[] = { "RCPT", "MAIL", "DATA", " ",
		"FROM:", "TO:", "<", ">", "a@b", "\r", "\n", "\0", "\t", "RSET",
		"QUIT", "EHLO", "\xff", ".", "SIZE=1" };
	char line[SMTP_LINE_MAX];
	unsigned int seed = 1;

	for (int round = 0; round < 200000; round++) {
		uint8_t memory = (uint8_t)(round & 3);
		struct smtp_result r;
		size_t n = 0;

		for (int i = 0, k = rand_r(&seed) % 12; i < k; i++) {
			const char *p =
			    pieces[(size_t)rand_r(&seed) % ARRAY_SIZE(pieces)];
			size_t len = *p == '\0' ? 1 : strlen(p);

			memcpy(line + n, p, len);
			n += len;
		}
		memcpy(line + n, "\r\n", 3);
		r = smtp_line(memory, line, n + 2);
		check_harmless(memory, &r, line);
		CHECK(r.helo_len <= n && r.sender_len <= n);
	}
}

/* TEXT is one reply: lines of one code, CRLF ended, 512 bytes at most (RFC
 * 5321, 4.5.3.1.5). */
static void
check_reply(const char *text, size_t n)
{
	char code[3];

	CHECK(n > 0 && text[n - 1] == '\n');
	memcpy(code, text, sizeof(code));
	while (n > 0) {
		const char *lf = memchr(text, '\n', n);
		size_t len = (size_t)(lf + 1 - text);

		CHECK(len >= 6 && len <= 512);
		CHECK(lf[-1] == '\r');
		CHECK(memcmp(text, code, sizeof(code)) == 0);
		CHECK_INT(text[3], n == len ? ' ' : '-');
		for (size_t i = 0; i < len - 2; i++)
			CHECK(text[i] >= ' ' && text[i] <= '~');
		text += len;
		n -= len;
	}
}

static void
replies_are_well_formed(void)
{
	static const char classes[SMTP_REPLY_COUNT] = {
		[SMTP_GREETING] = '2',
		[SMTP_EHLO] = '2',
		[SMTP_EHLO_TLS] = '2',
		[SMTP_HELO] = '2',
		[SMTP_SENDER_OK] = '2',
		[SMTP_RECIPIENT_REFUSED] = '4',
		[SMTP_NO_RECIPIENTS] = '5',
		[SMTP_RESET] = '2',
		[SMTP_NOOP] = '2',
		[SMTP_VRFY] = '2',
		[SMTP_HELP] = '2',
		[SMTP_BYE] = '2',
		[SMTP_TLS_READY] = '2',
		[SMTP_TLS_TWICE] = '5',
		[SMTP_NO_TLS_NOW] = '4',
		[SMTP_UNKNOWN] = '5',
		[SMTP_NO_AUTH_NOW] = '4',
		[SMTP_SYNTAX] = '5',
		[SMTP_SYNTAX_HELLO] = '5',
		[SMTP_SYNTAX_MAIL] = '5',
		[SMTP_SYNTAX_RCPT] = '5',
		[SMTP_NO_SUCH] = '5',
		[SMTP_SEQUENCE] = '5',
		[SMTP_LINE_TOO_LONG] = '5',
		[SMTP_BARE_LF] = '5',
		[SMTP_TIMEOUT] = '4',
		[SMTP_SHUTDOWN] = '4',
		[SMTP_OVERLOAD] = '4',
		[SMTP_MANY_CLIENTS] = '4',
		[SMTP_NO_MTA] = '4',
		[SMTP_OPERATOR] = '4',
		[SMTP_PROXY_LATE] = '4',
		[SMTP_PROXY_UNKNOWN] = '4',
	};
	struct texts_store store = { 0 };
	char name[256];

	memset(name, 'x', 255);
	name[255] = '\0';
	CHECK_INT(texts_renew(&store, name, "450 4.7.1 Try again later"), 0);
	for (int i = 0; i < SMTP_REPLY_COUNT; i++) {
		const struct texts *t = store.generation[store.current];

		CHECK_INT(strlen(t->reply[i].text), t->reply[i].len);
		CHECK_INT(t->reply[i].text[0], classes[i]);
		check_reply(t->reply[i].text, t->reply[i].len);
	}
	texts_fini(&store);
}

/* RFC 2034: every reply of class 2, 4 and 5 has an enhanced status code of its
 * class, but for greeting and hello. */
static void
replies_have_status_codes(void)
{
	for (int i = SMTP_SENDER_OK; i < SMTP_REPLY_COUNT; i++) {
		const char *f = smtp_reply_format((enum smtp_reply)i);

		if (i == SMTP_RECIPIENT_REFUSED) {
			CHECK(f == NULL);
			continue;
		}
		CHECK_INT(f[4], f[0]);
		CHECK_INT(f[5], '.');
		CHECK_INT(f[7], '.');
	}
}

static const struct check_case cases[] = {
	CASE(every_command_has_its_reply),
	CASE(case_and_trailing_blanks_do_not_matter),
	CASE(starttls_is_offered_once),
	CASE(words_are_what_was_said),
	CASE(bare_lf_and_nul_are_errors),
	CASE(the_longest_line_is_one),
	CASE(no_byte_disturbs_it),
	CASE(random_lines_are_answered),
	CASE(replies_are_well_formed),
	CASE(replies_have_status_codes),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
