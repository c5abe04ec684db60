/* SPDX-License-Identifier: ISC */
/* Facts from the compiled lists. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/cdbfile.h"
#include "policy/explanation.h"
#include "policy/source.h"
#include "policy/watch.h"

struct source {
	struct rules *rules;
	struct watch watch;
	struct cdbfile *file; /* NULL: none could be opened yet */
	/* By list number in `file`: the weight, and the fact's name. */
	const struct list_weight *weight[CDBFILE_LISTS_MAX];
};

static int
lists_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	struct source *s = calloc(1, sizeof(*s));

	(void)loop;
	if (!s)
		return -ENOMEM;
	s->rules = rules;
	*ret_source = s;
	return 0;
}

static struct source *
lists_free(struct source *s)
{
	if (s) {
		cdbfile_free(s->file);
		free(s);
	}
	return NULL;
}

/* Takes FILE over on success. */
static int
use_file(struct source *s, struct cdbfile *file)
{
	const struct list_weight *weight[CDBFILE_LISTS_MAX];
	size_t n = cdbfile_n_lists(file);

	for (size_t i = 0; i < n; i++) {
		weight[i] = rules_list(s->rules, cdbfile_list(file, i)->name);
		if (!weight[i])
			return -ENOMEM;
	}
	memcpy(s->weight, weight, n * sizeof(weight[0]));
	cdbfile_free(s->file);
	s->file = file;
	return 0;
}

static void
lists_inherit(struct source *s, struct source *old)
{
	if (strcmp(s->rules->lists, old->rules->lists) != 0)
		return;
	/* Without memory for its weights the file is loaded anew. */
	if (old->file && use_file(s, old->file) < 0)
		return;
	old->file = NULL;
	s->watch = old->watch;
}

static bool
lists_refresh(struct source *s, struct source_note *note)
{
	const char *path = s->rules->lists;
	struct cdbfile *file;
	char why[200] = "";
	int r;

	if (*path == '\0' || !watch_changed(&s->watch, path))
		return false;
	snprintf(note->file, sizeof(note->file), "%s", path);
	r = cdbfile_open(path, &file, why, sizeof(why));
	if (r == 0 && (r = use_file(s, file)) < 0)
		cdbfile_free(file);
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

static void
explain_hit(
    const struct source *s, struct inquiry *q, const struct cdbfile_hit *hit)
{
	const struct cdbfile_list *list = cdbfile_list(s->file, hit->list);
	struct cidr prefix = cidr_mask(&q->addr, hit->prefix_len);
	char text[CIDR_STRLEN], age[AGE_SIZE];

	inquiry_explain(q, q->facts.n - 1,
	    "%s, a %s list of %u, changed %s ago", cidr_format(&prefix, text),
	    cdbfile_kind_name(list->kind), list->entries,
	    explanation_age((int64_t)time(NULL) - (int64_t)list->updated, age));
}

static enum source_ask
lists_ask(struct source *s, struct inquiry *q)
{
	struct cdbfile_match match;

	/* A file that contradicts itself knows nothing of this client. */
	if (!s->file || cdbfile_find(s->file, &q->addr, &match) <= 0)
		return SOURCE_DONE;
	for (size_t i = 0; i < match.n; i++) {
		const struct list_weight *w = s->weight[match.hit[i].list];

		facts_add(&q->facts,
		    &(struct fact){ .kind = FACT_NAMED,
			.weight = w->weight,
			.name = w->name });
		if (q->explain)
			explain_hit(s, q, &match.hit[i]);
	}
	return SOURCE_DONE;
}

const struct source_ops source_lists = {
	.name = "lists",
	.open = lists_open,
	.free = lists_free,
	.inherit = lists_inherit,
	.refresh = lists_refresh,
	.ask = lists_ask,
};
