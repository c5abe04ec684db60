/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/sockbuf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bin/common/fd.h"
#include "bin/common/util.h"
#include "tests/helpers/check.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

static int
option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	(void)getsockopt(fd, SOL_SOCKET, name, &value, &len);
	return value;
}

static struct tcp_info
info(int fd)
{
	struct tcp_info i = { 0 };
	socklen_t len = sizeof(i);

	CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	return i;
}

/* A connection through a listener, prepared or as it comes. */
static void
open_pair(bool prepared, int *ret_client, int *ret_server)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	AUTO_FD listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(bind(listener, (struct sockaddr *)&in, len), 0);
	CHECK_INT(listen(listener, 8), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	if (prepared)
		sockbuf_prepare_listener(listener);
	*ret_client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(connect(*ret_client, (struct sockaddr *)&in, len), 0);
	*ret_server =
	    accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(*ret_server >= 0);
}

static bool
kernel_can(void)
{
	AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return option(fd, SO_BUF_LOCK) >= 0;
}

/* How much the client can push before somebody reads. */
static size_t
push(int client)
{
	static char data[1 << 16];
	struct pollfd pfd = { .fd = client, .events = POLLOUT };
	size_t total = 0;

	/* Until there has been no room for a while: acknowledgements travel. */
	while (poll(&pfd, 1, 100) > 0) {
		ssize_t n = send(client, data, sizeof(data), MSG_DONTWAIT);

		if (n > 0)
			total += (size_t)n;
	}
	return total - (size_t)info(client).tcpi_notsent_bytes;
}

static void
a_small_window_that_can_grow(void)
{
	AUTO_FD client = -1;
	AUTO_FD server = -1;

	if (!kernel_can())
		return;
	open_pair(true, &client, &server);
	CHECK(info(server).tcpi_rcv_wscale > 0);
	CHECK(info(client).tcpi_snd_wnd <= 2304);
	CHECK_INT(option(server, SO_BUF_LOCK), 0);
}

static void
a_shrunk_client_pushes_little(void)
{
	AUTO_FD client = -1;
	AUTO_FD server = -1;

	open_pair(true, &client, &server);
	sockbuf_shrink(server);
	CHECK(option(server, SO_RCVBUF) < 5000);
	CHECK(option(server, SO_SNDBUF) < 10000);
	if (kernel_can())
		CHECK(push(client) <= 5000);
}

static void
restoring_unlocks_the_buffers(void)
{
	AUTO_FD client = -1;
	AUTO_FD server = -1;

	open_pair(true, &client, &server);
	sockbuf_shrink(server);
	sockbuf_restore(server);
	CHECK(option(server, SO_RCVBUF) >= 65536);
	CHECK(option(server, SO_SNDBUF) >= 65536);
	if (kernel_can())
		CHECK_INT(option(server, SO_BUF_LOCK), 0);
}

/* A message of a few megabytes, as the MTA would read it. */
static void
after_restoring_the_window_opens(void)
{
	static char data[1 << 16];
	AUTO_FD client = -1;
	AUTO_FD server = -1;
	struct pollfd fds[2];
	size_t sent = 0, got = 0;

	open_pair(true, &client, &server);
	sockbuf_shrink(server);
	CHECK_INT(send(client, "x", 1, 0), 1);
	sockbuf_restore(server);
	fds[0] = (struct pollfd){ .fd = client, .events = POLLOUT };
	fds[1] = (struct pollfd){ .fd = server, .events = POLLIN };
	while (got < 4 << 20) {
		ssize_t n;

		CHECK(poll(fds, 2, 10000) > 0);
		if (fds[0].revents != 0 &&
		    (n = send(client, data, sizeof(data), MSG_DONTWAIT)) > 0)
			sent += (size_t)n;
		if (fds[1].revents != 0 &&
		    (n = recv(server, data, sizeof(data), MSG_DONTWAIT)) > 0)
			got += (size_t)n;
	}
	CHECK(got <= sent + 1);
	/* Without a window scale it could not be more. */
	if (kernel_can())
		CHECK(info(client).tcpi_snd_wnd > 65535);
}

/* Reads all but LEFT bytes, as long as there are more; how many there were. */
static size_t
read_all_but(int fd, int left)
{
	char data[8192];
	size_t total = 0;
	int n;

	/* What is left keeps it readable: the time is for what is to come. */
	for (int idle = 0; idle < 30; idle++) {
		CHECK_INT(ioctl(fd, FIONREAD, &n), 0);
		if (n > left) {
			CHECK(recv(fd, data, (size_t)(n - left), 0) > 0);
			total += (size_t)(n - left);
			idle = 0;
		}
		(void)poll(NULL, 0, 10);
	}
	return total;
}

static void
the_rest_of_a_line_comes_through(void)
{
	static const char data[8192];
	AUTO_FD client = -1;
	AUTO_FD server = -1;
	size_t total;

	open_pair(true, &client, &server);
	sockbuf_shrink(server);
	CHECK_INT(send(client, data, sizeof(data), 0), sizeof(data));
	total = read_all_but(server, 11);
	/* Where the part of a segment keeps the window shut. */
	sockbuf_fit_line(server);
	total += read_all_but(server, 11);
	CHECK_INT(total, sizeof(data) - 11);
}

static const struct check_case cases[] = {
	CASE(a_small_window_that_can_grow),
	CASE(a_shrunk_client_pushes_little),
	CASE(restoring_unlocks_the_buffers),
	CASE(after_restoring_the_window_opens),
	CASE(the_rest_of_a_line_comes_through),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
