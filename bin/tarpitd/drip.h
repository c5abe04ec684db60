#pragma once
/* SPDX-License-Identifier: ISC */
/* Paced output and input of one slowed session.  No bytes are kept: output is
 * made anew at its position, input stays in the kernel until it is paid for.
 * With TLS, which tls.h keeps to itself, bytes are those of the dialogue. */

#include <stdbool.h>
#include <sys/types.h>

#include "bin/tarpitd/pool.h"
#include "bin/tarpitd/texts.h"

/* Sends what the rate allows at NOW (msec) of what is being sent, which is
 * the greeting in GREETING and a reply in SENDING.  0, or -errno if the client
 * is gone.  A client that does not read gets no credit for it. */
int drip_out(struct session *, const struct texts *, uint32_t now) MUST_CHECK;

/* The same for TEXT, of s->out_len bytes, at RATE. */
int drip_text(
    struct session *, const char *text, uint32_t rate, uint32_t now) MUST_CHECK;

/* All that a session says and hears goes through this and drip_peek(),
 * drip_take().  Bytes sent, or -errno: -EAGAIN if none can be now. */
ssize_t drip_send(struct session *, const char *buf, size_t size);

/* Copies the rest of the line that is being sent: what must go out before
 * another reply may begin. */
size_t drip_rest_of_line(
    const struct session *, const struct texts *, char *buf, size_t size);

/* Goes on at RATE from NOW (msec) on, with what is being sent. */
void drip_set_rate(struct session *, uint32_t rate, uint32_t now);

/* What has come in, without taking it: the number of bytes put into BUF, 0 for
 * nothing, -EPIPE if the client has closed its side, or another -errno. */
ssize_t drip_peek(const struct session *, char *buf, size_t size) MUST_CHECK;

/* True if nothing more will come, whatever is still to be read. */
bool drip_has_ended(const struct session *);

/* True if the client takes nothing any more either: closed for both. */
bool drip_is_lost(const struct session *);

/* Takes N bytes that drip_peek() has shown. */
void drip_take(struct session *, size_t n);

/* Takes all that has come in, unseen. */
void drip_discard(struct session *);

/* True once the client may have pushed N bytes since its input was seen. */
bool drip_is_paid(const struct session *, size_t n, uint32_t now);
