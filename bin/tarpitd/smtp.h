#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The dialogue engine of the lane hold: a line in, a reply and what follows
 * from it out.  Pure: no I/O, no clock, no memory of its own but the bits
 * that the caller keeps.  No recipient is ever accepted, so neither is a
 * message.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 5321, 4.5.3.1.4 gives a command line 512 bytes, extensions add to it. */
enum { SMTP_LINE_MAX = 1000 };

enum smtp_reply {
	SMTP_GREETING, /* 220, the last line */
	SMTP_EHLO,
	SMTP_EHLO_TLS, /* the same with STARTTLS */
	SMTP_HELO,
	SMTP_SENDER_OK,
	SMTP_RECIPIENT_REFUSED, /* HoldReply= */
	SMTP_NO_RECIPIENTS,     /* 554 to DATA */
	SMTP_RESET,
	SMTP_NOOP,
	SMTP_VRFY,
	SMTP_HELP,
	SMTP_BYE,
	SMTP_TLS_READY,  /* 220, then the handshake */
	SMTP_TLS_TWICE,  /* 503 */
	SMTP_NO_TLS_NOW, /* 454 */
	SMTP_NO_AUTH_NOW,
	SMTP_UNKNOWN, /* 500 */
	SMTP_SYNTAX,  /* 501 */
	SMTP_SYNTAX_HELLO,
	SMTP_SYNTAX_MAIL,
	SMTP_SYNTAX_RCPT,
	SMTP_NO_SUCH,  /* 502: a command that we know and do not have */
	SMTP_SEQUENCE, /* 503 */
	SMTP_LINE_TOO_LONG,
	SMTP_BARE_LF,
	SMTP_TIMEOUT,       /* 421, silent for too long */
	SMTP_SHUTDOWN,      /* 421, we are ending */
	SMTP_OVERLOAD,      /* 421, no room */
	SMTP_MANY_CLIENTS,  /* 421, too many sessions of this client */
	SMTP_NO_MTA,        /* 421, the MTA does not take sessions */
	SMTP_OPERATOR,      /* 421, it will be otherwise next time */
	SMTP_PROXY_LATE,    /* 421, the proxy has not said for whom */
	SMTP_PROXY_UNKNOWN, /* 421, it has said that it does not know */
	SMTP_REPLY_COUNT
};

/* What the dialogue remembers, and what the caller says of STARTTLS. */
enum smtp_memory {
	SMTP_SAID_HELLO = 1 << 0,
	SMTP_HAS_SENDER = 1 << 1,
	SMTP_TLS_OFFERED = 1 << 2, /* and not active yet */
	SMTP_TLS_ACTIVE = 1 << 3,
};

/* What a line led to.  The slices point into the line; len 0: none. */
struct smtp_result {
	enum smtp_reply reply;
	uint8_t memory; /* of enum smtp_memory, from now on */
	bool close;     /* after the reply */
	bool prompt;    /* RSET: Postfix waits only 20 s for this reply */
	bool recipient; /* a recipient was refused */
	bool starttls;  /* it wants TLS: the reply is for the caller to choose,
			   SMTP_TLS_READY or SMTP_NO_TLS_NOW */
	const char *helo, *sender;
	size_t helo_len, sender_len;
};

/* LINE with its line end: CRLF, or a bare LF, which is an error.  LEN > 0. */
struct smtp_result smtp_line(uint8_t memory, const char *line, size_t len);

/* The reply as a format with the host's name as its only argument, lines ended
 * by CRLF; NULL for SMTP_RECIPIENT_REFUSED, which is configured. */
const char *smtp_reply_format(enum smtp_reply);

/* Is it of the class 4 or 5? */
bool smtp_reply_is_refusal(enum smtp_reply);
