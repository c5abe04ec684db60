#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * An MTA's first moments.  Until it has said something to its client, or its
 * time is over, we keep the client's socket and the dispatcher's connection: an
 * MTA that ends without a word has not served the session, the client hears a
 * 421 instead of nothing, and the dispatcher is told.  So it is of one that
 * ends of its own accord when it has only greeted: that was no greeting, but
 * "421 Too many connections" or the like.
 *
 * Keeping the socket delays nothing but the end of a connection that the MTA
 * closes without ending itself, and that by one look.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/util.h"

struct watch {
	int client;     /* ours beside the MTA's; -1: nothing is watched */
	int dispatcher; /* told of the end by being closed */
	/* To the client, and of what it says read, before the MTA started. */
	uint64_t written, heard;
};

enum watch_news {
	WATCH_SILENT, /* the client waits for the MTA's first word */
	WATCH_SPOKE,  /* the MTA has written to it */
	WATCH_LEFT,   /* the client has ended its half, or all of it */
	WATCH_ALONE,  /* the dispatcher has hung up */
};

/* What had been written to CLIENT and read from it before the MTA had it; false:
 * that cannot be seen, and nothing be watched. */
bool watch_prepare(struct watch *, int client);
/* Watches it; takes both descriptors. */
void watch_begin(struct watch *, int client, int dispatcher);

enum watch_news watch_look(const struct watch *);

/* Whether the client is still there, on both halves of its connection. */
bool watch_has_client(const struct watch *);

/* Whether the MTA has read anything of what the client said. */
bool watch_has_listened(const struct watch *);

/* The MTA serves the session: the dispatcher sees the end of the file. */
void watch_served(struct watch *);

/* It does not: the dispatcher reads a message with result=failed first, and a
 * client that has heard nothing from the MTA hears a 421 in HOST's name. */
void watch_failed(struct watch *, const char *host);
