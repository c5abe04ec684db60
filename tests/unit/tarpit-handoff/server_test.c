/* SPDX-License-Identifier: ISC */
/* The test is the dispatcher, and the client at the other end of a pair; the
 * MTA is a shell. */
#include "bin/tarpit-handoff/server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/common/fdpass.h"
#include "tests/helpers/resources.h"
#include "tests/helpers/scratch.h"

enum { PEERS_MAX = 64 };

static const char message[] = "client_address=192.0.2.1\nclient_port=40000\n"
			      "server_address=192.0.2.2\nserver_port=25\n\n";

static struct loop *loop;
static struct journal journal;
static struct server *server;
static struct server_config config;
static int listener = -1;
static char *path;
static char sh[] = "/bin/sh", option[] = "-c";
static char *argv_of[] = { sh, option, NULL, NULL }, *env[] = { NULL };

static void
setup(size_t max, uint64_t read_timeout, const char *command)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	path = scratch_path("handoff");
	CHECK(strlen(path) < sizeof(sun.sun_path));
	strcpy(sun.sun_path, path);
	listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	CHECK_INT(listen(listener, 1024), 0);
	journal_init_target(&journal, "server_test", JOURNAL_NOWHERE, NULL);
	CHECK_INT(loop_new(&loop), 0);
	argv_of[2] = (char *)(uintptr_t)command;
	config = (struct server_config){ .max = max,
		.read_timeout = read_timeout,
		.early_exit = USEC_PER_SEC,
		.argv = argv_of,
		.env = env };
	CHECK_INT(
	    server_new(loop, &journal, &config, &listener, 1, &server), 0);
}

static void
teardown(void)
{
	server = server_free(server);
	loop = loop_free(loop);
	fd_close(&listener);
	journal_fini(&journal);
	unlink(path);
	free(path);
}

static void
turn(void)
{
	CHECK_INT(loop_run_once(loop, clock_now() + USEC_PER_SEC / 100), 0);
	server_reap(server, loop_now(loop));
}

#define TURN_UNTIL(condition)                                     \
	do {                                                      \
		uint64_t limit = clock_now() + 20 * USEC_PER_SEC; \
		while (!(condition)) {                            \
			CHECK(clock_now() < limit);               \
			turn();                                   \
		}                                                 \
	} while (0)

static int
dial(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	CHECK_INT(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* Hands a session off by way of FD: the client's end. */
static int
hand_off(int fd)
{
	int pair[2];

	CHECK_INT(socketpair(AF_UNIX,
		      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	CHECK_INT(fdpass_send(fd, pair[1], message, sizeof(message) - 1),
	    sizeof(message) - 1);
	close(pair[1]);
	return pair[0];
}

/* What became of the hand-off: 0, "taken", or -errno. */
static int
verdict(int fd)
{
	char byte;
	ssize_t n = -1;

	TURN_UNTIL((n = recv(fd, &byte, 1, 0)) >= 0 || errno != EAGAIN);
	return n < 0 ? -errno : (int)n;
}

static void
check_served(int client, const char *text)
{
	char buf[64];
	size_t len = 0;
	ssize_t n = -1;

	do {
		TURN_UNTIL((n = recv(client, buf + len, sizeof(buf) - 1 - len,
				0)) >= 0 ||
		    errno != EAGAIN);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	buf[len] = '\0';
	CHECK_STR(buf, text);
}

static void
a_message_may_take_its_time(void)
{
	int fd, client;

	setup(2, 3600 * USEC_PER_SEC, "echo 220 x");
	fd = dial();
	for (int i = 0; i < 5; i++)
		turn();
	client = hand_off(fd);
	CHECK_INT(verdict(fd), 0);
	check_served(client, "220 x\n");
	CHECK_INT(server_counts(server).taken, 1);
	CHECK_INT(server_counts(server).failed, 0);
	close(fd);
	close(client);
	teardown();
}

static void
but_not_for_ever(void)
{
	int fd;

	setup(2, USEC_PER_SEC / 100, "echo 220 x");
	fd = dial();
	CHECK_INT(verdict(fd), 0);
	CHECK_INT(server_counts(server).failed, 1);
	CHECK_INT(server_counts(server).taken, 0);
	close(fd);
	/* A part of one is no more: it was not read, which is a reset. */
	fd = dial();
	CHECK_INT(send(fd, message, 9, MSG_NOSIGNAL), 9);
	CHECK_INT(verdict(fd), -ECONNRESET);
	CHECK_INT(server_counts(server).failed, 2);
	close(fd);
	teardown();
}

static void
beyond_max_they_wait(void)
{
	int fd[3], client[3];

	/* One that serves until its client says something. */
	setup(1, 3600 * USEC_PER_SEC, "read x; echo 220 $x");
	for (int i = 0; i < 3; i++) {
		fd[i] = dial();
		client[i] = hand_off(fd[i]);
	}
	for (int i = 0; i < 3; i++) {
		char byte;

		CHECK_INT(verdict(fd[i]), 0);
		CHECK_INT(server_counts(server).running, 1);
		CHECK_INT(server_counts(server).taken, i + 1);
		turn();
		if (i < 2)
			CHECK_INT(recv(fd[i + 1], &byte, 1, 0), -1);
		CHECK_INT(send(client[i], "y\n", 2, MSG_NOSIGNAL), 2);
		check_served(client[i], "220 y\n");
		TURN_UNTIL(server_counts(server).running == (i < 2) ||
		    server_counts(server).taken > (uint64_t)i + 1);
	}
	for (int i = 0; i < 3; i++) {
		close(fd[i]);
		close(client[i]);
	}
	teardown();
}

/* More room after a reload lets those in who wait. */
static void
a_reload_makes_room(void)
{
	int fd[2], client[2];

	setup(1, 3600 * USEC_PER_SEC, "read x; echo 220 $x");
	for (int i = 0; i < 2; i++) {
		fd[i] = dial();
		client[i] = hand_off(fd[i]);
	}
	CHECK_INT(verdict(fd[0]), 0);
	config.max = 2;
	CHECK_INT(server_configure(server, &config), 0);
	CHECK_INT(verdict(fd[1]), 0);
	CHECK_INT(server_counts(server).running, 2);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(send(client[i], "y\n", 2, MSG_NOSIGNAL), 2);
		check_served(client[i], "220 y\n");
		close(fd[i]);
		close(client[i]);
	}
	TURN_UNTIL(server_counts(server).running == 0);
	teardown();
}

/* So many may be silent at a time: the next one is not accepted before one of
 * them has gone. */
static void
so_many_connections_at_a_time(void)
{
	enum { MORE = 3 };
	int fd[PEERS_MAX + MORE], none;

	setup(2, 3600 * USEC_PER_SEC, "echo 220 x");
	none = descriptors_open();
	for (int i = 0; i < PEERS_MAX + MORE; i++)
		fd[i] = dial();
	for (int i = 0; i < 10; i++)
		turn();
	CHECK_INT(descriptors_open(), none + PEERS_MAX + MORE + PEERS_MAX);
	fd_close(&fd[0]);
	/* One goes, the next one comes. */
	for (int i = 0; i < 10; i++)
		turn();
	CHECK_INT(descriptors_open(), none + PEERS_MAX + MORE - 1 + PEERS_MAX);
	for (int i = 1; i < PEERS_MAX + MORE; i++)
		fd_close(&fd[i]);
	TURN_UNTIL(descriptors_open() == none);
	teardown();
}

static void
what_is_taken_back_meets_no_mta(void)
{
	int fd, client;

	setup(2, 3600 * USEC_PER_SEC, "echo 220 x");
	fd = dial();
	client = hand_off(fd);
	close(fd);
	TURN_UNTIL(server_counts(server).withdrawn == 1);
	CHECK_INT(server_counts(server).taken, 0);
	check_served(client, "");
	close(client);
	teardown();
}

static void
what_is_none_is_reset(void)
{
	AUTO_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd;

	setup(2, 3600 * USEC_PER_SEC, "echo 220 x");
	fd = dial();
	CHECK_INT(send(fd, "nonsense\n\n", 10, MSG_NOSIGNAL), 10);
	CHECK_INT(verdict(fd), -ECONNRESET);
	close(fd);
	fd = dial();
	CHECK_INT(send(fd, message, sizeof(message) - 1, MSG_NOSIGNAL),
	    sizeof(message) - 1);
	CHECK_INT(verdict(fd), -ECONNRESET);
	close(fd);
	fd = dial();
	CHECK(fdpass_send(fd, null, message, sizeof(message) - 1) > 0);
	CHECK_INT(verdict(fd), -ECONNRESET);
	close(fd);
	CHECK_INT(server_counts(server).failed, 3);
	CHECK_INT(server_counts(server).taken, 0);
	teardown();
}

static int
new_again(void)
{
	return server_new(loop, &journal, &config, &listener, 1, &server);
}

static void
nothing_is_left_behind(void)
{
	int open, fd;
	long live;

	setup(2, 3600 * USEC_PER_SEC, "echo 220 x");
	server = server_free(server);
	open = descriptors_open();
	live = memory_live;
	CHECK_MEMORY(new_again());
	fd = dial();
	for (int i = 0; i < 3; i++)
		turn();
	server = server_free(server);
	close(fd);
	CHECK_INT(descriptors_open(), open);
	CHECK_INT(memory_live, live);
	teardown();
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(a_message_may_take_its_time),
		CASE(but_not_for_ever),
		CASE(beyond_max_they_wait),
		CASE(a_reload_makes_room),
		CASE(so_many_connections_at_a_time),
		CASE(what_is_taken_back_meets_no_mta),
		CASE(what_is_none_is_reset),
		CASE(nothing_is_left_behind),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
