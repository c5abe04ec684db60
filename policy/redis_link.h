#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * One connection to a Redis or Valkey server, which comes back by itself.
 * Commands go out without waiting for the replies to those before.  A server
 * that does not answer for the timeout is taken for gone, so that it holds up
 * nobody twice.  The only user of hiredis.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/loop.h"
#include "bin/common/util.h"
#include "policy/redis_url.h"

enum { REDIS_LINK_VALUES_MAX = 8 };

struct redis_link;

struct redis_value {
	const char *text; /* NULL: there is none */
	size_t len;
};

enum redis_result {
	REDIS_LOST,    /* the connection has gone: it may have been done */
	REDIS_REFUSED, /* the server says why in `error` */
	REDIS_ANSWERED,
};

/* Valid during the call that it is handed to. */
struct redis_answer {
	enum redis_result result;
	const char *error; /* "WRONGTYPE ..." */
	/* Of an array; what is no text counts as no value. */
	size_t n;
	struct redis_value value[REDIS_LINK_VALUES_MAX];
};

typedef void redis_on_answer(void *arg, const struct redis_answer *);

/* Begins to connect to what URL says, and goes on trying until it is freed.
 * ON_UP is called each time that the server has answered for the first time.
 * 0 or -ENOMEM. */
int redis_link_new(struct loop *, const struct redis_url *url, uint64_t timeout,
    void (*on_up)(void *arg), void *arg, struct redis_link **ret) MUST_CHECK;
/* What is still unanswered is lost; ON_ANSWER hears so. */
struct redis_link *redis_link_free(struct redis_link *);

void redis_link_set_timeout(struct redis_link *, uint64_t timeout);

/* The server is there, as far as is known, or is asked for the first time. */
bool redis_link_is_usable(const struct redis_link *);
bool redis_link_is_up(const struct redis_link *);

/* Why it is not, in words; "" if nothing has failed yet. */
const char *redis_link_error(const struct redis_link *);

/* Sends one command of N words.  False: it cannot be sent; else ON_ANSWER is
 * called later, exactly once, never from within. */
bool redis_link_send(struct redis_link *, redis_on_answer *on_answer, void *arg,
    size_t n, const struct redis_value *word);

/* Waits for the server, not longer than until LIMIT (usec), and does what there
 * is to do then, without the loop.  False: there is nothing to wait for, or it
 * was too long.  For the end. */
bool redis_link_wait(struct redis_link *, uint64_t limit);
