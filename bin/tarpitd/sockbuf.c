/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/sockbuf.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.14; not in Debian 12's headers */
#endif

enum {
	/* The kernel makes 2,304 (receive) and 4,608 (send) of it. */
	SMALLEST = 1,
	/* A command line of 2,048 bytes beside what is left of a segment. */
	LINE = 8192,
	/* Half of net.ipv4.tcp_rmem's usual default; the kernel doubles it. */
	USUAL = 65536,
	NO_CLAMP = 1 << 30,
};

static void
set(int fd, int level, int option, int value)
{
	/* Best effort: without it we are slower or use more memory. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

/*
 * A socket's window scale is settled in the handshake, from the listener: with
 * SO_RCVBUF=1 alone it is 0, and a clean client that is handed on could never
 * have more than 64 KiB under way.  Clearing the lock that SO_RCVBUF leaves
 * makes the kernel choose the scale as if nothing had been set, while the
 * first window is still that of the small buffer.  Measured on 6.18: scale 10
 * and 1,152 bytes, and after the hand-off the throughput of an untouched
 * socket; on kernels without SO_BUF_LOCK the listener is left alone.
 */
void
sockbuf_prepare_listener(int listener)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(listener, SOL_SOCKET, SO_BUF_LOCK, &value, &len) < 0)
		return;
	set(listener, SOL_SOCKET, SO_RCVBUF, SMALLEST);
	set(listener, SOL_SOCKET, SO_BUF_LOCK, 0);
}

void
sockbuf_shrink(int fd)
{
	set(fd, SOL_SOCKET, SO_RCVBUF, SMALLEST);
	set(fd, SOL_SOCKET, SO_SNDBUF, SMALLEST);
}

/* A buffer counts whole segments: 11 bytes of one that are not yet a line kept
 * the window of a shrunk one closed for good (measured on 6.18: 1,856 bytes of
 * 2,304).  The new window is announced when something is read next, if only to
 * look at it. */
void
sockbuf_fit_line(int fd)
{
	char byte;

	set(fd, SOL_SOCKET, SO_RCVBUF, LINE);
	(void)recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
}

void
sockbuf_use_reno(int fd)
{
	static const char reno[] = "reno";

	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1);
}

/* The sizes are the kernel's defaults rather than none, since its own growth
 * from the smallest would take some round trips. */
void
sockbuf_restore(int fd)
{
	set(fd, SOL_SOCKET, SO_RCVBUF, USUAL);
	set(fd, SOL_SOCKET, SO_SNDBUF, USUAL);
	set(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
	set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, NO_CLAMP);
}

/* A client with Nagle's algorithm keeps a message's last bytes until the rest
 * is acknowledged, which the kernel puts off for 40 ms after a dialogue and
 * with a window that was small: 21 messages a second instead of 350. */
void
sockbuf_acknowledge(int fd)
{
	set(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}
