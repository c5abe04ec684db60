#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Flow control of one connection: whether it is read from, whether its answers
 * are sent or thrown away, and when it is closed.  Pure: one table of states.
 *
 * Two things can stop a peer.  It may end its questions, or hang up; and it may
 * read so slowly that there is no room for the answer to the next question,
 * which then waits, and nothing more is read.
 *
 *	             there is room      a message waits for room
 *	at first     TALKING            STALLED
 *	it has ended ENDED              ENDED_STALLED
 *	it hung up   DEAF               DEAF_STALLED
 *	both         GONE               GONE
 */

#include <stdbool.h>

enum flow {
	FLOW_TALKING,
	FLOW_STALLED,
	FLOW_ENDED, /* it gets its answers */
	FLOW_ENDED_STALLED,
	/* It reads nothing more, but what it has sent is taken: lessons are
	 * among it. */
	FLOW_DEAF,
	FLOW_DEAF_STALLED,
	FLOW_GONE,
	FLOW_CLOSED,
	FLOW_COUNT
};

enum flow_event {
	FLOW_END,     /* all that it ever sends has been read */
	FLOW_HANG_UP, /* it will not read what is sent */
	FLOW_FULL,    /* a message waits for room for its answer */
	FLOW_ROOM,    /* none does: all that are complete have been taken */
	FLOW_REST,    /* all that can be done now has been; answers are owed */
	FLOW_SETTLED, /* the same, and nothing is owed */
	FLOW_FAULT,   /* the connection fails, or it speaks something else */
	FLOW_EVENT_COUNT
};

/* What follows.  Every event may come in every state. */
enum flow flow_next(enum flow, enum flow_event);

/* Whether it is read from. */
bool flow_reads(enum flow);
/* Whether answers are sent; else they are thrown away. */
bool flow_answers(enum flow);
