/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "tests/helpers/check.h"

enum { LARGE = 10 * 1024 * 1024 };

static struct loop *loop;
static struct relay relay;
static int ended;
/* The far ends. */
static int client, mta;

static void
on_end(void *arg)
{
	(void)arg;
	ended++;
}

/* Fixed, else the kernel's own may grow until all of LARGE fits in. */
static void
bound_buffers(int fd)
{
	const int size = 65536;

	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
}

/* Two ends of a TCP connection, both non-blocking. */
static void
connect_pair(int *ret_near, int *ret_far)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	AUTO_FD listener = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(listener, (struct sockaddr *)&sin, len) == 0);
	CHECK(listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&sin, &len) == 0);
	*ret_far = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(*ret_far, (struct sockaddr *)&sin, len) == 0);
	*ret_near = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	CHECK(*ret_near >= 0);
	bound_buffers(*ret_near);
	bound_buffers(*ret_far);
	CHECK(fd_set_nonblocking(*ret_far, true) == 0);
}

static void
start(void)
{
	int near_client, near_mta;

	connect_pair(&near_client, &client);
	connect_pair(&near_mta, &mta);
	CHECK_INT(
	    relay_start(&relay, NULL, near_client, near_mta, loop_now(loop)),
	    0);
}

static void
set_up(uint32_t max_pipes)
{
	signal(SIGPIPE, SIG_IGN);
	CHECK_INT(loop_new(&loop), 0);
	relay = (struct relay){ .loop = loop,
		.capacity = 4,
		.max_pipes = max_pipes,
		.idle = 600 * USEC_PER_SEC,
		.linger = 600 * USEC_PER_SEC,
		.on_end = on_end };
	CHECK_INT(relay_init(&relay), 0);
	start();
}

static void
tear_down(void)
{
	fd_close(&client);
	fd_close(&mta);
	relay_fini(&relay);
	CHECK_INT(relay.n, 0);
	CHECK_INT(relay_descriptors(&relay), 0);
	loop = loop_free(loop);
}

static void
turn(void)
{
	CHECK_INT(loop_run_once(loop, clock_now() + 2 * USEC_PER_MSEC), 0);
}

/* Turns the loop until the other end has so many bytes to read, or its end;
 * what recv() then says. */
static ssize_t
wait_for(int fd, char *buf, size_t size)
{
	uint64_t until = clock_now() + 20 * USEC_PER_SEC;
	ssize_t n;

	do {
		turn();
		n = recv(fd, buf, size, MSG_PEEK);
	} while (clock_now() < until &&
	    ((n < 0 && errno == EAGAIN) || (n > 0 && (size_t)n < size)));
	return recv(fd, buf, size, 0);
}

static void
hears(int fd, const char *text)
{
	char buf[256];
	size_t len = strlen(text);

	CHECK_INT(wait_for(fd, buf, len), len);
	CHECK(memcmp(buf, text, len) == 0);
}

static void
says(int fd, const char *text)
{
	size_t len = strlen(text);

	CHECK_INT(send(fd, text, len, 0), len);
}

static void
turn_until_ended(void)
{
	uint64_t until = clock_now() + 20 * USEC_PER_SEC;

	while (ended == 0 && clock_now() < until)
		turn();
	CHECK_INT(ended, 1);
	CHECK_INT(relay.n, 0);
}

static void
both_ways(void)
{
	char byte;

	set_up(4);
	says(mta, "220 mta.test\r\n");
	hears(client, "220 mta.test\r\n");
	says(client, "EHLO x\r\n");
	hears(mta, "EHLO x\r\n");
	says(mta, "250 Ok\r\n");
	hears(client, "250 Ok\r\n");
	CHECK_INT(relay.to_mta, 8);
	CHECK_INT(relay.to_clients, 14 + 8);
	fd_close(&mta);
	CHECK_INT(wait_for(client, &byte, 1), 0);
	fd_close(&client);
	turn_until_ended();
	tear_down();
}

/* What has been said before the relay begins is there, too. */
static void
early_bytes_come_first(void)
{
	set_up(4);
	says(client, "EHLO early\r\n");
	says(mta, "220 late\r\n");
	hears(mta, "EHLO early\r\n");
	hears(client, "220 late\r\n");
	tear_down();
}

static char
pattern(size_t i)
{
	return (char)(i % 251);
}

/* Sends up to LARGE bytes as fast as they go; how many have gone. */
static size_t
push(int fd, size_t at)
{
	static char buf[65536];
	size_t len = LARGE - at < sizeof(buf) ? LARGE - at : sizeof(buf);
	ssize_t n;

	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(at + i);
	n = send(fd, buf, len, 0);
	CHECK(n >= 0 || errno == EAGAIN);
	return at + (n > 0 ? (size_t)n : 0);
}

static size_t
pull(int fd, size_t at)
{
	static char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	CHECK(n > 0 || (n < 0 && errno == EAGAIN));
	for (ssize_t i = 0; i < n; i++)
		CHECK(buf[i] == pattern(at + (size_t)i));
	return at + (n > 0 ? (size_t)n : 0);
}

/* In both directions at once, each byte at its place. */
static void
move_large(void)
{
	uint64_t until = clock_now() + 60 * USEC_PER_SEC;
	size_t sent[2] = { 0, 0 }, got[2] = { 0, 0 };
	const int end[2] = { client, mta };

	while (got[0] + got[1] < 2 * (size_t)LARGE && clock_now() < until) {
		for (int i = 0; i < 2; i++)
			if (sent[i] < LARGE)
				sent[i] = push(end[i], sent[i]);
		turn();
		for (int i = 0; i < 2; i++)
			if (got[i] < LARGE)
				got[i] = pull(end[!i], got[i]);
	}
	CHECK_INT(got[0], LARGE);
	CHECK_INT(got[1], LARGE);
	CHECK_INT(relay.to_mta, LARGE);
	CHECK_INT(relay.to_clients, LARGE);
}

static void
ten_megabytes_both_ways(void)
{
	set_up(4);
	move_large();
	CHECK(relay.n_pipes > 0);
	tear_down();
}

static void
the_same_without_a_pipe(void)
{
	set_up(0);
	move_large();
	CHECK_INT(relay.n_pipes, 0);
	tear_down();
}

static void
fill_up(int fd, size_t *ret)
{
	size_t was;

	*ret = 0;
	do {
		was = *ret;
		for (int i = 0; i < 20 && *ret < LARGE; i++) {
			*ret = push(fd, *ret);
			turn();
		}
	} while (*ret != was && *ret < LARGE);
}

/* A side that does not read stops the other one, and nothing spins. */
static void
a_full_side_blocks_the_other(void)
{
	size_t sent, got = 0;
	uint64_t until;
	int turns;

	set_up(4);
	fill_up(client, &sent);
	CHECK(sent < LARGE);
	CHECK_INT(relay.n_pipes - relay.n_spare, 1);
	/* Nothing is to be done: the loop sleeps until its limit.  The kernel
	 * may find room for some bytes when it probes the closed window, which
	 * wakes it; one that spins wakes thousands of times. */
	until = clock_now() + 20 * USEC_PER_MSEC;
	for (turns = 0; clock_now() < until; turns++)
		CHECK_INT(loop_run_once(loop, until), 0);
	CHECK(turns < 5);
	/* The other direction goes on meanwhile. */
	says(mta, "421 too slow\r\n");
	hears(client, "421 too slow\r\n");
	until = clock_now() + 20 * USEC_PER_SEC;
	while (got < sent && clock_now() < until) {
		got = pull(mta, got);
		turn();
	}
	CHECK_INT(got, sent);
	/* An idle pair has no pipe. */
	CHECK_INT(relay.n_pipes, relay.n_spare);
	tear_down();
}

/* As `nc -N` does: all commands, the end, and then the replies. */
static void
half_close_by_the_client(void)
{
	char byte;

	set_up(4);
	says(client, "QUIT\r\n");
	CHECK(shutdown(client, SHUT_WR) == 0);
	hears(mta, "QUIT\r\n");
	CHECK_INT(wait_for(mta, &byte, 1), 0);
	says(mta, "221 Bye\r\n");
	hears(client, "221 Bye\r\n");
	CHECK_INT(ended, 0);
	fd_close(&mta);
	turn_until_ended();
	CHECK_INT(wait_for(client, &byte, 1), 0);
	tear_down();
}

static void
half_close_by_the_mta(void)
{
	char byte;

	set_up(4);
	says(mta, "421 Bye\r\n");
	CHECK(shutdown(mta, SHUT_WR) == 0);
	hears(client, "421 Bye\r\n");
	CHECK_INT(wait_for(client, &byte, 1), 0);
	says(client, "QUIT\r\n");
	hears(mta, "QUIT\r\n");
	fd_close(&client);
	turn_until_ended();
	tear_down();
}

static void
reset(int *fd)
{
	const struct linger linger = { .l_onoff = 1 };

	CHECK(setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ==
	    0);
	fd_close(fd);
}

static void
a_reset_ends_it(void)
{
	char byte;

	set_up(4);
	says(client, "DATA\r\n");
	hears(mta, "DATA\r\n");
	reset(&client);
	CHECK_INT(wait_for(mta, &byte, 1), 0);
	fd_close(&mta);
	turn_until_ended();
	tear_down();
}

/* A reset that overtakes what was said must not swallow it on our side. */
static void
last_words_before_a_reset_arrive(void)
{
	char byte;

	set_up(4);
	says(mta, "421 too busy\r\n");
	reset(&mta);
	says(client, "EHLO x\r\n");
	hears(client, "421 too busy\r\n");
	CHECK_INT(wait_for(client, &byte, 1), 0);
	fd_close(&client);
	turn_until_ended();
	tear_down();
}

/* A reset while the pipe is full: its bytes are nobody else's. */
static void
a_full_pipe_is_not_given_on(void)
{
	size_t sent;

	set_up(4);
	fill_up(client, &sent);
	reset(&mta);
	reset(&client);
	turn_until_ended();
	CHECK_INT(relay.n_pipes, relay.n_spare);
	start();
	says(client, "EHLO next\r\n");
	hears(mta, "EHLO next\r\n");
	tear_down();
}

static void
silence_ends_it(void)
{
	set_up(4);
	fd_close(&client);
	fd_close(&mta);
	turn_until_ended();
	ended = 0;
	relay.idle = relay.linger = 50 * USEC_PER_MSEC;
	start();
	turn_until_ended();
	tear_down();
}

static void
a_client_that_never_closes(void)
{
	set_up(4);
	fd_close(&client);
	fd_close(&mta);
	turn_until_ended();
	ended = 0;
	relay.linger = 50 * USEC_PER_MSEC;
	start();
	CHECK(shutdown(mta, SHUT_WR) == 0);
	turn_until_ended();
	tear_down();
}

static void
capacity_is_kept(void)
{
	int fds[5][4];

	set_up(4);
	for (int i = 0; i < 4; i++) {
		int error = i < 3 ? 0 : -ENFILE;

		connect_pair(&fds[i][0], &fds[i][1]);
		connect_pair(&fds[i][2], &fds[i][3]);
		CHECK_INT(
		    relay_start(&relay, NULL, fds[i][0], fds[i][2], 0), error);
	}
	CHECK_INT(relay.n, 4);
	/* With the pipe that the first look at the MTA has used. */
	CHECK_INT(relay_descriptors(&relay), 8 + 2);
	/* Those refused are still the caller's. */
	CHECK(close(fds[3][0]) == 0 && close(fds[3][2]) == 0);
	relay_end_all(&relay);
	CHECK_INT(ended, 4);
	start();
	CHECK_INT(relay.high, 4);
	tear_down();
}

static const struct check_case cases[] = {
	CASE(both_ways),
	CASE(early_bytes_come_first),
	CASE(ten_megabytes_both_ways),
	CASE(the_same_without_a_pipe),
	CASE(a_full_side_blocks_the_other),
	CASE(half_close_by_the_client),
	CASE(half_close_by_the_mta),
	CASE(a_reset_ends_it),
	CASE(last_words_before_a_reset_arrive),
	CASE(a_full_pipe_is_not_given_on),
	CASE(silence_ends_it),
	CASE(a_client_that_never_closes),
	CASE(capacity_is_kept),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
