/* SPDX-License-Identifier: ISC */
/* Facts from the compiled lists. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/cdbfile.h"
#include "policy/explanation.h"
#include "policy/loader.h"
#include "policy/mismatch.h"
#include "policy/source.h"

struct source {
	struct rules *rules;
	struct loader *loader;
	struct cdbfile *file; /* NULL: none could be opened yet */
	/* By list number in `file`: the weight, and the fact's name. */
	const struct list_weight *weight[CDBFILE_LISTS_MAX];
	const struct list_weight *asn_weight[CDBFILE_LISTS_MAX];
};

static int
load(const void *arg, const char *path, void **ret_data, char *why, size_t size)
{
	struct cdbfile *file;
	int r = cdbfile_open(path, &file, why, size);

	(void)arg;
	if (r == 0)
		*ret_data = file;
	return r;
}

static void
free_file(void *file)
{
	cdbfile_free(file);
}

static const struct loader_kind loader_kind = { load, free_file };

static int
lists_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	struct source *s = calloc(1, sizeof(*s));

	(void)loop;
	if (!s)
		return -ENOMEM;
	s->rules = rules;
	s->loader = loader_new(&loader_kind, NULL);
	if (!s->loader) {
		free(s);
		return -ENOMEM;
	}
	*ret_source = s;
	return 0;
}

static struct source *
lists_free(struct source *s)
{
	if (s) {
		loader_free(s->loader);
		cdbfile_free(s->file);
		free(s);
	}
	return NULL;
}

/* Takes FILE over on success; what was used before is *RET_OLD's. */
static int
use_file(struct source *s, struct cdbfile *file, struct cdbfile **ret_old)
{
	const struct list_weight *weight[CDBFILE_LISTS_MAX];
	const struct list_weight *asn_weight[CDBFILE_LISTS_MAX];
	size_t n = cdbfile_n_lists(file);

	for (size_t i = 0; i < n; i++) {
		const char *name = cdbfile_list(file, i)->name;

		weight[i] = rules_list(s->rules, FAMILY_LIST, name);
		asn_weight[i] = rules_list(s->rules, FAMILY_ASNLIST, name);
		if (!weight[i] || !asn_weight[i])
			return -ENOMEM;
	}
	memcpy(s->weight, weight, n * sizeof(weight[0]));
	memcpy(s->asn_weight, asn_weight, n * sizeof(weight[0]));
	*ret_old = s->file;
	s->file = file;
	return 0;
}

static void
lists_inherit(struct source *s, struct source *old)
{
	struct loader *loader = s->loader;
	struct cdbfile *none;

	if (strcmp(s->rules->lists, old->rules->lists) != 0)
		return;
	/* Without memory for its weights the file is loaded anew. */
	if (old->file && use_file(s, old->file, &none) < 0)
		return;
	old->file = NULL;
	/* With what it may be loading, and what it has seen. */
	s->loader = old->loader;
	old->loader = loader;
}

static bool
lists_refresh(struct source *s, struct source_note *note)
{
	struct cdbfile *old = NULL;
	void *file = NULL;
	char why[200] = "";
	int r = 0;

	if (*s->rules->lists == '\0' ||
	    !loader_poll(
		s->loader, s->rules->lists, &r, &file, why, sizeof(why)))
		return false;
	snprintf(note->file, sizeof(note->file), "%s", s->rules->lists);
	if (r == 0 && (r = use_file(s, file, &old)) < 0)
		old = file;
	loader_discard(s->loader, old);
	note->failed = r < 0;
	note->has_data = s->file != NULL;
	if (r < 0)
		snprintf(note->text, sizeof(note->text), "%s",
		    *why ? why : strerror(-r));
	else
		snprintf(note->text, sizeof(note->text), "%zu lists",
		    cdbfile_n_lists(s->file));
	return true;
}

static bool
has_list(const struct source *s, const struct list_weight *w)
{
	for (size_t i = 0; s->file && i < cdbfile_n_lists(s->file); i++) {
		if (w == s->weight[i] || w == s->asn_weight[i])
			return true;
	}
	return false;
}

/* A list of systems that is weighed as one of addresses, or the other way
 * round, or only in part. */
static void
find_wrong_family(const struct source *s, size_t i, struct mismatch *m)
{
	const struct cdbfile_list *l = cdbfile_list(s->file, i);
	const struct list_weight *w = s->weight[i], *asn = s->asn_weight[i];

	if (w->weight != 0 && l->has_systems && !l->has_prefixes)
		mismatch_add(m, "%s=%" PRIi32 " (has only AS numbers: %s)",
		    w->name, w->weight, asn->name);
	if (asn->weight != 0 && l->has_prefixes && !l->has_systems)
		mismatch_add(m, "%s=%" PRIi32 " (has no AS numbers: %s)",
		    asn->name, asn->weight, w->name);
	if (l->has_prefixes && l->has_systems &&
	    (w->weight == 0) != (asn->weight == 0))
		mismatch_add(m, "the list %s (half of it has no weight: %s)",
		    l->name, w->weight == 0 ? w->name : asn->name);
}

/* Before there is any file all that is missing is the file, which refresh() has
 * said. */
static void
lists_mismatch(const struct source *s, struct mismatch *m)
{
	if (!s->file && *s->rules->lists != '\0')
		return;
	for (const struct list_weight *w = s->rules->list_weight; w;
	     w = w->next) {
		if (w->weight != 0 && !has_list(s, w) && !rules_is_shipped(w))
			mismatch_add(m, "%s=%" PRIi32 " (no such list)",
			    w->name, w->weight);
	}
	for (size_t i = 0; s->file && i < cdbfile_n_lists(s->file); i++) {
		if (s->weight[i]->weight == 0 && s->asn_weight[i]->weight == 0)
			mismatch_add(m, "the list %s (no weight)",
			    cdbfile_list(s->file, i)->name);
		find_wrong_family(s, i, m);
	}
}

static void
explain_hit(
    const struct source *s, struct inquiry *q, const struct cdbfile_hit *hit)
{
	const struct cdbfile_list *list = cdbfile_list(s->file, hit->list);
	struct cidr prefix = cidr_mask(&q->addr, hit->prefix_len);
	int64_t ago = (int64_t)time(NULL) - (int64_t)list->updated;
	char text[CIDR_STRLEN], age[AGE_SIZE];

	inquiry_explain(q, q->facts.n - 1,
	    "%s, a %s list of %u, changed %s ago", cidr_format(&prefix, text),
	    cdbfile_kind_name(list->kind), list->entries,
	    explanation_age(ago, age));
	inquiry_explain_count(q, 0, ago);
}

/* Of an IPv6 address that is a host; of IPv4 all have more, and no others. */
enum { HOST_LEN = 64 };

static void
add_match(struct source *s, struct inquiry *q,
    const struct cdbfile_match *match, const struct list_weight *const *weight)
{
	for (size_t i = 0; i < match->n; i++) {
		const struct cdbfile_hit *hit = &match->hit[i];
		const struct list_weight *w = weight[hit->list];

		q->host_only = q->host_only || hit->prefix_len > HOST_LEN;

		facts_add_noted(
		    &q->facts, rules_list_fact(w), cdbfile_note(s->file, hit));
		if (q->explain)
			explain_hit(s, q, hit);
	}
}

static enum source_ask
lists_ask(struct source *s, struct inquiry *q)
{
	struct cdbfile_match match;

	/* A file that contradicts itself knows nothing of this client. */
	if (s->file && cdbfile_find(s->file, &q->addr, &match) > 0)
		add_match(s, q, &match, s->weight);
	return SOURCE_DONE;
}

/* Which network the client is in only its own database says. */
static void
lists_conclude(struct source *s, struct inquiry *q)
{
	struct cdbfile_match match;

	if (s->file && q->facts.asn != 0 &&
	    cdbfile_find_asn(s->file, q->facts.asn, &match) > 0)
		add_match(s, q, &match, s->asn_weight);
}

const struct source_ops source_lists = {
	.open = lists_open,
	.free = lists_free,
	.inherit = lists_inherit,
	.refresh = lists_refresh,
	.ask = lists_ask,
	.conclude = lists_conclude,
	.mismatch = lists_mismatch,
};
