/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/upstream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/tarpitd/reply.h"
#include "bin/tarpitd/upstream_internal.h"

enum { IN_SIZE = 8192 };

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
/* The next client need not wait longer for the last one's RSET: it is served on
 * another connection. */
#define RESET_TIMEOUT (4 * USEC_PER_SEC)
/* One that is to begin with a header, whose client has left meanwhile; Exim
 * gives it 3 s, Postfix 5 s. */
#define FRESH_TIMEOUT USEC_PER_SEC

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

void
upstream_done(struct upstream *u, enum upstream_result result,
    const char *reply, size_t len, uint64_t now)
{
	if (!u->busy)
		return;
	u->busy = false;
	u->handler->on_done(u, result, reply, len, now);
}

/* Closes and may free U; false, for who asks whether it is still there.  REPLY
 * is for the client, WHY a text for the operator; either may be NULL. */
static bool
cut_saying(struct upstream *u, enum upstream_result result, const char *reply,
    size_t len, const char *why, uint64_t now)
{
	upstream_fini(u);
	upstream_done(u, result, reply, len, now);
	u->handler->on_closed(u, why, now);
	return false;
}

static bool
cut(struct upstream *u, enum upstream_result result, const char *why,
    uint64_t now)
{
	return cut_saying(u, result, NULL, 0, why, now);
}

static bool
fail(struct upstream *u, const char *why, uint64_t now)
{
	/* An MTA may well end a connection that nobody uses. */
	if (u->phase == UPSTREAM_IDLE || u->phase == UPSTREAM_OPEN)
		why = NULL;
	return cut(u,
	    upstream_is_committed(u) ? UPSTREAM_UNSURE : UPSTREAM_LOST, why,
	    now);
}

/* ---- phases ---- */

/* Nothing has been said on it, so that not even QUIT can be. */
static bool
is_fresh(const struct upstream *u)
{
	return u->proxied && !u->probes && u->uses == 0;
}

/* It is the client's that it has served, or has served enough of them. */
static bool
is_spent(const struct upstream *u)
{
	return (u->proxied && u->uses > 0) || u->refusals >= REFUSALS_MAX ||
	    u->uses >= USES_MAX;
}

/* What is waited for ends another client's transaction. */
static bool
waits_for_reset(const struct upstream *u)
{
	return u->busy && (u->skip > 0 || u->phase == UPSTREAM_RSET);
}

static uint64_t
phase_timeout(const struct upstream *u)
{
	if (u->phase == UPSTREAM_FINAL)
		return FINAL_TIMEOUT;
	if (u->phase == UPSTREAM_IDLE && is_fresh(u))
		return FRESH_TIMEOUT;
	if (u->phase == UPSTREAM_IDLE || u->phase == UPSTREAM_OPEN)
		return IDLE_TIMEOUT;
	if (waits_for_reset(u) && u->timeout > RESET_TIMEOUT)
		return RESET_TIMEOUT;
	return u->timeout;
}

/* The only assignment to .phase but that of the end; what it says is still to
 * be sent. */
static void
set_phase(struct upstream *u, enum upstream_phase next, uint64_t now)
{
	u->phase = (uint8_t)next;
	loop_arm(u->loop, &u->timer, now + phase_timeout(u));
	upstream_say(u);
}

static bool send_out(struct upstream *, uint64_t now);

/* False if U is gone, or may be: nobody looks at one that is idle or open. */
static bool
enter(struct upstream *u, enum upstream_phase next, uint64_t now)
{
	if (next == UPSTREAM_CLOSED)
		return cut(u, UPSTREAM_LOST, u->why, now);
	set_phase(u, next, now);
	if (!send_out(u, now))
		return false;
	if (next == UPSTREAM_IDLE)
		u->handler->on_idle(u, now);
	else if (next == UPSTREAM_OPEN)
		u->handler->on_open(u, now);
	return next != UPSTREAM_IDLE && next != UPSTREAM_OPEN;
}

/* ---- out ---- */

static bool
watch(struct upstream *u, bool wants_out)
{
	if (u->wants_out == wants_out)
		return true;
	u->wants_out = wants_out;
	return loop_modify(u->loop, &u->io,
		   wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN) == 0;
}

/* The next piece of the body; the last one takes the dot with it, which saves
 * the MTA being woken up twice.  A client that has left does not hear the
 * answer and will come again: the dot would make it two messages. */
static bool
fill_from_body(struct upstream *u, uint64_t now)
{
	const struct spool *body = u->tx.body;
	size_t room = sizeof(u->out) - sizeof(".\r\n");
	ssize_t n = 0;

	if (u->body_at < body->size) {
		n = spool_read(body, u->body_at, u->out, room);
		if (n <= 0)
			return cut(u, UPSTREAM_SPOILED,
			    strerror(n < 0 ? (int)-n : EIO), now);
	}
	u->body_at += (uint64_t)n;
	u->out_len = (size_t)n;
	if (u->body_at < body->size)
		return true;
	if (!u->handler->is_wanted(u))
		return cut(u, UPSTREAM_GONE, NULL, now);
	set_phase(u, UPSTREAM_FINAL, now);
	return true;
}

/* Writes what there is, of a body a slice's worth at a time; false if U is
 * gone. */
static bool
send_out(struct upstream *u, uint64_t now)
{
	struct slice slice = slice_begin(LOOP_SLICE);

	for (;;) {
		while (u->out_at < u->out_len) {
			ssize_t n = send(u->io.fd, u->out + u->out_at,
			    u->out_len - u->out_at,
			    MSG_DONTWAIT | MSG_NOSIGNAL);

			if (n < 0 && errno == EAGAIN && watch(u, true))
				return true;
			if (n < 0)
				return fail(u, strerror(errno), now);
			u->out_at += (size_t)n;
			if (u->phase == UPSTREAM_BODY)
				loop_arm(u->loop, &u->timer, now + u->timeout);
		}
		u->out_at = u->out_len = 0;
		if (u->phase != UPSTREAM_BODY)
			break;
		if (!fill_from_body(u, now))
			return false;
		if (slice_is_over(&slice) && watch(u, true))
			return true;
	}
	return watch(u, false) || fail(u, "epoll", now);
}

/* ---- in ---- */

/* A reply to what was said before: RSET ahead of XCLIENT, or what was said
 * ahead of a refusal and is taken back by RSET.  An MTA that now wants the
 * message does not understand that RSET as one. */
static bool
skip_reply(struct upstream *u, int code, uint64_t now)
{
	u->skip--;
	loop_arm(u->loop, &u->timer, now + phase_timeout(u));
	if (code / 100 == 3 || (u->phase != UPSTREAM_RSET && code / 100 != 2))
		return fail(u, "the last transaction is not over", now);
	return true;
}

/* Is this reply, or what has come behind it, one to nothing?  It would be taken
 * for the reply to what is said next.  Commands that go out together are
 * answered as soon as the first of them is there; any other reply before all
 * has gone out is one to nothing, too. */
static bool
is_owed_less(const struct upstream *u)
{
	bool all_out = u->out_at == u->out_len;

	if (!all_out && (u->phase < UPSTREAM_MAIL || u->phase > UPSTREAM_DATA))
		return true;
	return u->owed == 0 || (u->owed == 1 && linebuf_len(&u->in) > 0);
}

/* An MTA that ends, or that wants nothing to do with this client: if it says so
 * on each connection, these are its words for the client. */
static bool
take_goodbye(struct upstream *u, const char *reply, size_t len, uint64_t now)
{
	static const char code[3] = "451";
	char text[UPSTREAM_RELAYED_MAX];
	size_t n = reply_copy(reply, len, text, sizeof(text));

	if (!u->busy || upstream_is_committed(u))
		return fail(u, "it said 421", now);
	/* It is not our connection to the client that ends. */
	for (char *line = text; line < text + n;
	     line = (char *)memchr(line, '\n', (size_t)(text + n - line)) + 1)
		memcpy(line, code, sizeof(code));
	return cut_saying(u, UPSTREAM_LOST, text, n, "it said 421", now);
}

/* 421 is the MTA's good-bye whatever was asked; the other refusals are the
 * clients', and too many of them make the MTA slow or worse.  False if there
 * is nothing more to be heard. */
static bool
take_reply(
    struct upstream *u, int code, const char *reply, size_t len, uint64_t now)
{
	enum upstream_phase next;

	if (code == 421)
		return take_goodbye(u, reply, len, now);
	if (is_owed_less(u))
		return fail(u, "a reply to nothing", now);
	u->owed--;
	if (code >= 400 && u->refusals < UINT8_MAX)
		u->refusals++;
	if (u->skip > 0)
		return skip_reply(u, code, now);
	next = upstream_hear(u, code, reply, len, now);
	if ((next == UPSTREAM_IDLE || next == UPSTREAM_RSET) && is_spent(u))
		next = UPSTREAM_QUIT;
	if (next == UPSTREAM_QUIT)
		u->skip = 0;
	return enter(u, next, now);
}

/* All replies that have come.  U may be gone afterwards. */
static void
take_replies(struct upstream *u, uint64_t now)
{
	bool more = true;

	while (more) {
		const char *reply = linebuf_data(&u->in);
		size_t len;
		int code;
		int r = reply_find_end(reply, linebuf_len(&u->in), &len, &code);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			(void)fail(u, "something that is no SMTP reply", now);
			return;
		}
		/* Its bytes stay where they are until more are read. */
		linebuf_consume(&u->in, len);
		more = take_reply(u, code, reply, len, now);
	}
}

static void
take_connection(struct upstream *u, uint64_t now)
{
	int error = 0;
	socklen_t len = sizeof(error);

	(void)getsockopt(u->io.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		(void)fail(u, strerror(error), now);
		return;
	}
	u->wants_out = true;
	(void)enter(u, is_fresh(u) ? UPSTREAM_IDLE : UPSTREAM_BANNER, now);
}

/* The MTA has closed, or reading fails. */
static void
take_end(struct upstream *u, ssize_t n, uint64_t now)
{
	if (n == 0 && u->phase == UPSTREAM_QUIT)
		(void)enter(u, UPSTREAM_CLOSED, now);
	else
		(void)fail(u,
		    n == 0 ? "it closed the connection" : strerror((int)-n),
		    now);
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
	if (n > 0)
		take_replies(u, now);
	else if (n != -EAGAIN)
		take_end(u, n, now);
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
	    why, sizeof(why), "no answer in time (%s)", upstream_phase_name(u));
	if (u->busy && !waits_for_reset(u) && !upstream_is_committed(u))
		(void)cut(u, UPSTREAM_TIMED_OUT, why, now);
	else
		(void)fail(u, why, now);
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
	/* The end of a long body, with the dot, would wait for the rest's
	 * acknowledgement, 40 ms. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r = linebuf_init(&u->in, IN_SIZE);
	if (r < 0)
		return r;
	u->io =
	    (struct loop_io){ .fd = fd, .bulk = true, .on_event = on_ready };
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
	set_phase(u, UPSTREAM_CONNECTING, now);
	return 0;
}

bool
upstream_knows(const struct upstream *u, const struct transaction *tx)
{
	const struct identity *i = &u->identity;

	/* Behind a proxy one client port may reach two addresses of ours. */
	return u->identified && i->port == tx->port && i->esmtp == tx->esmtp &&
	    i->server_port == tx->server_port &&
	    IN6_ARE_ADDR_EQUAL(&i->client, &tx->client) &&
	    IN6_ARE_ADDR_EQUAL(&i->server, &tx->server) &&
	    strcmp(i->helo, tx->helo) == 0;
}

bool
upstream_suits(const struct upstream *u, const struct transaction *tx)
{
	return !is_spent(u) || upstream_knows(u, tx);
}

static void
begin(struct upstream *u, const struct transaction *tx)
{
	u->tx = *tx;
	u->busy = true;
	u->said = u->heard = 0;
	u->said_data = false;
	u->body_at = 0;
}

void
upstream_run(struct upstream *u, const struct transaction *tx, uint64_t now)
{
	bool open = u->phase == UPSTREAM_OPEN;
	bool ahead = open && upstream_may_pipeline(u);

	assert((u->phase == UPSTREAM_IDLE || open) && !u->busy);
	begin(u, tx);
	u->uses++;
	if (ahead) {
		set_phase(u, UPSTREAM_RSET, now);
		u->skip = u->owed;
	}
	(void)enter(
	    u, open && !ahead ? UPSTREAM_RSET : upstream_first_phase(u), now);
}

void
upstream_resume(struct upstream *u, const struct transaction *tx, uint64_t now)
{
	assert(u->phase == UPSTREAM_OPEN && !u->busy);
	begin(u, tx);
	(void)enter(u, tx->body != NULL ? UPSTREAM_DATA : UPSTREAM_RCPT, now);
}

void
upstream_release(struct upstream *u, uint64_t now)
{
	assert(u->phase == UPSTREAM_OPEN && !u->busy);
	(void)enter(u, is_spent(u) ? UPSTREAM_QUIT : UPSTREAM_RSET, now);
}

void
upstream_quit(struct upstream *u, uint64_t now)
{
	assert(u->phase == UPSTREAM_IDLE);
	(void)enter(u, is_fresh(u) ? UPSTREAM_CLOSED : UPSTREAM_QUIT, now);
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
	(void)enter(u, UPSTREAM_CLOSED, now);
}
