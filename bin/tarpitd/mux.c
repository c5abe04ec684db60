/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/mux.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bin/common/clock.h"
#include "bin/tarpitd/mux_internal.h"
#include "bin/tarpitd/pool.h"

/* How long a transaction is parked.  The client is at full speed: what has not
 * come by then is not about to come, and what is open costs the MTA a process
 * and a queue file.  While others wait, some round trips of a client at hand,
 * such as a relay of one's own, on a busy machine: without any a crowd of fast
 * clients takes the connections from each other. */
#define PARKED_MAX  USEC_PER_SEC
#define PARKED_SAFE (50 * USEC_PER_MSEC)

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

int
mux_queue(struct mux *m, uint32_t slot, bool first)
{
	struct transaction tx = { 0 };
	int r;

	m->describe(m->arg, slot, &tx);
	r = fair_wait(&m->queue, slot, &tx.client, first);
	if (r == 0)
		m->place[slot].state = PLACE_QUEUED;
	return r;
}

static void
take_off(struct mux *m, uint32_t slot)
{
	fair_leave(&m->queue, slot);
	m->place[slot].state = PLACE_NONE;
}

/* ---- lending ---- */

/* One that nobody has, at best one that knows the client already. */
static struct connection *
find_free(const struct mux *m, const struct transaction *tx)
{
	struct connection *found = NULL;

	for (uint32_t i = 0; i < m->n; i++) {
		struct connection *c = m->connection[i];

		if (c->use != IDLE && (c->use != PARKED || c->borrower != 0))
			continue;
		if (upstream_knows(&c->upstream, tx))
			return c;
		if (!upstream_suits(&c->upstream, tx))
			continue;
		if (found == NULL)
			found = c;
	}
	return found;
}

static struct connection *
find_oldest_parked(const struct mux *m)
{
	struct connection *found = NULL;

	for (uint32_t i = 0; m->n_parked > 0 && i < m->n; i++) {
		struct connection *c = m->connection[i];

		if (c->use == PARKED &&
		    (found == NULL || c->parked_at < found->parked_at))
			found = c;
	}
	return found;
}

/* Others wait who might have one, and there can be no more connections. */
static bool
is_short(const struct mux *m)
{
	return m->queue.n_ready > m->n_opening && m->n >= m->max;
}

/* How long a transaction may stay parked: others may be waiting. */
static uint64_t
park_limit(const struct mux *m)
{
	return is_short(m) ? m->park_safe : m->park_max;
}

/* The one that has been parked for longest, if that was long enough and it is
 * good for TX. */
static struct connection *
find_overdue(const struct mux *m, const struct transaction *tx, uint64_t now)
{
	struct connection *c = is_short(m) ? find_oldest_parked(m) : NULL;

	if (c == NULL || now - c->parked_at < m->park_safe ||
	    !upstream_suits(&c->upstream, tx))
		return NULL;
	return c;
}

static void
note_wait(struct mux *m, const struct mux_place *p, uint64_t now)
{
	if (now - p->since > m->longest_wait)
		m->longest_wait = now - p->since;
}

static void
lend(struct mux *m, struct connection *c, uint32_t slot,
    const struct transaction *tx, uint64_t now)
{
	struct mux_place *p = &m->place[slot];
	bool resumes = p->state == PLACE_RESUMING;

	note_wait(m, p, now);
	p->state = PLACE_SERVED;
	p->connection = c;
	c->borrower = slot;
	c->client = tx->client;
	c->party = fair_take(&m->queue, &tx->client);
	c->answered = m->answered;
	c->may_park = tx->goes_on && (resumes || tx->first);
	mux_set_use(c, LENT);
	if (resumes)
		upstream_resume(&c->upstream, tx, now);
	else
		upstream_run(&c->upstream, tx, now);
}

/* Whose turn it is; false if there is nobody, or no connection for it. */
static bool
serve_next(struct mux *m, uint64_t now)
{
	uint32_t slot = fair_next(&m->queue);
	struct transaction tx = { 0 };
	struct connection *c;

	if (slot == 0)
		return false;
	m->describe(m->arg, slot, &tx);
	c = find_free(m, &tx);
	if (c == NULL)
		c = find_overdue(m, &tx, now);
	if (c == NULL)
		return false;
	mux_leave_parked(m, c);
	take_off(m, slot);
	lend(m, c, slot, &tx, now);
	return true;
}

/* Those who go on with what is parked have their connection, if they may have
 * one more in use: else what is parked may become overdue, and they wait in the
 * queue. */
static void
serve_resuming(struct mux *m, uint64_t now)
{
	for (uint32_t i = 0; m->n_resuming > 0 && i < m->n; i++) {
		struct connection *c = m->connection[i];
		uint32_t slot = c->borrower;
		struct transaction tx = { 0 };

		if (c->use != PARKED || slot == 0 ||
		    m->place[slot].state != PLACE_RESUMING)
			continue;
		m->describe(m->arg, slot, &tx);
		if (!fair_may_take(&m->queue, &tx.client))
			continue;
		m->n_resuming--;
		lend(m, c, slot, &tx, now);
		i = UINT32_MAX; /* connections may have moved: from the front */
	}
}

static void
open_connections(struct mux *m, uint64_t now)
{
	while (m->queue.n_ready > m->n_opening && m->n < m->max &&
	    m->address_len != 0 && !timer_is_armed(&m->retry)) {
		int r = mux_connect(m, now);

		if (r < 0) {
			mux_set_down(m, true, strerror(-r));
			mux_retry_later(m, now);
		}
	}
}

/* Ends what is nobody's, or has been parked for too long.  With PROXY, or after
 * many transactions, no other client can have it, only its place. */
static void
release_parked(struct mux *m, uint64_t now)
{
	uint64_t limit = park_limit(m);
	struct connection *oldest;

	for (uint32_t i = 0; m->n_parked > 0 && i < m->n; i++) {
		struct connection *c = m->connection[i];

		if (c->use != PARKED ||
		    (c->borrower != 0 && now - c->parked_at < limit))
			continue;
		mux_leave_parked(m, c);
		/* If its RSET takes long, that is its client's share. */
		c->party = fair_take(&m->queue, &c->client);
		mux_set_use(c, LENT);
		upstream_release(&c->upstream, now);
		i = UINT32_MAX;
	}
	oldest = find_oldest_parked(m);
	if (oldest != NULL)
		loop_arm(
		    m->loop, &m->patience, oldest->parked_at + park_limit(m));
}

bool
mux_flush(struct mux *m, uint64_t now)
{
	struct slice slice = slice_begin(LOOP_SLICE);
	bool more = true;

	fair_forgive(&m->queue, now);
	serve_resuming(m, now);
	while (more && !slice_is_over(&slice))
		more = serve_next(m, now);
	open_connections(m, now);
	release_parked(m, now);
	return more;
}

/* The batch is enough: the flush after it looks again. */
static void
on_patience(struct timer *t, uint64_t now)
{
	(void)t;
	(void)now;
}

static void
on_retry(struct timer *t, uint64_t now)
{
	struct mux *m = CONTAINER_OF(t, struct mux, retry);

	/* Without anybody waiting: to learn what it offers, or whether it is
	 * back. */
	if (m->n == 0 && m->address_len != 0 && mux_connect(m, now) < 0)
		mux_retry_later(m, now);
}

/* ---- what the owner calls ---- */

static void
set_backend(struct mux *m)
{
	m->queue.share = m->per_client != 0 ? m->per_client : m->max / 4;
	if (m->queue.share == 0)
		m->queue.share = 1;
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
	m->queue.capacity = m->capacity;
	if (fair_init(&m->queue) < 0)
		return -ENOMEM;
	m->retry.on_timer = on_retry;
	m->patience.on_timer = on_patience;
	m->backoff = MUX_BACKOFF_FIRST;
	m->park_max = PARKED_MAX;
	m->park_safe = PARKED_SAFE;
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
	loop_cancel(m->loop, &m->patience);
	fair_fini(&m->queue);
	free(m->connection);
	m->connection = NULL;
	pool_release(m->place, (size_t)m->capacity + 1, sizeof(*m->place));
	m->place = NULL;
}

void
mux_trim(struct mux *m, uint32_t from, uint32_t to)
{
	pool_discard(m->place, from, to, sizeof(*m->place));
}

void
mux_reload(struct mux *m, uint64_t now)
{
	set_backend(m);
	m->known = false;
	m->generation++;
	m->backoff = MUX_BACKOFF_FIRST;
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

int
mux_ask(struct mux *m, uint32_t slot, uint64_t now)
{
	struct mux_place *p = &m->place[slot];

	assert(p->state == PLACE_NONE);
	p->attempts = 0;
	p->since = now;
	m->asked++;
	if (p->connection == NULL)
		return mux_queue(m, slot, false);
	p->state = PLACE_RESUMING;
	m->n_resuming++;
	return 0;
}

void
mux_cancel(struct mux *m, uint32_t slot, uint64_t now)
{
	struct mux_place *p = &m->place[slot];
	struct connection *c = p->connection;
	bool served = p->state == PLACE_SERVED;

	if (p->state == PLACE_QUEUED)
		take_off(m, slot);
	m->n_resuming -= p->state == PLACE_RESUMING;
	p->state = PLACE_NONE;
	if (c == NULL)
		return;
	mux_part(m, c);
	if (served)
		upstream_abandon(&c->upstream, now);
}

bool
mux_is_queued(const struct mux *m, uint32_t slot)
{
	return m->place[slot].state == PLACE_QUEUED;
}

bool
mux_is_asking(const struct mux *m, uint32_t slot)
{
	const struct mux_place *p = &m->place[slot];

	return p->state == PLACE_SERVED &&
	    !upstream_is_sending(&p->connection->upstream);
}

enum mux_result
mux_give_up(struct mux *m, uint32_t slot, uint64_t now)
{
	enum mux_result result;

	assert(mux_is_asking(m, slot));
	result = mux_note_timeout(m->place[slot].connection, now);
	mux_cancel(m, slot, now);
	return result;
}

bool
mux_is_committed(const struct mux *m, uint32_t slot)
{
	const struct mux_place *p = &m->place[slot];

	return p->state == PLACE_SERVED &&
	    upstream_is_committed(&p->connection->upstream);
}
