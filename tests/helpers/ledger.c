/* SPDX-License-Identifier: ISC */
/*
 * ledger PORT MESSAGES WORKERS SEED: sends so many messages to 127.0.0.1, each
 * once, and keeps the books of them: "accepted ID" on standard output for each
 * one whose end was answered 250, "other ID" for the rest.  Its clients come
 * from 127.0.2.1 to 127.0.2.WORKERS; some close the connection at any point of
 * the dialogue, or half-close it, or send slowly.  The ID is the message's
 * Subject.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 6 }; /* EHLO MAIL RCPT DATA body QUIT */

static unsigned int seed;

static int
dice(int sides)
{
	return (int)((unsigned int)rand_r(&seed) % (unsigned int)sides);
}

static int
connect_from(int worker, int port)
{
	const struct timeval patience = { .tv_sec = 30 };
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(0x7f000200U + (uint32_t)worker);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The code of the next reply, 0 at the end. */
static int
read_reply(FILE *in)
{
	char line[1024];

	while (fgets(line, sizeof(line), in) != NULL)
		if (strlen(line) > 3 && line[3] == ' ')
			return atoi(line);
	return 0;
}

static void
send_slowly(int fd, const char *text, size_t len)
{
	for (size_t at = 0; at < len; at += 100) {
		size_t n = len - at < 100 ? len - at : 100;

		if (send(fd, text + at, n, MSG_NOSIGNAL) < 0)
			return;
		usleep(1000);
	}
}

/* Says what step STEP is about. */
static void
say(int fd, int step, const char *id)
{
	static const char *const commands[STEPS] = { "EHLO ledger.test\r\n",
		"MAIL FROM:<ledger@test.test>\r\n", "RCPT TO:<u@mx.test>\r\n",
		"DATA\r\n", NULL, "QUIT\r\n" };
	char body[4096];
	int n;

	if (commands[step] != NULL) {
		(void)send(
		    fd, commands[step], strlen(commands[step]), MSG_NOSIGNAL);
		return;
	}
	n = snprintf(body, sizeof(body), "Subject: %s\r\n\r\n%0*d\r\n.\r\n", id,
	    dice(3000) + 1, 0);
	if (dice(4) == 0)
		send_slowly(fd, body, (size_t)n);
	else
		(void)send(fd, body, (size_t)n, MSG_NOSIGNAL);
}

/* One session; true if its message was accepted. */
static bool
deliver(int fd, const char *id)
{
	static const int expected[STEPS] = { 250, 250, 250, 354, 250, 221 };
	/* Half of them play by the rules. */
	int leaves_at = dice(2) == 0 ? dice(STEPS) : STEPS;
	bool half = dice(3) == 0;
	FILE *in = fdopen(fd, "r");
	bool accepted = false;

	if (read_reply(in) != 220)
		leaves_at = -1;
	for (int step = 0; step < STEPS && leaves_at >= 0; step++) {
		say(fd, step, id);
		if (step == leaves_at) {
			usleep((useconds_t)dice(3000));
			if (!half)
				break;
			shutdown(fd, SHUT_WR);
		}
		if (read_reply(in) != expected[step])
			break;
		if (step == 4)
			accepted = true;
	}
	fclose(in);
	return accepted;
}

static void
work(int worker, int port, int messages)
{
	char id[64];

	seed += (unsigned int)worker;
	for (int i = 0; i < messages; i++) {
		int fd = connect_from(worker, port);

		snprintf(id, sizeof(id), "ledger-%d-%d", worker, i);
		if (fd >= 0 && deliver(fd, id))
			printf("accepted %s\n", id);
		else
			printf("other %s\n", id);
		fflush(stdout);
		if (fd < 0)
			usleep(20000); /* it is being started again */
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	int workers;

	if (argc != 5)
		return 2;
	workers = atoi(argv[3]);
	seed = (unsigned int)atoi(argv[4]);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i <= workers; i++)
		if (fork() == 0)
			work(i, atoi(argv[1]), atoi(argv[2]) / workers);
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	return 0;
}
