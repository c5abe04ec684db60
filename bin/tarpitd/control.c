/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/tarpitd/describe.h"
#include "bin/tarpitd/session.h"

/* Who neither asks nor reads for so long has gone home. */
#define IDLE_TIME (60 * USEC_PER_SEC)

/* ---- answers ---- */

static size_t
room(const struct control_client *c)
{
	return sizeof(c->out) - c->out_len;
}

static void
begin(struct control_client *c, struct attrs_out *out)
{
	attrs_begin(out, c->out + c->out_len, room(c));
}

/* Whatever has no place, or cannot be said, is left out as a whole. */
static void
finish(struct control_client *c, struct attrs_out *out)
{
	if (attrs_end(out) == 0)
		c->out_len += out->len;
}

static void
say(struct control_client *c, const char *name, const char *value)
{
	struct attrs_out out;

	begin(c, &out);
	attrs_put(&out, name, value);
	finish(c, &out);
}

static void
say_count(struct control_client *c, const char *what, uint32_t n)
{
	struct attrs_out out;

	begin(c, &out);
	attrs_put(&out, "end", what);
	attrs_put_int(&out, "count", n);
	finish(c, &out);
}

static void
say_status(struct control_client *c, uint64_t now)
{
	struct attrs_out out;

	begin(c, &out);
	describe_status(c->control->dispatcher, now, &out);
	finish(c, &out);
}

static bool
is_live(const struct session *s)
{
	return s->state != SESSION_FREE && s->state != SESSION_CLOSED;
}

static void
say_session(struct control_client *c, uint64_t now)
{
	const struct dispatcher *d = c->control->dispatcher;
	const struct session *s = &d->pool.session[c->command.slot];
	struct attrs_out out;

	if (c->command.slot > d->pool.high || !is_live(s) ||
	    s->number != c->command.number) {
		say(c, "error", "the session is over");
		return;
	}
	begin(c, &out);
	describe_session(d, s, true, now, &out);
	finish(c, &out);
}

static void
say_client(struct control_client *c, uint64_t now)
{
	struct attrs_out out;

	begin(c, &out);
	describe_client(c->control->dispatcher,
	    &c->command.override.network.addr, now, &out);
	finish(c, &out);
}

/* ---- jobs: one slice of time each, however many sessions that is: to be moved
 * one may be handed off, or end with a record ---- */

static bool
list_sessions(struct control_client *c, uint64_t now)
{
	const struct dispatcher *d = c->control->dispatcher;
	struct slice slice = slice_begin(LOOP_SLICE);
	struct attrs_out out;

	for (; c->at <= d->pool.high && room(c) >= DESCRIBE_LINE_MAX &&
	     !slice_is_over(&slice);
	     c->at++) {
		const struct session *s = &d->pool.session[c->at];

		if (!is_live(s))
			continue;
		begin(c, &out);
		describe_session(d, s, false, now, &out);
		finish(c, &out);
		c->n++;
	}
	if (c->at <= d->pool.high)
		return true;
	say_count(c, "sessions", c->n);
	return false;
}

static bool
list_overrides(struct control_client *c, uint64_t now)
{
	const struct overrides *o = &c->control->dispatcher->operator.overrides;
	struct attrs_out out;

	for (; c->at < o->n && room(c) >= DESCRIBE_LINE_MAX; c->at++) {
		begin(c, &out);
		describe_override(&o->item[c->at], now, &out);
		finish(c, &out);
	}
	if (c->at < o->n)
		return true;
	say_count(c, "overrides", (uint32_t)o->n);
	return false;
}

/* Goes on to its end even if whoever gave the order has left. */
static bool
apply_override(struct control_client *c, uint64_t now)
{
	struct dispatcher *d = c->control->dispatcher;
	struct slice slice = slice_begin(LOOP_SLICE);

	for (; c->at <= d->pool.high && !slice_is_over(&slice); c->at++) {
		struct session *s = &d->pool.session[c->at];

		if (is_live(s) && operator_apply(d, s, now))
			c->n++;
	}
	if (c->at <= d->pool.high)
		return true;
	say_count(c, override_name(c->command.override.kind), c->n);
	return false;
}

/* ---- commands ---- */

static void
start_job(struct control_client *c,
    bool (*job)(struct control_client *, uint64_t now), uint32_t at)
{
	c->job = job;
	c->at = at;
	c->n = 0;
}

static void
start_override(struct control_client *c, uint64_t now)
{
	struct dispatcher *d = c->control->dispatcher;

	if (operator_override(d, &c->command, now) < 0)
		say(c, "error", "there are too many overrides: forget some");
	else
		start_job(c, apply_override, 1);
}

static void
run_command(struct control_client *c, uint64_t now)
{
	struct dispatcher *d = c->control->dispatcher;

	switch (c->command.request) {
	case COMMAND_STATUS:
		say_status(c, now);
		return;
	case COMMAND_SESSIONS:
		start_job(c, list_sessions, 1);
		return;
	case COMMAND_SESSION:
		say_session(c, now);
		return;
	case COMMAND_CLIENT:
		say_client(c, now);
		return;
	case COMMAND_OVERRIDES:
		start_job(c, list_overrides, 0);
		return;
	case COMMAND_OVERRIDE:
		start_override(c, now);
		return;
	case COMMAND_FORGET:
		if (operator_forget(d, &c->command, now))
			say_count(c, "forget", 1);
		else
			say(c, "error", "nothing was said of this network");
		return;
	}
}

/* Names are what a peer says; this is what the kernel does. */
static uint32_t
user_of(const struct control_client *c)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	(void)getsockopt(c->io.fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	return cred.uid;
}

/* Takes the next command, if there is a whole one: 1, or 0, or -EMSGSIZE: it
 * speaks something else. */
static int
take_command(struct control_client *c, uint64_t now)
{
	const char *data = linebuf_data(&c->in), *why;
	size_t len;
	int r = attrs_find_end(data, linebuf_len(&c->in), &len);

	if (r == -EAGAIN && linebuf_len(&c->in) < COMMAND_MAX)
		return 0;
	if (r < 0)
		return -EMSGSIZE;
	if (command_read(data, len, &c->command, &why) < 0) {
		say(c, "error", why);
	} else {
		c->command.override.uid = user_of(c);
		run_command(c, now);
	}
	linebuf_consume(&c->in, len);
	return 1;
}

/* ---- clients ---- */

static void
close_client(struct control_client *c)
{
	loop_remove(c->control->loop, &c->io);
	loop_cancel(c->control->loop, &c->idle);
	fd_close(&c->io.fd);
	c->control = NULL;
}

static void
on_idle(struct timer *t, uint64_t now)
{
	(void)now;
	close_client(CONTAINER_OF(t, struct control_client, idle));
}

static int
flush(struct control_client *c)
{
	ssize_t n;

	if (c->gone)
		c->out_sent = c->out_len;
	while (c->out_sent < c->out_len) {
		n = send(c->io.fd, c->out + c->out_sent,
		    c->out_len - c->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		c->out_sent += (size_t)n;
	}
	c->out_sent = c->out_len = 0;
	return 0;
}

/* One slice of what there is to do, and no more than what the client reads:
 * the next one comes when it can be written to again.  A command's answer is
 * out before the next command is looked at. */
static int
advance(struct control_client *c, uint64_t now)
{
	int r = flush(c);

	if (r < 0 || c->out_len > 0)
		return r;
	if (c->job == NULL)
		r = take_command(c, now);
	if (r > 0 && c->job == NULL)
		return flush(c);
	if (c->job != NULL && !c->job(c, now))
		c->job = NULL;
	return r < 0 ? r : flush(c);
}

static bool
has_command(const struct control_client *c)
{
	size_t len;

	return attrs_find_end(
		   linebuf_data(&c->in), linebuf_len(&c->in), &len) == 0;
}

/* Watches for what it waits for; false if it waits for nothing more. */
static bool
watch(struct control_client *c)
{
	bool busy = c->job != NULL || c->out_len > 0 || has_command(c);
	uint32_t events = busy ? EPOLLOUT : EPOLLIN;

	if (!busy && (c->eof || c->gone))
		return false;
	if (events == c->events)
		return true;
	c->events = events;
	return loop_modify(c->control->loop, &c->io, events) == 0;
}

static int
read_commands(struct control_client *c)
{
	ssize_t n = linebuf_fill(&c->in, c->io.fd);

	if (n == -EAGAIN)
		return 0;
	c->eof = n == 0;
	return n < 0 ? (int)n : 0;
}

static void
on_client_event(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct control_client *c = CONTAINER_OF(io, struct control_client, io);
	int r = 0;

	/* It has closed: what it has ordered is done all the same. */
	if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		c->gone = true;
	loop_arm(c->control->loop, &c->idle, now + IDLE_TIME);
	if ((events & EPOLLIN) != 0)
		r = read_commands(c);
	if (r == 0)
		r = advance(c, now);
	if (r < 0 && c->job != NULL) {
		c->gone = true;
		r = 0;
	}
	if (r < 0 || !watch(c))
		close_client(c);
}

static struct control_client *
find_free(struct control *control)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (control->client[i].control == NULL)
			return &control->client[i];
	return NULL;
}

static void
on_accept(struct acceptor *a, int fd, const struct sockaddr_storage *peer,
    uint64_t now)
{
	static const char full[] = "error=too many clients\n\n";
	struct control *control = a->arg;
	struct control_client *c = find_free(control);

	(void)peer;
	if (c == NULL) {
		(void)send(fd, full, strlen(full), MSG_DONTWAIT | MSG_NOSIGNAL);
		fd_close(&fd);
		return;
	}
	memset(c, 0, offsetof(struct control_client, in_buf));
	c->io = (struct loop_io){ .fd = fd, .on_event = on_client_event };
	c->idle.on_timer = on_idle;
	c->events = EPOLLIN;
	linebuf_init_fixed(&c->in, c->in_buf, sizeof(c->in_buf));
	if (loop_add(control->loop, &c->io, c->events) < 0) {
		fd_close(&fd);
		return;
	}
	c->control = control;
	loop_arm(control->loop, &c->idle, now + IDLE_TIME);
}

int
control_init(struct control *control, struct dispatcher *d,
    const struct listen_socket *sockets, size_t n)
{
	control->loop = d->loop;
	control->dispatcher = d;
	if (n > CONTROL_LISTENERS)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		struct acceptor *a = &control->acceptor[i];
		int r;

		a->on_accept = on_accept;
		a->arg = control;
		r = acceptor_init(a, d->loop, sockets[i].fd);
		if (r < 0)
			return r;
		control->n_listeners++;
	}
	return 0;
}

void
control_fini(struct control *control)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (control->client[i].control != NULL)
			close_client(&control->client[i]);
	while (control->n_listeners > 0)
		acceptor_fini(&control->acceptor[--control->n_listeners]);
}
