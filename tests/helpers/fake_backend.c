/* SPDX-License-Identifier: ISC */
/*
 * fake_backend PORT [HABIT]...: the MTA behind the throttle lane, on
 * 127.0.0.1, with XCLIENT.  It accepts all recipients but bad* (550) and
 * later* (451), and never answers recipients slow*, senders slow*, a HELO or
 * EHLO of slow*, DATA with a recipient data*, and RSET with one reset*.  It says
 * on standard output what happens:
 *
 *   connected
 *   asked ADDRESS PORT HELO SENDER RECIPIENT
 *   took ADDRESS HELO SENDER BYTES RECIPIENT...
 *   body LINE        each line of a message, stuffed as it came
 *   reset ADDRESS    an open transaction was given up
 *
 * The habits are
 *   no-xclient       does not have that command
 *   no-rights        has it and refuses it
 *   changes          accepts each recipient once, and refuses it then
 *   drops-body       closes after the first line of a body
 *   drops-dot        closes after the dot, without a reply
 *   slow-dot         answers the dot after a second
 *   deaf-dot         never answers the dot
 *   goodbye          421 to the second client of a connection
 *   refuses-body     554 to the dot
 *   deaf             never answers RCPT
 *   thinks           answers RCPT after a second
 *   plain            offers no extension but XCLIENT
 *   proxy            has a PROXY header of version 2 for it instead, before
 *                    it greets; "connected" is followed by what that says
 *   refuses-9        greets 127.0.0.9 with 554
 *   goodbye-9        with 421, and closes
 *   closes-9         not at all, and closes
 */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/common/listen.h"

enum { RECIPIENTS_MAX = 1500, WORD = 512 };

struct client {
	FILE *in;
	int fd;
	char address[64], port[16], helo[WORD], sender[WORD];
	char recipient[RECIPIENTS_MAX][WORD];
	int n_recipients, n_clients;
	bool has_sender;
};

static char **habits;
static char known[1000][WORD];
static int n_known;

static bool
has_habit(const char *name)
{
	for (char **h = habits; *h != NULL; h++)
		if (strcmp(*h, name) == 0)
			return true;
	return false;
}

/* A copy that is cut rather than warned about. */
static void
copy(char to[WORD], const char *from)
{
	size_t n = strnlen(from, WORD - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

static bool
is_like(const char *word, const char *prefix)
{
	return strncmp(word, prefix, strlen(prefix)) == 0;
}

static bool
has_recipient(const struct client *c, const char *prefix)
{
	for (int i = 0; i < c->n_recipients; i++)
		if (is_like(c->recipient[i], prefix))
			return true;
	return false;
}

static void
say(const struct client *c, const char *text)
{
	char line[WORD + 64];
	int n = snprintf(line, sizeof(line), "%s\r\n", text);

	if (send(c->fd, line, (size_t)n, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void
do_ehlo(struct client *c, const char *argument)
{
	copy(c->helo, argument);
	c->has_sender = false;
	if (is_like(argument, "slow"))
		pause();
	say(c, "250-mta.test");
	if (!has_habit("plain"))
		say(c,
		    "250-PIPELINING\r\n250-SIZE 1000000\r\n250-ETRN\r\n"
		    "250-AUTH PLAIN\r\n250-ENHANCEDSTATUSCODES\r\n"
		    "250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8");
	if (!has_habit("no-xclient") && !has_habit("proxy"))
		say(c, "250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN");
	say(c, "250 HELP");
}

static void
do_xclient(struct client *c, const char *argument)
{
	const char *address = strstr(argument, " ADDR=");
	const char *port = strstr(argument, " PORT=");

	if (has_habit("no-rights")) {
		say(c, "550 5.7.0 Error: insufficient authorization");
		return;
	}
	if (has_habit("goodbye") && ++c->n_clients == 2) {
		say(c, "421 4.3.2 mta.test enough");
		_exit(0);
	}
	if (c->has_sender || address == NULL || port == NULL) {
		say(c, "503 5.5.1 Error: not now, or not all of it");
		return;
	}
	sscanf(address + 6, "%63s", c->address);
	sscanf(port + 6, "%15s", c->port);
	say(c, "220 mta.test ESMTP");
}

/* The habit `changes`: has it been seen before? */
static bool
is_known(const char *recipient)
{
	for (int i = 0; i < n_known; i++)
		if (strcmp(known[i], recipient) == 0)
			return true;
	copy(known[n_known++], recipient);
	return false;
}

static void
do_rcpt(struct client *c, const char *argument)
{
	char reply[WORD + 64];

	printf("asked %s %s %s %s %s\n", c->address, c->port, c->helo,
	    c->sender, argument);
	if (has_habit("deaf") || is_like(argument, "<slow"))
		pause();
	if (has_habit("thinks"))
		sleep(1);
	if (is_like(argument, "<bad")) {
		snprintf(reply, sizeof(reply),
		    "550-5.1.1 %.200s:\r\n550 5.1.1 no such user", argument);
		say(c, reply);
	} else if (is_like(argument, "<later")) {
		say(c, "451 4.7.1 Later");
	} else if (has_habit("changes") && is_known(argument)) {
		say(c, "550 5.1.1 Gone meanwhile");
	} else {
		copy(c->recipient[c->n_recipients++], argument);
		say(c, "250 2.1.5 Ok");
	}
}

static void
take(struct client *c, size_t bytes)
{
	printf("took %s %s %s %zu", c->address, c->helo, c->sender, bytes);
	for (int i = 0; i < c->n_recipients; i++)
		printf(" %s", c->recipient[i]);
	printf("\n");
	say(c, "250 2.0.0 Ok: queued as FAKE");
}

static void
do_data(struct client *c)
{
	char line[4096];
	size_t bytes = 0;

	if (has_recipient(c, "<data"))
		pause();
	say(c, "354 Go on");
	while (fgets(line, sizeof(line), c->in) != NULL) {
		if (strcmp(line, ".\r\n") == 0)
			break;
		bytes += strlen(line);
		line[strcspn(line, "\r\n")] = '\0';
		printf("body %s\n", line);
		if (has_habit("drops-body"))
			_exit(0);
	}
	if (feof(c->in) || has_habit("drops-dot"))
		_exit(0);
	if (has_habit("deaf-dot"))
		pause();
	if (has_habit("slow-dot"))
		sleep(1);
	if (has_habit("refuses-body"))
		say(c, "554 5.7.1 Not that");
	else
		take(c, bytes);
	c->has_sender = false;
	c->n_recipients = 0;
}

static bool
is(const char *line, const char *verb, const char **ret_argument)
{
	size_t n = strlen(verb);

	*ret_argument = line + n;
	return strncasecmp(line, verb, n) == 0;
}

static void
run(struct client *c, const char *line)
{
	const char *argument;

	if (is(line, "EHLO ", &argument) || is(line, "HELO ", &argument)) {
		do_ehlo(c, argument);
	} else if (is(line, "XCLIENT ", &argument)) {
		do_xclient(c, argument);
	} else if (is(line, "MAIL FROM:", &argument)) {
		copy(c->sender, argument);
		if (is_like(argument, "<slow"))
			pause();
		c->has_sender = true;
		c->n_recipients = 0;
		say(c, "250 2.1.0 Ok");
	} else if (is(line, "RCPT TO:", &argument)) {
		do_rcpt(c, argument);
	} else if (is(line, "DATA", &argument)) {
		do_data(c);
	} else if (is(line, "RSET", &argument)) {
		if (c->has_sender)
			printf("reset %s\n", c->address);
		if (has_recipient(c, "<reset"))
			pause();
		c->has_sender = false;
		say(c, "250 2.0.0 Ok");
	} else if (is(line, "QUIT", &argument)) {
		say(c, "221 2.0.0 Bye");
		_exit(0);
	} else {
		printf("heard %s\n", line);
		say(c, "500 5.5.2 What?");
	}
}

/* All of it: a sender has it in one piece. */
static void
read_header(struct client *c)
{
	unsigned char h[16 + 36];
	uint16_t port = 0;
	size_t size;

	if (recv(c->fd, h, 16, MSG_WAITALL) != 16)
		_exit(0);
	size = h[15];
	if (memcmp(h, "\r\n\r\n\0\r\nQUIT\n", 12) != 0 || h[14] != 0 ||
	    size > 36)
		_exit(0);
	if (h[12] == 0x20) {
		printf("connected local\n");
		return;
	}
	if (recv(c->fd, h + 16, size, MSG_WAITALL) != (ssize_t)size)
		_exit(0);
	inet_ntop(size == 12 ? AF_INET : AF_INET6, h + 16, c->address,
	    sizeof(c->address));
	memcpy(&port, h + 16 + size - 4, sizeof(port));
	snprintf(c->port, sizeof(c->port), "%u", ntohs(port));
	printf("connected %s %s\n", c->address, c->port);
}

static void
welcome(const struct client *c)
{
	bool is_9 = strcmp(c->address, "127.0.0.9") == 0;

	if (is_9 && has_habit("closes-9"))
		_exit(0);
	if (is_9 && has_habit("goodbye-9")) {
		say(c, "421 4.7.1 Not now");
		_exit(0);
	}
	say(c,
	    is_9 && has_habit("refuses-9") ? "554 5.7.1 Not you"
					   : "220 mta.test ESMTP");
}

/* One connection, in a process of its own that ends with the first one. */
static void
serve(int fd)
{
	static struct client c;
	char line[4096];

	const int on = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A reply of several lines is several writes here. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c.fd = fd;
	c.in = fdopen(fd, "r");
	if (has_habit("proxy"))
		read_header(&c);
	else
		printf("connected\n");
	welcome(&c);
	while (c.in != NULL && fgets(line, sizeof(line), c.in) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		run(&c, line);
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct listen_socket listener;
	char where[64];

	if (argc < 2)
		return 2;
	habits = argv + 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGCHLD, SIG_IGN);
	snprintf(where, sizeof(where), "127.0.0.1:%s", argv[1]);
	if (listen_open_tcp(where, 1024, &listener) < 0 ||
	    fd_set_nonblocking(listener.fd, false) < 0) {
		perror("fake_backend");
		return 1;
	}
	for (;;) {
		int fd = accept(listener.fd, NULL, NULL);

		if (fd >= 0 && fork() == 0)
			serve(fd);
		fd_close(&fd);
	}
}
