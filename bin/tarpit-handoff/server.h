#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The hand-off service: one connection is one session, and it becomes one MTA
 * process.
 *
 * The protocol, as the dispatcher sees it.  It connects to our stream socket
 * and sends, best in one sendmsg(), a name=value message (attrs.h) with
 * client_address, client_port, server_address and server_port, the client's
 * descriptor attached to the first byte.  What it sees then:
 *
 *   nothing yet    waiting in the socket's queue for a free MTA, in order, or
 *                  for the first word of one that has just been started
 *   end of file    an MTA serves it; the dispatcher closes its copy
 *   result=failed  and the end of file: one was started and did not serve it.
 *                  The client has been told, by us if not by the MTA
 *   ECONNRESET     not taken (the message is wrong, the MTA cannot be
 *                  started, the service ends): the session is untouched, and
 *                  the dispatcher's to try again or to turn away
 *   EAGAIN from connect()   the queue is full
 *
 * The dispatcher keeps the connection until then: closing it earlier takes a
 * waiting session back.  Exactly one of the two ever speaks to the client.
 *
 * On Linux closing an AF_UNIX stream resets the peer if bytes are unread, and
 * ends its file if not.  So the message is only peeked at until its MTA runs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/common/util.h"

struct server;

struct server_config {
	size_t max;            /* MTAs at a time */
	uint64_t read_timeout; /* usec a dispatcher may take for its message */
	uint64_t early_exit;   /* an MTA failing within this never worked; how
				* long it is waited for that it greets */
	char *const *argv;     /* the MTA's command; borrowed */
	char *const *env;      /* its environment; borrowed */
};

struct server_counts {
	size_t running;     /* MTAs now */
	uint64_t taken;     /* sessions that became an MTA */
	uint64_t failed;    /* ... that could not, or that failed at once */
	uint64_t withdrawn; /* dispatcher or client left before */
};

/* LOOP, JOURNAL and the listening sockets LISTENERS stay the caller's and
 * must outlive the server.  0 or -errno. */
int server_new(struct loop *loop, struct journal *journal,
    const struct server_config *config, const int *listeners,
    size_t n_listeners, struct server **ret) MUST_CHECK;
struct server *server_free(struct server *);

/* Takes other settings from now on; running MTAs count and stay, even beyond
 * a smaller maximum.  0 or -ENOMEM: then the old settings stand. */
int server_configure(struct server *, const struct server_config *) MUST_CHECK;

/* Collects MTAs that have ended; to be called on SIGCHLD. */
void server_reap(struct server *, uint64_t now);

struct server_counts server_counts(const struct server *);
