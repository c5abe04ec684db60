/* SPDX-License-Identifier: ISC */
#include "bin/common/tcp_state.h"

#include <errno.h>
#include <linux/tcp.h> /* glibc's structure ends before the counts of bytes */
#include <netinet/in.h>
#include <string.h>
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
