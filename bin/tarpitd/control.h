#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The control socket: questions about the dispatcher and orders to it, each
 * one name=value message, answered by one message or, for a list, by one for
 * each item and a last one with `end=`.  What is long is done in slices, one
 * for each time that the client can be written to, so that no session waits
 * for somebody who looks.  Clients are few, are given up when they do nothing,
 * and get no more memory than is set aside for them.
 */

#include "bin/common/linebuf.h"
#include "bin/common/listen.h"
#include "bin/tarpitd/dispatcher.h"

enum { CONTROL_CLIENTS = 16, CONTROL_LISTENERS = 4 };

struct control_client {
	struct control *control; /* NULL: free */
	struct loop_io io;
	struct timer idle;
	uint32_t events; /* what the loop watches for */
	bool eof;        /* it will ask nothing more */
	bool gone;       /* it will hear nothing more */
	struct command command;
	/* How the command at hand goes on; false when it is done. */
	bool (*job)(struct control_client *, uint64_t now);
	uint32_t at, n; /* how far it is, and what it has counted */
	struct linebuf in;
	size_t out_len, out_sent;
	char in_buf[2 * COMMAND_MAX];
	char out[2 * ATTRS_MAX];
};

struct control {
	struct loop *loop;
	struct dispatcher *dispatcher;
	struct acceptor acceptor[CONTROL_LISTENERS];
	size_t n_listeners;
	struct control_client client[CONTROL_CLIENTS];
};

/* Serves the N listening SOCKETS, which stay the caller's and open until
 * control_fini().  0 or -errno: -E2BIG for more than CONTROL_LISTENERS. */
int control_init(struct control *, struct dispatcher *,
    const struct listen_socket *sockets, size_t n) MUST_CHECK;
void control_fini(struct control *);
