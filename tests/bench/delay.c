/* SPDX-License-Identifier: ISC */
/*
 * load delay HERE SERVER MSEC: a relay of DNS questions (UDP) from HERE to
 * SERVER, both ADDRESS:PORT, whose answers arrive MSEC later than they came: a
 * resolver that has to ask around.  Until it is killed.
 */

#include "tests/bench/load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/clock.h"

enum {
	DNS_HEADER = 12, /* RFC 1035, 4.1.1; the first two bytes are the ID */
	PACKET_MAX = 1232,
	IDS = 1 << 16,
	SOCKET_BUFFER = 8 << 20,
};

/* An answer on its way. */
struct delayed {
	uint64_t when;
	struct sockaddr_in to;
	size_t len;
	uint8_t packet[PACKET_MAX];
};

struct delay {
	int here, server;
	uint64_t usec;
	/* Who asked with which ID, by the one that we asked with. */
	struct asker {
		struct sockaddr_in from;
		uint8_t id[2];
	} asker[IDS];
	uint16_t next_id;
	/* All take as long, so that the first to come is the first to go. */
	size_t first, n;
	struct delayed queue[IDS];
};

static int
open_socket(void)
{
	int size = SOCKET_BUFFER;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		load_die(errno, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static bool
take_question(struct delay *d)
{
	struct asker *asker = &d->asker[d->next_id];
	socklen_t size = sizeof(asker->from);
	uint8_t packet[PACKET_MAX];
	ssize_t n = recvfrom(d->here, packet, sizeof(packet), 0,
	    (struct sockaddr *)&asker->from, &size);

	if (n < DNS_HEADER)
		return n >= 0;
	memcpy(asker->id, packet, 2);
	packet[0] = (uint8_t)(d->next_id >> 8);
	packet[1] = (uint8_t)d->next_id++;
	(void)!send(d->server, packet, (size_t)n, 0);
	return true;
}

static bool
take_answer(struct delay *d)
{
	struct delayed *a = &d->queue[(d->first + d->n) % IDS];
	const struct asker *asker;
	ssize_t n;

	if (d->n == IDS)
		return false;
	n = recv(d->server, a->packet, sizeof(a->packet), 0);
	if (n < DNS_HEADER)
		return n >= 0;
	asker = &d->asker[a->packet[0] << 8 | a->packet[1]];
	memcpy(a->packet, asker->id, 2);
	a->to = asker->from;
	a->len = (size_t)n;
	a->when = clock_now() + d->usec;
	d->n++;
	return true;
}

static void
send_due(struct delay *d)
{
	uint64_t now = clock_now();

	for (; d->n > 0 && d->queue[d->first].when <= now; d->n--) {
		const struct delayed *a = &d->queue[d->first];

		(void)!sendto(d->here, a->packet, a->len, 0,
		    (const struct sockaddr *)&a->to, sizeof(a->to));
		d->first = (d->first + 1) % IDS;
	}
}

static void
wait_for_any(const struct delay *d)
{
	struct pollfd fds[] = { { .fd = d->here, .events = POLLIN },
		{ .fd = d->server, .events = POLLIN } };
	int msec = -1;

	if (d->n > 0) {
		uint64_t now = clock_now(), when = d->queue[d->first].when;

		msec = when > now ? (int)((when - now) / USEC_PER_MSEC) + 1 : 0;
	}
	if (poll(fds, ARRAY_SIZE(fds), msec) < 0 && errno != EINTR)
		load_die(errno, "poll");
}

int
delay_main(int argc, char **argv)
{
	static struct delay d;
	struct sockaddr_in here, server;

	if (argc != 3)
		load_die(0, "delay takes ADDRESS:PORT ADDRESS:PORT MSEC");
	here = load_target(argv[0]);
	server = load_target(argv[1]);
	d.usec = load_number(argv[2], 60000) * USEC_PER_MSEC;
	d.here = open_socket();
	d.server = open_socket();
	if (bind(d.here, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    connect(d.server, (struct sockaddr *)&server, sizeof(server)) < 0)
		load_die(errno, "%s", argv[0]);
	for (;;) {
		wait_for_any(&d);
		while (take_question(&d))
			continue;
		while (take_answer(&d))
			continue;
		send_due(&d);
	}
}
