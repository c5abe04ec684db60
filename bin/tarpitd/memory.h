#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * How much memory there is for sessions: the least of what the control groups
 * above this process allow (version 2: memory.max and memory.high; version 1:
 * memory.limit_in_bytes), of half of the machine's memory, whose other half is
 * the MTA's and the kernel's, and of three quarters of what is available now,
 * where /proc/meminfo can be read.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	MEMORY_BOUND_SIZE = 192,
	/* What a session takes at the most for long, in bytes: 4.1 KB of the
	 * kernel's for its socket (measured with a million of them: 3.9 KB, and
	 * 0.2 KB to watch it), 16 KB of OpenSSL's if it has TLS, and its share
	 * of what is on its way.  One in plain text takes a fifth of it. */
	MEMORY_PER_SESSION = 24 * 1024,
};

/* Bytes, and what bounds them in words ("memory.max of /system.slice").  ROOT
 * is "" but for tests: what stands before /proc and /sys. */
uint64_t memory_limit(const char *root, char ret_bound[MEMORY_BOUND_SIZE]);

/* What messages that are coming in may take of LIMIT when SpoolMax= is WANTED,
 * bytes: all of it is memory, files included.  A quarter at the most, so that
 * the half for sessions, below, is left. */
uint64_t memory_spool(uint64_t limit, uint64_t wanted);

/* How many sessions fit into LIMIT when OTHER bytes are for something else; at
 * least into half of it. */
uint64_t memory_sessions(uint64_t limit, uint64_t other);
