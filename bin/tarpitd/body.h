#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A message's body as it comes in, by DATA or by BDAT, and as it is replayed
 * to the MTA by DATA.  Pure: bytes in, bytes out.
 *
 * Only CRLF.CRLF ends a body, and only bytes whose line ends are all CRLF go
 * to the MTA: a bare CR or LF, or a NUL, anywhere in it makes the message bad
 * as a whole (SMTP smuggling, CVE-2023-51764 to -51766).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct body {
	uint8_t state;
	bool counted; /* BDAT: `left` more bytes, rather than up to a dot */
	bool bad;     /* a line end that is none, or a NUL */
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
