/* SPDX-License-Identifier: ISC */
/*
 * dial ADDRESS PORT [SOURCE]: standard input to the server, what it says to
 * standard output.  Unlike with nc and socat, each direction ends by itself:
 * the end of input is a half-close, and the server's end is the end of output
 * at once.  Addresses are numeric.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/fd.h"

static int
resolve(const char *host, const char *port, struct addrinfo **ret)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};

	return getaddrinfo(host, port, &hints, ret) == 0 ? 0 : -EINVAL;
}

static int
bind_source(int fd, const char *source)
{
	struct addrinfo *ai;
	int r = resolve(source, "0", &ai);

	if (r < 0)
		return r;
	r = bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ? -errno : 0;
	freeaddrinfo(ai);
	return r;
}

static int
dial(const char *host, const char *port, const char *source, int *ret_fd)
{
	struct addrinfo *ai;
	AUTO_FD fd = -1;
	int r = resolve(host, port, &ai);

	if (r < 0)
		return r;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && source != NULL)
		r = bind_source(fd, source);
	if (fd < 0 || (r == 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) < 0))
		r = -errno;
	freeaddrinfo(ai);
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}

/* What FROM has now, to TO; false at its end or when TO takes no more. */
static bool
copy(int from, int to)
{
	char buf[4096];
	ssize_t len = read(from, buf, sizeof(buf));

	for (ssize_t at = 0, n; at < len; at += n) {
		n = write(to, buf + at, (size_t)(len - at));
		if (n < 0)
			return false;
	}
	return len > 0;
}

int
main(int argc, char **argv)
{
	AUTO_FD fd = -1;
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .events = POLLIN } };
	int r = argc < 3 ? -EINVAL
			 : dial(argv[1], argv[2], argv[3], &fd); /* or NULL */

	if (r < 0) {
		fprintf(stderr, "dial: %s\n", strerror(-r));
		return 1;
	}
	fds[1].fd = fd;
	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents != 0 && !copy(fd, STDOUT_FILENO))
			return 0;
		if (fds[0].revents != 0 && !copy(STDIN_FILENO, fd)) {
			shutdown(fd, SHUT_WR);
			fds[0].fd = -1;
		}
	}
	return 0;
}
