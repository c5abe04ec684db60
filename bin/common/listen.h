#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets: adopting those of systemd (LISTEN_FDS) and inetd
 * (descriptor 0), opening our own, and accepting from them without ever
 * spinning when descriptors or memory run out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "bin/common/loop.h"
#include "bin/common/util.h"

enum { LISTEN_MAX = 64 };

enum listen_origin {
	LISTEN_SYSTEMD,
	LISTEN_INETD_WAIT,   /* the listening socket is descriptor 0 */
	LISTEN_INETD_NOWAIT, /* a connected socket is descriptor 0 */
	LISTEN_OPENED,
};

struct listen_socket {
	int fd; /* owned by whoever was given the structure */
	enum listen_origin origin;
	char name[64]; /* FileDescriptorName=, or "" */
};

/* Finds the sockets that this process was started with: LISTEN_FDS, else
 * descriptor 0.  All are made close-on-exec and non-blocking.  The number
 * found (0: started by hand), or -errno: -ENOTSOCK for a descriptor of
 * systemd's that is no listening stream socket.  Under inetd, descriptors 1
 * and 2 are then /dev/null: open the journal before. */
int listen_adopt(struct listen_socket sockets[static LISTEN_MAX]) MUST_CHECK;

/* Whether listen_adopt() would find any; changes nothing. */
bool listen_is_started_with(void);

/* Opens "ADDRESS:PORT", "[ADDRESS]:PORT" or "*:PORT"; numeric.  IPv6 sockets
 * are IPv6 only, so that both families can be given side by side.  0, -EINVAL
 * (not of that form) or what socket, bind and listen said. */
int listen_open_tcp(
    const char *where, int backlog, struct listen_socket *ret) MUST_CHECK;

/* Opens a stream socket at PATH with MODE, in place of a stale one; 0 or
 * -errno: -EADDRINUSE if somebody listens there. */
int listen_open_unix(const char *path, unsigned int mode, int backlog,
    struct listen_socket *ret) MUST_CHECK;

/* Accepts from one listening socket. */
struct acceptor {
	struct loop_io io;
	struct loop *loop;
	struct timer retry;
	bool stopped;    /* by acceptor_stop() */
	bool paused;     /* after EMFILE and its like, until `retry` */
	uint64_t pauses; /* how often that happened */
	/* A new connection: FD is non-blocking, close-on-exec, the handler's
	 * own.  May call acceptor_stop(). */
	void (*on_accept)(struct acceptor *, int fd,
	    const struct sockaddr_storage *peer, uint64_t now);
	/* Accepting is paused because of ERROR (-EMFILE, -ENFILE, -ENOBUFS,
	 * -ENOMEM), or goes on (0).  May be NULL. */
	void (*on_pause)(struct acceptor *, int error);
	void *arg; /* the caller's own */
	int error; /* the one it paused for */
};

/* FD stays the caller's and must stay open until acceptor_fini().  The
 * handlers are set by the caller before.  0 or -errno. */
int acceptor_init(struct acceptor *, struct loop *, int fd) MUST_CHECK;
void acceptor_fini(struct acceptor *);

/* Leaves new connections in the kernel's queue, and takes them again. */
void acceptor_stop(struct acceptor *);
void acceptor_start(struct acceptor *);
