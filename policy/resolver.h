#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Questions to the DNS, asked through the loop: identical ones in flight are one
 * question, answers are kept for their TTL in a bounded cache, and when no
 * resolver answers any more nobody waits for one.  The only user of c-ares.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/loop.h"
#include "policy/dns_message.h"

struct resolver;

struct resolver_config {
	const char *servers; /* "127.0.0.1:53,[::1]"; "": /etc/resolv.conf */
	uint64_t timeout;    /* usec in which a resolver has to answer */
	size_t cache_max;    /* names kept */
};

/* Who waits for an answer.  All zero but `on_answer` is valid and idle; the
 * owner cancels it before it goes. */
struct resolver_wait {
	struct resolver_wait *next, **link; /* link: NULL when idle */
	/* ANSWER is valid during the call.  May ask and cancel. */
	void (*on_answer)(
	    struct resolver_wait *, const struct dns_answer *answer);
};

struct resolver_counts {
	uint64_t asked, cached, merged; /* sent, from the cache, joined */
	size_t kept, in_flight;
};

/* 0, -EINVAL (not addresses of servers), -ENOMEM or other -errno. */
int resolver_new(struct loop *, const struct resolver_config *,
    struct resolver **ret) MUST_CHECK;
struct resolver *resolver_ref(struct resolver *);
/* Who still waits must have cancelled when the last reference goes. */
struct resolver *resolver_unref(struct resolver *);

/* Asks for NAME.  The answer, valid until the next call of the resolver, if it
 * is known at once; else NULL, and WAIT->on_answer is called later, never from
 * within.  FRESH: not from the cache. */
const struct dns_answer *resolver_ask(struct resolver *, const char *name,
    enum dns_type type, bool fresh, struct resolver_wait *wait);
void resolver_cancel(struct resolver_wait *);
/* Whether that would cost no question: the answer is there, or on its way. */
bool resolver_knows(struct resolver *, const char *name, enum dns_type type);

/* No resolver has answered anything for the timeout: questions fail at once
 * until one is heard again, which is tried each second. */
bool resolver_is_down(const struct resolver *);

/* When a resolver last answered anything, be it that it failed; 0: never. */
uint64_t resolver_last_heard(const struct resolver *);

struct resolver_counts resolver_counts(const struct resolver *);
