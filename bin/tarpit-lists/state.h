#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What is kept from one update to the next, in the directory State=: of each
 * list NAME.copy, its last good text, and NAME.state, when and how it was
 * fetched.  Nobody but the owner can read them, and no password is in them.
 * NAME.times has the numbers of the latter that `tarpitctl status` and `metrics`
 * want, for everybody.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

/* All times are Unix seconds, for they outlive the machine's uptime. */
struct state {
	char source[1024];   /* what was fetched, as it may be seen, and */
	uint64_t source_id;  /* url_fingerprint(): another one is due at once */
	char etag[256];      /* of the copy; "" none, as of the next */
	char modified[64];   /* its Last-Modified */
	uint64_t tried;      /* when last; 0 never */
	uint64_t fetched;    /* when last with success, changed or not */
	uint64_t not_before; /* the publisher's Retry-After */
	uint64_t failures;   /* since the last success */
	char result[512];    /* of the last try, in words */
	char left_out[300];  /* of it, and why; "" nothing */
};

/* DIR/NAME and SUFFIX (".copy"), for the caller to free; NULL: no memory. */
char *state_path(const char *dir, const char *name, const char *suffix);

/* Reads it; one that is not there or cannot be read is all zero: the list is
 * then fetched anew, which repairs it.  -EACCES is for who only wants to look;
 * 0 in all other cases. */
int state_load(const char *dir, const char *name, struct state *ret_state);

/* Takes from all others what older versions let them read. */
void state_protect(const char *dir, const char *name);

/* Both replace the file whole or not at all.  0 or -errno. */
int state_save(
    const char *dir, const char *name, const struct state *) MUST_CHECK;
int state_save_copy(
    const char *dir, const char *name, const void *buf, size_t len) MUST_CHECK;

/* When it may be fetched next: INTERVAL (seconds) after a success, sooner
 * after a failure and then ever later. */
uint64_t state_next(const struct state *, uint64_t interval);

/* Whether it is so long past its time that somebody should know. */
bool state_is_stale(const struct state *, uint64_t interval, uint64_t now);
