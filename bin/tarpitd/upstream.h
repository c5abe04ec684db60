#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * One connection to the MTA, on which one client's transaction after another
 * is run: XCLIENT with the client's identity, EHLO, MAIL, RCPT, and then the
 * whole message.  After a recipient was only asked about the transaction is
 * left open, for its owner to go on with or to give up.  Knows neither sessions
 * nor the pool: what it is to do comes as a transaction, what came of it goes
 * to a handler.
 *
 * Where the MTA has no XCLIENT a PROXY header says who the client is.  It comes
 * first and once, so such a connection is idle before anything has been said,
 * serves one client, and ends.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bin/common/linebuf.h"
#include "bin/common/loop.h"
#include "bin/tarpitd/esmtp.h"
#include "bin/tarpitd/spool.h"

/* A client's transaction.  All pointers are the client's and stay valid until
 * the handler has been called, or upstream_abandon(). */
struct transaction {
	struct in6_addr client, server; /* from, and to which address of ours */
	in_port_t port, server_port;
	bool esmtp;               /* it said EHLO rather than HELO */
	const char *helo;         /* "": it has not said hello */
	const char *sender;       /* "<path> PARAMETER ..." */
	const char *recipients;   /* the same, NUL-terminated, one by one */
	size_t recipients_len;    /* with their NULs; 0: ask about the sender */
	const struct spool *body; /* NULL: ask about the one recipient */
	bool first;               /* none has been accepted before that one */
	bool goes_on;             /* at full speed: more may follow at once */
};

/* What XCLIENT and EHLO tell the MTA, which then stands for as many
 * transactions as the client has. */
struct identity {
	struct in6_addr client, server;
	in_port_t port, server_port;
	bool esmtp;
	char helo[256]; /* RFC 5321, 4.5.3.1.2 */
};

enum upstream_phase {
	UPSTREAM_CLOSED,
	UPSTREAM_CONNECTING,
	UPSTREAM_BANNER,
	UPSTREAM_HELLO, /* our own EHLO: what does it offer? */
	UPSTREAM_IDLE,
	UPSTREAM_PROXY, /* the client's own connection: its header, a banner */
	UPSTREAM_XCLIENT,
	UPSTREAM_EHLO,
	UPSTREAM_MAIL,
	UPSTREAM_RCPT,
	UPSTREAM_OPEN, /* asked about; more of the transaction may follow */
	UPSTREAM_DATA,
	UPSTREAM_BODY,
	UPSTREAM_FINAL, /* the dot is on its way or has been sent */
	UPSTREAM_RSET,
	UPSTREAM_QUIT,
	UPSTREAM_PHASE_COUNT
};

enum upstream_result {
	UPSTREAM_SAID,    /* the MTA's reply is the answer */
	UPSTREAM_KEPT,    /* the same, and the transaction is still open */
	UPSTREAM_CHANGED, /* it refused a recipient that it had accepted */
	UPSTREAM_GONE,    /* the client has left before the dot was sent */
	UPSTREAM_LOST,    /* the connection was lost, nothing is delivered; the
			     reply is the MTA's good-bye, if it said one */
	UPSTREAM_TIMED_OUT, /* to this client it does not answer, or not soon */
	UPSTREAM_UNSURE,    /* lost after the dot */
	UPSTREAM_NO_IDENTITY, /* XCLIENT is refused: nothing can be done */
	UPSTREAM_SPOILED, /* our copy of the message cannot be read, or the MTA
			     does not understand us */
};

struct upstream;

struct upstream_handler {
	/* What was run is over; then `on_idle`, `on_open` or `on_closed`
	 * follows. */
	void (*on_done)(struct upstream *, enum upstream_result result,
	    const char *reply, size_t len, uint64_t now);
	/* Ready for a transaction, the first or another one. */
	void (*on_idle)(struct upstream *, uint64_t now);
	/* The transaction is open: upstream_resume(), upstream_release() or
	 * another client's upstream_run(). */
	void (*on_open)(struct upstream *, uint64_t now);
	/* Over; WHY is for the operator, NULL for an end in order.  The
	 * handler may free the structure. */
	void (*on_closed)(struct upstream *, const char *why, uint64_t now);
	/* Is the client still there?  Asked just before the dot. */
	bool (*is_wanted)(struct upstream *);
};

struct upstream {
	struct loop_io io;
	struct timer timer; /* of what is being waited for */
	struct loop *loop;
	const struct upstream_handler *handler;
	const char *host_name; /* for our own EHLO; borrowed */
	uint64_t timeout;      /* usec, of a reply */
	bool proxied;          /* PROXY says who the client is, not XCLIENT */
	bool probes;           /* no client: what does the MTA offer? */

	uint8_t phase; /* enum upstream_phase; only enter() sets it */
	bool busy;     /* there is a transaction */
	bool has_xclient, wants_out;
	const char *why;            /* it is being closed, if not in order */
	uint8_t refusals;           /* replies 4xx and 5xx on this connection */
	uint16_t uses;              /* transactions on this connection */
	struct esmtp_limits offers; /* what its EHLO said */
	struct identity identity;   /* whom the MTA takes us for, */
	bool identified;            /* if it has been told */
	struct transaction tx;
	size_t said, heard; /* offsets in tx.recipients */
	bool said_data;
	uint32_t owed; /* replies that are still to come, */
	uint32_t skip; /* and so many of them mean nothing */
	uint64_t body_at;
	struct linebuf in;
	size_t out_at, out_len;
	char out[16384];
};

/* Connects to ADDRESS; the caller has set what stands above the empty line but
 * io and timer.  0 or -errno: then no handler is called. */
int upstream_open(struct upstream *, const struct sockaddr_storage *address,
    socklen_t len, uint64_t now) MUST_CHECK;
/* Closes without a word, and without on_closed(). */
void upstream_fini(struct upstream *);

/* Does the MTA take us for the client of TX? */
bool upstream_knows(const struct upstream *, const struct transaction *tx);
/* Can it be told so? */
bool upstream_suits(const struct upstream *, const struct transaction *tx);
/* Runs TX on a connection that is idle, or whose open transaction may go. */
void upstream_run(
    struct upstream *, const struct transaction *tx, uint64_t now);
/* Goes on with the open transaction: the recipient of TX, or its body. */
void upstream_resume(
    struct upstream *, const struct transaction *tx, uint64_t now);
/* The open transaction will not be gone on with. */
void upstream_release(struct upstream *, uint64_t now);
/* Ends an idle connection in order; as from the next batch on. */
void upstream_quit(struct upstream *, uint64_t now);
void upstream_expire(struct upstream *, uint64_t now);
/* The client has gone: no on_done() any more.  After the dot nothing can be
 * undone and it runs to its end; before, the connection is closed. */
void upstream_abandon(struct upstream *, uint64_t now);

/* Has the message begun to go to the MTA? */
static inline bool
upstream_is_sending(const struct upstream *u)
{
	return u->phase == UPSTREAM_BODY || u->phase == UPSTREAM_FINAL;
}

static inline bool
upstream_is_committed(const struct upstream *u)
{
	return u->phase == UPSTREAM_FINAL;
}
