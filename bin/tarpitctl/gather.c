/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "bin/common/clock.h"
#include "bin/tarpitctl/gather.h"
#include "bin/tarpitctl/tarpitctl.h"

/* How long the tests of DNS zones may take. */
#define SETTLE (3 * USEC_PER_SEC)

static void
add_lack(struct gather *g, const char *source)
{
	for (size_t i = 0; i < g->n_lacks; i++) {
		if (strcmp(g->lacks[i], source) == 0)
			return;
	}
	if (g->n_lacks < LACKS_MAX)
		g->lacks[g->n_lacks++] = source;
}

static void
tell(void *arg, const char *source, const struct source_note *note)
{
	if (!note->failed)
		return;
	fprintf(
	    stderr, "tarpitctl: cannot use %s: %s\n", note->file, note->text);
	add_lack(arg, source);
}

/* What was asked, and has not answered. */
static void
find_unanswered(struct gather *g)
{
	static const struct {
		enum named_fact fact;
		const char *source;
	} unanswered[] = {
		{ FACT_HISTORY_UNANSWERED, "history" },
		{ FACT_DNS_UNANSWERED, "dns" },
	};
	const struct facts *f = &g->inquiry.facts;

	for (size_t i = 0; i < ARRAY_SIZE(unanswered); i++) {
		struct fact fact =
		    rules_fact(g->inquiry.rules, unanswered[i].fact);

		for (size_t j = 0; j < f->n; j++) {
			if (f->fact[j].kind == FACT_NAMED &&
			    strcmp(f->fact[j].name, fact.name) == 0)
				add_lack(g, unanswered[i].source);
		}
	}
}

void
gather_init(struct gather *g, struct rules *rules)
{
	bool asks_dns = rules_ask_dns(rules);
	int r;

	memset(g, 0, sizeof(*g));
	r = loop_new(&g->loop);
	if (r == 0)
		r = policy_new(rules, g->loop, NULL, &g->policy);
	if (r < 0)
		program_die(&tarpitctl, EXIT_TEMPORARY, r, "cannot start");
	policy_refresh(g->policy, tell, g);
	/* Zones count once they have been tested. */
	for (uint64_t until = clock_now() + SETTLE;
	     asks_dns && clock_now() < until;) {
		uint64_t now = clock_now();

		if (loop_run_once(g->loop, now + USEC_PER_SEC / 10) < 0)
			break;
		policy_refresh(g->policy, tell, g);
		asks_dns = !policy_is_settled(g->policy);
	}
}

void
gather_fini(struct gather *g)
{
	policy_unref(g->policy);
	loop_free(g->loop);
}

static void
on_complete(struct inquiry *q)
{
	CONTAINER_OF(q, struct gather, inquiry)->done = true;
}

void
gather_ask(struct gather *g, const struct in6_addr *addr,
    struct explanation *explanation)
{
	g->inquiry.addr = *addr;
	g->inquiry.explain = explanation;
	g->inquiry.on_complete = on_complete;
	/* The sources' own deadlines end the wait. */
	g->done = policy_ask(g->policy, &g->inquiry);
	while (!g->done) {
		int r = loop_run_once(g->loop, USEC_NEVER);

		if (r < 0)
			program_die(
			    &tarpitctl, EXIT_TEMPORARY, r, "event loop");
	}
	find_unanswered(g);
}
