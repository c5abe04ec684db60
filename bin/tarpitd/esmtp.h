#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The dialogue engine of the lane throttle: a command line in, a step out.
 * Pure: no I/O, no clock; what it remembers is plain data of the caller's.
 * Whether a sender, a recipient or a message is taken is not for it to say: that
 * is the MTA's, whom the caller asks.  What it refuses for good no MTA takes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 5321's 512 bytes, and what RFC 1870, 3461, 6152 and 6531 add. */
enum { ESMTP_LINE_MAX = 2048 };

/* Extensions that are offered: to a client what both we and the MTA do. */
enum esmtp_offer {
	ESMTP_SIZE = 1 << 0,
	ESMTP_8BITMIME = 1 << 1,
	ESMTP_ENHANCED = 1 << 2,
	ESMTP_UTF8 = 1 << 3,
	ESMTP_DSN = 1 << 4,
	ESMTP_CHUNKING = 1 << 5,
	ESMTP_PIPELINING = 1 << 6,
	ESMTP_STARTTLS = 1 << 7, /* our own, whatever the MTA has */
};

struct esmtp_limits {
	uint8_t offers; /* of enum esmtp_offer */
	uint64_t size;  /* of a message, bytes, that the MTA takes; 0: any */
	uint64_t room;  /* that we do */
	uint32_t recipients;
	bool secure; /* TLS is active */
};

enum esmtp_memory {
	ESMTP_SAID_HELLO = 1 << 0,
	ESMTP_SAID_EHLO = 1 << 1,
	ESMTP_HAS_SENDER = 1 << 2,
	ESMTP_IN_CHUNKS = 1 << 3, /* BDAT has begun: nothing else may follow */
	ESMTP_REFUSED = 1 << 4,   /* a recipient of this sender was refused */
};

/* One session's memory of its dialogue. */
struct esmtp {
	uint8_t memory; /* of enum esmtp_memory */
	/* Each message that the MTA takes makes good for its own commands, and
	 * for as many errors as it has recipients. */
	uint8_t errors; /* times ESMTP_ERROR */
	uint16_t commands, junk;
	uint16_t useful;     /* of the commands: of this transaction */
	uint16_t recipients; /* accepted ones, of this transaction */
};

enum esmtp_action {
	ESMTP_SAY,    /* `reply`, that is all */
	ESMTP_HELLO,  /* forget the transaction, say what is offered */
	ESMTP_MAIL,   /* remember the sender, `reply` or ask about it */
	ESMTP_RCPT,   /* ask about the recipient */
	ESMTP_DATA,   /* `reply`, then the body up to its dot */
	ESMTP_BDAT,   /* a chunk of `chunk` bytes, then `reply` or ask */
	ESMTP_FORGET, /* forget the transaction, `reply` */
	ESMTP_CLOSE,  /* `reply`, and close */
	ESMTP_SECURE, /* `reply` if TLS can be had, and TLS then */
};

struct esmtp_step {
	enum esmtp_action action;
	/* CRLF included.  NULL where the caller makes it: ESMTP_HELLO and
	 * ESMTP_RCPT; ESMTP_MAIL if it is not known what the MTA will say; for
	 * ESMTP_BDAT a refusal, said after the chunk has been read and thrown
	 * away, or NULL. */
	const char *reply;
	/* Slices of the line: the host's name, or "<path> PARAMETER ...", if
	 * the client knows how (see envelope.h). */
	const char *argument;
	size_t argument_len;
	size_t path_len; /* of it: what looks like the path */
	uint64_t chunk;
	bool last; /* BDAT's LAST */
};

/* Runs LINE, its line end included: CRLF, or a bare LF, which is an error.
 * LEN > 0. */
struct esmtp_step esmtp_line(
    struct esmtp *, const struct esmtp_limits *, const char *line, size_t len);

/* The MTA has taken or refused the recipient of the last ESMTP_RCPT. */
void esmtp_note_recipient(struct esmtp *, bool accepted);
/* What an error counts, and a refusal of the MTA's that is not for good, which a
 * sender may get for each recipient without having done anything wrong. */
enum { ESMTP_ERROR = 10, ESMTP_DEFERRAL = 1 };

/* The transaction is over; TAKEN: the MTA has the message. */
void esmtp_end_transaction(struct esmtp *, bool taken);
/* One more error, which no line showed (a line too long, a bad body, an unknown
 * recipient): true if that makes too many. */
bool esmtp_note_error(struct esmtp *, uint8_t weight);

extern const char esmtp_too_many_errors[];
extern const char esmtp_line_too_long[];
/* Of a message that is larger than `room`. */
extern const char esmtp_no_room[];

/* The reply to ESMTP_HELLO: how many bytes, of at most SIZE. */
size_t esmtp_print_hello(const struct esmtp *, const struct esmtp_limits *,
    const char *host_name, char *buf, size_t size);

/* One line of an MTA's own EHLO reply, without code and line end, as far as
 * we have an equivalent; adds to LIMITS. */
void esmtp_learn(struct esmtp_limits *, const char *keyword, size_t len);
