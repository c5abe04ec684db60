/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"

static const struct {
	const char *name;
	const struct source_ops *ops;
} sources[] = {
#define FACT_SOURCE(name) { #name, &source_##name },
#include "policy/facts.def"
};

enum { SOURCE_COUNT = ARRAY_SIZE(sources) };

/* More than that nobody reads; zones of the DNS are 16 at most. */
enum { TROUBLES_MAX = 24 };

/* What a source has last said of one of its files, if that is not well. */
struct trouble {
	const char *source; /* NULL: free */
	char file[sizeof(((struct source_note *)0)->file)];
	char text[128];
};

struct policy {
	unsigned int refs;
	struct rules rules;
	struct source *source[SOURCE_COUNT];
	struct trouble trouble[TROUBLES_MAX];
};

static int
open_sources(struct policy *p, struct loop *loop)
{
	int r = 0;

	for (size_t i = 0; i < SOURCE_COUNT && r == 0; i++) {
		if (sources[i].ops->open)
			r = sources[i].ops->open(
			    &p->source[i], &p->rules, loop);
	}
	return r;
}

int
policy_new(struct rules *rules, struct loop *loop, struct policy *old,
    struct policy **ret_policy)
{
	struct policy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->refs = 1;
	p->rules = *rules;
	r = open_sources(p, loop);
	if (r < 0) {
		*rules = p->rules;
		memset(&p->rules, 0, sizeof(p->rules));
		policy_unref(p);
		return r;
	}
	for (size_t i = 0; i < SOURCE_COUNT && old; i++) {
		if (sources[i].ops->inherit)
			sources[i].ops->inherit(p->source[i], old->source[i]);
	}
	memset(rules, 0, sizeof(*rules));
	*ret_policy = p;
	return 0;
}

struct policy *
policy_ref(struct policy *p)
{
	p->refs++;
	return p;
}

struct policy *
policy_unref(struct policy *p)
{
	if (!p || --p->refs > 0)
		return NULL;
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (sources[i].ops->free)
			p->source[i] = sources[i].ops->free(p->source[i]);
	}
	rules_fini(&p->rules);
	free(p);
	return NULL;
}

const struct rules *
policy_rules(const struct policy *p)
{
	return &p->rules;
}

void
policy_mismatch(const struct policy *p, struct mismatch *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (sources[i].ops->mismatch)
			sources[i].ops->mismatch(p->source[i], ret);
	}
	mismatch_end(ret);
}

/* Where it stands, or may stand; NULL: there is no room. */
static struct trouble *
trouble_place(struct policy *p, const char *source, const char *file)
{
	struct trouble *free_place = NULL;

	for (size_t i = 0; i < TROUBLES_MAX; i++) {
		struct trouble *t = &p->trouble[i];

		if (t->source == source && strcmp(t->file, file) == 0)
			return t;
		if (t->source == NULL && free_place == NULL)
			free_place = t;
	}
	return free_place;
}

static void
note_trouble(
    struct policy *p, const char *source, const struct source_note *note)
{
	struct trouble *t = trouble_place(p, source, note->file);

	if (t == NULL)
		return;
	/* What is not there is missed by nobody, or policy_mismatch() says by
	 * which weight. */
	t->source = (note->failed || note->is_warning) &&
		strcmp(note->text, strerror(ENOENT)) != 0
	    ? source
	    : NULL;
	snprintf(t->file, sizeof(t->file), "%s", note->file);
	snprintf(t->text, sizeof(t->text), "%.127s", note->text);
}

void
policy_troubles(const struct policy *p, struct mismatch *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < TROUBLES_MAX; i++) {
		const struct trouble *t = &p->trouble[i];

		if (t->source != NULL)
			mismatch_add(
			    ret, "%s: %s: %s", t->source, t->file, t->text);
	}
	mismatch_end(ret);
}

void
policy_refresh(struct policy *p,
    void (*tell)(void *arg, const char *source, const struct source_note *),
    void *arg)
{
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		struct source_note note = { 0 };

		if (sources[i].ops->refresh &&
		    sources[i].ops->refresh(p->source[i], &note)) {
			note_trouble(p, sources[i].name, &note);
			tell(arg, sources[i].name, &note);
		}
	}
}

bool
policy_ask(struct policy *p, struct inquiry *q)
{
	q->rules = &p->rules;
	facts_init(&q->facts);
	q->facts.keep_all = q->explain != NULL;
	q->history_open = q->left_out = q->host_only = q->over_budget = false;
	if (q->pregreet)
		rules_add_named(&p->rules, FACT_BEHAVIOUR_PREGREET, &q->facts);
	/* One for ourselves, so that a source that answers while the next is
	 * still to be asked completes nothing. */
	q->waiting = 1;
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (sources[i].ops->ask &&
		    sources[i].ops->ask(p->source[i], q) == SOURCE_WAITS)
			q->waiting++;
	}
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (sources[i].ops->conclude)
			sources[i].ops->conclude(p->source[i], q);
	}
	return --q->waiting == 0;
}

bool
policy_is_settled(const struct policy *p)
{
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (sources[i].ops->is_settled &&
		    !sources[i].ops->is_settled(p->source[i]))
			return false;
	}
	return true;
}

void
policy_learn(
    struct policy *p, const struct in6_addr *addr, enum learned learned)
{
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (sources[i].ops->learn)
			sources[i].ops->learn(p->source[i], addr, learned);
	}
}

void
policy_cancel(struct policy *p, struct inquiry *q)
{
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (sources[i].ops->cancel)
			sources[i].ops->cancel(p->source[i], q);
	}
}
