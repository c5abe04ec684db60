/* SPDX-License-Identifier: ISC */
/*
 * ledger PORT MESSAGES WORKERS SEED [stay]: sends so many messages to 127.0.0.1, each
 * once, and keeps the books of them on standard output, a line for each:
 *
 *	accepted ID	its end was answered 250
 *	refused ID	its end was answered otherwise
 *	silent ID	its end was sent, and nothing heard of it
 *	unsent ID	its end was never sent
 *
 * Its clients come from 127.0.2.1 to 127.0.2.WORKERS; half of them leave at any
 * point of the dialogue: before the greeting, behind each command, in the
 * body and right behind its end.  They close, half-close or reset the
 * connection; some send slowly.  With "stay" nobody leaves.  The ID is the message's Subject.
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

enum { EHLO, MAIL, RCPT, DATA, BODY, QUIT, STEPS };

enum {
	USUAL_SIZE = 3000,
	LARGE_SIZE = 20000, /* of one in 20 */
};

enum fate { ACCEPTED, REFUSED, SILENT, UNSENT };

static const char *const fate_names[] = {
	[ACCEPTED] = "accepted",
	[REFUSED] = "refused",
	[SILENT] = "silent",
	[UNSENT] = "unsent",
};

static unsigned int seed;
static bool all_stay;

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

/* The message, or its first half. */
static void
send_message(int fd, const char *id, bool whole)
{
	char text[LARGE_SIZE + 100];
	int filler = dice(20) == 0 ? LARGE_SIZE : dice(USUAL_SIZE) + 1;
	size_t n = (size_t)snprintf(text, sizeof(text),
	    "Subject: %s\r\n\r\n%0*d\r\n.\r\n", id, filler, 0);

	if (!whole)
		n /= 2;
	if (dice(4) == 0)
		send_slowly(fd, text, n);
	else
		(void)send(fd, text, n, MSG_NOSIGNAL);
}

static void
say(int fd, int step, const char *id, bool whole)
{
	static const char *const commands[STEPS] = {
		[EHLO] = "EHLO ledger.test\r\n",
		[MAIL] = "MAIL FROM:<ledger@test.test>\r\n",
		[RCPT] = "RCPT TO:<u@mx.test>\r\n",
		[DATA] = "DATA\r\n",
		[QUIT] = "QUIT\r\n",
	};

	if (step == BODY)
		send_message(fd, id, whole);
	else
		(void)send(
		    fd, commands[step], strlen(commands[step]), MSG_NOSIGNAL);
}

/* True if it is over; a client that half-closes still wants its reply. */
static bool
leave(int fd)
{
	const struct linger reset = { .l_onoff = 1 };

	usleep((useconds_t)dice(3000));
	switch (dice(3)) {
	case 0:
		shutdown(fd, SHUT_WR);
		return false;
	case 1:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return true;
	default:
		return true;
	}
}

/* One session. */
static enum fate
deliver(int fd, const char *id)
{
	static const int expected[STEPS] = { 250, 250, 250, 354, 250, 221 };
	/* Half of them play by the rules. */
	int leaves_at = !all_stay && dice(2) == 0 ? dice(STEPS + 1) - 1 : STEPS;
	bool whole = leaves_at != BODY || dice(2) == 0;
	FILE *in = fdopen(fd, "r");
	enum fate fate = UNSENT;
	bool over = (leaves_at < 0 && leave(fd)) || read_reply(in) != 220;

	for (int step = EHLO; step < STEPS && !over; step++) {
		int code;

		say(fd, step, id, whole);
		if (step == BODY && whole)
			fate = SILENT;
		if (step == leaves_at && leave(fd))
			break;
		code = read_reply(in);
		over = code != expected[step];
		if (fate == SILENT && step == BODY && code != 0)
			fate = over ? REFUSED : ACCEPTED;
	}
	fclose(in);
	return fate;
}

static void
work(int worker, int port, int messages)
{
	char id[64];

	seed += (unsigned int)worker;
	for (int i = 0; i < messages; i++) {
		int fd = connect_from(worker, port);
		enum fate fate = UNSENT;

		snprintf(id, sizeof(id), "ledger-%d-%d", worker, i);
		if (fd >= 0)
			fate = deliver(fd, id);
		printf("%s %s\n", fate_names[fate], id);
		fflush(stdout);
		if (fd < 0)
			usleep(20000); /* it is being started again */
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	int messages, workers;

	if (argc < 5)
		return 2;
	all_stay = argc > 5 && strcmp(argv[5], "stay") == 0;
	messages = atoi(argv[2]);
	workers = atoi(argv[3]);
	seed = (unsigned int)atoi(argv[4]);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i <= workers; i++)
		if (fork() == 0)
			work(i, atoi(argv[1]),
			    messages / workers + (i <= messages % workers));
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	return 0;
}
