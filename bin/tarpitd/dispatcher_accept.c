/* SPDX-License-Identifier: ISC */
/* The listeners, and how they keep the limits. */
#include <string.h>

#include "bin/common/fd.h"
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/dispatcher_internal.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/shedding.h"
#include "bin/tarpitd/sockbuf.h"

/* Besides those of sessions. */
static uint32_t
other_descriptors(const struct dispatcher *d)
{
	return relay_descriptors(&d->relay) + d->mux.n + d->handoff.n_offered +
	    d->spool.files;
}

/* Those relayed are sessions still, with more than one descriptor each. */
static bool
is_over_limit(const struct dispatcher *d)
{
	uint32_t live = d->pool.live;

	return live + d->relay.n > d->max_sessions ||
	    live + other_descriptors(d) > d->descriptors;
}

void
dispatcher_stop_accepting(struct dispatcher *d)
{
	for (size_t i = 0; i < d->n_sockets; i++)
		acceptor_stop(&d->acceptor[i]);
	d->accepting = false;
}

/* Only over the limit does the kernel's queue have to wait. */
void
dispatcher_resume_accepting(struct dispatcher *d)
{
	if (d->accepting || d->stopping || is_over_limit(d))
		return;
	d->accepting = true;
	for (size_t i = 0; i < d->n_sockets; i++)
		acceptor_start(&d->acceptor[i]);
}

/* Sessions on their way to the MTA have used up the reserve: a slowed one goes
 * rather than that a clean one waits. */
static void
keep_to_limit(struct dispatcher *d, uint64_t now)
{
	if (is_over_limit(d) && !shedding_make_way(d, now))
		dispatcher_stop_accepting(d);
}

static void
on_accept(struct acceptor *a, int fd, const struct sockaddr_storage *peer,
    uint64_t now)
{
	struct dispatcher *d = a->arg;

	session_begin(d, fd, peer, now);
	keep_to_limit(d, now);
}

static void
on_accept_proxied(struct acceptor *a, int fd,
    const struct sockaddr_storage *peer, uint64_t now)
{
	struct dispatcher *d = a->arg;
	struct in6_addr address;
	in_port_t port;

	address_from_socket(peer, &address, &port);
	if (networks_have(&d->config->proxy_trusted, &address)) {
		session_begin_proxied(d, fd, peer, now);
		keep_to_limit(d, now);
	} else {
		fd_close(&fd);
		proxied_refuse(
		    &d->proxied, &address, PROXIED_UNTRUSTED, NULL, 0, now);
	}
}

/* Each error is news, but not each time that two of them take turns. */
static uint64_t *
next_pause(struct dispatcher *d, int error)
{
	size_t i = 0;

	while (i < PAUSES - 1 && d->pause[i].error != error &&
	    d->pause[i].error != 0)
		i++;
	d->pause[i].error = error;
	return &d->pause[i].next;
}

static void
on_pause(struct acceptor *a, int error)
{
	struct dispatcher *d = a->arg;

	if (error == 0)
		return;
	if (journal_is_due(next_pause(d, error), loop_now(d->loop)))
		journal_event(d->journal, EVENT_ACCEPT_PAUSED,
		    "no new connections for a moment: %s, with %u sessions",
		    strerror(-error), d->pool.live);
}

int
dispatcher_init_sockets(struct dispatcher *d)
{
	for (size_t i = 0; i < d->n_sockets; i++) {
		struct acceptor *a = &d->acceptor[i];
		int r;

		a->on_accept = on_accept;
		if (strcmp(d->sockets[i].name, PROXIED_LISTENER) == 0)
			a->on_accept = on_accept_proxied;
		a->on_pause = on_pause;
		a->arg = d;
		sockbuf_prepare_listener(d->sockets[i].fd);
		r = acceptor_init(a, d->loop, d->sockets[i].fd);
		if (r < 0)
			return r;
	}
	d->accepting = true;
	return 0;
}
