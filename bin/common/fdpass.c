/* SPDX-License-Identifier: ISC */
#include "bin/common/fdpass.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/fd.h"

/* Room for two: a peer that sends more than one is to be noticed. */
enum { FDS_MAX = 2 };

union control {
	struct cmsghdr header; /* for its alignment */
	char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

ssize_t
fdpass_send(int sock, int passed, const void *data, size_t len)
{
	union control control = { .room = { 0 } };
	/* sendmsg() does not write to what it sends. */
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data,
		.iov_len = len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = CMSG_SPACE(sizeof(int)) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	/* Without a byte of data Linux sends nothing and reports success. */
	if (len == 0)
		return -EINVAL;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &passed, sizeof(int));
	n = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

/* Collects the descriptors of MSG: the first in *FD, any further ones are
 * closed.  How many there were. */
static size_t
collect(struct msghdr *msg, int *fd)
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t bytes;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = c->cmsg_len - CMSG_LEN(0);
		for (size_t at = 0; at + sizeof(int) <= bytes;
		     at += sizeof(int)) {
			int got;

			memcpy(&got, CMSG_DATA(c) + at, sizeof(int));
			if (n++ == 0)
				*fd = got;
			else
				fd_close(&got);
		}
	}
	return n;
}

ssize_t
fdpass_recv(int sock, void *buf, size_t size, int *ret_fd)
{
	union control control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	AUTO_FD fd = -1;
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	if (collect(&msg, &fd) > 1 || (msg.msg_flags & MSG_CTRUNC) != 0)
		return -EBADMSG;
	*ret_fd = fd_take(&fd);
	return n;
}
