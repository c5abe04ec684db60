#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Sources of facts.  Each fills in one table of functions, stands in facts.def,
 * and is the only user of its library.  A source answers at once, or later
 * through the loop; it never blocks while it is asked.  Nothing here logs: what
 * the operator should hear is returned as a note.
 *
 * Every function may be NULL: a small source is one of ask() alone.  What needs
 * a clock, data, or facts of others is a source, however small; what the
 * question itself says of the client (`pregreet`) is none, policy_ask() adds it.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "bin/common/loop.h"
#include "bin/common/util.h"
#include "policy/facts.h"
#include "policy/rules.h"

struct source;
struct explanation;
struct mismatch;

/* One client about whom facts are gathered. */
struct inquiry {
	struct in6_addr addr; /* IPv4 as IPv4-mapped; see data/cidr.h */
	const struct rules *rules;
	bool pregreet; /* it talked before the greeting had ended */
	/* There is no room for one more that waits: sources answer by what they
	 * have, and say that they left something out. */
	bool hurry, left_out;
	/* So much was asked about addresses of its IPv6 network that this one
	 * was not asked about; `left_out`, too. */
	bool over_budget;
	bool host_only;              /* some fact is of less than its /64 */
	struct explanation *explain; /* NULL: nobody wants to know why */
	struct facts facts;
	unsigned int waiting; /* sources that have still to answer */
	bool history_open;    /* its facts may still come */
	/* Called when the last of them has; never from within ask(). */
	void (*on_complete)(struct inquiry *);
};

enum source_ask { SOURCE_DONE, SOURCE_WAITS };

/* What opening or a refresh found, for the operator. */
struct source_note {
	bool failed;   /* no (new) data: it goes on with what it had, if any */
	bool has_data; /* answers come from some data, new or old */
	bool is_warning; /* what is in use has something odd about it */
	/* `file` is a server that keeps the history: it has gone (failed), or
	 * is in use (again). */
	bool is_server;
	char file[256];
	char text[256]; /* "12 lists", "truncated: ..." */
};

struct source_ops {
	/* Makes a source; without this, SOURCE is NULL in all that follows.
	 * RULES outlive it; weights are looked up in them when data is loaded,
	 * not when a question is asked.  LOOP is for sources that wait for
	 * something.  0 or -ENOMEM: data that is not there is no error here but
	 * a note of the first refresh(). */
	int (*open)(
	    struct source **ret_source, struct rules *rules, struct loop *loop);
	/* SOURCE may be NULL. */
	struct source *(*free)(struct source *);

	/* Takes over the data of OLD, a source of the same kind that was opened
	 * under earlier rules and will not be asked again, if it is the data
	 * that SOURCE would load.  So a reload neither loads anew nor loses
	 * what stays in use while its file is damaged. */
	void (*inherit)(struct source *, struct source *old);

	/* Looks whether the data has changed and loads it.  Called once after
	 * open() and then each second.  True if NOTE has something new to
	 * say: each change of state is told once. */
	bool (*refresh)(struct source *, struct source_note *ret_note);

	/* Adds facts.  SOURCE_WAITS: it will call source_answered() later,
	 * and INQUIRY stays where it is until then or until cancel(). */
	enum source_ask (*ask)(struct source *, struct inquiry *);

	/* Adds what follows from the facts of other sources, such as the
	 * client's network.  Called after all were asked; answers at once. */
	void (*conclude)(struct source *, struct inquiry *);

	/* Forgets an inquiry that it let wait. */
	void (*cancel)(struct source *, struct inquiry *);

	/* Whether all that it found out by asking around is there; for tools
	 * that ask once.  Without this it asks nobody. */
	bool (*is_settled)(const struct source *);

	/* Adds what of its weights has no data, and what of its data no
	 * weight. */
	void (*mismatch)(const struct source *, struct mismatch *);

	/* Remembers how a session of ADDR went. */
	void (*learn)(
	    struct source *, const struct in6_addr *addr, enum learned learned);
};

/* A source that let INQUIRY wait has added its facts. */
static inline void
source_answered(struct inquiry *q)
{
	if (--q->waiting == 0)
		q->on_complete(q);
}

#define FACT_SOURCE(name) extern const struct source_ops source_##name;
#include "policy/facts.def"
