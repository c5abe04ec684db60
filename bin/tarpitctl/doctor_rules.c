/* SPDX-License-Identifier: ISC */
/* policy.conf against the data that it weighs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/tarpitctl/doctor.h"
#include "bin/tarpitctl/human.h"

enum {
	/* Compiled each day at the latest, whatever has changed: two days and
	 * the timer does not run. */
	LISTS_DAYS = 2,
	/* The free databases come out monthly. */
	DATABASE_DAYS = 62,
};

#define DAY (86400ull)

static const struct list_status *
find_list(const struct survey *s, const char *name)
{
	for (size_t i = 0; i < s->n_lists; i++)
		if (strcmp(s->list[i].name, name) == 0)
			return &s->list[i];
	return NULL;
}

/* The weight of the list NAME as one of addresses ("list.") or of systems
 * ("asnlist."); 0: none. */
static int32_t
weight_of(const struct rules *rules, const char *family, const char *name)
{
	size_t len = strlen(family);

	for (const struct list_weight *w = rules->list_weight; w != NULL;
	     w = w->next)
		if (strncmp(w->name, family, len) == 0 &&
		    strcmp(w->name + len, name) == 0)
			return w->weight;
	return 0;
}

static void
check_weights(struct doctor *d, const struct list_status *l)
{
	int32_t of_prefixes = weight_of(&d->rules, "list.", l->name);
	int32_t of_systems = weight_of(&d->rules, "asnlist.", l->name);

	if (of_prefixes == 0 && of_systems == 0)
		doctor_find(d, FOUND_LIST_WITHOUT_WEIGHT,
		    "the list %s has no weight", l->name);
	else if (l->has_systems && of_systems == 0)
		doctor_find(d, FOUND_LIST_WITHOUT_WEIGHT,
		    "the list %s has %sAS numbers, and asnlist.%s= no weight",
		    l->name, l->has_prefixes ? "also " : "only ", l->name);
	else if (l->has_prefixes && of_prefixes == 0)
		doctor_find(d, FOUND_LIST_WITHOUT_WEIGHT,
		    "the list %s has %saddresses, and list.%s= no weight",
		    l->name, l->has_systems ? "also " : "only ", l->name);
}

static void
check_list(struct doctor *d, const struct list_status *l)
{
	char age[HUMAN_SIZE];
	uint64_t old = l->fresh < d->survey.now ? d->survey.now - l->fresh : 0;

	if (l->hidden)
		doctor_skip(d,
		    "whether lists could be fetched: only root may read that");
	check_weights(d, l);
	if (l->failures > 0)
		doctor_find(d, FOUND_LIST_FAILING,
		    "the list %s is %s old: fetching it failed %" PRIu64
		    " times",
		    l->name, human_duration(old * USEC_PER_SEC, age),
		    l->failures);
}

static void
check_lists(struct doctor *d)
{
	const struct survey *s = &d->survey;
	uint64_t old = s->compiled < s->now ? s->now - s->compiled : 0;
	char age[HUMAN_SIZE];

	if (d->rules.lists[0] == '\0')
		return;
	if (s->lists_error[0] != '\0') {
		doctor_find(d, FOUND_LISTS_UNREADABLE, "%s", s->lists_error);
		return;
	}
	if (old > LISTS_DAYS * DAY)
		doctor_find(d, FOUND_LISTS_OLD,
		    "the lists were compiled %s ago",
		    human_duration(old * USEC_PER_SEC, age));
	for (size_t i = 0; i < s->n_lists; i++)
		check_list(d, &s->list[i]);
	for (const struct list_weight *w = d->rules.list_weight; w != NULL;
	     w = w->next)
		if (w->weight != 0 && !rules_is_shipped(w) &&
		    find_list(s, strchr(w->name, '.') + 1) == NULL)
			doctor_find(d, FOUND_WEIGHT_WITHOUT_LIST,
			    "%s=%" PRIi32 " in policy.conf, and no such list",
			    w->name, w->weight);
}

static bool
weighs_countries(const struct rules *rules)
{
	for (size_t i = 0; i < COUNTRY_COUNT; i++)
		if (rules->country_weight[i] != 0)
			return true;
	return rules->named[FACT_COUNTRY_UNKNOWN] != 0;
}

static bool
weighs_networks(const struct rules *rules)
{
	for (const struct list_weight *w = rules->list_weight; w != NULL;
	     w = w->next)
		if (w->weight != 0 && strncmp(w->name, "asnlist.", 8) == 0)
			return true;
	return rules->asn_weight.n > 0 || rules->named[FACT_ASN_UNKNOWN] != 0;
}

static void
check_database(
    struct doctor *d, const char *what, const char *path, bool weighed)
{
	struct stat st;
	uint64_t old;
	char age[HUMAN_SIZE];

	if (path[0] == '\0' || stat(path, &st) < 0) {
		if (weighed)
			doctor_find(d, FOUND_DATABASE_MISSING,
			    "%s have weights, and there is no database (%s)",
			    what, path[0] == '\0' ? "none is named" : path);
		return;
	}
	old = (uint64_t)st.st_mtime < d->survey.now
	    ? d->survey.now - (uint64_t)st.st_mtime
	    : 0;
	if (!weighed)
		doctor_find(d, FOUND_DATABASE_WITHOUT_WEIGHT,
		    "%s have no weights, though there is %s", what, path);
	else if (old > DATABASE_DAYS * DAY)
		doctor_find(d, FOUND_DATABASE_OLD, "%s is %s old", path,
		    human_duration(old * USEC_PER_SEC, age));
}

void
doctor_check_rules(struct doctor *d)
{
	check_lists(d);
	check_database(
	    d, "countries", d->rules.country, weighs_countries(&d->rules));
	check_database(d, "networks", d->rules.asn, weighs_networks(&d->rules));
	if (d->rules.history[0] == '\0')
		doctor_find(d, FOUND_HISTORY_OFF, "History= is empty");
}
