#pragma once
/* SPDX-License-Identifier: ISC */
/* Descriptors that close themselves, and the way to give one away. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "bin/common/util.h"

/* Closes *FD unless it is negative, and sets it to -1; errno is kept. */
static inline void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/* A local that owns a descriptor and closes it when it goes out of scope. */
#define AUTO_FD __attribute__((cleanup(fd_close))) int

/* The descriptor in *FD, which no longer owns it. */
static inline int
fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Sets or clears O_NONBLOCK; 0 or -errno.  The flag belongs to the open file
 * description: whoever shares the descriptor sees it too. */
static inline int
fd_set_nonblocking(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

/* Writes all of it to a blocking descriptor; 0 or -errno. */
static inline int
fd_write_all(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);

		if (n < 0)
			return -errno;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}
