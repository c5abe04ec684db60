/* SPDX-License-Identifier: ISC */
/*
 * handoff_client [OPTION]... SOCKET
 *
 * A dispatcher in miniature: makes a TCP connection to itself, passes one end
 * to the hand-off service at SOCKET and plays the client on the other: what
 * comes is copied to standard output, standard input goes to it.
 *
 *   --from ADDRESS   the client's loopback address (127.0.0.1 or ::1)
 *   --message TEXT   send this instead of the message; \n is understood
 *   --split          byte by byte
 *   --no-fd          without a descriptor
 *   --silent         send nothing at all
 *   --file           pass a descriptor that is no socket
 *   --withdraw       wait for one line on standard input, then close the
 *                    connection to SOCKET without having had an answer
 *   --verdict-only   leave once the service has answered
 *
 * On standard error: "sent" once the message is out, then "taken", "failed" (an
 * MTA was started, but did not serve it) or "refused: ERROR", as the dispatcher
 * sees it, and if refused, "session intact" when a byte still reaches the
 * client.
 * Exits with 0 if taken, 1 if refused, 2 for its own troubles, 3 if failed.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bin/common/attrs.h"
#include "bin/common/fd.h"
#include "bin/common/fdpass.h"
#include "bin/common/util.h"

enum { DEADLINE_MSEC = 20000 };

enum option_letter {
	OPT_FROM,
	OPT_MESSAGE,
	OPT_SPLIT,
	OPT_NO_FD,
	OPT_SILENT,
	OPT_FILE,
	OPT_WITHDRAW,
	OPT_VERDICT_ONLY,
	OPT_COUNT,
};

struct test {
	const char *from, *message, *path;
	bool on[OPT_COUNT];
	int server, client; /* the two ends of the session */
	int service;
};

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static socklen_t
make_address(const char *text, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		die(text);
	in6->sin6_family = AF_INET6;
	return sizeof(*in6);
}

/* The session: its client's end is bound to FROM. */
static void
connect_session(struct test *t)
{
	struct sockaddr_storage here, client;
	socklen_t len = make_address(t->from, &client);
	int listener = socket(client.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	make_address(client.ss_family == AF_INET ? "127.0.0.1" : "::1", &here);
	if (bind(listener, (struct sockaddr *)&here, len) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&here, &len) < 0)
		die("listen");
	t->client = socket(client.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(t->client, (struct sockaddr *)&client, len) < 0 ||
	    connect(t->client, (struct sockaddr *)&here, len) < 0)
		die("connect");
	t->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (t->server < 0)
		die("accept");
	close(listener);
}

static void
put_end(
    struct attrs_out *out, const char *who, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	char name[32], text[INET6_ADDRSTRLEN];

	if (ss->ss_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	snprintf(name, sizeof(name), "%s_address", who);
	attrs_put(out, name, text);
	snprintf(name, sizeof(name), "%s_port", who);
	/* The port is at the same place in both structures. */
	attrs_put_int(out, name, ntohs(in->sin_port));
}

static size_t
make_message(const struct test *t, char *buf, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct attrs_out out;

	attrs_begin(&out, buf, size);
	if (getpeername(t->server, (struct sockaddr *)&ss, &len) < 0)
		die("getpeername");
	put_end(&out, "client", &ss);
	len = sizeof(ss);
	if (getsockname(t->server, (struct sockaddr *)&ss, &len) < 0)
		die("getsockname");
	put_end(&out, "server", &ss);
	if (attrs_end(&out) < 0)
		die("message");
	return out.len;
}

/* TEXT with \n made into a line's end. */
static size_t
unescape(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n < size; text++) {
		if (text[0] == '\\' && text[1] == 'n') {
			buf[n++] = '\n';
			text++;
		} else {
			buf[n++] = *text;
		}
	}
	return n;
}

static void
connect_service(struct test *t)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", t->path);
	t->service =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(t->service, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		die(t->path);
}

static void
send_message(struct test *t)
{
	char buf[16384];
	size_t len = t->message != NULL ? unescape(t->message, buf, sizeof(buf))
					: make_message(t, buf, sizeof(buf));
	size_t chunk = t->on[OPT_SPLIT] ? 1 : len;
	int fd = t->on[OPT_FILE] ? STDERR_FILENO : t->server;
	size_t at = 0;
	ssize_t n;

	if (t->on[OPT_SILENT])
		return;
	if (!t->on[OPT_NO_FD]) {
		n = fdpass_send(t->service, fd, buf, chunk);
		if (n < 0)
			die("sendmsg");
		at = (size_t)n;
	}
	for (; at < len; at += chunk)
		if (send(t->service, buf + at, chunk, MSG_NOSIGNAL) < 0)
			break; /* refused already: the verdict tells */
	fprintf(stderr, "sent\n");
}

/* Waits for FD to be readable; false when that takes too long. */
static bool
wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, DEADLINE_MSEC) > 0;
}

/* The exit status. */
static int
hear_verdict(struct test *t)
{
	char c, text[64] = "";
	ssize_t n;

	if (!wait_readable(t->service)) {
		fprintf(stderr, "no verdict\n");
		exit(2);
	}
	n = recv(t->service, text, sizeof(text) - 1, 0);
	if (n == 0) {
		fprintf(stderr, "taken\n");
		return 0;
	}
	if (n > 0 && strcmp(text, "result=failed\n\n") == 0) {
		fprintf(stderr, "failed\n");
		return 3;
	}
	fprintf(stderr, "refused: %s\n",
	    n < 0 ? strerrorname_np(errno) : "it spoke");
	if (send(t->server, "!", 1, MSG_NOSIGNAL) == 1 &&
	    wait_readable(t->client) && recv(t->client, &c, 1, 0) == 1 &&
	    c == '!')
		fprintf(stderr, "session intact\n");
	return 1;
}

static bool
copy(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof(buf));

	return n > 0 && write(to, buf, (size_t)n) == n;
}

/* Plays the client until the MTA ends the session. */
static void
talk(struct test *t)
{
	struct pollfd p[] = { { .fd = t->client, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN } };

	while (poll(p, 2, DEADLINE_MSEC) > 0) {
		if (p[0].revents != 0 && !copy(t->client, STDOUT_FILENO))
			return;
		if (p[1].revents != 0 && !copy(STDIN_FILENO, t->client)) {
			shutdown(t->client, SHUT_WR);
			p[1].fd = -1;
		}
	}
	fprintf(stderr, "the session does not end\n");
	exit(2);
}

static void
parse(struct test *t, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "from", required_argument, NULL, OPT_FROM },
		{ "message", required_argument, NULL, OPT_MESSAGE },
		{ "split", no_argument, NULL, OPT_SPLIT },
		{ "no-fd", no_argument, NULL, OPT_NO_FD },
		{ "silent", no_argument, NULL, OPT_SILENT },
		{ "file", no_argument, NULL, OPT_FILE },
		{ "withdraw", no_argument, NULL, OPT_WITHDRAW },
		{ "verdict-only", no_argument, NULL, OPT_VERDICT_ONLY },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c < 0 || c >= OPT_COUNT)
			exit(2);
		t->on[c] = true;
		if (c == OPT_FROM)
			t->from = optarg;
		if (c == OPT_MESSAGE)
			t->message = optarg;
	}
	if (argc - optind != 1)
		exit(2);
	t->path = argv[optind];
}

int
main(int argc, char **argv)
{
	struct test t = { .from = "127.0.0.1" };
	int verdict;

	parse(&t, argc, argv);
	connect_session(&t);
	connect_service(&t);
	send_message(&t);
	if (t.on[OPT_WITHDRAW]) {
		getchar();
		return 0;
	}
	verdict = hear_verdict(&t);
	if (verdict == 1)
		return verdict;
	close(t.server);
	if (!t.on[OPT_VERDICT_ONLY])
		talk(&t);
	return verdict;
}
