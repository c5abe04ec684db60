/* SPDX-License-Identifier: ISC */
/*
 * fake_mta PATH [BACKLOG | die | late]: stands at the other end of a hand-off, in either
 * form, and says on standard output what comes of it:
 *
 *   took MESSAGE   a session, with its message's NULs and line ends as blanks
 *   heard LINE     what the client then said
 *
 * It greets with "220 mta.test ESMTP", answers 250 to everything and 221 to
 * QUIT.  With a BACKLOG it listens with that and never accepts; with "die" it
 * takes sessions and ends without a word, as an smtpd that cannot work; with
 * "late" it greets after 1.5 s.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/common/fdpass.h"
#include "bin/common/listen.h"

static void
say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		perror("fake_mta: send");
}

/* The session, in a process of its own. */
static void
serve(int fd)
{
	FILE *in;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	(void)fd_set_nonblocking(fd, false);
	in = fdopen(fd, "r");
	say(fd, "220 mta.test ESMTP\r\n");
	while (in != NULL && (n = getline(&line, &size, in)) > 0) {
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		printf("heard %s\n", line);
		fflush(stdout);
		say(fd,
		    strcmp(line, "QUIT") == 0 ? "221 Bye\r\n" : "250 Ok\r\n");
		if (strcmp(line, "QUIT") == 0)
			break;
	}
	_exit(0);
}

static void
take(int conn, const char *how)
{
	struct pollfd in = { .fd = conn, .events = POLLIN };
	char message[4096];
	int session = -1;
	ssize_t n;

	/* It connects first and then sends. */
	(void)poll(&in, 1, 5000);
	n = fdpass_recv(conn, message, sizeof(message) - 1, &session);
	if (n <= 0 || session < 0) {
		printf("nothing came\n");
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		if (message[i] == '\0' || message[i] == '\n')
			message[i] = ' ';
	message[n] = '\0';
	printf("took %s\n", message);
	fflush(stdout);
	if (fork() == 0) {
		/* Its end tells the dispatcher that we have taken it. */
		close(conn);
		if (strcmp(how, "die") == 0)
			_exit(1);
		if (strcmp(how, "late") == 0)
			(void)poll(NULL, 0, 1500);
		serve(session);
	}
	fd_close(&session);
}

int
main(int argc, char **argv)
{
	struct listen_socket listener;
	const char *how = argc > 2 ? argv[2] : "";
	bool accepts = *how < '0' || *how > '9';
	int backlog = accepts ? 64 : atoi(how);
	int r;

	if (argc < 2)
		return 2;
	signal(SIGCHLD, SIG_IGN);
	r = listen_open_unix(argv[1], 0600, backlog, &listener);
	if (r < 0) {
		fprintf(stderr, "fake_mta: %s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	if (!accepts)
		pause();
	(void)fd_set_nonblocking(listener.fd, false);
	for (;;) {
		AUTO_FD conn = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);

		if (conn < 0)
			return 1;
		take(conn, how);
	}
}
