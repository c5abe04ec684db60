/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/proxied.h"

#include <errno.h>
#include <stdio.h>

#include "bin/tarpitd/address.h"

/* The specification wants at least 3 s, for the retransmission of one lost
 * packet. */
#define HEADER_TIMEOUT (5 * USEC_PER_SEC)

/* What has been received is shown up to so many bytes: a header of version 1 is
 * whole. */
enum { HEARD_SIZE = 160 };

enum place_state { PLACE_NONE, PLACE_WAITING, PLACE_KNOWN };

struct proxied_place {
	struct loop_io io; /* PLACE_WAITING */
	struct timer deadline;
	struct proxied *proxied;
	uint32_t slot;
	uint8_t state; /* enum place_state */
	uint8_t subject;
	uint8_t why; /* enum proxied_refusal */
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

void
proxied_trim(struct proxied *p, uint32_t from, uint32_t to)
{
	pool_discard(p->place, from, to, sizeof(*p->place));
}

static void
stop_waiting(struct proxied_place *place)
{
	loop_remove(place->proxied->loop, &place->io);
	loop_cancel(place->proxied->loop, &place->deadline);
}

static void
give_up(struct proxied_place *place, enum proxied_refusal why, const char *data,
    size_t len, uint64_t now)
{
	struct proxied *p = place->proxied;

	stop_waiting(place);
	place->why = (uint8_t)why;
	if (why != PROXIED_NOT_REFUSED)
		proxied_refuse(p, &place->proxy, why, data, len, now);
	p->on_header(p->arg, &p->pool->session[place->slot], NULL, now);
}

static void
on_deadline(struct timer *t, uint64_t now)
{
	struct proxied_place *place =
	    CONTAINER_OF(t, struct proxied_place, deadline);
	char buf[PROXY_HEADER_MAX];
	ssize_t n =
	    recv(place->io.fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);

	give_up(place, PROXIED_LATE, buf, n > 0 ? (size_t)n : 0, now);
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
		give_up(place, PROXIED_NOT_REFUSED, NULL, 0, now);
		return;
	}
	size = proxy_parse(buf, (size_t)n, &header);
	if (size == -EAGAIN)
		return;
	if (size < 0)
		give_up(place,
		    size == -EMSGSIZE ? PROXIED_TOO_LARGE : PROXIED_NO_HEADER,
		    buf, (size_t)n, now);
	else if (header.subject == PROXY_UNKNOWN &&
	    !place->proxied->pass_unknown)
		give_up(place, PROXIED_UNKNOWN, buf, (size_t)size, now);
	else if (recv(io->fd, buf, (size_t)size, MSG_DONTWAIT) == size)
		take_header(place, &header, now);
	else
		give_up(place, PROXIED_UNREADABLE, NULL, 0, now);
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

/* What has been received, for a person to read. */
static void
print_heard(const char *data, size_t len, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < len && n + sizeof("\\xff") <= size; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c >= ' ' && c <= '~' && c != '\\')
			buf[n++] = (char)c;
		else
			n += (size_t)snprintf(buf + n, size - n, "\\x%02x", c);
		buf[n] = '\0';
	}
}

void
proxied_refuse(struct proxied *p, const struct in6_addr *peer,
    enum proxied_refusal why, const char *data, size_t len, uint64_t now)
{
	static const char *const texts[] = {
		[PROXIED_UNTRUSTED] = "it is not in ProxyTrusted=",
		[PROXIED_LATE] = "it sent no PROXY header in time",
		[PROXIED_NO_HEADER] = "what it sent is no PROXY header",
		[PROXIED_TOO_LARGE] = "its PROXY header is too large",
		[PROXIED_UNREADABLE] = "its PROXY header cannot be read",
		[PROXIED_UNKNOWN] =
		    "it does not say who its client is (ProxyUnknown=)",
	};
	char text[ADDRESS_TEXT], heard[HEARD_SIZE];
	struct record r;

	p->refused++;
	if (!journal_is_due(&p->next_refusal[why], now))
		return;
	address_print(peer, text);
	print_heard(data, len, heard, sizeof(heard));
	record_begin(&r, EVENT_PROXY_REFUSED,
	    "a connection from %s to the port for proxies was closed: %s%s%s%s",
	    text, texts[why], len > 0 ? ": \"" : "", heard,
	    len > 0 ? "\"" : "");
	record_field(&r, "TARPIT_PROXY", "%s", text);
	record_field(&r, "TARPIT_HEARD", "%s", heard);
	journal_send(p->journal, &r);
}

enum proxied_refusal
proxied_why(const struct proxied *p, const struct session *s)
{
	return (enum proxied_refusal)place_of(p, s)->why;
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
