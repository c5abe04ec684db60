/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/mux.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bin/tarpitd/pool.h"

/* A client whose connection was lost is served on another one so often. */
enum { ATTEMPTS_MAX = 3 };

#define BACKOFF_FIRST (50 * USEC_PER_MSEC)
#define BACKOFF_MAX   (2 * USEC_PER_SEC)

enum place_state { PLACE_NONE, PLACE_QUEUED, PLACE_SERVED };

struct mux_place {
	uint64_t since;
	struct connection *connection; /* PLACE_SERVED */
	uint32_t next, prev;           /* PLACE_QUEUED */
	uint8_t state, attempts;
};

/* One of the pool. */
struct connection {
	struct upstream upstream;
	struct mux *mux;
	uint32_t borrower;   /* slot, 0: nobody's, or its client has left */
	uint32_t generation; /* of the configuration */
	enum { OPENING, IDLE, LENT, ENDING } use;
};

int
mux_parse_address(
    const char *value, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(value, ':');
	size_t len = colon != NULL ? (size_t)(colon - value) : 0;
	struct addrinfo *ai;
	char host[64];

	if (len >= 2 && value[0] == '[' && value[len - 1] == ']') {
		value++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, value, len);
	host[len] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &ai) != 0)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, ai->ai_addr, ai->ai_addrlen);
	*ret_len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 0;
}

/* ---- the queue ---- */

static void
append(struct mux *m, uint32_t slot)
{
	struct mux_place *p = &m->place[slot];

	p->state = PLACE_QUEUED;
	p->next = 0;
	p->prev = m->last;
	if (m->last != 0)
		m->place[m->last].next = slot;
	else
		m->first = slot;
	m->last = slot;
	m->n_queued++;
}

/* Whose connection was lost has waited longest. */
static void
prepend(struct mux *m, uint32_t slot)
{
	struct mux_place *p = &m->place[slot];

	p->state = PLACE_QUEUED;
	p->prev = 0;
	p->next = m->first;
	if (m->first != 0)
		m->place[m->first].prev = slot;
	else
		m->last = slot;
	m->first = slot;
	m->n_queued++;
}

static void
take_off(struct mux *m, uint32_t slot)
{
	struct mux_place *p = &m->place[slot];

	if (p->next != 0)
		m->place[p->next].prev = p->prev;
	else
		m->last = p->prev;
	if (p->prev != 0)
		m->place[p->prev].next = p->next;
	else
		m->first = p->next;
	p->state = PLACE_NONE;
	m->n_queued--;
}

/* ---- health ---- */

static void
set_down(struct mux *m, bool down, const char *why)
{
	m->known = !down;
	if (m->down == down)
		return;
	m->down = down;
	if (down)
		journal_event(m->journal, EVENT_BACKEND_DOWN,
		    "the MTA at %s does not serve throttled sessions: %s",
		    m->backend, why);
	else
		journal_event(m->journal, EVENT_BACKEND_UP,
		    "the MTA at %s serves throttled sessions", m->backend);
}

static void
retry_later(struct mux *m, uint64_t now)
{
	if (timer_is_armed(&m->retry))
		return;
	loop_arm(m->loop, &m->retry, now + m->backoff);
	if (m->backoff < BACKOFF_MAX)
		m->backoff *= 2;
}

/* The MTA does not let us say who the client is.  It might after a change of
 * its configuration, so every new connection looks again. */
static void
set_unusable(struct mux *m, bool unusable)
{
	if (unusable)
		set_down(m, true,
		    "it does not let us use XCLIENT (see "
		    "smtpd_authorized_xclient_hosts)");
	m->unusable = unusable;
}

/* ---- connections ---- */

static void
finish_place(struct mux *m, uint32_t slot, enum mux_result result,
    const char *reply, size_t len, uint64_t now)
{
	m->place[slot].state = PLACE_NONE;
	m->place[slot].connection = NULL;
	m->on_done(m->arg, slot, result, reply, len, now);
}

static void
try_again(struct mux *m, uint32_t slot, uint64_t now)
{
	struct mux_place *p = &m->place[slot];

	m->lost++;
	p->connection = NULL;
	if (++p->attempts < ATTEMPTS_MAX)
		prepend(m, slot);
	else
		finish_place(m, slot, MUX_FAILED, NULL, 0, now);
}

static enum mux_result
to_result(enum upstream_result result)
{
	switch (result) {
	case UPSTREAM_SAID:
		return MUX_SAID;
	case UPSTREAM_CHANGED:
		return MUX_CHANGED;
	case UPSTREAM_GONE:
		return MUX_GONE;
	case UPSTREAM_UNSURE:
		return MUX_UNSURE;
	case UPSTREAM_LOST:
	case UPSTREAM_NO_IDENTITY:
	case UPSTREAM_SPOILED:
		break;
	}
	return MUX_FAILED;
}

static void
on_done(struct upstream *u, enum upstream_result result, const char *reply,
    size_t len, uint64_t now)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);
	uint32_t slot = c->borrower;

	c->borrower = 0;
	if (result == UPSTREAM_NO_IDENTITY)
		set_unusable(c->mux, true);
	if (result == UPSTREAM_LOST)
		try_again(c->mux, slot, now);
	else
		finish_place(c->mux, slot, to_result(result), reply, len, now);
}

static void
set_use(struct connection *c, int use)
{
	struct mux *m = c->mux;

	m->n_opening -= c->use == OPENING;
	m->n_idle -= c->use == IDLE;
	c->use = use;
	m->n_opening += c->use == OPENING;
	m->n_idle += c->use == IDLE;
}

/* The first time: what the MTA offers, and whether it is of use. */
static bool
is_welcome(struct mux *m, const struct upstream *u)
{
	bool usable = m->proxied || u->has_xclient;

	m->offers = u->offers;
	set_unusable(m, !usable);
	if (!usable)
		return false;
	m->backoff = BACKOFF_FIRST;
	set_down(m, false, NULL);
	return true;
}

static void
on_idle(struct upstream *u, uint64_t now)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);
	struct mux *m = c->mux;
	bool asked = c->use == OPENING && u->probes;

	set_use(c, IDLE);
	/* With PROXY, one that has asked is nobody's. */
	if ((asked && (!is_welcome(m, u) || u->proxied)) || m->n > m->max ||
	    c->generation != m->generation) {
		set_use(c, ENDING);
		upstream_quit(u, now);
	}
}

static void
drop(struct mux *m, struct connection *c)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->connection[i] == c) {
			m->connection[i] = m->connection[--m->n];
			break;
		}
	free(c);
}

static void
on_closed(struct upstream *u, const char *why, uint64_t now)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);
	struct mux *m = c->mux;
	bool opening = c->use == OPENING;
	bool outdated = c->generation != m->generation;

	set_use(c, ENDING);
	drop(m, c);
	if (opening && why != NULL)
		set_down(m, true, why);
	if (opening || outdated || m->unusable)
		retry_later(m, now);
}

static bool
is_wanted(struct upstream *u)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);

	return c->borrower != 0 && c->mux->is_there(c->mux->arg, c->borrower);
}

static const struct upstream_handler handler = {
	.on_done = on_done,
	.on_idle = on_idle,
	.on_closed = on_closed,
	.is_wanted = is_wanted,
};

static int
open_connection(struct mux *m, uint64_t now)
{
	AUTO_FREE struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return -ENOMEM;
	c->mux = m;
	c->generation = m->generation;
	c->use = ENDING;
	c->upstream = (struct upstream){ .loop = m->loop,
		.handler = &handler,
		.host_name = m->host_name,
		.timeout = m->timeout,
		.proxied = m->proxied,
		.probes = !m->proxied || !m->known };
	r = upstream_open(&c->upstream, &m->address, m->address_len, now);
	if (r < 0)
		return r;
	set_use(c, OPENING);
	m->opened++;
	m->connection[m->n++] = c;
	c = NULL;
	return 0;
}

static struct connection *
find_idle(const struct mux *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->connection[i]->use == IDLE)
			return m->connection[i];
	return NULL;
}

static void
lend(struct mux *m, struct connection *c, uint64_t now)
{
	uint32_t slot = m->first;
	struct mux_place *p = &m->place[slot];
	struct transaction tx = { 0 };

	take_off(m, slot);
	if (now - p->since > m->longest_wait)
		m->longest_wait = now - p->since;
	p->state = PLACE_SERVED;
	p->connection = c;
	c->borrower = slot;
	set_use(c, LENT);
	m->describe(m->arg, slot, &tx);
	upstream_run(&c->upstream, &tx, now);
}

void
mux_flush(struct mux *m, uint64_t now)
{
	struct connection *idle;

	while (m->first != 0 && (idle = find_idle(m)) != NULL)
		lend(m, idle, now);
	while (m->n_queued > m->n_opening && m->n < m->max &&
	    m->address_len != 0 && !timer_is_armed(&m->retry)) {
		int r = open_connection(m, now);

		if (r < 0) {
			set_down(m, true, strerror(-r));
			retry_later(m, now);
		}
	}
}

static void
on_retry(struct timer *t, uint64_t now)
{
	struct mux *m = CONTAINER_OF(t, struct mux, retry);

	/* Without anybody waiting: to learn what it offers, or whether it is
	 * back. */
	if (m->n == 0 && m->address_len != 0 && open_connection(m, now) < 0)
		retry_later(m, now);
}

/* ---- what the owner calls ---- */

static void
set_backend(struct mux *m)
{
	m->address_len = 0;
	if (m->backend[0] != '\0' &&
	    mux_parse_address(m->backend, &m->address, &m->address_len) < 0)
		m->address_len = 0; /* config.c has checked it */
}

int
mux_init(struct mux *m)
{
	m->place = pool_reserve((size_t)m->capacity + 1, sizeof(*m->place));
	if (m->place == NULL)
		return -ENOMEM;
	m->connection = calloc(MUX_CONNECTIONS_MAX, sizeof(*m->connection));
	if (m->connection == NULL)
		return -ENOMEM;
	m->retry.on_timer = on_retry;
	m->backoff = BACKOFF_FIRST;
	set_backend(m);
	if (m->address_len != 0)
		loop_arm(m->loop, &m->retry, loop_now(m->loop));
	return 0;
}

void
mux_fini(struct mux *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		upstream_fini(&m->connection[i]->upstream);
		free(m->connection[i]);
	}
	m->n = 0;
	loop_cancel(m->loop, &m->retry);
	free(m->connection);
	m->connection = NULL;
	pool_release(m->place, (size_t)m->capacity + 1, sizeof(*m->place));
	m->place = NULL;
}

void
mux_reload(struct mux *m, uint64_t now)
{
	set_backend(m);
	m->known = false;
	m->generation++;
	m->backoff = BACKOFF_FIRST;
	/* Who is busy with the old back end ends when it becomes idle. */
	for (uint32_t i = 0; i < m->n; i++) {
		struct connection *c = m->connection[i];

		c->upstream.host_name = m->host_name;
		if (c->use == IDLE)
			upstream_expire(&c->upstream, now);
	}
	if (m->address_len != 0)
		loop_arm(m->loop, &m->retry, now);
}

void
mux_ask(struct mux *m, uint32_t slot, uint64_t now)
{
	struct mux_place *p = &m->place[slot];

	assert(p->state == PLACE_NONE);
	p->attempts = 0;
	p->since = now;
	m->asked++;
	append(m, slot);
}

void
mux_cancel(struct mux *m, uint32_t slot, uint64_t now)
{
	struct mux_place *p = &m->place[slot];
	struct connection *c = p->connection;

	if (p->state == PLACE_QUEUED)
		take_off(m, slot);
	if (p->state != PLACE_SERVED)
		return;
	p->state = PLACE_NONE;
	p->connection = NULL;
	c->borrower = 0;
	upstream_abandon(&c->upstream, now);
}

bool
mux_is_queued(const struct mux *m, uint32_t slot)
{
	return m->place[slot].state == PLACE_QUEUED;
}

bool
mux_is_committed(const struct mux *m, uint32_t slot)
{
	const struct mux_place *p = &m->place[slot];

	return p->state == PLACE_SERVED &&
	    upstream_is_committed(&p->connection->upstream);
}
