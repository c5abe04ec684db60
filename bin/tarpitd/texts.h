#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * All that is ever dripped, rendered once from the configuration.  A session
 * keeps the generation that it began with, so that a reload does not change a
 * line in the middle of it.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "bin/tarpitd/lane.h"
#include "bin/tarpitd/smtp.h"

struct texts {
	struct greeting greeting;
	struct {
		char *text; /* owned */
		uint16_t len;
	} reply[SMTP_REPLY_COUNT];
};

/* Generations in use at once: a session holds one for its life. */
enum { TEXTS_GENERATIONS = 256 };

struct texts_store {
	struct texts *generation[TEXTS_GENERATIONS]; /* NULL: unused */
	uint32_t references[TEXTS_GENERATIONS];
	uint8_t current;
};

/* Renders a new generation and makes it the current one.  0, -ENOMEM, or
 * -EBUSY: all generations are still held by sessions. */
int texts_renew(struct texts_store *, const char *host_name,
    const char *hold_reply) MUST_CHECK;
void texts_fini(struct texts_store *);

/* The current generation, referenced. */
uint8_t texts_hold(struct texts_store *);
void texts_release(struct texts_store *, uint8_t generation);
