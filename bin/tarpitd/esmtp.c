/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/esmtp.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "bin/common/decimal.h"
#include "bin/common/util.h"
#include "bin/tarpitd/token.h"

enum {
	/* Real senders make none or one; Postfix's smtpd_hard_error_limit. */
	ERRORS_MAX = 20,
	/* Of one session without a message: 1,000 recipients and then some. */
	COMMANDS_MAX = 2000,
	NAME_MAX_LEN = 255,
	/* RFC 5321, 4.5.3.1: 64 + 1 + 255 and brackets; source routes. */
	PATH_MAX_LEN = 512,
	/* RFC 3461, 4.4 and 4.2. */
	ENVID_MAX_LEN = 100,
	ORCPT_MAX_LEN = 500,
};

const char esmtp_too_many_errors[] = "421 4.7.0 Error: too many errors\r\n";

static const char ok[] = "250 2.0.0 Ok\r\n";
static const char syntax[] = "501 5.5.4 Error: bad syntax\r\n";
static const char sequence[] = "503 5.5.1 Error: bad sequence of commands\r\n";
static const char parameter[] = "555 5.5.4 Error: parameter not supported\r\n";
static const char too_large[] = "552 5.3.4 Message size exceeds our limit\r\n";

/* What a command works on; handlers fill in `step`. */
struct call {
	struct esmtp *e;
	const struct esmtp_limits *limits;
	const char *argument;
	size_t len;
	struct esmtp_step step;
};

static void
say(struct call *c, const char *reply)
{
	c->step.action = ESMTP_SAY;
	c->step.reply = reply;
}

/* ---- words ---- */

/* RFC 3461, 4: printable ASCII, where '+' begins two upper case hex digits. */
static bool
is_xtext(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '!' || s[i] > '~' || s[i] == '=')
			return false;
		if (s[i] != '+')
			continue;
		if (len - i < 3 || !isxdigit((unsigned char)s[i + 1]) ||
		    !isxdigit((unsigned char)s[i + 2]))
			return false;
		i += 2;
	}
	return len > 0;
}

static bool
is_path_byte(unsigned char c, bool utf8)
{
	return (c >= ' ' && c <= '~') || (utf8 && c >= 0x80);
}

/* The length of "<...>" at S, or 0.  A quoted local part may hold blanks and
 * brackets (RFC 5321, 4.1.2); outside of quotes neither may stand. */
static size_t
path_length(const char *s, size_t len, bool utf8)
{
	bool quoted = false;

	if (len < 2 || s[0] != '<')
		return 0;
	for (size_t i = 1; i < len && i < PATH_MAX_LEN; i++) {
		if (!is_path_byte((unsigned char)s[i], utf8))
			return 0;
		if (quoted && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			quoted = !quoted;
		else if (!quoted && s[i] == '>')
			return i + 1;
		else if (!quoted && (s[i] == ' ' || s[i] == '<'))
			return 0;
		if (i < len && !is_path_byte((unsigned char)s[i], utf8))
			return 0;
	}
	return 0;
}

/* "FROM:<path>..." or "TO:<path>...": leaves the argument at the path.  Real
 * programs put a blank before it. */
static bool
parse_path(struct call *c, const char *keyword)
{
	size_t n = strlen(keyword);

	if (c->len <= n || strncasecmp(c->argument, keyword, n) != 0)
		return false;
	c->argument += n;
	c->len -= n;
	while (c->len > 0 && *c->argument == ' ') {
		c->argument++;
		c->len--;
	}
	/* Whether UTF-8 was right is known after the parameters. */
	c->step.path_len = path_length(c->argument, c->len, true);
	if (c->step.path_len == 0)
		return false;
	c->step.argument = c->argument;
	c->step.argument_len = c->len;
	return c->step.path_len == c->len ||
	    c->argument[c->step.path_len] == ' ';
}

static bool
is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

/* ---- parameters of MAIL and RCPT ---- */

/* Checks a parameter's value (NULL: it has none); NULL or a refusal. */
struct parameter {
	const char *name;
	uint8_t offer; /* known only if this is offered */
	const char *(*check)(struct call *, const char *value, size_t len);
};

static const char *
check_size(struct call *c, const char *value, size_t len)
{
	int64_t n;
	int r;

	if (value == NULL)
		return syntax;
	r = decimal_parse(value, len, 0, INT64_MAX, &n);
	if (r == 0 && (c->limits->size == 0 || (uint64_t)n <= c->limits->size))
		return NULL;
	return r == 0 ? too_large : syntax;
}

static const char *
check_body(struct call *c, const char *value, size_t len)
{
	(void)c;
	if (value != NULL &&
	    (token_is(value, len, "7BIT") || token_is(value, len, "8BITMIME")))
		return NULL;
	return syntax;
}

static const char *
check_utf8(struct call *c, const char *value, size_t len)
{
	(void)len;
	if (value != NULL)
		return syntax;
	c->e->memory |= ESMTP_IS_UTF8;
	return NULL;
}

static const char *
check_ret(struct call *c, const char *value, size_t len)
{
	(void)c;
	if (value != NULL &&
	    (token_is(value, len, "FULL") || token_is(value, len, "HDRS")))
		return NULL;
	return syntax;
}

static const char *
check_envid(struct call *c, const char *value, size_t len)
{
	(void)c;
	if (value != NULL && len <= ENVID_MAX_LEN && is_xtext(value, len))
		return NULL;
	return syntax;
}

static bool
is_notify_word(const char *s, size_t len)
{
	return token_is(s, len, "SUCCESS") || token_is(s, len, "FAILURE") ||
	    token_is(s, len, "DELAY");
}

/* RFC 3461, 4.1: NEVER alone, or a list of the others. */
static const char *
check_notify(struct call *c, const char *value, size_t len)
{
	(void)c;
	if (value == NULL)
		return syntax;
	if (token_is(value, len, "NEVER"))
		return NULL;
	for (;;) {
		const char *comma = memchr(value, ',', len);
		size_t n = comma != NULL ? (size_t)(comma - value) : len;

		if (!is_notify_word(value, n))
			return syntax;
		if (comma == NULL)
			return NULL;
		value += n + 1;
		len -= n + 1;
	}
}

/* "rfc822;xtext"; with SMTPUTF8 also "utf-8;..." (RFC 6533, 3). */
static const char *
check_orcpt(struct call *c, const char *value, size_t len)
{
	const char *semicolon;
	size_t type;

	(void)c;
	if (value == NULL || len > ORCPT_MAX_LEN)
		return syntax;
	semicolon = memchr(value, ';', len);
	type = semicolon != NULL ? (size_t)(semicolon - value) : 0;
	if (type == 0)
		return syntax;
	for (size_t i = 0; i < type; i++)
		if (!isalnum((unsigned char)value[i]) && value[i] != '-')
			return syntax;
	for (size_t i = type + 1; i < len; i++)
		if (!isgraph((unsigned char)value[i]) &&
		    (unsigned char)value[i] < 0x80)
			return syntax;
	return len > type + 1 ? NULL : syntax;
}

static const struct parameter of_mail[] = {
	{ "SIZE", ESMTP_SIZE, check_size },
	{ "BODY", ESMTP_8BITMIME, check_body },
	{ "SMTPUTF8", ESMTP_UTF8, check_utf8 },
	{ "RET", ESMTP_DSN, check_ret },
	{ "ENVID", ESMTP_DSN, check_envid },
};

static const struct parameter of_rcpt[] = {
	{ "NOTIFY", ESMTP_DSN, check_notify },
	{ "ORCPT", ESMTP_DSN, check_orcpt },
};

/* One "NAME[=VALUE]"; NULL, or the refusal.  SEEN has a bit for each one:
 * RFC 5321, 4.1.1.11 lets none be given twice. */
static const char *
check_word(struct call *c, const struct parameter *known, size_t n,
    const char *word, size_t len, unsigned int *seen)
{
	const char *equals = memchr(word, '=', len);
	size_t name = equals != NULL ? (size_t)(equals - word) : len;

	for (size_t i = 0; i < n; i++) {
		if (!token_is(word, name, known[i].name) ||
		    (c->limits->offers & known[i].offer) == 0)
			continue;
		if ((*seen & 1U << i) != 0)
			return syntax;
		*seen |= 1U << i;
		return known[i].check(c, equals != NULL ? equals + 1 : NULL,
		    equals != NULL ? len - name - 1 : 0);
	}
	return parameter;
}

static const char *
check_parameters(struct call *c, const struct parameter *known, size_t n)
{
	const char *pos = c->argument + c->step.path_len;
	const char *end = c->argument + c->len;
	unsigned int seen = 0;
	const char *word, *refusal = NULL;
	size_t len;

	while (refusal == NULL && token_next(&pos, end, &word, &len))
		refusal = check_word(c, known, n, word, len, &seen);
	return refusal;
}

/* ---- commands ---- */

static void
forget(struct esmtp *e)
{
	e->memory &= ESMTP_SAID_HELLO | ESMTP_SAID_EHLO;
	e->recipients = 0;
}

static void
hello(struct call *c, uint8_t memory)
{
	if (c->len == 0 || c->len > NAME_MAX_LEN)
		return say(c, syntax);
	/* It goes to the MTA in a command of ours. */
	for (size_t i = 0; i < c->len; i++)
		if (!isgraph((unsigned char)c->argument[i]))
			return say(c, syntax);
	forget(c->e);
	c->e->memory = memory;
	c->step.action = ESMTP_HELLO;
	c->step.argument = c->argument;
	c->step.argument_len = c->len;
}

static void
run_ehlo(struct call *c)
{
	hello(c, ESMTP_SAID_HELLO | ESMTP_SAID_EHLO);
}

static void
run_helo(struct call *c)
{
	hello(c, ESMTP_SAID_HELLO);
}

static void
run_mail(struct call *c)
{
	const char *refusal;

	if ((c->e->memory & ESMTP_SAID_HELLO) == 0 ||
	    (c->e->memory & ESMTP_HAS_SENDER) != 0)
		return say(c, sequence);
	if (!parse_path(c, "FROM:"))
		return say(c, syntax);
	refusal = check_parameters(c, of_mail, ARRAY_SIZE(of_mail));
	if (refusal == NULL && (c->e->memory & ESMTP_IS_UTF8) == 0 &&
	    !is_ascii(c->argument, c->len))
		refusal = syntax;
	if (refusal != NULL) {
		c->e->memory &= (uint8_t)~ESMTP_IS_UTF8;
		return say(c, refusal);
	}
	c->e->memory |= ESMTP_HAS_SENDER;
	c->step.action = ESMTP_MAIL;
	c->step.reply = "250 2.1.0 Ok\r\n";
}

static void
run_rcpt(struct call *c)
{
	const char *refusal;

	if ((c->e->memory & ESMTP_HAS_SENDER) == 0 ||
	    (c->e->memory & ESMTP_IN_CHUNKS) != 0)
		return say(c, sequence);
	if (!parse_path(c, "TO:") || c->step.path_len == 2)
		return say(c, syntax);
	refusal = check_parameters(c, of_rcpt, ARRAY_SIZE(of_rcpt));
	if (refusal == NULL && (c->e->memory & ESMTP_IS_UTF8) == 0 &&
	    !is_ascii(c->argument, c->len))
		refusal = syntax;
	if (refusal != NULL)
		return say(c, refusal);
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
	if ((e->memory & ESMTP_HAS_SENDER) == 0)
		return sequence;
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
		return say(c, syntax);
	/* RFC 3030, 2: DATA and BDAT do not mix. */
	if (refusal == NULL && (c->e->memory & ESMTP_IN_CHUNKS) != 0)
		refusal = sequence;
	if (refusal != NULL)
		return say(c, refusal);
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
		c->step.reply = "421 4.5.4 Error: bad chunk size\r\n";
		return;
	}
	c->step.action = ESMTP_BDAT;
	c->step.chunk = (uint64_t)n;
	c->step.reply = why_no_message(c->e);
	if (token_next(&pos, end, &word, &len)) {
		c->step.last = token_is(word, len, "LAST");
		if (!c->step.last || token_next(&pos, end, &word, &len))
			c->step.reply = syntax;
	}
	if (c->step.reply == NULL)
		c->e->memory |= ESMTP_IN_CHUNKS;
}

static void
run_rset(struct call *c)
{
	forget(c->e);
	c->step.action = ESMTP_FORGET;
	c->step.reply = ok;
}

static void
run_noop(struct call *c)
{
	say(c, ok);
}

static void
run_vrfy(struct call *c)
{
	say(c,
	    c->len > 0 ? "252 2.1.5 Send some mail, I'll try my best\r\n"
		       : syntax);
}

static void
run_help(struct call *c)
{
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
	say(c, "502 5.5.1 Error: command not implemented\r\n");
}

static void
run_starttls(struct call *c)
{
	if (c->limits->secure)
		return say(c, "503 5.5.1 Error: TLS is active already\r\n");
	if ((c->limits->offers & ESMTP_STARTTLS) == 0)
		return run_absent(c);
	/* RFC 3207, 4: it has no parameters. */
	if (c->len > 0)
		return say(c, syntax);
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
	{ "AUTH", run_absent },
	{ "ETRN", run_absent },
	{ "STARTTLS", run_starttls },
	{ "XCLIENT", run_absent },
	{ "XFORWARD", run_absent },
};

static void
run(struct call *c, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	size_t verb = space != NULL ? (size_t)(space - line) : len;

	c->argument = line + verb;
	c->len = len - verb;
	/* RFC 5321, 4.1.1: servers tolerate trailing white space. */
	while (c->len > 0 && c->argument[c->len - 1] == ' ')
		c->len--;
	while (c->len > 0 && *c->argument == ' ') {
		c->argument++;
		c->len--;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (token_is(line, verb, commands[i].verb))
			return commands[i].run(c);
	say(c, "500 5.5.2 Error: command not recognized\r\n");
}

/* Whether the bytes of a line could stand in any command: CR, LF, NUL and
 * other controls could not. */
static bool
has_control(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			return true;
	return false;
}

static bool
is_refusal(const struct esmtp_step *step)
{
	return step->reply != NULL && step->reply[0] == '5';
}

static void
limit_errors(struct call *c)
{
	if (is_refusal(&c->step) && esmtp_note_error(c->e)) {
		c->step.action = ESMTP_CLOSE;
		c->step.reply = esmtp_too_many_errors;
	} else if (++c->e->commands > COMMANDS_MAX) {
		c->step.action = ESMTP_CLOSE;
		c->step.reply = "421 4.7.0 Error: too many commands\r\n";
	}
}

struct esmtp_step
esmtp_line(struct esmtp *e, const struct esmtp_limits *limits, const char *line,
    size_t len)
{
	struct call c = { .e = e, .limits = limits };

	/* RFC 5321, 2.3.8: only CRLF ends a line. */
	if (len < 2 || line[len - 2] != '\r')
		say(&c, "500 5.5.2 Error: bare <LF> received\r\n");
	else if (has_control(line, len - 2))
		say(&c, "500 5.5.2 Error: control character received\r\n");
	else
		run(&c, line, len - 2);
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

void
esmtp_end_transaction(struct esmtp *e, bool taken)
{
	forget(e);
	if (taken) {
		e->errors = 0;
		e->commands = 0;
	}
}

bool
esmtp_note_error(struct esmtp *e)
{
	return ++e->errors >= ERRORS_MAX;
}
