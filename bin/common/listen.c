/* SPDX-License-Identifier: ISC */
#include "bin/common/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "bin/common/decimal.h"
#include "bin/common/fd.h"

enum {
	/* Connections taken at one go: a burst must not keep the sessions that
	 * we have waiting (4.9 us each, so 0.16 ms). */
	ACCEPT_BATCH = 32,
};

/* How long accepting rests when nothing can be accepted: long enough not to
 * spin, short enough that the kernel's queue does not overflow. */
#define ACCEPT_PAUSE (100 * USEC_PER_MSEC)

static bool
socket_flag(int fd, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 &&
	    value != 0;
}

static int
prepare(int fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return fd_set_nonblocking(fd, true);
}

static int
adopt_systemd(struct listen_socket *sockets, int n, char **names)
{
	for (int i = 0; i < n; i++) {
		struct listen_socket *s = &sockets[i];
		int r;

		s->fd = SD_LISTEN_FDS_START + i;
		s->origin = LISTEN_SYSTEMD;
		snprintf(s->name, sizeof(s->name), "%s", names[i]);
		if (sd_is_socket(s->fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
			return -ENOTSOCK;
		r = prepare(s->fd);
		if (r < 0)
			return r;
	}
	return n;
}

/* inetd gives the socket as descriptors 1 and 2 as well: what we print must not
 * go to a client, and its connection must end when we close it. */
static void
silence_stdio(void)
{
	AUTO_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int on;
	socklen_t len = sizeof(on);

	if (null < 0)
		return;
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &on, &len) == 0)
			(void)dup2(null, fd);
}

/* Descriptor 0 tells what inetd gave: a listening socket (wait) or an accepted
 * one (nowait); anything else, a terminal say, and it was not inetd. */
static int
adopt_inetd(struct listen_socket *s)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int r;

	if (socket_flag(STDIN_FILENO, SO_ACCEPTCONN))
		s->origin = LISTEN_INETD_WAIT;
	else if (getpeername(STDIN_FILENO, (struct sockaddr *)&peer, &len) ==
		0 &&
	    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
		s->origin = LISTEN_INETD_NOWAIT;
	else
		return 0;
	silence_stdio();
	s->fd = STDIN_FILENO;
	s->name[0] = '\0';
	r = prepare(s->fd);
	return r < 0 ? r : 1;
}

int
listen_adopt(struct listen_socket sockets[static LISTEN_MAX])
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int r;

	if (n < 0)
		return n;
	if (n > LISTEN_MAX)
		r = -E2BIG;
	else if (n > 0)
		r = adopt_systemd(sockets, n, names);
	else
		r = adopt_inetd(&sockets[0]);
	for (int i = 0; names != NULL && i < n; i++)
		free(names[i]);
	free(names);
	return r;
}

bool
listen_is_started_with(void)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	return sd_listen_fds(0) > 0 ||
	    socket_flag(STDIN_FILENO, SO_ACCEPTCONN) ||
	    (getpeername(STDIN_FILENO, (struct sockaddr *)&peer, &len) == 0 &&
		(peer.ss_family == AF_INET || peer.ss_family == AF_INET6));
}

/* Splits WHERE at its last colon; brackets round an IPv6 address are taken
 * off.  0 or -EINVAL. */
static int
split_address(const char *where, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(where, ':');
	size_t len;

	if (colon == NULL || colon == where || colon[1] == '\0')
		return -EINVAL;
	len = (size_t)(colon - where);
	if (where[0] == '[' && colon[-1] == ']') {
		where++;
		len -= 2;
	} else if (memchr(where, ':', len) != NULL) {
		return -EINVAL; /* an IPv6 address without its brackets */
	}
	if (len == 0 || len >= size)
		return -EINVAL;
	memcpy(host, where, len);
	host[len] = '\0';
	*port = colon + 1;
	return 0;
}

static int
bind_tcp(const struct addrinfo *ai, int backlog, struct listen_socket *ret)
{
	const int on = 1;
	AUTO_FD fd = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (ai->ai_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
	    listen(fd, backlog) < 0)
		return -errno;
	*ret = (struct listen_socket){ .fd = fd_take(&fd),
		.origin = LISTEN_OPENED };
	return 0;
}

int
listen_open_tcp(const char *where, int backlog, struct listen_socket *ret)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *ai;
	char host[INET6_ADDRSTRLEN + 32];
	const char *port;
	int64_t number;
	int r = split_address(where, host, sizeof(host), &port);

	/* getaddrinfo() takes 65536 and makes port 0 of it. */
	if (r < 0 || decimal_parse(port, strlen(port), 0, 65535, &number) < 0)
		return -EINVAL;
	if (getaddrinfo(strcmp(host, "*") == 0 ? "0.0.0.0" : host, port, &hints,
		&ai) != 0)
		return -EINVAL;
	r = bind_tcp(ai, backlog, ret);
	freeaddrinfo(ai);
	return r;
}

/* A socket file without a listener refuses connections: it is a leftover.  So
 * does connect(2) with a file of any other kind, which is somebody's. */
static bool
is_stale(const struct sockaddr_un *sun)
{
	struct stat st;
	AUTO_FD fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && lstat(sun->sun_path, &st) == 0 &&
	    S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 &&
	    errno == ECONNREFUSED;
}

int
listen_open_unix(
    const char *path, unsigned int mode, int backlog, struct listen_socket *ret)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	AUTO_FD fd = -1;
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (is_stale(&sun))
		unlink(path);
	/* The mask gives the file its mode from its first moment on. */
	mask = umask(~(mode_t)mode & 0777);
	r = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	umask(mask);
	if (r < 0 || listen(fd, backlog) < 0)
		return -errno;
	*ret = (struct listen_socket){ .fd = fd_take(&fd),
		.origin = LISTEN_OPENED };
	return 0;
}

/* Nothing that waiting for the next connection would mend. */
static bool
is_exhaustion(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	    error == ENOMEM;
}

/* Registered with the loop exactly while neither stopped nor paused. */
static void
set_listening(struct acceptor *a, bool was)
{
	bool is = !a->stopped && !a->paused;

	if (is == was)
		return;
	if (!is) {
		loop_remove(a->loop, &a->io);
	} else if (loop_add(a->loop, &a->io, EPOLLIN) < 0) {
		/* epoll itself is out of memory: the same pause mends it. */
		a->paused = true;
		loop_arm(a->loop, &a->retry, loop_now(a->loop) + ACCEPT_PAUSE);
	}
}

static void
pause_accepting(struct acceptor *a, int error, uint64_t now)
{
	bool was = !a->stopped && !a->paused;
	bool again = a->error != 0;

	a->paused = true;
	a->pauses++;
	a->error = error;
	loop_arm(a->loop, &a->retry, now + ACCEPT_PAUSE);
	set_listening(a, was);
	if (!again && a->on_pause != NULL)
		a->on_pause(a, error);
}

/* An accept that works after a pause ends it. */
static void
note_success(struct acceptor *a)
{
	if (a->error == 0)
		return;
	a->error = 0;
	if (a->on_pause != NULL)
		a->on_pause(a, 0);
}

static void
on_listener_readable(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct acceptor *a = CONTAINER_OF(io, struct acceptor, io);
	struct slice slice = slice_begin(LOOP_SLICE);

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH && !a->stopped && !a->paused &&
	     (i == 0 || !slice_is_over(&slice));
	     i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t len = sizeof(peer);
		int fd = accept4(io->fd, (struct sockaddr *)&peer, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			note_success(a);
			a->on_accept(a, fd, &peer, now);
		} else if (is_exhaustion(errno)) {
			pause_accepting(a, -errno, now);
		} else if (errno == EAGAIN) {
			return;
		}
		/* Else accept(2) reports what befell a connection that is no
		 * more (ECONNABORTED, EPROTO, ENETDOWN, ...): to the next. */
	}
}

static void
on_retry(struct timer *t, uint64_t now)
{
	struct acceptor *a = CONTAINER_OF(t, struct acceptor, retry);

	(void)now;
	a->paused = false;
	set_listening(a, false);
}

int
acceptor_init(struct acceptor *a, struct loop *loop, int fd)
{
	a->loop = loop;
	a->io = (struct loop_io){ .fd = fd, .on_event = on_listener_readable };
	a->retry = (struct timer){ .on_timer = on_retry };
	a->stopped = a->paused = false;
	a->pauses = 0;
	a->error = 0;
	return loop_add(loop, &a->io, EPOLLIN);
}

void
acceptor_fini(struct acceptor *a)
{
	loop_cancel(a->loop, &a->retry);
	loop_remove(a->loop, &a->io);
}

void
acceptor_stop(struct acceptor *a)
{
	bool was = !a->stopped && !a->paused;

	a->stopped = true;
	set_listening(a, was);
}

void
acceptor_start(struct acceptor *a)
{
	bool was = !a->stopped && !a->paused;

	a->stopped = false;
	set_listening(a, was);
}
