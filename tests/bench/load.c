/* SPDX-License-Identifier: ISC */
/*
 * The load generator of the benches: holds thousands of sessions, runs clean
 * ones, asks a policy service, or fills a relay.  See tests/bench/README.md.
 */

#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

void
load_die(int error, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "load: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	if (error != 0)
		fprintf(stderr, ": %s", strerror(abs(error)));
	fprintf(stderr, "\n");
	exit(EXIT_TEMPORARY);
}

unsigned int
load_number(const char *text, unsigned int max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n == 0 || n > max)
		load_die(0, "%s: not a number of 1 to %u", text, max);
	return (unsigned int)n;
}

uint32_t
load_network(const char *text)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, text, &addr) != 1)
		load_die(0, "%s: not an IPv4 address", text);
	return ntohl(addr.s_addr) & 0xffff0000;
}

struct sockaddr_in
load_target(const char *text)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const char *colon = strchr(text, ':');
	char host[INET_ADDRSTRLEN];

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		load_die(0, "%s: not of the form ADDRESS:PORT", text);
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		load_die(0, "%s: not an IPv4 address", host);
	to.sin_port = htons((in_port_t)load_number(colon + 1, 65535));
	return to;
}

struct in_addr
load_source(uint32_t net, unsigned int n)
{
	return (struct in_addr){ .s_addr = htonl(net | (n % 65534 + 1)) };
}

int
load_dial(const struct sockaddr_in *to, struct in_addr source)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = source };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		load_die(errno, "socket");
	/* Leaves the choice of a port to connect(), which looks at both ends:
	 * else one source has 28,000 ports for all targets together. */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0)
		load_die(errno, "bind");
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 &&
	    errno != EINPROGRESS)
		load_die(errno, "connect");
	return fd;
}

void
load_hang_up(int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

/* RFC 5321, 4.2: the reply goes on if a '-' follows the code. */
unsigned int
reply_feed(struct reply *r, const char *data, size_t len)
{
	unsigned int ends = 0;

	for (size_t i = 0; i < len; i++) {
		if (r->column == 3)
			r->last = data[i] != '-';
		if (r->column < 4)
			r->column++;
		if (data[i] != '\n')
			continue;
		ends += r->last;
		*r = (struct reply){ 0 };
	}
	return ends;
}

void
samples_add(struct samples *s, double value)
{
	if (s->n == s->room) {
		s->room = s->room == 0 ? 4096 : s->room * 2;
		s->value = reallocarray(s->value, s->room, sizeof(*s->value));
		if (s->value == NULL)
			load_die(ENOMEM, "samples");
	}
	s->value[s->n++] = value;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
samples_at(struct samples *s, double share)
{
	if (s->n == 0)
		return 0;
	qsort(s->value, s->n, sizeof(*s->value), compare);
	return s->value[(size_t)(share * (double)(s->n - 1) + 0.5)];
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{ "hold", hold_main },
		{ "tls", tls_main },
		{ "clean", clean_main },
		{ "ask", ask_main },
		{ "sink", sink_main },
		{ "push", push_main },
		{ "pace", pace_main },
		{ "asn", asn_main },
		{ "delay", delay_main },
		{ "flood", flood_main },
		{ "watch", watch_main },
	};
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	fprintf(stderr,
	    "usage: load hold ADDRESS:PORT SESSIONS NETWORK\n"
	    "       load tls ADDRESS:PORT SESSIONS NETWORK\n"
	    "       load clean ADDRESS:PORT CLIENTS SECONDS NETWORK\n"
	    "       load ask PATH SECONDS ADDRESSES\n"
	    "       load sink ADDRESS:PORT\n"
	    "       load push ADDRESS:PORT CLIENTS MEGABYTES\n"
	    "       load pace PATH SECONDS ADDRESSES RATE\n"
	    "       load asn OUT\n"
	    "       load delay ADDRESS:PORT ADDRESS:PORT MSEC\n"
	    "       load flood ADDRESS:PORT KIND CONNECTIONS SECONDS NETWORK\n"
	    "       load watch ADDRESS:PORT MSEC SECONDS NETWORK\n");
	return EXIT_OPERATOR;
}
