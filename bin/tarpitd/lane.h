#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The pace of a slowed session, and the greeting that is dripped at it.  Pure:
 * positions and times in, bytes out; no session owns a buffer, since what it
 * is being sent can be made again at any position.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A dripped greeting has at most 45 lines of at most 70 bytes, CRLF included:
 * msmtp takes 50 lines, Exim 4,096 bytes together with the MTA's own. */
enum {
	GREETING_LINE_MAX = 70,
	GREETING_LINE_MIN = 6, /* "220-" CRLF */
	GREETING_MAX = 3000,   /* leaves Exim's 4,096 room for the MTA's own */
	GREETING_LINES_MAX = 45,
};

/* The greeting's lines, rendered once with the host's name. */
struct greeting {
	size_t n;
	size_t cycle; /* bytes of all lines */
	size_t limit; /* the longest greeting for who may yet be let in */
	struct {
		uint8_t len;
		char text[GREETING_LINE_MAX];
	} line[16];
};

void greeting_init(struct greeting *, const char *host_name);

/* The greeting of exactly TOTAL bytes (0, or at least GREETING_LINE_MIN) is
 * whole lines and then dots that fill it up.  Copies up to SIZE bytes of it
 * from position AT on; how many. */
size_t greeting_copy(
    const struct greeting *, size_t total, size_t at, char *buf, size_t size);

/* The end of the line in which position AT (< TOTAL) is; a greeting cut to
 * that many bytes has the same bytes up to there. */
size_t greeting_line_end(const struct greeting *, size_t total, size_t at);

/* How long a greeting is to be that takes MSEC at RATE bytes per second, and
 * at most LIMIT bytes.  RATE 0 is unlimited: then LIMIT. */
size_t greeting_size(uint32_t rate, uint64_t msec, size_t limit);

/* How many bytes may have gone out MSEC after the first could. */
size_t lane_allowance(uint32_t rate, uint32_t msec);

/* How long, in msec, N bytes take at RATE. */
uint64_t lane_duration(uint32_t rate, size_t n);

/* A slow session is looked at once a second: what counts for our CPU is the
 * number of sends, not their size (2 us each).  Above this rate it is looked
 * at four times a second, so that it does not get bursts. */
enum { LANE_QUICK_RATE = 20 };

static inline bool
lane_is_quick(uint32_t rate)
{
	return rate == 0 || rate > LANE_QUICK_RATE;
}
