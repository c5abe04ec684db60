/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/proxied.h"

#include <errno.h>

#include "bin/tarpitd/address.h"

/* The specification wants at least 3 s, for the retransmission of one lost
 * packet. */
#define HEADER_TIMEOUT (5 * USEC_PER_SEC)

enum place_state { PLACE_NONE, PLACE_WAITING, PLACE_KNOWN };

struct proxied_place {
	struct loop_io io; /* PLACE_WAITING */
	struct timer deadline;
	struct proxied *proxied;
	uint32_t slot;
	uint8_t state; /* enum place_state */
	uint8_t subject;
	in_port_t server_port;
	struct in6_addr proxy, server;
};

static struct proxied_place *
place_of(const struct proxied *p, const struct session *s)
{
	return &p->place[pool_slot(p->pool, s)];
}

int
proxied_init(struct proxied *p)
{
	p->place =
	    pool_reserve((size_t)p->pool->capacity + 1, sizeof(*p->place));
	return p->place == NULL ? -ENOMEM : 0;
}

void
proxied_fini(struct proxied *p)
{
	pool_release(
	    p->place, (size_t)p->pool->capacity + 1, sizeof(*p->place));
	p->place = NULL;
}

static void
stop_waiting(struct proxied_place *place)
{
	loop_remove(place->proxied->loop, &place->io);
	loop_cancel(place->proxied->loop, &place->deadline);
}

static void
give_up(struct proxied_place *place, const char *why, uint64_t now)
{
	struct proxied *p = place->proxied;

	stop_waiting(place);
	if (why != NULL)
		proxied_refuse(p, &place->proxy, why, now);
	p->on_header(p->arg, &p->pool->session[place->slot], NULL, now);
}

static void
on_deadline(struct timer *t, uint64_t now)
{
	give_up(CONTAINER_OF(t, struct proxied_place, deadline),
	    "it sent no PROXY header in time", now);
}

static void
take_header(struct proxied_place *place, const struct proxy_header *header,
    uint64_t now)
{
	struct proxied *p = place->proxied;

	stop_waiting(place);
	place->state = PLACE_KNOWN;
	place->subject = (uint8_t)header->subject;
	place->server = header->server;
	place->server_port = header->server_port;
	p->on_header(p->arg, &p->pool->session[place->slot], header, now);
}

/* Only the header is taken: what follows it is the client's, and has come
 * before the greeting. */
static void
on_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct proxied_place *place =
	    CONTAINER_OF(io, struct proxied_place, io);
	struct proxy_header header;
	char buf[PROXY_HEADER_MAX];
	ssize_t n = recv(io->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	ssize_t size;

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		/* A look whether the port is open: nothing to tell. */
		give_up(place, NULL, now);
		return;
	}
	size = proxy_parse(buf, (size_t)n, &header);
	if (size == -EAGAIN)
		return;
	if (size < 0)
		give_up(place, "what it sent is no PROXY header", now);
	else if (recv(io->fd, buf, (size_t)size, MSG_DONTWAIT) == size)
		take_header(place, &header, now);
	else
		give_up(place, "its PROXY header cannot be read", now);
}

int
proxied_start(struct proxied *p, struct session *s,
    const struct sockaddr_storage *peer, uint64_t now)
{
	struct proxied_place *place = place_of(p, s);
	in_port_t port;

	*place = (struct proxied_place){
		.io = { .fd = s->fd, .on_event = on_ready },
		.deadline = { .on_timer = on_deadline },
		.proxied = p,
		.slot = pool_slot(p->pool, s),
		.state = PLACE_WAITING,
	};
	address_from_socket(peer, &place->proxy, &port);
	loop_arm(p->loop, &place->deadline, now + HEADER_TIMEOUT);
	/* Part of a header stays in the socket, which is news only once. */
	return loop_add(p->loop, &place->io, EPOLLIN | EPOLLET);
}

void
proxied_forget(struct proxied *p, const struct session *s)
{
	struct proxied_place *place = place_of(p, s);

	if (place->state == PLACE_WAITING)
		stop_waiting(place);
	/* Not written to unless it was: that would cost each session memory. */
	if (place->state != PLACE_NONE)
		place->state = PLACE_NONE;
}

void
proxied_refuse(struct proxied *p, const struct in6_addr *peer, const char *why,
    uint64_t now)
{
	char text[ADDRESS_TEXT];
	struct record r;

	p->refused++;
	if (!journal_is_due(&p->next_refusal, now))
		return;
	address_print(peer, text);
	record_begin(&r, EVENT_PROXY_REFUSED,
	    "a connection from %s to the port for proxies was closed: %s", text,
	    why);
	record_field(&r, "TARPIT_PROXY", "%s", text);
	journal_send(p->journal, &r);
}

const struct in6_addr *
proxied_by(const struct proxied *p, const struct session *s)
{
	const struct proxied_place *place = place_of(p, s);

	return place->state != PLACE_NONE ? &place->proxy : NULL;
}

bool
proxied_has_no_client(const struct proxied *p, const struct session *s)
{
	const struct proxied_place *place = place_of(p, s);

	return place->state == PLACE_WAITING ||
	    (place->state == PLACE_KNOWN && place->subject == PROXY_LOCAL);
}

bool
proxied_is_unknown(const struct proxied *p, const struct session *s)
{
	const struct proxied_place *place = place_of(p, s);

	return place->state == PLACE_KNOWN && place->subject == PROXY_UNKNOWN;
}

bool
proxied_server(const struct proxied *p, const struct session *s,
    struct in6_addr *ret, in_port_t *ret_port)
{
	const struct proxied_place *place = p != NULL ? place_of(p, s) : NULL;
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (place != NULL && place->state == PLACE_KNOWN &&
	    place->subject == PROXY_CLIENT) {
		*ret = place->server;
		*ret_port = place->server_port;
		return true;
	}
	(void)getsockname(s->fd, (struct sockaddr *)&ss, &len);
	address_from_socket(&ss, ret, ret_port);
	return ss.ss_family != AF_UNSPEC;
}
