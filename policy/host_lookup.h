#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The addresses of a host, as the system knows it (files, DNS, whatever
 * nsswitch.conf says), found by a thread of the C library's while nobody
 * waits.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"

struct host_lookup;

/* NULL: no memory, or no thread. */
struct host_lookup *host_lookup_start(const char *host);

/* -EAGAIN while it is under way; then the number of addresses, or -ENOENT with
 * the reason, static, in *RET_WHY. */
int host_lookup_poll(struct host_lookup *, const char **ret_why) MUST_CHECK;

/* The Nth address, counted around, as text at BUF.  After host_lookup_poll()
 * said that there are some. */
const char *host_lookup_address(
    const struct host_lookup *, size_t n, char buf[static INET6_ADDRSTRLEN]);

/* NULL ok.  One that is under way is left to its thread, which cannot be
 * stopped. */
struct host_lookup *host_lookup_free(struct host_lookup *);
