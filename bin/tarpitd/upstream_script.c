/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bin/tarpitd/address.h"
#include "bin/tarpitd/proxy.h"
#include "bin/tarpitd/reply.h"
#include "bin/tarpitd/upstream_internal.h"

enum {
	/* "RCPT TO:", CRLF, "DATA", CRLF and the final NUL. */
	COMMAND_ROOM = 32,
};

static enum upstream_phase on_banner(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_hello(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_proxy(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_xclient(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_ehlo(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_mail(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_rcpt(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_data(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_final(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_rset(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);
static enum upstream_phase on_quit(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);

static void await_banner(struct upstream *);
static void say_hello(struct upstream *);
static void say_proxy(struct upstream *);
static void say_xclient(struct upstream *);
static void say_ehlo(struct upstream *);
static void say_mail(struct upstream *);
static void say_rcpt(struct upstream *);
static void say_data(struct upstream *);
static void say_dot(struct upstream *);
static void say_rset(struct upstream *);
static void say_quit(struct upstream *);

/* The script: what is said on entering a phase, and what its reply leads to.
 * Nothing is owed to us in phases without on_reply, so that none comes. */
static const struct {
	const char *name;
	void (*say)(struct upstream *);
	enum upstream_phase (*on_reply)(struct upstream *, int code,
	    const char *reply, size_t len, uint64_t now);
} phases[UPSTREAM_PHASE_COUNT] = {
	[UPSTREAM_CLOSED] = { "closed", NULL, NULL },
	[UPSTREAM_CONNECTING] = { "connecting", NULL, NULL },
	[UPSTREAM_BANNER] = { "banner", await_banner, on_banner },
	[UPSTREAM_HELLO] = { "hello", say_hello, on_hello },
	[UPSTREAM_IDLE] = { "idle", NULL, NULL },
	[UPSTREAM_PROXY] = { "PROXY", say_proxy, on_proxy },
	[UPSTREAM_XCLIENT] = { "XCLIENT", say_xclient, on_xclient },
	[UPSTREAM_EHLO] = { "EHLO", say_ehlo, on_ehlo },
	[UPSTREAM_MAIL] = { "MAIL", say_mail, on_mail },
	[UPSTREAM_RCPT] = { "RCPT", say_rcpt, on_rcpt },
	[UPSTREAM_OPEN] = { "open", NULL, NULL },
	[UPSTREAM_DATA] = { "DATA", say_data, on_data },
	[UPSTREAM_BODY] = { "body", NULL, NULL },
	[UPSTREAM_FINAL] = { "end of data", say_dot, on_final },
	[UPSTREAM_RSET] = { "RSET", say_rset, on_rset },
	[UPSTREAM_QUIT] = { "QUIT", say_quit, on_quit },
};

const char *
upstream_phase_name(const struct upstream *u)
{
	return phases[u->phase].name;
}

void
upstream_say(struct upstream *u)
{
	if (phases[u->phase].say != NULL)
		phases[u->phase].say(u);
}

enum upstream_phase
upstream_hear(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	return phases[u->phase].on_reply(u, code, reply, len, now);
}

enum upstream_phase
upstream_first_phase(const struct upstream *u)
{
	if (upstream_knows(u, &u->tx))
		return UPSTREAM_MAIL;
	return u->proxied ? UPSTREAM_PROXY : UPSTREAM_XCLIENT;
}

/* ---- what we say ---- */

/* One command. */
static void __attribute__((format(printf, 2, 3)))
put(struct upstream *u, const char *format, ...)
{
	size_t room = sizeof(u->out) - u->out_len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(u->out + u->out_len, room, format, ap);
	va_end(ap);
	/* Commands are bounded by the lines that clients may send. */
	assert(n > 0 && (size_t)n < room);
	u->out_len += (size_t)n;
	u->owed++;
}

static void
say_hello(struct upstream *u)
{
	put(u, "EHLO %s\r\n", u->host_name);
}

/* All attributes each time: what is not given stays from the client before.
 * Nobody has looked up the client's name, which is not the same as that it has
 * none: with [UNAVAILABLE] restrictions on names would refuse it for good.
 * HELO= would save the round trip of EHLO, and with it smtpd_helo_restrictions
 * and the milters' HELO event. */
static void
say_xclient(struct upstream *u)
{
	char text[ADDRESS_TEXT];

	u->identified = false;
	address_print(&u->tx.client, text);
	put(u,
	    "XCLIENT NAME=[TEMPUNAVAIL] REVERSE_NAME=[TEMPUNAVAIL] "
	    "ADDR=%s%s PORT=%u\r\n",
	    IN6_IS_ADDR_V4MAPPED(&u->tx.client) ? "" : "IPV6:", text,
	    u->tx.port);
}

/* The banner is owed for it. */
static void
put_header(struct upstream *u, const struct proxy_header *header)
{
	assert(sizeof(u->out) - u->out_len >= PROXY_PRINT_MAX);
	u->out_len += proxy_print(header, u->out + u->out_len);
	u->owed++;
}

/* Of a connection of our own: in nobody's name. */
static void
await_banner(struct upstream *u)
{
	static const struct proxy_header header = { .subject = PROXY_LOCAL };

	if (u->proxied)
		put_header(u, &header);
	else
		u->owed++;
}

static void
say_proxy(struct upstream *u)
{
	const struct proxy_header header = { .subject = PROXY_CLIENT,
		.client = u->tx.client,
		.server = u->tx.server,
		.client_port = u->tx.port,
		.server_port = u->tx.server_port };

	put_header(u, &header);
}

static void
say_ehlo(struct upstream *u)
{
	put(u, "%s %s\r\n", u->tx.esmtp ? "EHLO" : "HELO", u->tx.helo);
}

/* RFC 2920.  XCLIENT and EHLO end a group, and for a client that said HELO
 * Postfix calls any other group improper. */
bool
upstream_may_pipeline(const struct upstream *u)
{
	return u->tx.esmtp && (u->offers.offers & ESMTP_PIPELINING) != 0;
}

static void
say_recipient(struct upstream *u)
{
	const char *recipient = u->tx.recipients + u->said;

	put(u, "RCPT TO:%s\r\n", recipient);
	u->said += strlen(recipient) + 1;
}

/* As many recipients as there is room for, and DATA after the last one. */
static void
say_group(struct upstream *u)
{
	while (u->said < u->tx.recipients_len &&
	    strlen(u->tx.recipients + u->said) + COMMAND_ROOM <
		sizeof(u->out) - u->out_len)
		say_recipient(u);
	if (u->said >= u->tx.recipients_len && u->tx.body != NULL)
		say_data(u);
}

static void
say_mail(struct upstream *u)
{
	put(u, "MAIL FROM:%s\r\n", u->tx.sender);
	if (upstream_may_pipeline(u))
		say_group(u);
}

static void
say_rcpt(struct upstream *u)
{
	if (u->said > u->heard)
		return; /* with MAIL */
	if (upstream_may_pipeline(u))
		say_group(u);
	else
		say_recipient(u);
}

static void
say_data(struct upstream *u)
{
	if (u->said_data)
		return;
	put(u, "DATA\r\n");
	u->said_data = true;
}

static void
say_dot(struct upstream *u)
{
	put(u, ".\r\n");
}

static void
say_rset(struct upstream *u)
{
	put(u, "RSET\r\n");
}

static void
say_quit(struct upstream *u)
{
	put(u, "QUIT\r\n");
}

/* ---- what we hear ---- */

static bool
is_good(int code)
{
	return code / 100 == 2;
}

/* An MTA that refuses before anybody has asked for anything. */
static enum upstream_phase
refuse(struct upstream *u, const char *why)
{
	u->why = why;
	return UPSTREAM_QUIT;
}

static enum upstream_phase
on_banner(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	(void)reply;
	(void)len;
	(void)now;
	return is_good(code) ? UPSTREAM_HELLO
			     : refuse(u, "its greeting is a refusal");
}

static enum upstream_phase
on_hello(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	const char *pos = reply, *line;
	size_t line_len;

	(void)now;
	if (!is_good(code))
		return refuse(u, "it refuses our EHLO");
	u->offers = (struct esmtp_limits){ 0 };
	u->has_xclient = false;
	/* The first line is its name. */
	(void)reply_next_line(&pos, reply + len, &line_len);
	while ((line = reply_next_line(&pos, reply + len, &line_len)) != NULL) {
		esmtp_learn(&u->offers, line, line_len);
		if (line_len > 8 && strncasecmp(line, "XCLIENT ", 8) == 0)
			u->has_xclient = true;
	}
	return UPSTREAM_IDLE;
}

static void
relay(struct upstream *u, enum upstream_result result, const char *reply,
    size_t len, uint64_t now)
{
	char text[UPSTREAM_RELAYED_MAX];

	upstream_done(
	    u, result, text, reply_copy(reply, len, text, sizeof(text)), now);
}

/* The answer, after which the MTA is to forget the transaction; what has been
 * said ahead is void. */
static enum upstream_phase
answer(struct upstream *u, enum upstream_result result, const char *reply,
    size_t len, uint64_t now)
{
	u->skip = u->owed;
	relay(u, result, reply, len, now);
	return UPSTREAM_RSET;
}

/* A name that is too long is told again each time. */
static void
remember_identity(struct upstream *u)
{
	size_t len = strlen(u->tx.helo);

	if (len >= sizeof(u->identity.helo))
		return;
	u->identity.client = u->tx.client;
	u->identity.server = u->tx.server;
	u->identity.port = u->tx.port;
	u->identity.server_port = u->tx.server_port;
	u->identity.esmtp = u->tx.esmtp;
	memcpy(u->identity.helo, u->tx.helo, len + 1);
	u->identified = true;
}

/* Who the client is the MTA knows by now; what it calls itself, if anything. */
static enum upstream_phase
introduce(struct upstream *u)
{
	if (u->tx.helo[0] != '\0')
		return UPSTREAM_EHLO;
	remember_identity(u);
	return UPSTREAM_MAIL;
}

/* A refusal here is the MTA's word on this client. */
static enum upstream_phase
on_proxy(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	if (is_good(code))
		return introduce(u);
	return answer(u, UPSTREAM_SAID, reply, len, now);
}

/* Does the MTA refuse the command itself, so that it would refuse every client
 * in the same way?  It does not know it, will not have it now, or we have no
 * right to it: Postfix says "550 5.7.0 Error: insufficient authorization". */
static bool
refuses_xclient(int code, const char *reply, size_t len)
{
	const char *pos = reply;
	size_t line_len;
	const char *line = reply_next_line(&pos, reply + len, &line_len);

	if (code == 500 || code == 502 || code == 503)
		return true;
	return code == 550 && line != NULL && line_len >= 6 &&
	    memcmp(line, "5.7.0 ", 6) == 0;
}

/* Our command was not understood: nothing that a client could mend. */
static bool
is_about_syntax(int code)
{
	return code == 501 || code == 504 || code == 555;
}

/* With smtpd_delay_reject=no Postfix answers with what it thinks of this client
 * and no other.  Whatever it is, going on would be in another one's name. */
static enum upstream_phase
on_xclient(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	enum upstream_result result = UPSTREAM_SAID;

	if (is_good(code))
		return introduce(u);
	if (refuses_xclient(code, reply, len))
		result = UPSTREAM_NO_IDENTITY;
	else if (is_about_syntax(code))
		result = UPSTREAM_SPOILED;
	relay(u, result, reply, len, now);
	return UPSTREAM_QUIT;
}

static enum upstream_phase
on_ehlo(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	if (!is_good(code))
		return answer(u, UPSTREAM_SAID, reply, len, now);
	remember_identity(u);
	return UPSTREAM_MAIL;
}

static enum upstream_phase
on_mail(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	if (!is_good(code))
		return answer(u, UPSTREAM_SAID, reply, len, now);
	if (u->tx.recipients_len > 0)
		return UPSTREAM_RCPT;
	relay(u, UPSTREAM_KEPT, reply, len, now);
	return UPSTREAM_OPEN;
}

static enum upstream_phase
on_rcpt(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	u->heard += strlen(u->tx.recipients + u->heard) + 1;
	if (u->tx.body == NULL) {
		relay(u, UPSTREAM_KEPT, reply, len, now);
		return UPSTREAM_OPEN;
	}
	if (!is_good(code))
		return answer(u, UPSTREAM_CHANGED, reply, len, now);
	return u->heard < u->tx.recipients_len ? UPSTREAM_RCPT : UPSTREAM_DATA;
}

static enum upstream_phase
on_data(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	if (code / 100 == 3)
		return UPSTREAM_BODY;
	return answer(u, UPSTREAM_SAID, reply, len, now);
}

/* The transaction is over by itself: RSET would be one command more. */
static enum upstream_phase
on_final(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	(void)code;
	relay(u, UPSTREAM_SAID, reply, len, now);
	return UPSTREAM_IDLE;
}

static enum upstream_phase
on_rset(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	(void)reply;
	(void)len;
	(void)now;
	if (!is_good(code))
		return UPSTREAM_QUIT;
	return u->busy ? upstream_first_phase(u) : UPSTREAM_IDLE;
}

static enum upstream_phase
on_quit(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	(void)u;
	(void)code;
	(void)reply;
	(void)len;
	(void)now;
	return UPSTREAM_CLOSED;
}
