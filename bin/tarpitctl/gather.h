#pragma once
/* SPDX-License-Identifier: ISC */
/* The facts of a client from the files, without the service. */

#include "bin/common/loop.h"
#include "policy/explanation.h"
#include "policy/policy.h"

enum { LACKS_MAX = 8 };

struct gather {
	struct loop *loop;
	struct policy *policy;
	struct inquiry inquiry;
	bool done;
	/* The names of what could not be used, so that an answer lacks it:
	 * "lists", "country", "asn", "history", "dns". */
	size_t n_lacks;
	const char *lacks[LACKS_MAX];
};

/* Opens what RULES name, which it takes over; what cannot be used is told on
 * standard error.  Dies if it cannot. */
void gather_init(struct gather *, struct rules *rules);
void gather_fini(struct gather *);

/* Fills in G->inquiry of ADDR; EXPLANATION may be NULL. */
void gather_ask(struct gather *, const struct in6_addr *addr,
    struct explanation *explanation);
