#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * An MTA's first moments.  Until it has said something to its client, or its
 * time is over, we keep the client's socket and the dispatcher's connection: an
 * MTA that ends without a word has not served the session, the client hears a
 * 421 instead of nothing, and the dispatcher is told.
 *
 * Keeping the socket delays nothing but the end of a connection that the MTA
 * closes without ending itself, and that by one look.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/util.h"

struct watch {
	int client;       /* ours beside the MTA's; -1: nothing is watched */
	int dispatcher;   /* told of the end by being closed */
	uint64_t written; /* to the client, before the MTA started */
};

enum watch_news {
	WATCH_SILENT, /* the client waits for the MTA's first word */
	WATCH_SPOKE,  /* the MTA has written to it */
	WATCH_LEFT,   /* the client has ended its half, or all of it */
	WATCH_ALONE,  /* the dispatcher has hung up */
};

/* Watches CLIENT, to which WRITTEN bytes (tcp_state.h) had been written; takes
 * both descriptors. */
void watch_begin(struct watch *, int client, int dispatcher, uint64_t written);

enum watch_news watch_look(const struct watch *);

/* Whether the client is still there, on both halves of its connection. */
bool watch_has_client(const struct watch *);

/* The MTA serves the session: the dispatcher sees the end of the file. */
void watch_served(struct watch *);

/* It does not: the dispatcher reads a message with result=failed first, and a
 * client that has heard nothing from the MTA hears a 421 in HOST's name. */
void watch_failed(struct watch *, const char *host);
