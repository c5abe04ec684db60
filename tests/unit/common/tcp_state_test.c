/* SPDX-License-Identifier: ISC */
#include "bin/common/tcp_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "bin/common/fd.h"
#include "tests/helpers/check.h"

static void
open_pair(int *ret_client, int *ret_server)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	AUTO_FD listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(bind(listener, (struct sockaddr *)&in, len), 0);
	CHECK_INT(listen(listener, 8), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	*ret_client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(connect(*ret_client, (struct sockaddr *)&in, len), 0);
	*ret_server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	CHECK(*ret_server >= 0);
}

static struct tcp_state
state(int fd)
{
	struct tcp_state s;

	CHECK_INT(tcp_state_read(fd, &s), 0);
	return s;
}

static void
counts_what_anybody_writes(void)
{
	AUTO_FD client = -1, server = -1;
	struct tcp_state before;

	open_pair(&client, &server);
	CHECK_INT(send(server, "220-", 4, 0), 4);
	before = state(server);
	CHECK_INT(state(server).written, before.written);
	{
		AUTO_FD other = dup(server);

		CHECK_INT(send(other, "220 x\r\n", 7, 0), 7);
	}
	CHECK_INT(state(server).written, before.written + 7);
	/* What the client says is not written. */
	CHECK_INT(send(client, "EHLO", 4, 0), 4);
	CHECK_INT(state(server).written, before.written + 7);
}

static void
counts_what_waits_for_the_window(void)
{
	AUTO_FD client = -1, server = -1;
	static char block[65536];
	struct tcp_state before;
	uint64_t sent = 0;
	ssize_t n;

	open_pair(&client, &server);
	before = state(server);
	while ((n = send(server, block, sizeof(block), MSG_DONTWAIT)) > 0)
		sent += (uint64_t)n;
	CHECK_INT(state(server).written, before.written + sent);
}

static void
knows_ends(void)
{
	AUTO_FD client = -1, server = -1;
	struct pollfd p;

	open_pair(&client, &server);
	CHECK(state(server).is_open);
	CHECK_INT(shutdown(client, SHUT_WR), 0);
	p = (struct pollfd){ .fd = server, .events = POLLIN };
	CHECK_INT(poll(&p, 1, 5000), 1);
	CHECK(!state(server).is_open);
}

static uint64_t
heard(int fd)
{
	uint64_t n;

	CHECK_INT(tcp_state_heard(fd, &n), 0);
	return n;
}

static void
counts_what_anybody_reads(void)
{
	AUTO_FD client = -1, server = -1;
	struct pollfd p;
	uint64_t before;
	char buf[8];

	open_pair(&client, &server);
	before = heard(server);
	CHECK_INT(send(client, "EHLO x\r\n", 8, 0), 8);
	p = (struct pollfd){ .fd = server, .events = POLLIN };
	CHECK_INT(poll(&p, 1, 5000), 1);
	CHECK_INT(heard(server), before);
	{
		AUTO_FD other = dup(server);

		CHECK_INT(recv(other, buf, 3, MSG_PEEK), 3);
		CHECK_INT(heard(server), before);
		CHECK_INT(recv(other, buf, 3, 0), 3);
	}
	CHECK_INT(heard(server), before + 3);
	/* What we say is not heard. */
	CHECK_INT(send(server, "220 x\r\n", 7, 0), 7);
	CHECK_INT(heard(server), before + 3);
	CHECK_INT(recv(server, buf, sizeof(buf), 0), 5);
	CHECK_INT(heard(server), before + 8);
}

static void
refuses_others(void)
{
	struct tcp_state s;
	uint64_t n;
	int pair[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CHECK(tcp_state_read(pair[0], &s) < 0);
	CHECK_INT(tcp_state_read(-1, &s), -EBADF);
	CHECK(tcp_state_heard(pair[0], &n) < 0);
	CHECK_INT(tcp_state_heard(-1, &n), -EBADF);
	close(pair[0]);
	close(pair[1]);
}

static const struct check_case cases[] = {
	CASE(counts_what_anybody_writes),
	CASE(counts_what_waits_for_the_window),
	CASE(knows_ends),
	CASE(counts_what_anybody_reads),
	CASE(refuses_others),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
