/* SPDX-License-Identifier: ISC */
/* bookworm has 1.18, which knows nothing of what came after these calls. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <string.h>

#include "bin/common/siphash.h"
#include "policy/resolver.h"

enum { SIZE_MIN = 64, TRIES = 2 };

/* How often c-ares looks for what has timed out, and we for silence. */
#define TICK  (50 * USEC_PER_MSEC)
#define TRIAL (1 * USEC_PER_SEC)

/* One name and type: asked, or answered. */
struct entry {
	struct entry *hash_next;
	struct entry *lru_next, *lru_prev; /* of answered ones only */
	struct resolver *resolver;
	struct resolver_wait *waits;
	struct dns_answer *answer; /* NULL: in flight.  Cut behind the last */
	uint64_t expires;
	enum dns_type type;
	char name[];
};

struct channel_io {
	struct loop_io io;
	struct resolver *resolver;
	struct channel_io *next;
};

struct resolver {
	unsigned int refs;
	struct loop *loop;
	ares_channel channel;
	struct channel_io *ios;
	struct timer tick;
	uint64_t timeout, next_trial;
	uint64_t unheard_since; /* 0: nothing waits for an answer */
	uint64_t last_heard;    /* 0: never */
	bool down, closing;
	bool own_servers;     /* none were named: /etc/resolv.conf's */
	struct entry *asking; /* inside ares_query() for it */
	size_t cache_max, n_buckets, trials;
	struct siphash_key key;
	struct entry **bucket;
	struct resolver_counts counts;
	struct entry lru; /* the ring's head: next is the oldest */
};

static const struct dns_answer failed = { .status = DNS_FAILED };

/*
 * The cache
 */

static struct entry **
find(struct resolver *r, const char *name, enum dns_type type)
{
	uint64_t h = siphash(&r->key, name, strlen(name)) + type;
	struct entry **at = &r->bucket[h & (r->n_buckets - 1)];

	while (*at && ((*at)->type != type || strcmp((*at)->name, name) != 0))
		at = &(*at)->hash_next;
	return at;
}

static void
lru_remove(struct entry *e)
{
	e->lru_prev->lru_next = e->lru_next;
	e->lru_next->lru_prev = e->lru_prev;
}

static void
lru_append(struct resolver *r, struct entry *e)
{
	e->lru_next = &r->lru;
	e->lru_prev = r->lru.lru_prev;
	e->lru_prev->lru_next = e;
	r->lru.lru_prev = e;
}

static void
entry_free(struct entry *e)
{
	free(e->answer);
	free(e);
}

/* An answered entry goes. */
static void
forget(struct resolver *r, struct entry *e)
{
	struct entry **at = find(r, e->name, e->type);

	*at = e->hash_next;
	lru_remove(e);
	entry_free(e);
	r->counts.kept--;
}

/* NULL: no memory, or all there may be are in flight. */
static struct entry *
entry_new(struct resolver *r, const char *name, enum dns_type type)
{
	size_t n = strlen(name) + 1;
	struct entry *e;

	if (r->counts.kept == r->cache_max) {
		if (r->lru.lru_next == &r->lru)
			return NULL;
		forget(r, r->lru.lru_next);
	}
	e = calloc(1, sizeof(*e) + n);
	if (!e)
		return NULL;
	e->resolver = r;
	e->type = type;
	memcpy(e->name, name, n);
	*find(r, name, type) = e;
	r->counts.kept++;
	return e;
}

/* What of an answer is used. */
static size_t
answer_size(const struct dns_answer *answer, enum dns_type type)
{
	return offsetof(struct dns_answer, address) +
	    answer->n *
	    (type == DNS_PTR ? sizeof(answer->name[0])
			     : sizeof(answer->address[0]));
}

/*
 * Silence
 */

static void
heard(struct resolver *r)
{
	r->down = false;
	r->last_heard = loop_now(r->loop);
	r->unheard_since = r->counts.in_flight > 0 ? loop_now(r->loop) : 0;
}

static void
sent(struct resolver *r)
{
	if (r->unheard_since == 0)
		r->unheard_since = loop_now(r->loop);
	if (!timer_is_armed(&r->tick))
		loop_arm(r->loop, &r->tick, loop_now(r->loop) + TICK);
}

static bool
is_from_a_resolver(int status)
{
	return status != ARES_ETIMEOUT && status != ARES_ECONNREFUSED &&
	    status != ARES_EDESTRUCTION && status != ARES_ECANCELLED &&
	    status != ARES_ENOMEM && status != ARES_ENOTINITIALIZED;
}

static void
on_trial(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct resolver *r = arg;

	(void)timeouts;
	(void)buf;
	(void)len;
	r->trials--;
	if (!r->closing && is_from_a_resolver(status))
		heard(r);
}

/* At boot the file may come after us.  The library reads it once; servers can
 * only be replaced while nothing is asked. */
static void
reread_servers(struct resolver *r)
{
	struct ares_addr_port_node *servers = NULL;
	struct ares_options none = { 0 };
	ares_channel fresh;

	if (!r->own_servers || r->trials > 0 || r->counts.in_flight > 0 ||
	    ares_init_options(&fresh, &none, 0) != ARES_SUCCESS)
		return;
	if (ares_get_servers_ports(fresh, &servers) == ARES_SUCCESS)
		(void)ares_set_servers_ports(r->channel, servers);
	ares_free_data(servers);
	ares_destroy(fresh);
}

/* Any answer will do; a resolver gives this one by itself (RFC 6303). */
static void
try_again(struct resolver *r, uint64_t now)
{
	reread_servers(r);
	r->next_trial = now + TRIAL;
	r->trials++;
	ares_query(r->channel, "1.0.0.127.in-addr.arpa", ns_c_in, ns_t_ptr,
	    on_trial, r);
}

static void
on_tick(struct timer *t, uint64_t now)
{
	struct resolver *r = CONTAINER_OF(t, struct resolver, tick);

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (!r->down && r->unheard_since != 0 &&
	    now - r->unheard_since >= r->timeout)
		r->down = true;
	if (r->down && now >= r->next_trial)
		try_again(r, now);
	if (r->down || r->trials > 0 || r->counts.in_flight > 0)
		loop_arm(r->loop, t, now + TICK);
	else
		r->unheard_since = 0;
}

/*
 * Questions
 */

static void
take_answer(struct entry *e, const struct dns_answer *answer)
{
	struct resolver *r = e->resolver;
	struct resolver_wait *waits = e->waits, *w;

	e->waits = NULL;
	if (waits)
		waits->link = &waits;
	e->answer = malloc(answer_size(answer, e->type));
	e->expires = loop_now(r->loop) + answer->ttl * USEC_PER_SEC;
	r->counts.in_flight--;
	if (e->answer)
		memcpy(e->answer, answer, answer_size(answer, e->type));
	if (e == r->asking)
		r->asking = NULL;
	lru_append(r, e);
	if (!e->answer)
		forget(r, e);
	/* Whoever hears of it may ask for the same again, which forgets E, and
	 * cancel others. */
	while ((w = waits)) {
		resolver_cancel(w);
		w->on_answer(w, answer);
	}
}

static void
on_reply(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct entry *e = arg;
	struct resolver *r = e->resolver;
	struct dns_answer answer = { .status = DNS_FAILED };

	(void)timeouts;
	if (r->closing)
		return;
	if (is_from_a_resolver(status))
		heard(r);
	/* Nobody listens there: that is known at once. */
	if (status == ARES_ECONNREFUSED && !r->down) {
		r->down = true;
		r->next_trial = loop_now(r->loop) + TRIAL;
	}
	if (!buf || dns_message_read(buf, (size_t)len, e->type, &answer) < 0) {
		answer.status = DNS_FAILED;
		answer.n = 0;
		answer.ttl = 0;
		if (status == ARES_ENOTFOUND || status == ARES_ENODATA)
			answer.status = DNS_NOTHING;
		else if (is_from_a_resolver(status))
			answer.ttl = DNS_TTL_FAILED;
	}
	take_answer(e, &answer);
}

bool
resolver_knows(struct resolver *r, const char *name, enum dns_type type)
{
	const struct entry *e = *find(r, name, type);

	return e && (!e->answer || loop_now(r->loop) < e->expires);
}

static void
add_wait(struct entry *e, struct resolver_wait *wait)
{
	wait->next = e->waits;
	wait->link = &e->waits;
	if (wait->next)
		wait->next->link = &wait->next;
	e->waits = wait;
}

const struct dns_answer *
resolver_ask(struct resolver *r, const char *name, enum dns_type type,
    bool fresh, struct resolver_wait *wait)
{
	struct entry *e = *find(r, name, type);

	if (e && e->answer && (fresh || loop_now(r->loop) >= e->expires)) {
		forget(r, e);
		e = NULL;
	}
	if (e && e->answer) {
		lru_remove(e);
		lru_append(r, e);
		r->counts.cached++;
		return e->answer;
	}
	if (!e) {
		if (r->down || !(e = entry_new(r, name, type)))
			return &failed;
		r->counts.asked++;
		r->counts.in_flight++;
		sent(r);
		/* It may fail at once, and calls back then. */
		r->asking = e;
		ares_query(r->channel, name, ns_c_in, (int)type, on_reply, e);
		if (!r->asking)
			return &failed;
		r->asking = NULL;
	} else {
		r->counts.merged++;
	}
	add_wait(e, wait);
	return NULL;
}

void
resolver_cancel(struct resolver_wait *w)
{
	if (!w->link)
		return;
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->link = NULL;
}

/*
 * The library
 */

static void
on_channel_event(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct resolver *r = CONTAINER_OF(io, struct channel_io, io)->resolver;
	int fd = io->fd;

	(void)now;
	/* IO may be gone when this returns. */
	ares_process_fd(r->channel,
	    events & (EPOLLIN | EPOLLERR | EPOLLHUP) ? fd : ARES_SOCKET_BAD,
	    events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
}

/* The library tells what it wants to hear of FD; nothing: it will close it. */
static void
on_channel_state(void *arg, int fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct channel_io **at = &r->ios, *io;
	uint32_t events =
	    (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);

	while (*at && (*at)->io.fd != fd)
		at = &(*at)->next;
	io = *at;
	if (io && events != 0) {
		(void)!loop_modify(r->loop, &io->io, events);
	} else if (io) {
		loop_remove(r->loop, &io->io);
		*at = io->next;
		free(io);
	} else if (events != 0 && (io = calloc(1, sizeof(*io)))) {
		io->resolver = r;
		io->io =
		    (struct loop_io){ .fd = fd, .on_event = on_channel_event };
		io->next = r->ios;
		r->ios = io;
		/* Without it, questions time out: they fail, nothing hangs. */
		(void)!loop_add(r->loop, &io->io, events);
	}
}

static int
open_channel(struct resolver *r, const char *servers)
{
	struct ares_options options = {
		/* Else SERVFAIL and REFUSED would come as if nothing had, and
		 * one bad name would look like a dead resolver. */
		.flags = ARES_FLAG_STAYOPEN | ARES_FLAG_NOCHECKRESP,
		/* The second try has twice the time of the first. */
		.timeout = (int)(r->timeout / USEC_PER_MSEC / 3),
		.tries = TRIES,
		.sock_state_cb = on_channel_state,
		.sock_state_cb_data = r,
	};
	int s = ares_library_init(ARES_LIB_INIT_ALL);

	if (s == ARES_SUCCESS)
		s = ares_init_options(&r->channel, &options,
		    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
			ARES_OPT_SOCK_STATE_CB);
	if (s != ARES_SUCCESS)
		return s == ARES_ENOMEM ? -ENOMEM : -EIO;
	if (*servers != '\0' &&
	    ares_set_servers_ports_csv(r->channel, servers) != ARES_SUCCESS)
		return -EINVAL;
	return 0;
}

int
resolver_new(struct loop *loop, const struct resolver_config *config,
    struct resolver **ret)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->refs = 1;
	r->loop = loop;
	r->timeout = config->timeout;
	r->cache_max = config->cache_max;
	r->own_servers = *config->servers == '\0';
	r->tick.on_timer = on_tick;
	r->lru.lru_next = r->lru.lru_prev = &r->lru;
	for (r->n_buckets = SIZE_MIN; r->n_buckets < r->cache_max;)
		r->n_buckets *= 2;
	r->bucket = calloc(r->n_buckets, sizeof(*r->bucket));
	e = r->bucket ? siphash_key_init(&r->key) : -ENOMEM;
	if (e == 0)
		e = open_channel(r, config->servers);
	if (e < 0)
		resolver_unref(r);
	else
		*ret = r;
	return e;
}

struct resolver *
resolver_ref(struct resolver *r)
{
	r->refs++;
	return r;
}

struct resolver *
resolver_unref(struct resolver *r)
{
	if (!r || --r->refs > 0)
		return NULL;
	r->closing = true;
	loop_cancel(r->loop, &r->tick);
	if (r->channel)
		ares_destroy(r->channel);
	for (size_t i = 0; r->bucket && i < r->n_buckets; i++) {
		struct entry *e;

		while ((e = r->bucket[i])) {
			r->bucket[i] = e->hash_next;
			entry_free(e);
		}
	}
	free(r->bucket);
	free(r);
	return NULL;
}

bool
resolver_is_down(const struct resolver *r)
{
	return r->down;
}

uint64_t
resolver_last_heard(const struct resolver *r)
{
	return r->last_heard;
}

struct resolver_counts
resolver_counts(const struct resolver *r)
{
	return r->counts;
}
