/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/upstream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bin/common/fd.h"
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/proxy.h"
#include "bin/tarpitd/reply.h"

enum {
	IN_SIZE = 8192,
	/* Of one reply that goes to a client. */
	RELAYED_MAX = 2048,
};

/* A connection is used no more after so much.  Postfix counts errors and
 * commands such as EHLO and RSET over all clients of a connection: 10 errors
 * make it slow, 100 such commands are an error each.  The shipped master.cf
 * raises both; another MTA's settings may be like those. */
enum { REFUSALS_MAX = 8, USES_MAX = 100 };

/* RFC 5321, 4.5.3.2.6 gives the reply to the dot 10 minutes, after which
 * senders give up on us. */
#define FINAL_TIMEOUT (600 * USEC_PER_SEC)
/* Postfix itself closes after 300 s, under stress after 10 s. */
#define IDLE_TIMEOUT (30 * USEC_PER_SEC)
/* One that is to begin with a header, whose client has left meanwhile; Exim
 * gives it 3 s, Postfix 5 s. */
#define FRESH_TIMEOUT USEC_PER_SEC

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

static void say_hello(struct upstream *);
static void say_local(struct upstream *);
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
 * Phases without on_reply expect none: a reply there ends the connection. */
static const struct {
	const char *name;
	void (*say)(struct upstream *);
	enum upstream_phase (*on_reply)(struct upstream *, int code,
	    const char *reply, size_t len, uint64_t now);
} phases[UPSTREAM_PHASE_COUNT] = {
	[UPSTREAM_CLOSED] = { "closed", NULL, NULL },
	[UPSTREAM_CONNECTING] = { "connecting", NULL, NULL },
	[UPSTREAM_BANNER] = { "banner", say_local, on_banner },
	[UPSTREAM_HELLO] = { "hello", say_hello, on_hello },
	[UPSTREAM_IDLE] = { "idle", NULL, NULL },
	[UPSTREAM_PROXY] = { "PROXY", say_proxy, on_proxy },
	[UPSTREAM_XCLIENT] = { "XCLIENT", say_xclient, on_xclient },
	[UPSTREAM_EHLO] = { "EHLO", say_ehlo, on_ehlo },
	[UPSTREAM_MAIL] = { "MAIL", say_mail, on_mail },
	[UPSTREAM_RCPT] = { "RCPT", say_rcpt, on_rcpt },
	[UPSTREAM_DATA] = { "DATA", say_data, on_data },
	[UPSTREAM_BODY] = { "body", NULL, NULL },
	[UPSTREAM_FINAL] = { "end of data", say_dot, on_final },
	[UPSTREAM_RSET] = { "RSET", say_rset, on_rset },
	[UPSTREAM_QUIT] = { "QUIT", say_quit, on_quit },
};

/* ---- the end ---- */

void
upstream_fini(struct upstream *u)
{
	if (u->io.fd >= 0) {
		loop_remove(u->loop, &u->io);
		fd_close(&u->io.fd);
	}
	loop_cancel(u->loop, &u->timer);
	linebuf_fini(&u->in);
	u->phase = UPSTREAM_CLOSED;
}

static void
done(struct upstream *u, enum upstream_result result, const char *reply,
    size_t len, uint64_t now)
{
	if (!u->busy)
		return;
	u->busy = false;
	u->handler->on_done(u, result, reply, len, now);
}

/* WHY is a text for the operator, or NULL. */
static void
fail(struct upstream *u, const char *why, uint64_t now)
{
	bool committed = upstream_is_committed(u);

	/* An MTA may well end a connection that nobody uses. */
	if (u->phase == UPSTREAM_IDLE)
		why = NULL;
	upstream_fini(u);
	done(u, committed ? UPSTREAM_UNSURE : UPSTREAM_LOST, NULL, 0, now);
	u->handler->on_closed(u, why, now);
}

/* ---- what we say ---- */

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
}

static void
say_hello(struct upstream *u)
{
	put(u, "EHLO %s\r\n", u->host_name);
}

/* All attributes each time: what is not given stays from the client before.
 * Nobody has looked up the client's name, which is not the same as that it has
 * none: with [UNAVAILABLE] restrictions on names would refuse it for good. */
static void
say_xclient(struct upstream *u)
{
	char text[ADDRESS_TEXT];

	address_print(&u->tx.client, text);
	put(u,
	    "XCLIENT NAME=[TEMPUNAVAIL] REVERSE_NAME=[TEMPUNAVAIL] "
	    "ADDR=%s%s PORT=%u\r\n",
	    IN6_IS_ADDR_V4MAPPED(&u->tx.client) ? "" : "IPV6:", text,
	    u->tx.port);
}

static void
put_header(struct upstream *u, const struct proxy_header *header)
{
	assert(sizeof(u->out) - u->out_len >= PROXY_PRINT_MAX);
	u->out_len += proxy_print(header, u->out + u->out_len);
}

static void
say_local(struct upstream *u)
{
	static const struct proxy_header header = { .subject = PROXY_LOCAL };

	if (u->proxied)
		put_header(u, &header);
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

static void
say_mail(struct upstream *u)
{
	put(u, "MAIL FROM:%s\r\n", u->tx.sender);
}

static void
say_rcpt(struct upstream *u)
{
	const char *recipient = u->tx.recipients + u->next_recipient;

	put(u, "RCPT TO:%s\r\n", recipient);
	u->next_recipient += strlen(recipient) + 1;
}

static void
say_data(struct upstream *u)
{
	put(u, "DATA\r\n");
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

/* ---- phases ---- */

/* Nothing has been said on it, so that not even QUIT can be. */
static bool
is_fresh(const struct upstream *u)
{
	return u->proxied && !u->probes && u->uses == 0;
}

/* It is the client's that it has served. */
static bool
is_spent(const struct upstream *u)
{
	return u->proxied && u->uses > 0;
}

static uint64_t
phase_timeout(const struct upstream *u)
{
	if (u->phase == UPSTREAM_FINAL)
		return FINAL_TIMEOUT;
	if (u->phase == UPSTREAM_IDLE)
		return is_fresh(u) ? FRESH_TIMEOUT : IDLE_TIMEOUT;
	return u->timeout;
}

static bool send_out(struct upstream *, uint64_t now);

/* The only assignment to .phase.  May close and free the connection. */
static void
enter(struct upstream *u, enum upstream_phase next, uint64_t now)
{
	if (next == UPSTREAM_CLOSED) {
		upstream_fini(u);
		u->handler->on_closed(u, u->why, now);
		return;
	}
	u->phase = (uint8_t)next;
	loop_arm(u->loop, &u->timer, now + phase_timeout(u));
	if (phases[next].say != NULL)
		phases[next].say(u);
	if (!send_out(u, now))
		return;
	if (u->phase == UPSTREAM_IDLE)
		u->handler->on_idle(u, now);
}

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

/* The transaction's answer, and the MTA is to forget it. */
static enum upstream_phase
answer(struct upstream *u, enum upstream_result result, const char *reply,
    size_t len, uint64_t now)
{
	char text[RELAYED_MAX];

	done(u, result, text, reply_copy(reply, len, text, sizeof(text)), now);
	return UPSTREAM_RSET;
}

/* A refusal here is the MTA's word on this client. */
static enum upstream_phase
on_proxy(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	if (is_good(code))
		return UPSTREAM_EHLO;
	return answer(u, UPSTREAM_SAID, reply, len, now);
}

static enum upstream_phase
on_xclient(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	if (is_good(code))
		return UPSTREAM_EHLO;
	/* 5xx is "insufficient authorization": it would be the same for every
	 * client, and going on would be in the name of another one. */
	(void)answer(u, code / 100 == 5 ? UPSTREAM_NO_IDENTITY : UPSTREAM_SAID,
	    reply, len, now);
	return UPSTREAM_QUIT;
}

static enum upstream_phase
on_ehlo(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	if (is_good(code))
		return UPSTREAM_MAIL;
	return answer(u, UPSTREAM_SAID, reply, len, now);
}

static enum upstream_phase
on_mail(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	if (is_good(code))
		return UPSTREAM_RCPT;
	return answer(u, UPSTREAM_SAID, reply, len, now);
}

static enum upstream_phase
on_rcpt(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	bool last = u->next_recipient >= u->tx.recipients_len;

	if (u->tx.body == NULL && (last || !is_good(code)))
		return answer(u, UPSTREAM_SAID, reply, len, now);
	if (!is_good(code))
		return answer(u, UPSTREAM_CHANGED, reply, len, now);
	return last ? UPSTREAM_DATA : UPSTREAM_RCPT;
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
	(void)answer(u, UPSTREAM_SAID, reply, len, now);
	return UPSTREAM_IDLE;
}

static enum upstream_phase
on_rset(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	(void)u;
	(void)reply;
	(void)len;
	(void)now;
	return is_good(code) ? UPSTREAM_IDLE : UPSTREAM_QUIT;
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

/* ---- in and out ---- */

static bool
watch(struct upstream *u, bool wants_out)
{
	if (u->wants_out == wants_out)
		return true;
	u->wants_out = wants_out;
	return loop_modify(u->loop, &u->io,
		   wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN) == 0;
}

/* Goes on with the body; 1 if all of it has gone out, 0 if there is more. */
static int
fill_from_body(struct upstream *u)
{
	ssize_t n = spool_read(u->tx.body, u->body_at, u->out, sizeof(u->out));

	if (n < 0)
		return (int)n;
	u->body_at += (uint64_t)n;
	u->out_at = 0;
	u->out_len = (size_t)n;
	return n == 0;
}

/* All of the body has gone.  A client that has left does not hear the answer
 * and will come again: the dot would make it two messages. */
static bool
end_body(struct upstream *u, uint64_t now)
{
	if (u->handler->is_wanted(u)) {
		enter(u, UPSTREAM_FINAL, now);
		return false;
	}
	upstream_fini(u);
	done(u, UPSTREAM_GONE, NULL, 0, now);
	u->handler->on_closed(u, NULL, now);
	return false;
}

/* Writes what there is; false if U has moved on or is gone. */
static bool
send_out(struct upstream *u, uint64_t now)
{
	for (;;) {
		int r = 0;

		while (u->out_at < u->out_len) {
			ssize_t n = send(u->io.fd, u->out + u->out_at,
			    u->out_len - u->out_at,
			    MSG_DONTWAIT | MSG_NOSIGNAL);

			if (n < 0 && errno == EAGAIN && watch(u, true))
				return true;
			if (n < 0) {
				fail(u, strerror(errno), now);
				return false;
			}
			u->out_at += (size_t)n;
			if (u->phase == UPSTREAM_BODY)
				loop_arm(u->loop, &u->timer, now + u->timeout);
		}
		u->out_at = u->out_len = 0;
		if (u->phase != UPSTREAM_BODY)
			break;
		r = fill_from_body(u);
		if (r > 0)
			return end_body(u, now);
		if (r < 0) {
			upstream_fini(u);
			done(u, UPSTREAM_SPOILED, NULL, 0, now);
			u->handler->on_closed(u, strerror(-r), now);
			return false;
		}
	}
	if (!watch(u, false)) {
		fail(u, "epoll", now);
		return false;
	}
	return true;
}

/* 421 is the MTA's good-bye whatever was asked; the other refusals are the
 * clients', and too many of them make the MTA slow or worse. */
static bool
take_reply(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	enum upstream_phase next;

	if (code == 421) {
		fail(u, "it said 421", now);
		return false;
	}
	if (phases[u->phase].on_reply == NULL) {
		fail(u, "a reply to nothing", now);
		return false;
	}
	if (code >= 400 && u->refusals < UINT8_MAX)
		u->refusals++;
	next = phases[u->phase].on_reply(u, code, reply, len, now);
	if ((next == UPSTREAM_IDLE || next == UPSTREAM_RSET) &&
	    (u->refusals >= REFUSALS_MAX || u->uses >= USES_MAX || is_spent(u)))
		next = UPSTREAM_QUIT;
	enter(u, next, now);
	return true;
}

/* All replies that have come.  U may be gone afterwards. */
static void
take_replies(struct upstream *u, uint64_t now)
{
	char reply[IN_SIZE];
	size_t len;
	int code;
	int r = reply_find_end(
	    linebuf_data(&u->in), linebuf_len(&u->in), &len, &code);

	if (r == -EAGAIN)
		return;
	if (r < 0) {
		fail(u, "something that is no SMTP reply", now);
		return;
	}
	/* One at a time: no command is sent before the last one's reply, so
	 * more than one is a reply to nothing, which the next event finds. */
	memcpy(reply, linebuf_data(&u->in), len);
	linebuf_consume(&u->in, len);
	if (linebuf_len(&u->in) > 0 || u->out_at < u->out_len)
		fail(u, "a reply to nothing", now);
	else
		(void)take_reply(u, code, reply, len, now);
}

static void
take_connection(struct upstream *u, uint64_t now)
{
	int error = 0;
	socklen_t len = sizeof(error);

	(void)getsockopt(u->io.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		fail(u, strerror(error), now);
		return;
	}
	u->wants_out = true;
	enter(u, is_fresh(u) ? UPSTREAM_IDLE : UPSTREAM_BANNER, now);
}

static void
on_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct upstream *u = CONTAINER_OF(io, struct upstream, io);
	ssize_t n;

	if (u->phase == UPSTREAM_CONNECTING) {
		take_connection(u, now);
		return;
	}
	if ((events & EPOLLOUT) != 0 && !send_out(u, now))
		return;
	if ((events & (uint32_t)~EPOLLOUT) == 0)
		return;
	n = linebuf_fill(&u->in, io->fd);
	if (n == -EAGAIN)
		return;
	if (n > 0) {
		take_replies(u, now);
		return;
	}
	if (n == 0 && (u->phase == UPSTREAM_IDLE || u->phase == UPSTREAM_QUIT))
		enter(u, UPSTREAM_CLOSED, now);
	else
		fail(u, n == 0 ? "it closed the connection" : strerror((int)-n),
		    now);
}

static void
on_timeout(struct timer *t, uint64_t now)
{
	struct upstream *u = CONTAINER_OF(t, struct upstream, timer);
	char why[64];

	if (u->phase == UPSTREAM_IDLE) {
		upstream_quit(u, now);
		return;
	}
	snprintf(
	    why, sizeof(why), "no answer in time (%s)", phases[u->phase].name);
	fail(u, why, now);
}

/* ---- what the owner calls ---- */

int
upstream_open(struct upstream *u, const struct sockaddr_storage *address,
    socklen_t len, uint64_t now)
{
	const int on = 1;
	AUTO_FD fd = socket(
	    address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	/* The dot follows the body in a write of its own, and would wait for
	 * the body's acknowledgement, 40 ms. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r = linebuf_init(&u->in, IN_SIZE);
	if (r < 0)
		return r;
	u->io = (struct loop_io){ .fd = fd, .on_event = on_ready };
	if (connect(fd, (const struct sockaddr *)address, len) < 0 &&
	    errno != EINPROGRESS)
		r = -errno;
	if (r == 0)
		r = loop_add(u->loop, &u->io, EPOLLIN | EPOLLOUT);
	if (r < 0) {
		u->io.fd = -1;
		linebuf_fini(&u->in);
		return r;
	}
	(void)fd_take(&fd);
	u->timer.on_timer = on_timeout;
	u->phase = UPSTREAM_CONNECTING;
	loop_arm(u->loop, &u->timer, now + u->timeout);
	return 0;
}

void
upstream_run(struct upstream *u, const struct transaction *tx, uint64_t now)
{
	assert(u->phase == UPSTREAM_IDLE && !u->busy);
	u->tx = *tx;
	u->busy = true;
	u->uses++;
	u->next_recipient = 0;
	u->body_at = 0;
	enter(u, u->proxied ? UPSTREAM_PROXY : UPSTREAM_XCLIENT, now);
}

void
upstream_quit(struct upstream *u, uint64_t now)
{
	assert(u->phase == UPSTREAM_IDLE);
	enter(u, is_fresh(u) ? UPSTREAM_CLOSED : UPSTREAM_QUIT, now);
}

void
upstream_expire(struct upstream *u, uint64_t now)
{
	loop_arm(u->loop, &u->timer, now);
}

void
upstream_abandon(struct upstream *u, uint64_t now)
{
	u->busy = false;
	if (upstream_is_committed(u))
		return;
	enter(u, UPSTREAM_CLOSED, now);
}
