/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/esmtp.h"

#include <string.h>

#include "bin/common/decimal.h"
#include "bin/common/util.h"
#include "bin/tarpitd/envelope.h"
#include "bin/tarpitd/token.h"
#include "bin/tarpitd/utf8.h"

enum {
	/* Real senders make none or one; Postfix's smtpd_hard_error_limit. */
	ERRORS_MAX = 20 * ESMTP_ERROR,
	/* Of one session without a message: 1,000 recipients and then some. */
	COMMANDS_MAX = 2000,
	/* Of those, such as bring no message forward; each more is an error.
	 * Postfix's smtpd_junk_command_limit. */
	JUNK_MAX = 100,
};

const char esmtp_too_many_errors[] = "421 4.7.0 Error: too many errors\r\n";
const char esmtp_no_room[] =
    "452 4.3.1 Error: message is too large for this session\r\n";
const char esmtp_line_too_long[] = "451 4.5.2 Error: line too long\r\n";

static const char ok[] = "250 2.0.0 Ok\r\n";
static const char need_hello[] = "503 5.5.1 Error: send EHLO or HELO first\r\n";
static const char need_mail[] = "503 5.5.1 Error: need MAIL command\r\n";
static const char in_chunks[] =
    "503 5.5.1 Error: only BDAT may follow BDAT before its LAST\r\n";

/* What a command works on; handlers fill in `step`. */
struct call {
	struct esmtp *e;
	const struct esmtp_limits *limits;
	const char *argument;
	size_t len;
	bool is_error;
	bool junk;
	struct esmtp_step step;
};

static void
say(struct call *c, const char *reply)
{
	c->step.action = ESMTP_SAY;
	c->step.reply = reply;
}

/* The client's mistake, of which it may make some. */
static void
refuse(struct call *c, const char *reply)
{
	say(c, reply);
	c->is_error = true;
}

static void
forget(struct esmtp *e)
{
	e->memory &= ESMTP_SAID_HELLO | ESMTP_SAID_EHLO;
	e->recipients = 0;
	e->useful = 0;
}

/* Whatever name it gives itself: the MTA hears it, and may mind.  It is answered
 * before that, so not what Postfix would refuse as no UTF-8. */
static void
hello(struct call *c, uint8_t memory)
{
	c->junk = true;
	if (!utf8_is_valid(c->argument, c->len))
		return refuse(c, "451 4.5.2 Error: hostname is not UTF-8\r\n");
	forget(c->e);
	c->e->memory = memory;
	c->step.action = ESMTP_HELLO;
	c->step.argument = c->argument;
	c->step.argument_len = c->len;
}

static void
run_ehlo(struct call *c)
{
	if (c->len == 0)
		return refuse(c, "501 5.5.4 Syntax: EHLO hostname\r\n");
	hello(c, ESMTP_SAID_HELLO | ESMTP_SAID_EHLO);
}

static void
run_helo(struct call *c)
{
	if (c->len == 0)
		return refuse(c, "501 5.5.4 Syntax: HELO hostname\r\n");
	hello(c, ESMTP_SAID_HELLO);
}

static bool
take_envelope(struct call *c, const char *keyword, struct envelope *ret)
{
	if (!envelope_read(
		c->argument, c->len, keyword, c->limits->offers, ret))
		return false;
	c->step.argument = ret->argument;
	c->step.argument_len = ret->len;
	c->step.path_len = ret->path_len;
	return true;
}

/* Most MTAs take mail from who has not said hello; so it is theirs to refuse
 * it. */
static bool
is_answer_known(const struct call *c, const struct envelope *e)
{
	return e->plain && (c->e->memory & ESMTP_SAID_HELLO) != 0 &&
	    (c->limits->size == 0 || e->size <= c->limits->size);
}

static void
run_mail(struct call *c)
{
	struct envelope e;

	if ((c->e->memory & ESMTP_HAS_SENDER) != 0)
		return refuse(c, "503 5.5.1 Error: nested MAIL command\r\n");
	if (!take_envelope(c, "FROM", &e))
		return refuse(c, "501 5.5.4 Syntax: MAIL FROM:<address>\r\n");
	/* The MTA may take it, only not by way of us. */
	if (e.size > c->limits->room &&
	    (c->limits->size == 0 || e.size <= c->limits->size))
		return say(c, esmtp_no_room);
	c->e->memory |= ESMTP_HAS_SENDER;
	c->step.action = ESMTP_MAIL;
	c->step.reply = is_answer_known(c, &e) ? "250 2.1.0 Ok\r\n" : NULL;
}

static void
run_rcpt(struct call *c)
{
	struct envelope e;

	if ((c->e->memory & ESMTP_HAS_SENDER) == 0)
		return refuse(c, need_mail);
	if ((c->e->memory & ESMTP_IN_CHUNKS) != 0)
		return refuse(c, in_chunks);
	if (!take_envelope(c, "TO", &e))
		return refuse(c, "501 5.5.4 Syntax: RCPT TO:<address>\r\n");
	/* RFC 5321, 4.5.3.1.10: the client sends the rest in another one. */
	if (c->e->recipients >= c->limits->recipients)
		return say(c, "452 4.5.3 Error: too many recipients\r\n");
	c->step.action = ESMTP_RCPT;
	c->step.reply = NULL;
}

/* Why no message can come now, or NULL. */
static const char *
why_no_message(const struct esmtp *e)
{
	if ((e->memory & (ESMTP_HAS_SENDER | ESMTP_SAID_HELLO)) == 0)
		return need_hello;
	if ((e->memory & ESMTP_HAS_SENDER) == 0)
		return need_mail;
	if (e->recipients > 0)
		return NULL;
	return (e->memory & ESMTP_REFUSED) != 0
	    ? "554 5.5.1 Error: no valid recipients\r\n"
	    : "503 5.5.1 Error: need RCPT command\r\n";
}

static void
run_data(struct call *c)
{
	const char *refusal = why_no_message(c->e);

	if (c->len > 0)
		return refuse(c, "501 5.5.4 Syntax: DATA\r\n");
	/* RFC 3030, 2: DATA and BDAT do not mix. */
	if (refusal == NULL && (c->e->memory & ESMTP_IN_CHUNKS) != 0)
		refusal = in_chunks;
	if (refusal != NULL)
		return refuse(c, refusal);
	c->step.action = ESMTP_DATA;
	c->step.reply = "354 End data with <CR><LF>.<CR><LF>\r\n";
}

/* A refused chunk follows its command all the same and must be read: without
 * that its bytes would be taken for commands.  Of a size that cannot be read
 * nobody knows where it ends. */
static void
run_bdat(struct call *c)
{
	const char *pos = c->argument, *end = c->argument + c->len;
	const char *size, *word;
	size_t size_len, len;
	int64_t n;

	if (!token_next(&pos, end, &size, &size_len) ||
	    decimal_parse(size, size_len, 0, INT64_MAX, &n) < 0) {
		c->step.action = ESMTP_CLOSE;
		c->step.reply = "421 4.5.4 Syntax: BDAT count [LAST]\r\n";
		return;
	}
	c->step.action = ESMTP_BDAT;
	c->step.chunk = (uint64_t)n;
	c->step.reply = why_no_message(c->e);
	if (token_next(&pos, end, &word, &len)) {
		c->step.last = token_is(word, len, "LAST");
		if (!c->step.last || token_next(&pos, end, &word, &len))
			c->step.reply =
			    "501 5.5.4 Syntax: BDAT count [LAST]\r\n";
	}
	c->is_error = c->step.reply != NULL;
	if (c->step.reply == NULL)
		c->e->memory |= ESMTP_IN_CHUNKS;
}

static void
run_rset(struct call *c)
{
	/* Who asks about a recipient and goes no further is a callout. */
	c->junk = c->e->recipients == 0;
	forget(c->e);
	c->step.action = ESMTP_FORGET;
	c->step.reply = ok;
}

static void
run_noop(struct call *c)
{
	c->junk = true;
	say(c, ok);
}

static void
run_vrfy(struct call *c)
{
	c->junk = true;
	if (c->len == 0)
		return refuse(c, "501 5.5.4 Syntax: VRFY address\r\n");
	say(c, "252 2.1.5 Send some mail, I'll try my best\r\n");
}

static void
run_help(struct call *c)
{
	c->junk = true;
	say(c, "214 2.0.0 See RFC 5321\r\n");
}

static void
run_quit(struct call *c)
{
	c->step.action = ESMTP_CLOSE;
	c->step.reply = "221 2.0.0 Bye\r\n";
}

static void
run_absent(struct call *c)
{
	refuse(c, "502 5.5.1 Error: command not implemented\r\n");
}

/* What the MTA's own listener may well do, and this session cannot: not for
 * good, or who is throttled once would be told so (RFC 4954, 6; RFC 1985,
 * 5.3). */
static void
run_auth(struct call *c)
{
	refuse(c, "454 4.7.0 Authentication is not available right now\r\n");
}

static void
run_etrn(struct call *c)
{
	refuse(c, "458 4.7.1 Unable to queue messages right now\r\n");
}

static void
run_starttls(struct call *c)
{
	if (c->limits->secure)
		return refuse(c, "503 5.5.1 Error: TLS is active already\r\n");
	if ((c->limits->offers & ESMTP_STARTTLS) == 0)
		return refuse(
		    c, "454 4.7.0 TLS is not available right now\r\n");
	/* RFC 3207, 4: it has no parameters. */
	if (c->len > 0)
		return refuse(c, "501 5.5.4 Syntax: STARTTLS\r\n");
	c->step.action = ESMTP_SECURE;
	c->step.reply = "220 2.0.0 Ready to start TLS\r\n";
}

/* AUTH, ETRN, XCLIENT and XFORWARD would reach the MTA with our rights. */
static const struct {
	const char *verb;
	void (*run)(struct call *);
} commands[] = {
	{ "EHLO", run_ehlo },
	{ "HELO", run_helo },
	{ "MAIL", run_mail },
	{ "RCPT", run_rcpt },
	{ "DATA", run_data },
	{ "BDAT", run_bdat },
	{ "RSET", run_rset },
	{ "NOOP", run_noop },
	{ "VRFY", run_vrfy },
	{ "HELP", run_help },
	{ "QUIT", run_quit },
	{ "EXPN", run_absent },
	{ "AUTH", run_auth },
	{ "ETRN", run_etrn },
	{ "STARTTLS", run_starttls },
	{ "XCLIENT", run_absent },
	{ "XFORWARD", run_absent },
};

static void
run(struct call *c, const char *line, const char *end)
{
	const char *verb, *pos = line;
	size_t len;

	(void)token_next(&pos, end, &verb, &len);
	pos = token_skip_blanks(pos, end);
	/* RFC 5321, 4.1.1: servers tolerate trailing white space. */
	while (end > pos && is_blank(end[-1]))
		end--;
	c->argument = pos;
	c->len = (size_t)(end - pos);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (token_is(verb, len, commands[i].verb))
			return commands[i].run(c);
	refuse(c, "500 5.5.2 Error: command not recognized\r\n");
}

/* Whether the bytes of a line could stand in a command of ours: CR, LF, NUL
 * and other controls could not.  A tab can. */
static bool
has_control(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') ||
		    line[i] == 127)
			return true;
	return false;
}

static bool
is_useful(const struct esmtp_step *step)
{
	return step->action == ESMTP_MAIL || step->action == ESMTP_RCPT ||
	    step->action == ESMTP_DATA || step->action == ESMTP_BDAT;
}

static void
limit_errors(struct call *c)
{
	bool wrong = c->is_error || (c->junk && ++c->e->junk > JUNK_MAX);

	c->e->useful += is_useful(&c->step);
	if (wrong && esmtp_note_error(c->e, ESMTP_ERROR)) {
		c->step.action = ESMTP_CLOSE;
		c->step.reply = esmtp_too_many_errors;
	} else if (++c->e->commands > COMMANDS_MAX) {
		c->step.action = ESMTP_CLOSE;
		c->step.reply = "421 4.7.0 Error: too many commands\r\n";
	}
}

/* What cannot be passed on safely another MTA may well take: not for good. */
struct esmtp_step
esmtp_line(struct esmtp *e, const struct esmtp_limits *limits, const char *line,
    size_t len)
{
	struct call c = { .e = e, .limits = limits };

	/* RFC 5321, 2.3.8: only CRLF ends a line. */
	if (len < 2 || line[len - 2] != '\r')
		refuse(&c, "451 4.5.2 Error: bare <LF> received\r\n");
	else if (has_control(line, len - 2))
		refuse(&c, "451 4.5.2 Error: control character received\r\n");
	else
		run(&c, line, line + len - 2);
	limit_errors(&c);
	return c.step;
}

void
esmtp_note_recipient(struct esmtp *e, bool accepted)
{
	if (accepted)
		e->recipients++;
	else
		e->memory |= ESMTP_REFUSED;
}

static uint32_t
smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void
esmtp_end_transaction(struct esmtp *e, bool taken)
{
	uint32_t n = e->recipients, useful = e->useful;

	forget(e);
	if (!taken)
		return;
	e->errors -= (uint8_t)smaller(e->errors, n * ESMTP_ERROR);
	e->junk -= (uint16_t)smaller(e->junk, n);
	/* Some send RSET in between. */
	e->commands -= (uint16_t)smaller(e->commands, useful + 1);
}

bool
esmtp_note_error(struct esmtp *e, uint8_t weight)
{
	e->errors = (uint8_t)smaller(e->errors + weight, ERRORS_MAX);
	return e->errors >= ERRORS_MAX;
}
