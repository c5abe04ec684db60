/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/smtp.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "bin/common/util.h"

/* The format attribute cannot see that all take one %s at most. */
static const char *const formats[SMTP_REPLY_COUNT] = {
	[SMTP_GREETING] = "220 %s ESMTP\r\n",
	[SMTP_EHLO] = "250-%s\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n",
	[SMTP_EHLO_TLS] = "250-%s\r\n250-8BITMIME\r\n250-STARTTLS\r\n"
			  "250 ENHANCEDSTATUSCODES\r\n",
	[SMTP_HELO] = "250 %s\r\n",
	[SMTP_SENDER_OK] = "250 2.1.0 Ok\r\n",
	[SMTP_NO_RECIPIENTS] = "554 5.5.1 Error: no valid recipients\r\n",
	[SMTP_RESET] = "250 2.0.0 Ok\r\n",
	[SMTP_NOOP] = "250 2.0.0 Ok\r\n",
	[SMTP_VRFY] = "252 2.1.5 Send some mail, I'll try my best\r\n",
	[SMTP_HELP] = "214 2.0.0 See RFC 5321\r\n",
	[SMTP_BYE] = "221 2.0.0 Bye\r\n",
	[SMTP_TLS_READY] = "220 2.0.0 Ready to start TLS\r\n",
	[SMTP_TLS_TWICE] = "503 5.5.1 Error: TLS is active already\r\n",
	[SMTP_NO_TLS_NOW] = "454 4.7.0 TLS is not available right now\r\n",
	[SMTP_NO_AUTH_NOW] =
	    "454 4.7.0 Authentication is not available right now\r\n",
	[SMTP_UNKNOWN] = "500 5.5.2 Error: command not recognized\r\n",
	[SMTP_SYNTAX] = "501 5.5.4 Error: bad syntax\r\n",
	[SMTP_SYNTAX_HELLO] = "501 5.5.4 Syntax: EHLO hostname\r\n",
	[SMTP_SYNTAX_MAIL] = "501 5.5.4 Syntax: MAIL FROM:<address>\r\n",
	[SMTP_SYNTAX_RCPT] = "501 5.5.4 Syntax: RCPT TO:<address>\r\n",
	[SMTP_NO_SUCH] = "502 5.5.1 Error: command not implemented\r\n",
	[SMTP_SEQUENCE] = "503 5.5.1 Error: bad sequence of commands\r\n",
	[SMTP_LINE_TOO_LONG] = "500 5.5.2 Error: line too long\r\n",
	[SMTP_BARE_LF] = "500 5.5.2 Error: bare <LF> received\r\n",
	[SMTP_TIMEOUT] = "421 4.4.2 %s Error: timeout exceeded\r\n",
	[SMTP_SHUTDOWN] = "421 4.3.2 %s Service shutting down\r\n",
	[SMTP_OVERLOAD] = "421 4.3.2 %s All server ports are busy\r\n",
	[SMTP_MANY_CLIENTS] = "421 4.7.0 %s Too many connections of yours\r\n",
	[SMTP_NO_MTA] = "421 4.3.2 %s No mail system right now\r\n",
	[SMTP_OPERATOR] = "421 4.3.2 %s Try again\r\n",
	[SMTP_PROXY_LATE] = "421 4.4.2 %s Error: no PROXY header in time\r\n",
	[SMTP_PROXY_UNKNOWN] =
	    "421 4.7.0 %s Error: the proxy does not say who you are\r\n",
};

const char *
smtp_reply_format(enum smtp_reply reply)
{
	return formats[reply];
}

bool
smtp_reply_is_refusal(enum smtp_reply reply)
{
	const char *format = formats[reply];

	return format == NULL || format[0] == '4' || format[0] == '5';
}

/* A command: what it does with its argument (never NULL) to the result, which
 * comes with the memory as it was. */
struct command {
	const char *verb;
	void (*run)(struct smtp_result *, const char *argument, size_t len);
};

static void
set_reply(struct smtp_result *r, enum smtp_reply reply)
{
	r->reply = reply;
}

static void
hello(struct smtp_result *r, const char *argument, size_t len,
    enum smtp_reply reply)
{
	if (len == 0)
		return set_reply(r, SMTP_SYNTAX_HELLO);
	r->helo = argument;
	r->helo_len = len;
	/* RFC 5321, 4.1.4: it clears everything, like RSET. */
	r->memory &= SMTP_TLS_OFFERED | SMTP_TLS_ACTIVE;
	r->memory |= SMTP_SAID_HELLO;
	set_reply(r, reply);
}

static void
run_ehlo(struct smtp_result *r, const char *argument, size_t len)
{
	hello(r, argument, len,
	    (r->memory & SMTP_TLS_OFFERED) != 0 ? SMTP_EHLO_TLS : SMTP_EHLO);
}

static void
run_helo(struct smtp_result *r, const char *argument, size_t len)
{
	hello(r, argument, len, SMTP_HELO);
}

/* The path in "FROM:<path> ..." or "TO:<path> ...": 0 if it is not of that
 * form.  What spammers leave out (the brackets) is their own record. */
static bool
parse_path(const char *argument, size_t len, const char *keyword,
    const char **ret_path, size_t *ret_len)
{
	size_t n = strlen(keyword);
	const char *end;

	if (len <= n || strncasecmp(argument, keyword, n) != 0)
		return false;
	argument += n;
	len -= n;
	while (len > 0 && *argument == ' ') {
		argument++;
		len--;
	}
	if (len > 0 && *argument == '<') {
		end = memchr(argument, '>', len);
		if (end == NULL)
			return false;
		*ret_path = argument;
		*ret_len = (size_t)(end + 1 - argument);
		return true;
	}
	end = memchr(argument, ' ', len);
	*ret_path = argument;
	*ret_len = end != NULL ? (size_t)(end - argument) : len;
	return *ret_len > 0;
}

static void
run_mail(struct smtp_result *r, const char *argument, size_t len)
{
	if ((r->memory & SMTP_SAID_HELLO) == 0 ||
	    (r->memory & SMTP_HAS_SENDER) != 0)
		return set_reply(r, SMTP_SEQUENCE);
	if (!parse_path(argument, len, "FROM:", &r->sender, &r->sender_len))
		return set_reply(r, SMTP_SYNTAX_MAIL);
	r->memory |= SMTP_HAS_SENDER;
	set_reply(r, SMTP_SENDER_OK);
}

static void
run_rcpt(struct smtp_result *r, const char *argument, size_t len)
{
	const char *path;
	size_t path_len;

	if ((r->memory & SMTP_HAS_SENDER) == 0)
		return set_reply(r, SMTP_SEQUENCE);
	if (!parse_path(argument, len, "TO:", &path, &path_len))
		return set_reply(r, SMTP_SYNTAX_RCPT);
	r->recipient = true;
	set_reply(r, SMTP_RECIPIENT_REFUSED);
}

static void
run_data(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	set_reply(r,
	    (r->memory & SMTP_HAS_SENDER) != 0 ? SMTP_NO_RECIPIENTS
					       : SMTP_SEQUENCE);
}

static void
run_rset(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	r->memory &= (uint8_t)~SMTP_HAS_SENDER;
	r->prompt = true;
	set_reply(r, SMTP_RESET);
}

static void
run_noop(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	set_reply(r, SMTP_NOOP);
}

static void
run_vrfy(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	set_reply(r, len > 0 ? SMTP_VRFY : SMTP_SYNTAX);
}

static void
run_help(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	set_reply(r, SMTP_HELP);
}

static void
run_quit(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	r->close = true;
	set_reply(r, SMTP_BYE);
}

static void
run_starttls(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	if ((r->memory & SMTP_TLS_ACTIVE) != 0)
		return set_reply(r, SMTP_TLS_TWICE);
	if ((r->memory & SMTP_TLS_OFFERED) == 0)
		return set_reply(r, SMTP_NO_TLS_NOW);
	/* RFC 3207, 4: it has no parameters. */
	if (len > 0)
		return set_reply(r, SMTP_SYNTAX);
	r->starttls = true;
	set_reply(r, SMTP_TLS_READY);
}

static void
run_absent(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	set_reply(r, SMTP_NO_SUCH);
}

/* The MTA has it, perhaps, and this client may not be held for ever. */
static void
run_auth(struct smtp_result *r, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	set_reply(r, SMTP_NO_AUTH_NOW);
}

static const struct command commands[] = {
	{ "EHLO", run_ehlo },
	{ "HELO", run_helo },
	{ "MAIL", run_mail },
	{ "RCPT", run_rcpt },
	{ "DATA", run_data },
	{ "RSET", run_rset },
	{ "NOOP", run_noop },
	{ "VRFY", run_vrfy },
	{ "HELP", run_help },
	{ "QUIT", run_quit },
	{ "EXPN", run_absent },
	{ "AUTH", run_auth },
	{ "BDAT", run_absent },
	{ "ETRN", run_absent },
	{ "STARTTLS", run_starttls },
};

static const struct command *
find_command(const char *verb, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strlen(commands[i].verb) == len &&
		    strncasecmp(commands[i].verb, verb, len) == 0)
			return &commands[i];
	return NULL;
}

/* Runs the command in the LEN bytes without their line end. */
static void
run(struct smtp_result *r, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	size_t verb_len = space != NULL ? (size_t)(space - line) : len;
	const struct command *command = find_command(line, verb_len);
	const char *argument = line + verb_len;

	if (command == NULL)
		return set_reply(r, SMTP_UNKNOWN);
	len -= verb_len;
	while (len > 0 && *argument == ' ') {
		argument++;
		len--;
	}
	/* RFC 5321, 4.1.1: servers tolerate trailing white space. */
	while (len > 0 && isspace((unsigned char)argument[len - 1]))
		len--;
	command->run(r, argument, len);
}

struct smtp_result
smtp_line(uint8_t memory, const char *line, size_t len)
{
	struct smtp_result r = { .memory = memory };

	/* RFC 5321, 2.3.8: only CRLF ends a line.  In hold nothing can be
	 * smuggled past us, but the same client meets the same answer here as
	 * at a current MTA. */
	if (len < 2 || line[len - 2] != '\r')
		set_reply(&r, SMTP_BARE_LF);
	else if (memchr(line, '\0', len) != NULL)
		set_reply(&r, SMTP_SYNTAX);
	else
		run(&r, line, len - 2);
	return r;
}
