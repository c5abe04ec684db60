/* SPDX-License-Identifier: ISC */
/*
 * load tls ADDRESS:PORT SESSIONS NETWORK: opens so many sessions as `load hold`
 * does, and has each say EHLO, STARTTLS and, with TLS, EHLO again.  Reports
 * once all have had that reply; to `alive` it says how many are still open.
 *
 * A window of them at a time takes each step together, so that the pace of the
 * server's visits is waited for once a window and not once a session.
 */

#include "tests/bench/load.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"

enum { WINDOW = 250, SESSIONS_MAX = 9900 };

struct client {
	int fd;
	SSL *ssl; /* NULL before the handshake */
};

/* One of the steps; what every client of the window does before the next. */
typedef void step_fn(struct client *);

static SSL_CTX *context;

static ssize_t
hear(struct client *c, char *buf, int size)
{
	return c->ssl != NULL ? SSL_read(c->ssl, buf, size)
			      : read(c->fd, buf, (size_t)size);
}

static void
await_reply(struct client *c)
{
	struct reply reply = { 0 };
	char buf[4096];
	unsigned int ends = 0;

	while (ends == 0) {
		ssize_t n = hear(c, buf, sizeof(buf));

		if (n <= 0)
			load_die(0, "a session has ended early");
		ends = reply_feed(&reply, buf, (size_t)n);
	}
}

static void
say(struct client *c, const char *line)
{
	size_t len = strlen(line);
	bool said = c->ssl != NULL ? SSL_write(c->ssl, line, (int)len) > 0
				   : fd_write_all(c->fd, line, len) == 0;

	if (!said)
		load_die(0, "a session has ended early");
}

static void
say_hello(struct client *c)
{
	say(c, "EHLO host.example.com\r\n");
}

static void
ask_for_tls(struct client *c)
{
	say(c, "STARTTLS\r\n");
}

static void
shake_hands(struct client *c)
{
	c->ssl = SSL_new(context);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_connect(c->ssl) != 1)
		load_die(0, "a handshake failed");
}

static void
open_window(struct client *clients, unsigned int n, unsigned int first,
    const struct sockaddr_in *to, uint32_t net)
{
	static step_fn *const steps[] = { await_reply, say_hello, await_reply,
		ask_for_tls, await_reply, shake_hands, say_hello, await_reply };

	for (unsigned int i = 0; i < n; i++) {
		struct client *c = &clients[i];
		struct pollfd p = { .events = POLLOUT };

		c->fd = p.fd = load_dial(to, load_source(net, first + i));
		(void)poll(&p, 1, -1);
		if (fd_set_nonblocking(c->fd, false) < 0)
			load_die(errno, "fcntl");
	}
	for (size_t step = 0; step < ARRAY_SIZE(steps); step++)
		for (unsigned int i = 0; i < n; i++)
			steps[step](&clients[i]);
}

static unsigned int
count_alive(const struct client *clients, unsigned int n)
{
	unsigned int alive = 0;
	char byte;

	for (unsigned int i = 0; i < n; i++)
		alive += recv(clients[i].fd, &byte, 1,
			     MSG_PEEK | MSG_DONTWAIT) < 0 &&
		    errno == EAGAIN;
	return alive;
}

int
tls_main(int argc, char **argv)
{
	struct sockaddr_in to;
	struct client *clients;
	uint64_t began = clock_now();
	unsigned int n;
	char line[64];

	if (argc != 3)
		load_die(0, "tls takes ADDRESS:PORT SESSIONS NETWORK");
	to = load_target(argv[0]);
	n = load_number(argv[1], SESSIONS_MAX);
	clients = calloc(n, sizeof(*clients));
	context = SSL_CTX_new(TLS_client_method());
	if (clients == NULL || context == NULL)
		load_die(ENOMEM, "clients");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned int i = 0; i < n; i += WINDOW)
		open_window(&clients[i], n - i < WINDOW ? n - i : WINDOW, i,
		    &to, load_network(argv[2]));
	printf("opened sessions=%u seconds=%.2f\n", n,
	    (double)(clock_now() - began) / USEC_PER_SEC);
	while (fgets(line, sizeof(line), stdin) != NULL)
		printf("alive sessions=%u\n", count_alive(clients, n));
	for (unsigned int i = 0; i < n; i++) {
		SSL_free(clients[i].ssl);
		load_hang_up(clients[i].fd);
	}
	SSL_CTX_free(context);
	free(clients);
	return 0;
}
