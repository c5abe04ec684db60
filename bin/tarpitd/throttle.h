#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The lane throttle: an ESMTP dialogue at the session's rate, whose recipients
 * are the MTA's to judge and whose messages are handed to it complete.  Here
 * is what the states of such a session do at a visit; each returns the next
 * one (see session.c).
 *
 * Nothing is told 250 that the MTA has not told us 250.
 */

#include <netinet/in.h>

#include "bin/common/loop.h"
#include "bin/tarpitd/body.h"
#include "bin/tarpitd/dispatcher.h"
#include "bin/tarpitd/esmtp.h"
#include "bin/tarpitd/mux.h"
#include "bin/tarpitd/room.h"

enum throttle_flag {
	THROTTLE_WATCHED = 1 << 0, /* registered with the loop */
	THROTTLE_IN_BODY = 1 << 1, /* a body has begun, maybe in chunks */
	THROTTLE_LAST = 1 << 2,    /* the chunk is the last one */
	THROTTLE_WIDE = 1 << 3, /* its socket's buffers are not the smallest */
	THROTTLE_PATIENT = 1 << 4, /* it stood MaxDialogueDelay= */
	THROTTLE_FAILED = 1 << 5,  /* it was told 451 because of the MTA */
	THROTTLE_TOO_LARGE = 1 << 6,
	THROTTLE_NO_SPACE = 1 << 7,
	/* The MTA is asked about it alone. */
	THROTTLE_ASKS_SENDER = 1 << 8,
	/* The message is too large for us only. */
	THROTTLE_NO_ROOM = 1 << 9,
	/* The reply to be said next is the MTA's; `refused` is. */
	THROTTLE_MTA_SAYS = 1 << 10,
	THROTTLE_REFUSED_BY_MTA = 1 << 11,
	/* The reply being sent is the MTA's to a message. */
	THROTTLE_LAST_WORD = 1 << 12,
	/* It ends for too many errors, or commands. */
	THROTTLE_CUT = 1 << 13,
	/* The message is too much with others of its client. */
	THROTTLE_OVER_PART = 1 << 14,
	/* It ends because the message took too long. */
	THROTTLE_TOO_SLOW = 1 << 15,
};

/* What there is of a message, and its place in the spool: only while there is
 * something, since most of the time of most sessions there is not. */
struct throttle_message {
	struct throttle *of;
	struct spool spool;
	struct room_message room;
};

/* What such a session has besides its struct session: one a slot, used from
 * the end of the greeting on.  Lists of strings are interned with their NULs. */
struct throttle {
	struct loop_io io; /* WATCHED: at full speed the sweep is too slow */
	struct dispatcher *d;
	struct esmtp esmtp;
	struct body body;
	struct throttle_message *message; /* owned; NULL: nothing is stored */
	const char *refusal; /* of the chunk that is being thrown away */
	uint32_t sender;     /* interned "<path> PARAMETER ..." */
	/* Those that the MTA has accepted, each with its NUL: nobody else's, so
	 * not interned, which would hash them all again for each one more. */
	char *recipients; /* owned; NULL: none */
	uint32_t recipients_len, recipients_room;
	uint32_t candidate;  /* interned, the one it is being asked about */
	uint32_t out;        /* interned: the reply that is being sent */
	uint32_t refused;    /* interned: the last that was a refusal */
	uint32_t out_rate;   /* its pace; 0: at once */
	uint32_t earned;     /* time: accept, or the last delivery */
	uint32_t answer_by;  /* time: the MTA is waited for until then */
	uint32_t first_rate; /* that was decided on */
	uint32_t delay_left; /* msec that the dialogue may still be slowed */
	uint32_t body_from, body_until; /* times: slowed in between */
	uint32_t body_taken;            /* bytes, of a body or a long line */
	uint16_t messages, unheard;     /* taken by the MTA; nobody listened */
	uint16_t good, bad;             /* recipients */
	uint16_t flags;                 /* enum throttle_flag */
	uint8_t next; /* enum session_state, after the reply */
};

/* After the 220- lines: the greeting's last one. */
enum session_state throttle_begin(
    struct dispatcher *, struct session *, uint64_t now);
/* After the handshake: the dialogue begins anew, or ends if TLS is not
 * SECURED. */
enum session_state throttle_go_on(
    struct dispatcher *, struct session *, bool secured, uint64_t now);
/* Gives back all that the session has, whatever it was doing. */
void throttle_end(struct dispatcher *, struct session *, uint64_t now);

enum session_state throttle_visit_sending(
    struct dispatcher *, struct session *, uint64_t now);
enum session_state throttle_visit_command(
    struct dispatcher *, struct session *, uint64_t now);
enum session_state throttle_visit_skipping(
    struct dispatcher *, struct session *, uint64_t now);
enum session_state throttle_visit_body(
    struct dispatcher *, struct session *, uint64_t now);
enum session_state throttle_visit_waiting(
    struct dispatcher *, struct session *, uint64_t now);

/* Has a session that has more to do visited again, after the others. */
void throttle_visit_soon(struct dispatcher *, const struct session *);

/* Has it been here for longer than MaxThrottleTime= without the MTA taking
 * anything of it, and is not about to? */
bool throttle_is_over_time(
    const struct dispatcher *, const struct session *, uint64_t now);

/* How gladly one parts with a throttled session, the gladlier the lower; see
 * shedding.h. */
enum throttle_worth {
	THROTTLE_IDLE,   /* nothing delivered, and no transaction */
	THROTTLE_NEW,    /* not greeted yet */
	THROTTLE_STALE,  /* nothing has come of it for a minute */
	THROTTLE_BUSY,   /* nothing delivered, but a transaction */
	THROTTLE_WORTHY, /* it has delivered, or the MTA is at it */
};
enum throttle_worth throttle_worth(
    const struct dispatcher *, const struct session *, uint64_t now);

/* For the spool: the message gives way to others, and is refused for now; see
 * room.h. */
void throttle_expel(struct room_message *, void *dispatcher);

/* Goes on at full speed from NOW on. */
void throttle_hurry(struct dispatcher *, struct session *, uint64_t now);

/* Has the MTA the end of its message, and the client not yet its answer? */
bool throttle_is_committed(const struct dispatcher *, const struct session *);
/* That answer will not be waited for: the client is to hear nothing at all. */
enum session_state throttle_give_up(struct dispatcher *, struct session *);

/* For the pool of connections to the MTA (see mux.h). */
void throttle_describe(
    void *dispatcher, uint32_t slot, struct transaction *ret);
bool throttle_is_there(void *dispatcher, uint32_t slot);
void throttle_answer(void *dispatcher, uint32_t slot, enum mux_result result,
    const char *reply, size_t len, uint64_t now);

/* Has the session, which is in this lane, come to something for the record?
 * NULL if it never got as far. */
const struct throttle *throttle_find(
    const struct dispatcher *, const struct session *);

/* The last refusal that the session, which is in this lane, has heard, and whose
 * it was: *RET_LEN bytes, lines and all.  NULL: none. */
const char *throttle_refusal(const struct dispatcher *, const struct session *,
    size_t *ret_len, bool *ret_by_mta);

/* Did it end for what the client did? */
static inline bool
throttle_is_cut(const struct dispatcher *d, const struct session *s)
{
	const struct throttle *t = throttle_find(d, s);

	return t != NULL && (t->flags & THROTTLE_CUT) != 0;
}

/* Did it end because its message was below MinBodyRate=? */
static inline bool
throttle_is_too_slow(const struct dispatcher *d, const struct session *s)
{
	const struct throttle *t = throttle_find(d, s);

	return t != NULL && (t->flags & THROTTLE_TOO_SLOW) != 0;
}

/* Copies the rest of the reply's line that is being sent. */
size_t throttle_rest_of_line(
    const struct dispatcher *, const struct session *, char *buf, size_t size);
