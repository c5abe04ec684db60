#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A message's body as it comes in, by DATA or by BDAT, and as it is replayed
 * to the MTA by DATA.  Pure: bytes in, bytes out.
 *
 * Only CRLF.CRLF as it came ends a body, and only bytes whose line ends are all
 * CRLF go to the MTA.  A bare LF becomes one, and then a line of a dot beside it
 * is text, on either side: what some servers take for an end, and some senders
 * for text, is never one here (SMTP smuggling, CVE-2023-51764 to -51766).  A
 * bare CR or a NUL makes the message bad as a whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct body {
	uint8_t state;
	bool counted; /* BDAT: `left` more bytes, rather than up to a dot */
	bool bad;     /* a bare CR, or a NUL */
	bool bare_lf; /* a line end that was one, and is CRLF now */
	uint64_t left;
};

/* A body by DATA. */
void body_begin(struct body *);
/* The next chunk by BDAT of N bytes; FIRST: of a message. */
void body_begin_chunk(struct body *, uint64_t n, bool first);

/* Room that body_feed() may need for LEN bytes of input. */
#define BODY_ROOM(len) (2 * (len) + 2)

/* Takes bytes of IN, up to the end of the body or the chunk: *RET_USED of
 * them, and puts what is to be stored, dot-stuffed, into OUT: *RET_LEN.  True
 * at the end. */
bool body_feed(struct body *, const char *in, size_t len, size_t *ret_used,
    char *out, size_t *ret_len);

/* After the last chunk: what is missing to end the last line goes to OUT (2
 * bytes); how many. */
size_t body_finish(struct body *, char *out);
