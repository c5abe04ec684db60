/* SPDX-License-Identifier: ISC */
/*
 * pace [OPTION]... ADDRESS PORT: a client of which every byte counts.  Prints
 * "MSEC BYTES" for each arrival, MSEC from the connection on, and at last
 *
 *   received BYTES in MSEC, sent BYTES, unread BYTES, ended
 *
 * where `unread` is what the server's kernel has not acknowledged, and `ended`
 * is `eof`, `reset` or `open`.
 *
 *   --source ADDRESS  from there
 *   --after N         once so many bytes have come ...
 *   --send TEXT       ... say this, as printf %b writes it
 *   --flood TEXT      ... or push this for as long as there is room
 *   --for MSEC        leave then (20000)
 *   --until N         leave after so many bytes
 *   --rcvbuf N        with so small a buffer
 *   --deaf            read nothing before the end
 *   --reset           leave with a reset
 */

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"

static struct {
	const char *source, *send, *flood;
	size_t after, until;
	uint64_t limit; /* msec */
	int rcvbuf;
	bool deaf, reset;
} options = { .limit = 20000 };

static struct {
	uint64_t began;
	size_t received, sent;
	const char *ended;
} state = { .ended = "open" };

static const struct option long_options[] = {
	{ "source", required_argument, NULL, 's' },
	{ "after", required_argument, NULL, 'a' },
	{ "send", required_argument, NULL, 'S' },
	{ "flood", required_argument, NULL, 'F' },
	{ "for", required_argument, NULL, 'f' },
	{ "until", required_argument, NULL, 'u' },
	{ "rcvbuf", required_argument, NULL, 'b' },
	{ "deaf", no_argument, NULL, 'd' },
	{ "reset", no_argument, NULL, 'r' },
	{ 0 },
};

/* Of \r and \n only; in place. */
static char *
unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p != '\0'; p++)
		if (p[0] == '\\' && (p[1] == 'r' || p[1] == 'n'))
			*to++ = *++p == 'r' ? '\r' : '\n';
		else
			*to++ = *p;
	*to = '\0';
	return text;
}

static void
parse(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (c) {
		case 's':
			options.source = optarg;
			break;
		case 'a':
			options.after = strtoul(optarg, NULL, 10);
			break;
		case 'S':
			options.send = unescape(optarg);
			break;
		case 'F':
			options.flood = unescape(optarg);
			break;
		case 'f':
			options.limit = strtoul(optarg, NULL, 10);
			break;
		case 'u':
			options.until = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			options.rcvbuf = atoi(optarg);
			break;
		case 'd':
			options.deaf = true;
			break;
		case 'r':
			options.reset = true;
			break;
		default:
			exit(2);
		}
	if (argc - optind != 2)
		exit(2);
}

static struct addrinfo *
resolve(const char *host, const char *port)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *ai;

	if (getaddrinfo(host, port, &hints, &ai) != 0) {
		fprintf(stderr, "pace: %s %s?\n", host, port);
		exit(2);
	}
	return ai;
}

static int
dial(const char *host, const char *port)
{
	struct addrinfo *ai = resolve(host, port), *source;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (options.rcvbuf != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.rcvbuf,
		    sizeof(options.rcvbuf));
	if (options.source != NULL) {
		source = resolve(options.source, "0");
		if (bind(fd, source->ai_addr, source->ai_addrlen) < 0)
			perror("pace: bind");
		freeaddrinfo(source);
	}
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		perror("pace: connect");
		exit(1);
	}
	freeaddrinfo(ai);
	state.began = clock_now();
	return fd;
}

static uint64_t
passed(void)
{
	return (clock_now() - state.began) / USEC_PER_MSEC;
}

/* False at the end. */
static bool
take(int fd)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		state.ended = n == 0 ? "eof" : "reset";
		return false;
	}
	printf("%llu %zd\n", (unsigned long long)passed(), n);
	state.received += (size_t)n;
	return options.until == 0 || state.received < options.until;
}

static void
push(int fd)
{
	const char *text = options.flood != NULL ? options.flood : options.send;
	size_t len = strlen(text);
	ssize_t n;

	n = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		state.sent += (size_t)n;
	if (options.flood == NULL || (n < 0 && errno != EAGAIN))
		options.flood = options.send = NULL;
}

static void
play(int fd)
{
	struct pollfd pfd = { .fd = fd };

	for (;;) {
		uint64_t now = passed();
		bool speaks = state.received >= options.after &&
		    (options.send != NULL || options.flood != NULL);

		if (now >= options.limit)
			return;
		pfd.events = (short)((options.deaf ? 0 : POLLIN) |
		    (speaks ? POLLOUT : 0));
		(void)poll(&pfd, 1, (int)(options.limit - now));
		if ((pfd.revents & POLLOUT) != 0 && speaks)
			push(fd);
		if ((pfd.revents & ~POLLOUT) != 0 && !take(fd))
			return;
	}
}

int
main(int argc, char **argv)
{
	struct linger linger = { .l_onoff = 1 };
	int unread = 0;
	int fd;

	parse(argc, argv);
	fd = dial(argv[optind], argv[optind + 1]);
	play(fd);
	(void)ioctl(fd, SIOCOUTQ, &unread);
	printf("received %zu in %llu, sent %zu, unread %d, %s\n",
	    state.received, (unsigned long long)passed(), state.sent, unread,
	    state.ended);
	if (options.reset)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	fd_close(&fd);
	return 0;
}
