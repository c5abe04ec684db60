/* SPDX-License-Identifier: ISC */
/* Whether sessions get to the MTA, and are served there. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/common/identity.h"
#include "bin/tarpitctl/doctor.h"

enum {
	/* DESIGN: nobody who may be let in waits longer for a greeting. */
	GREETING_SECONDS = 30,
};

/*
 * The rights of the service's user
 */

/* In a process of its own, which becomes WHO: 0, or the errno of an access to
 * PATH that connect(2) would meet. */
static int
access_as(const struct identity *who, const char *path)
{
	int status = 0;
	pid_t child = fork();

	if (child < 0)
		return 0;
	if (child == 0) {
		if (identity_become(who) < 0)
			_exit(0);
		_exit(access(path, W_OK) < 0 ? errno & 0xff : 0);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 0;
	return WEXITSTATUS(status);
}

static void
check_rights(struct doctor *d)
{
	const struct message *m = &d->survey.tarpitd.said;
	char target[256];
	const char *path;
	struct identity who;
	int error;

	message_text(m, "handoff.target", target, sizeof(target));
	path = strchr(target, ':');
	if (path == NULL || path[1] != '/')
		return; /* proxy:, or an older tarpitd */
	path++;
	if (geteuid() != 0 ||
	    !identity_of_process(message_number(m, "pid"), &who)) {
		doctor_skip(d,
		    "whether tarpitd may use the MTA's socket: "
		    "only root can try that");
		return;
	}
	error = access_as(&who, path);
	if (error == ENOENT)
		doctor_find(d, FOUND_MTA_AWAY, "there is no socket %s", path);
	else if (error != 0)
		doctor_find(d, FOUND_MTA_RIGHTS,
		    "tarpitd (user %u) may not use %s: %s", who.uid, path,
		    strerror(error));
}

/*
 * A session
 */

enum greeting {
	GREETED,
	GREETED_SLOWLY, /* by us first */
	REFUSED,
	CLOSED,
	SILENT,
};

/* Reads until the greeting's last line is in BUF, which it then starts with.
 */
static enum greeting
read_greeting(int fd, char *buf, size_t size)
{
	uint64_t until = clock_now() + GREETING_SECONDS * USEC_PER_SEC;
	bool slowly = false;
	size_t len = 0;

	for (;;) {
		struct pollfd in = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_now();
		char *end;
		ssize_t n;

		while ((end = memchr(buf, '\n', len)) != NULL && len > 3 &&
		    buf[3] == '-') {
			slowly = true;
			len -= (size_t)(end + 1 - buf);
			memmove(buf, end + 1, len);
		}
		if (end != NULL || len == size - 1) {
			buf[len] = '\0';
			buf[strcspn(buf, "\r\n")] = '\0';
			if (buf[0] != '2')
				return REFUSED;
			return slowly ? GREETED_SLOWLY : GREETED;
		}
		if (now >= until ||
		    poll(&in, 1, (int)((until - now) / USEC_PER_MSEC) + 1) <= 0)
			return SILENT;
		n = recv(fd, buf + len, size - 1 - len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return CLOSED;
		len += n > 0 ? (size_t)n : 0;
	}
}

/* As a client on this machine, which is not slowed unless somebody has made
 * it so. */
static void
check_session(struct doctor *d)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((in_port_t)d->t->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char line[600] = "";

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		doctor_skip(d,
		    "a session: the port is not reached by way of "
		    "127.0.0.1");
		return;
	}
	switch (read_greeting(fd, line, sizeof(line))) {
	case GREETED_SLOWLY:
		doctor_find(d, FOUND_LOOPBACK_SLOWED,
		    "a client on this machine was slowed");
		break;
	case REFUSED:
		doctor_find(d, FOUND_MTA_SILENT,
		    "a session was refused with \"%.200s\"", line);
		break;
	case CLOSED:
		doctor_find(d, FOUND_MTA_SILENT,
		    "a session was closed without a greeting");
		break;
	case SILENT:
		doctor_find(d, FOUND_MTA_SILENT,
		    "a session had no greeting within %d s", GREETING_SECONDS);
		break;
	case GREETED:
		break;
	}
	(void)send(fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
}

void
doctor_check_mta(struct doctor *d)
{
	if (d->survey.tarpitd.error == 0)
		check_rights(d);
	if (!doctor_has_found(d, FOUND_PORT_CLOSED) &&
	    !doctor_has_found(d, FOUND_PORT_FOREIGN))
		check_session(d);
}
