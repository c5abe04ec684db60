/* SPDX-License-Identifier: ISC */
#include "bin/common/tcp_state.h"

#include <errno.h>
#include <linux/tcp.h> /* glibc's structure ends before the counts of bytes */
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Of <netinet/tcp.h>, which cannot be had beside <linux/tcp.h>. */
enum { STATE_ESTABLISHED = 1 };

int
tcp_state_read(int fd, struct tcp_state *ret)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);

	memset(&i, 0, sizeof(i));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) < 0)
		return -errno;
	/* Sent at least once, and what waits for the client's window. */
	ret->written =
	    i.tcpi_bytes_sent - i.tcpi_bytes_retrans + i.tcpi_notsent_bytes;
	ret->is_open = i.tcpi_state == STATE_ESTABLISHED;
	return 0;
}

/* What is unread is looked at first: the other way round, bytes that arrive in
 * between would make less than nothing of it. */
int
tcp_state_heard(int fd, uint64_t *ret)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);
	int unread = 0;

	memset(&i, 0, sizeof(i));
	if (ioctl(fd, FIONREAD, &unread) < 0 ||
	    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) < 0)
		return -errno;
	*ret = i.tcpi_bytes_received - (unsigned int)unread;
	return 0;
}
