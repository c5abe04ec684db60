/* SPDX-License-Identifier: ISC */
/*
 * A crowd of SMTP clients that does what it is told on standard input, a
 * command a line, and answers each with a line:
 *
 *	crowd 127.0.0.1:2525
 *	open N SOURCE      N connections, from SOURCE, SOURCE + 1, ...
 *	bytes              what came since last asked: the least, median and most
 *	                   of those open, and how many are open and were closed
 *	                   by the server
 *	send TEXT          to each, as far as it is taken; \r \n \\ \xHH
 *	flood N TEXT       TEXT again and again, N times
 *	deaf | listen      reads no more | again
 *	trickle            reads one byte of each
 *	half               closes its own direction of each
 *	reset | close      ends each so
 *	churn N SOURCE     connects and ends N times: by a close, a reset, a
 *	                   half-close or after a QUIT, in turn
 *	steady N MS SOURCE a new clean session each MS milliseconds, N in all, that
 *	                   waits for 220, says QUIT and waits for the end: how many
 *	                   did so
 *	wait MS            for so long
 *
 * Sources advance by one each connection and wrap round within their /24.
 * Whatever it does, it reads what comes.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"

enum { CLIENTS_MAX = 20000, TEXT_MAX = 4096 };

enum part { PART_HELD, PART_CLEAN };

struct client {
	int fd;
	enum part part;
	bool greeted;
	uint32_t bytes; /* since last reported */
};

static struct client clients[CLIENTS_MAX];
static size_t n_clients;
static struct sockaddr_in server;
static int epoll;
static bool deaf;
static size_t n_ended, n_clean_done, n_clean_failed;

static void
die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
answer(const char *word, size_t n)
{
	printf("%s %zu\n", word, n);
	fflush(stdout);
}

/* A connection from the Nth source; blocking until it is there. */
static int
dial(const char *source, size_t n)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, small = 1;
	uint32_t host;

	if (fd < 0 || inet_pton(AF_INET, source, &from.sin_addr) != 1)
		die("socket");
	host = ntohl(from.sin_addr.s_addr);
	host = (host & ~0xffu) | (1 + ((host & 0xffu) + (uint32_t)n - 1) % 254);
	from.sin_addr.s_addr = htonl(host);
	/* Else a port is taken for good, of 28,000, at bind(2) already. */
	(void)setsockopt(
	    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	/* Who will not read has little room for what it is sent. */
	if (deaf)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		die("bind");
	if (connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0)
		die("connect");
	return fd;
}

static void
reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void
add(const char *source, size_t n, enum part part)
{
	struct client *c = NULL;
	struct epoll_event event = { .events = EPOLLIN };

	for (size_t i = part == PART_HELD ? n_clients : 0; i < CLIENTS_MAX; i++)
		if (i >= n_clients || clients[i].fd < 0) {
			c = &clients[i];
			break;
		}
	if (c == NULL)
		die("too many clients");
	*c = (struct client){ .fd = dial(source, n), .part = part };
	if (c == &clients[n_clients])
		n_clients++;
	event.data.ptr = c;
	(void)fd_set_nonblocking(c->fd, true);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		die("epoll_ctl");
}

static void
end(struct client *c)
{
	if (c->part == PART_HELD)
		n_ended++;
	else if (c->greeted)
		n_clean_done++;
	else
		n_clean_failed++;
	fd_close(&c->fd);
}

/* A clean client reads its greeting in one piece: nothing drips. */
static void
take(struct client *c)
{
	char buf[4096];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(c);
		return;
	}
	c->bytes += (uint32_t)n;
	if (c->part == PART_CLEAN && !c->greeted && n > 4 &&
	    memcmp(buf, "220 ", 4) == 0) {
		c->greeted = true;
		(void)send(c->fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	}
}

/* Reads what there is for MSEC at the most; less if something came. */
static void
pump(int msec)
{
	struct epoll_event events[256];
	int n;

	if (deaf) {
		poll(NULL, 0, msec);
		return;
	}
	n = epoll_wait(epoll, events, 256, msec);
	for (int i = 0; i < n; i++)
		take(events[i].data.ptr);
}

/* Once at the least: who is late still reads, or those that have been served
 * would never be closed. */
static void
pump_until(uint64_t when)
{
	uint64_t now = clock_now();

	do
		pump(now < when ? (int)((when - now + USEC_PER_MSEC - 1) /
				      USEC_PER_MSEC)
				: 0);
	while ((now = clock_now()) < when);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
report_bytes(void)
{
	static uint32_t bytes[CLIENTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < n_clients; i++) {
		if (clients[i].fd < 0 || clients[i].part != PART_HELD)
			continue;
		bytes[n++] = clients[i].bytes;
		clients[i].bytes = 0;
	}
	qsort(bytes, n, sizeof(bytes[0]), compare);
	if (n == 0)
		printf("bytes 0 0 0 open 0 closed %zu\n", n_ended);
	else
		printf("bytes %u %u %u open %zu closed %zu\n", bytes[0],
		    bytes[n / 2], bytes[n - 1], n, n_ended);
	fflush(stdout);
}

static size_t
unescape(const char *text, char *buf)
{
	size_t n = 0;

	for (; *text != '\0' && n < TEXT_MAX; text++) {
		unsigned int byte = (unsigned char)*text;

		if (*text == '\\' && text[1] != '\0') {
			text++;
			byte = *text == 'r' ? '\r'
			    : *text == 'n'  ? '\n'
					    : (unsigned char)*text;
			if (*text == 'x' && sscanf(text + 1, "%2x", &byte) == 1)
				text += 2;
		}
		buf[n++] = (char)byte;
	}
	return n;
}

/* TEXT to each of them TIMES times, in turn, so that all are at it together;
 * who takes no more is left out.  The bytes taken. */
static size_t
send_all(const char *text, size_t times)
{
	static bool full[CLIENTS_MAX];
	char buf[TEXT_MAX];
	size_t len = unescape(text, buf), total = 0;
	bool any = true;

	memset(full, 0, sizeof(full));
	for (size_t t = 0; t < times && any; t++) {
		any = false;
		for (size_t i = 0; i < n_clients; i++) {
			struct client *c = &clients[i];
			ssize_t n;

			if (c->fd < 0 || full[i])
				continue;
			n = send(c->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
			full[i] = n < (ssize_t)len;
			any |= !full[i];
			total += n > 0 ? (size_t)n : 0;
		}
		if (t % 64 == 0)
			pump(0);
	}
	return total;
}

static size_t
each(const char *what)
{
	char byte;
	size_t n = 0;

	for (size_t i = 0; i < n_clients; i++) {
		struct client *c = &clients[i];

		if (c->fd < 0)
			continue;
		n++;
		if (strcmp(what, "half") == 0) {
			(void)shutdown(c->fd, SHUT_WR);
		} else if (strcmp(what, "trickle") == 0) {
			(void)recv(c->fd, &byte, 1, MSG_DONTWAIT);
		} else if (strcmp(what, "reset") == 0) {
			reset(c->fd);
			c->fd = -1;
		} else {
			fd_close(&c->fd);
		}
	}
	return n;
}

static void
churn(size_t n, const char *source)
{
	for (size_t i = 0; i < n; i++) {
		int fd = dial(source, i);

		switch (i % 4) {
		case 0:
			close(fd);
			break;
		case 1:
			reset(fd);
			break;
		case 2:
			(void)shutdown(fd, SHUT_WR);
			reset(fd);
			break;
		case 3:
			(void)send(fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
			reset(fd);
			break;
		}
		if (i % 64 == 0)
			pump(0);
	}
	answer("churned", n);
}

static void
steady(size_t n, uint64_t msec, const char *source)
{
	uint64_t when = clock_now(), limit;

	n_clean_done = n_clean_failed = 0;
	for (size_t i = 0; i < n; i++) {
		add(source, i, PART_CLEAN);
		when += msec * USEC_PER_MSEC;
		pump_until(when);
	}
	limit = clock_now() + 10 * USEC_PER_SEC;
	while (n_clean_done + n_clean_failed < n && clock_now() < limit)
		pump(20);
	answer("steady", n_clean_done);
}

static void
open_all(size_t n, const char *source)
{
	for (size_t i = 0; i < n; i++) {
		add(source, i, PART_HELD);
		if (i % 16 == 0)
			pump(0);
	}
	answer("opened", n);
}

static void
obey(char *line)
{
	char word[16] = "", source[32] = "";
	size_t n = 0, msec = 0;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	sscanf(line, "%15s", word);
	if (sscanf(line, "open %zu %31s", &n, source) == 2) {
		open_all(n, source);
	} else if (sscanf(line, "churn %zu %31s", &n, source) == 2) {
		churn(n, source);
	} else if (sscanf(line, "steady %zu %zu %31s", &n, &msec, source) ==
	    3) {
		steady(n, msec, source);
	} else if (sscanf(line, "flood %zu %n", &n, &at) == 1 && at > 0) {
		answer("sent", send_all(line + at, n));
	} else if (sscanf(line, "wait %zu", &msec) == 1) {
		pump_until(clock_now() + msec * USEC_PER_MSEC);
		answer("waited", msec);
	} else if (strncmp(line, "send ", 5) == 0) {
		answer("sent", send_all(line + 5, 1));
	} else if (strcmp(word, "bytes") == 0) {
		report_bytes();
	} else if (strcmp(word, "deaf") == 0 || strcmp(word, "listen") == 0) {
		deaf = word[0] == 'd';
		answer(word, 0);
	} else if (strcmp(word, "half") == 0 || strcmp(word, "trickle") == 0 ||
	    strcmp(word, "reset") == 0 || strcmp(word, "close") == 0) {
		answer(word, each(word));
	} else {
		fprintf(stderr, "crowd: %s?\n", line);
		exit(1);
	}
}

/* A client is a descriptor. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* The next command; meanwhile it reads what comes.  False at the end. */
static bool
next_command(char *line, int size)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	/* stdin is not buffered: what poll(2) does not see is not there. */
	while (poll(&in, 1, 0) == 0)
		pump(5);
	return fgets(line, size, stdin) != NULL;
}

int
main(int argc, char **argv)
{
	char line[TEXT_MAX];
	char *colon = argc == 2 ? strrchr(argv[1], ':') : NULL;

	if (colon == NULL) {
		fprintf(stderr, "usage: crowd ADDRESS:PORT\n");
		return 100;
	}
	*colon = '\0';
	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
		die(argv[1]);
	raise_descriptor_limit();
	setvbuf(stdin, NULL, _IONBF, 0);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll");
	while (next_command(line, sizeof(line)))
		obey(line);
	each("reset");
	return 0;
}
