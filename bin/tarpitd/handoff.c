/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/handoff.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/attrs.h"
#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/common/fdpass.h"
#include "bin/common/tcp_state.h"
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/sockbuf.h"

enum { MESSAGE_MAX = 512 };

/* So much of what an MTA by TCP says first is looked at; RFC 5321, 4.5.3.1.5. */
enum { GREETING_LOOK = 512 };

/* A full backlog cannot be waited for: a unix socket whose connect() said
 * EAGAIN polls as writable at once.  So we try again on a timer. */
#define RETRY_INTERVAL (50 * USEC_PER_MSEC)

/* Of many that wait, as many are offered in a retry as a slice lasts, of 17
 * usec each, and as many looked at for having left, up to a number; if more
 * could be offered, the next retry is soon. */
#define RETRY_SOON (2 * USEC_PER_MSEC)
enum { LOOKS_PER_RETRY = 256 };

/* When it is looked whether the MTA has greeted: at first after this, then
 * after twice as much, and so on; a greeting takes 2 to 10 ms. */
#define LOOK_FIRST (5 * USEC_PER_MSEC)
#define LOOK_MAX   USEC_PER_SEC

/* Until the MTA has greeted, so many times HandoffTimeout= may pass after it
 * took the session. */
enum { GREETING_TIMEOUTS = 3 };

enum job_state { JOB_NONE, JOB_WAITING, JOB_OFFERED, JOB_TAKEN };

struct handoff_job {
	struct loop_io io; /* to the MTA; -1 unless offered */
	struct timer deadline;
	struct timer look; /* for the MTA's greeting */
	struct handoff *handoff;
	uint64_t since;
	uint64_t written; /* to the client, when the session was offered */
	uint64_t pause;   /* between looks */
	uint32_t slot;
	uint32_t next, prev; /* of those waiting */
	enum job_state state;
	bool greets;  /* by TCP: connected, the MTA's greeting is waited for */
	bool failed;  /* tarpit-handoff has said so */
	bool counted; /* as not served */
};

static void on_retry(struct timer *, uint64_t now);
static void on_deadline(struct timer *, uint64_t now);
static void on_look(struct timer *, uint64_t now);
static void on_mta_ready(struct loop_io *, uint32_t events, uint64_t now);
static void on_tcp_ready(struct loop_io *, uint32_t events, uint64_t now);

int
handoff_init(struct handoff *h)
{
	h->job = pool_reserve((size_t)h->pool->capacity + 1, sizeof(*h->job));
	if (h->job == NULL)
		return -ENOMEM;
	h->retry.on_timer = on_retry;
	return 0;
}

void
handoff_fini(struct handoff *h)
{
	loop_cancel(h->loop, &h->retry);
	pool_release(h->job, (size_t)h->pool->capacity + 1, sizeof(*h->job));
	h->job = NULL;
}

void
handoff_trim(struct handoff *h, uint32_t from, uint32_t to)
{
	pool_discard(h->job, from, to, sizeof(*h->job));
}

static void
append_waiting(struct handoff *h, struct handoff_job *job)
{
	job->state = JOB_WAITING;
	job->next = POOL_NONE;
	job->prev = h->last;
	if (h->last != POOL_NONE)
		h->job[h->last].next = job->slot;
	else
		h->first = job->slot;
	h->last = job->slot;
	h->n_waiting++;
	if (!timer_is_armed(&h->retry))
		loop_arm(
		    h->loop, &h->retry, loop_now(h->loop) + RETRY_INTERVAL);
}

static void
remove_waiting(struct handoff *h, struct handoff_job *job)
{
	if (h->look == job->slot)
		h->look = job->next;
	if (job->next != POOL_NONE)
		h->job[job->next].prev = job->prev;
	else
		h->last = job->prev;
	if (job->prev != POOL_NONE)
		h->job[job->prev].next = job->next;
	else
		h->first = job->next;
	h->n_waiting--;
}

/* Takes the job out of wherever it is. */
static void
leave(struct handoff_job *job)
{
	struct handoff *h = job->handoff;

	if (job->state == JOB_WAITING)
		remove_waiting(h, job);
	if (job->state == JOB_OFFERED) {
		loop_remove(h->loop, &job->io);
		fd_close(&job->io.fd);
		h->n_offered--;
	}
	if (job->state == JOB_TAKEN) {
		loop_cancel(h->loop, &job->look);
		h->n_taken--;
	}
	job->state = JOB_NONE;
}

static void
finish(struct handoff_job *job, enum handoff_result result, uint64_t now)
{
	struct handoff *h = job->handoff;

	leave(job);
	loop_cancel(h->loop, &job->deadline);
	h->on_done(h->arg, &h->pool->session[job->slot], result, now);
}

static void
set_down(struct handoff *h, int error)
{
	bool down = error != 0;

	h->down = down;
	if (!journal_flaps(&h->flap, down, loop_now(h->loop)))
		return;
	if (down)
		journal_event(h->journal, EVENT_HANDOFF_DOWN,
		    "the MTA at %s does not take sessions: %s", h->target->path,
		    strerror(-error));
	else
		journal_event(h->journal, EVENT_HANDOFF_UP,
		    "the MTA at %s takes sessions again", h->target->path);
}

/* Postfix's attr_print0 form: name NUL value NUL, closed by one more NUL. */
static void
put_nul(char *buf, size_t *len, const char *text)
{
	size_t n = strlen(text) + 1;

	memcpy(buf + *len, text, n);
	*len += n;
}

struct endpoints {
	char client[ADDRESS_TEXT], client_port[8];
	char server[ADDRESS_TEXT], server_port[8];
};

/* Postfix eats one byte of data that comes with the descriptor, then reads the
 * attributes; all in one message is what its own sender's peers see as well. */
static size_t
build_postfix(char *buf, const struct endpoints *e)
{
	size_t len = 0;

	put_nul(buf, &len, "");
	put_nul(buf, &len, "client_address");
	put_nul(buf, &len, e->client);
	put_nul(buf, &len, "client_port");
	put_nul(buf, &len, e->client_port);
	put_nul(buf, &len, "server_address");
	put_nul(buf, &len, e->server);
	put_nul(buf, &len, "server_port");
	put_nul(buf, &len, e->server_port);
	put_nul(buf, &len, "");
	return len;
}

static size_t
build_inetd(char *buf, const struct endpoints *e)
{
	struct attrs_out out;

	attrs_begin(&out, buf, MESSAGE_MAX);
	attrs_put(&out, "client_address", e->client);
	attrs_put(&out, "client_port", e->client_port);
	attrs_put(&out, "server_address", e->server);
	attrs_put(&out, "server_port", e->server_port);
	/* Addresses and ports are bounded and clean. */
	return attrs_end(&out) < 0 ? 0 : out.len;
}

static size_t
build_message(const struct handoff *h, const struct session *s, char *buf)
{
	struct endpoints e;
	struct in6_addr server;
	in_port_t port;

	(void)proxied_server(h->proxied, s, &server, &port);
	address_print(&s->client, e.client);
	address_print(&server, e.server);
	snprintf(e.client_port, sizeof(e.client_port), "%u", s->port);
	snprintf(e.server_port, sizeof(e.server_port), "%u", port);
	return h->target->kind == HANDOFF_POSTFIX ? build_postfix(buf, &e)
						  : build_inetd(buf, &e);
}

/* Connects and sends in one go: a silent connection would keep all of a
 * `pass` service's processes waiting for us.  0 or -errno; -EAGAIN: the
 * backlog is full. */
static int
connect_and_send(const struct handoff *h, const struct session *s, int fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char message[MESSAGE_MAX];
	size_t len = build_message(h, s, message);
	ssize_t n;

	strcpy(sun.sun_path, h->target->path);
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	n = fdpass_send(fd, s->fd, message, len);
	if (n < 0)
		return (int)n;
	/* A fresh socket's buffer holds 200 KB, so this is a kernel that we do
	 * not know; a receiver hangs up on half a message. */
	return (size_t)n == len ? 0 : -EIO;
}

static int
connect_tcp(const struct handoff_target *target, int fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&target->address,
		target->address_len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

static bool
is_by_tcp(const struct handoff *h)
{
	return h->target->kind == HANDOFF_PROXY;
}

/* The buffers are restored here, not while it only waits: they would be 128 KB
 * of the kernel's memory each for as long as the MTA is away. */
static int
offer(struct handoff *h, struct handoff_job *job)
{
	bool tcp = is_by_tcp(h);
	struct tcp_state before;
	AUTO_FD fd = socket(tcp ? h->target->address.ss_family : AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	/* First, since nothing may fail once the session has gone over: it
	 * would be offered twice. */
	job->io = (struct loop_io){ .fd = fd,
		.on_event = tcp ? on_tcp_ready : on_mta_ready };
	job->greets = job->failed = false;
	if (tcp_state_read(h->pool->session[job->slot].fd, &before) == 0)
		job->written = before.written;
	r = loop_add(h->loop, &job->io, tcp ? EPOLLOUT : EPOLLIN);
	if (r < 0)
		return r;
	sockbuf_restore(h->pool->session[job->slot].fd);
	r = tcp ? connect_tcp(h->target, fd)
		: connect_and_send(h, &h->pool->session[job->slot], fd);
	if (r < 0) {
		loop_remove(h->loop, &job->io);
		return r;
	}
	(void)fd_take(&fd);
	job->state = JOB_OFFERED;
	h->n_offered++;
	return 0;
}

/* What only means "not now" rather than that something is wrong. */
static bool
is_busy(int error)
{
	return error == -EAGAIN || error == -EMFILE || error == -ENFILE ||
	    error == -ENOBUFS || error == -ENOMEM || error == -ETOOMANYREFS;
}

/* By TCP one at a time tries while the MTA is away: that it is back is known
 * from its greeting only. */
static bool
is_to_wait(const struct handoff *h)
{
	return is_by_tcp(h) && h->down && h->n_offered > 0;
}

static bool
client_has_left(const struct session *s)
{
	char byte;
	ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

/* As many as the MTA has room for, in order; true if it may have more. */
static bool
offer_waiting(struct handoff *h, uint64_t now)
{
	struct slice slice = slice_begin(LOOP_SLICE);

	while (h->first != POOL_NONE && !is_to_wait(h)) {
		struct handoff_job *job = &h->job[h->first];
		int r;

		if (slice_is_over(&slice))
			return true;
		if (client_has_left(&h->pool->session[job->slot])) {
			finish(job, HANDOFF_GONE, now);
			continue;
		}
		r = offer(h, job);
		if (r < 0) {
			if (!is_busy(r))
				set_down(h, r);
			return false;
		}
		remove_waiting(h, job);
	}
	return false;
}

/* Those behind the one at H->look, and round to the first. */
static void
look_who_has_left(struct handoff *h, uint64_t now)
{
	struct slice slice = slice_begin(LOOP_SLICE);
	uint32_t left = h->n_waiting;

	if (left > LOOKS_PER_RETRY)
		left = LOOKS_PER_RETRY;
	while (left-- > 0 && h->first != POOL_NONE && !slice_is_over(&slice)) {
		uint32_t slot = h->look != POOL_NONE ? h->look : h->first;

		h->look = h->job[slot].next;
		if (client_has_left(&h->pool->session[slot]))
			finish(&h->job[slot], HANDOFF_GONE, now);
	}
}

static void
on_retry(struct timer *t, uint64_t now)
{
	struct handoff *h = CONTAINER_OF(t, struct handoff, retry);

	bool more = offer_waiting(h, now);

	look_who_has_left(h, now);
	if (h->first != POOL_NONE)
		loop_arm(
		    h->loop, t, now + (more ? RETRY_SOON : RETRY_INTERVAL));
}

/*
 * Taken, and served or not
 */

static void
count_unserved(struct handoff_job *job, const char *how, uint64_t now)
{
	struct handoff *h = job->handoff;
	char client[ADDRESS_TEXT];
	struct record record;

	if (job->counted)
		return;
	job->counted = true;
	h->unserved++;
	h->in_row++;
	if (!journal_is_due(&h->tell_at, now)) {
		h->untold++;
		return;
	}
	address_print(&h->pool->session[job->slot].client, client);
	record_begin(&record, EVENT_HANDOFF_UNSERVED,
	    "the MTA at %s took the session of %s, and %s", h->target->path,
	    client, how);
	record_field(&record, "TARPIT_CLIENT", "%s", client);
	record_field(&record, "TARPIT_UNTOLD", "%" PRIu64, h->untold);
	h->untold = 0;
	journal_send(h->journal, &record);
}

static void
finish_served(struct handoff_job *job, uint64_t now)
{
	job->handoff->in_row = 0;
	finish(job, HANDOFF_TAKEN, now);
}

/* A client that has ended its half, or left, is the MTA's to find out about. */
static bool
is_greeted(const struct handoff_job *job)
{
	const struct session *s = &job->handoff->pool->session[job->slot];
	struct tcp_state state;

	return tcp_state_read(s->fd, &state) < 0 ||
	    state.written != job->written || !state.is_open;
}

static void
look(struct handoff_job *job, uint64_t now)
{
	if (is_greeted(job)) {
		finish_served(job, now);
		return;
	}
	loop_arm(job->handoff->loop, &job->look, now + job->pause);
	job->pause = job->pause < LOOK_MAX / 2 ? 2 * job->pause : LOOK_MAX;
}

static void
on_look(struct timer *t, uint64_t now)
{
	look(CONTAINER_OF(t, struct handoff_job, look), now);
}

/* The receiver has closed: it has the session. */
static void
note_taken(struct handoff_job *job, uint64_t now)
{
	struct handoff *h = job->handoff;

	h->taken++;
	histogram_add(&h->latency, &histogram_latency, now - job->since);
	set_down(h, 0);
	if (job->failed) {
		count_unserved(job, "its process failed at once", now);
		finish(job, HANDOFF_FAILED, now);
		return;
	}
	leave(job);
	job->state = JOB_TAKEN;
	job->look.on_timer = on_look;
	job->pause = LOOK_FIRST;
	h->n_taken++;
	loop_arm(h->loop, &job->deadline, now + h->timeout);
	look(job, now);
}

/* Said after one HandoffTimeout=, and given up after the last of them. */
static void
on_greeting_timeout(struct handoff_job *job, uint64_t now)
{
	struct handoff *h = job->handoff;

	if (is_greeted(job)) {
		finish_served(job, now);
	} else if (job->counted) {
		finish(job, HANDOFF_SILENT, now);
	} else {
		count_unserved(job, "has not greeted it", now);
		loop_arm(h->loop, &job->deadline,
		    now + (GREETING_TIMEOUTS - 1) * h->timeout);
	}
}

static bool
is_passed(const struct handoff_job *job)
{
	return job->state == JOB_OFFERED && job->io.on_event == on_mta_ready;
}

/* The end of file may be there, and nobody have looked yet. */
static bool
has_been_taken(const struct handoff_job *job)
{
	char byte;

	return is_passed(job) &&
	    recv(job->io.fd, &byte, sizeof(byte), MSG_DONTWAIT) == 0;
}

static void
on_deadline(struct timer *t, uint64_t now)
{
	struct handoff_job *job = CONTAINER_OF(t, struct handoff_job, deadline);

	if (job->state == JOB_TAKEN) {
		on_greeting_timeout(job, now);
		return;
	}
	if (has_been_taken(job)) {
		note_taken(job, now);
		return;
	}
	if (job->state == JOB_OFFERED && job->io.on_event == on_tcp_ready)
		set_down(job->handoff, -ETIMEDOUT);
	finish(job,
	    client_has_left(&job->handoff->pool->session[job->slot])
		? HANDOFF_GONE
		: HANDOFF_TIMED_OUT,
	    now);
}

/* The MTA has not taken it after all: it is offered again. */
static void
take_back(struct handoff_job *job, int error)
{
	struct handoff *h = job->handoff;

	h->returned++;
	set_down(h, error);
	leave(job);
	append_waiting(h, job);
}

static void
on_mta_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct handoff_job *job = CONTAINER_OF(io, struct handoff_job, io);
	struct handoff *h = job->handoff;
	char buf[64];
	ssize_t n = recv(io->fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		/* It speaks only to say that it failed; its end counts. */
		job->failed = true;
		return;
	}
	if (n == 0) {
		note_taken(job, now);
		return;
	}
	take_back(job, -errno);
	/* Whoever had it may have made it blocking: that flag is shared. */
	(void)fd_set_nonblocking(h->pool->session[job->slot].fd, true);
}

/* The header that goes ahead.  A health check of a proxy in front of us is that
 * proxy's own session. */
static int
send_header(const struct handoff *h, const struct session *s, int fd)
{
	struct proxy_header header = { .subject = PROXY_CLIENT,
		.client = s->client,
		.client_port = s->port };
	char buf[PROXY_PRINT_MAX];
	ssize_t n;
	size_t len;

	(void)proxied_server(
	    h->proxied, s, &header.server, &header.server_port);
	len = proxy_print(&header, buf);
	n = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO; /* a fresh socket has room */
}

static void
on_connected(struct handoff_job *job)
{
	struct handoff *h = job->handoff;
	int error = 0;
	socklen_t len = sizeof(error);
	int r;

	(void)getsockopt(job->io.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	r = error != 0
	    ? -error
	    : send_header(h, &h->pool->session[job->slot], job->io.fd);
	if (r == 0)
		r = loop_modify(h->loop, &job->io, EPOLLIN);
	job->greets = true;
	if (r < 0)
		take_back(job, r);
}

/* "421 4.3.2 Too busy": it took the session to say so, and the client will hear
 * it. */
static void
finish_refused(
    struct handoff_job *job, const char *said, size_t len, uint64_t now)
{
	struct handoff *h = job->handoff;
	char how[GREETING_LOOK + 32];
	size_t first = 0;

	while (first < len && said[first] != '\r' && said[first] != '\n')
		first++;
	snprintf(
	    how, sizeof(how), "greeted it with \"%.*s\"", (int)first, said);
	count_unserved(job, how, now);
	h->refusal = said;
	h->refusal_len = len;
	finish(job, HANDOFF_REFUSED, now);
	h->refusal = NULL;
}

/* The MTA has begun to greet the client, and goes on by way of the relay;
 * what it SAID is still to be read. */
static void
give_to_relay(
    struct handoff_job *job, const char *said, size_t len, uint64_t now)
{
	struct handoff *h = job->handoff;
	struct session *s = &h->pool->session[job->slot];
	int r;

	loop_remove(h->loop, &job->io);
	/* Counted twice until the session has ended here. */
	r = relay_start(h->relay,
	    (s->flags & SESSION_COUNTED) != 0 ? &s->client : NULL, s->fd,
	    job->io.fd, now);
	if (r < 0) {
		take_back(job, r);
		return;
	}
	(void)fd_take(&s->fd);
	(void)fd_take(&job->io.fd);
	h->taken++;
	set_down(h, 0);
	if (said[0] == '2')
		finish_served(job, now);
	else
		finish_refused(job, said, len, now);
}

static void
on_tcp_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct handoff_job *job = CONTAINER_OF(io, struct handoff_job, io);
	char said[GREETING_LOOK];
	ssize_t n;

	(void)events;
	if (!job->greets) {
		on_connected(job);
		return;
	}
	n = recv(io->fd, said, sizeof(said), MSG_PEEK | MSG_DONTWAIT);
	if (n > 0)
		give_to_relay(job, said, (size_t)n, now);
	else if (n == 0)
		take_back(job, -ECONNRESET);
	else if (errno != EAGAIN)
		take_back(job, -errno);
}

void
handoff_start(struct handoff *h, struct session *s, uint64_t now)
{
	uint32_t slot = pool_slot(h->pool, s);
	struct handoff_job *job = &h->job[slot];
	int r;

	*job = (struct handoff_job){
		.io = { .fd = -1 },
		.deadline = { .on_timer = on_deadline },
		.handoff = h,
		.since = now,
		.slot = slot,
	};
	loop_arm(h->loop, &job->deadline, now + h->timeout);
	/* Behind those who wait already. */
	r = h->first != POOL_NONE || is_to_wait(h) ? -EAGAIN : offer(h, job);
	if (r == 0)
		return;
	if (!is_busy(r))
		set_down(h, r);
	append_waiting(h, job);
}

bool
handoff_conclude(struct handoff *h, struct session *s, uint64_t now)
{
	struct handoff_job *job = &h->job[pool_slot(h->pool, s)];

	if (job->state != JOB_TAKEN)
		return false;
	finish(job, HANDOFF_TAKEN, now);
	return true;
}

bool
handoff_is_passed(const struct handoff *h, const struct session *s)
{
	return is_passed(&h->job[pool_slot(h->pool, s)]);
}

void
handoff_cancel(struct handoff *h, struct session *s)
{
	struct handoff_job *job = &h->job[pool_slot(h->pool, s)];

	leave(job);
	loop_cancel(h->loop, &job->deadline);
}
