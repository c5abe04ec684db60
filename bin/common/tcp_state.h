#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What has become of a TCP connection that another process has as well: whether
 * anybody has written to it since, and whether both sides still have it open.
 * One system call or two, which take the socket's lock and read nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/util.h"

struct tcp_state {
	/* Bytes of data that have been written to it, by whomsoever, sent or
	 * not; only differences mean something. */
	uint64_t written;
	bool is_open; /* neither side has ended its half */
};

/* 0, or -errno: FD is not a TCP connection. */
int tcp_state_read(int fd, struct tcp_state *ret) MUST_CHECK;

/* Bytes of data that have been read from it, by whomsoever; only differences
 * mean something.  Those that arrive just now may count.  0 or -errno. */
int tcp_state_heard(int fd, uint64_t *ret) MUST_CHECK;
