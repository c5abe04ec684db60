/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/treatment.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bin/tarpitctl/human.h"
#include "bin/tarpitctl/link.h"

static void
read_answer(const struct message *m, struct treatment *t)
{
	char mode[16];

	message_text(m, "mode", mode, sizeof(mode));
	t->observing = strcmp(mode, "observe") == 0;
	t->own = message_number(m, "own") != 0;
	t->can_throttle = message_number(m, "can_throttle") != 0;
	message_text(m, "known.lane", t->known, sizeof(t->known));
	t->known_score = message_number(m, "known.score");
	message_text(m, "override", t->order, sizeof(t->order));
	message_text(m, "network", t->network, sizeof(t->network));
	message_text(m, "by", t->by, sizeof(t->by));
	t->seconds = (uint64_t)message_number(m, "seconds");
}

int
treatment_ask(
    const struct tarpitctl *t, const char *address, struct treatment *ret)
{
	struct message m = { 0 };
	char question[256];
	struct link link;
	int n = snprintf(question, sizeof(question),
	    "request=client\naddress=%s\n\n", address);
	int r = link_open(&link, t->control);

	if (r < 0)
		return r;
	*ret = (struct treatment){ 0 };
	r = link_ask(&link, question, (size_t)n);
	if (r == 0)
		r = link_read(&link, &m);
	if (r == 0 && message_find(&m, "error").value_len > 0)
		r = -EPROTO;
	if (r == 0)
		read_answer(&m, ret);
	link_close(&link);
	return r;
}

static bool
is_throttled_otherwise(const struct treatment *t, const char *lane)
{
	return strcmp(lane, "throttle") == 0 && !t->can_throttle;
}

/* Before orders. */
static const char *
decided(const struct treatment *t, const char *lane)
{
	if (t->own)
		return "pass";
	return t->known[0] != '\0' ? t->known : lane;
}

const char *
treatment_lane(const struct treatment *t, const char *lane)
{
	lane = decided(t, lane);
	if (strcmp(t->order, "release") == 0 || t->observing)
		return "pass";
	if (strcmp(t->order, "hold") == 0)
		return "hold";
	return is_throttled_otherwise(t, lane) ? "slow" : lane;
}

void
treatment_print(const struct treatment *t, const char *lane)
{
	const char *before = decided(t, lane);
	char left[HUMAN_SIZE];
	bool said = t->own || t->observing || t->order[0] != '\0' ||
	    t->known[0] != '\0' || is_throttled_otherwise(t, before);

	if (t->own)
		printf("own       in OwnNetworks=: the policy service is not "
		       "asked\n");
	else if (t->known[0] != '\0')
		printf("known     the last answer still holds: score %lld, "
		       "%s\n",
		    (long long)t->known_score, t->known);
	if (t->order[0] != '\0')
		printf("order     %s of %s for another %s, says %s\n", t->order,
		    t->network, human_duration(t->seconds * USEC_PER_SEC, left),
		    t->by);
	else if (is_throttled_otherwise(t, before))
		printf("instead   slow: tarpitd has no MTA or no certificate "
		       "for throttle\n");
	if (t->observing)
		printf("observing nobody is slowed (Mode=observe)\n");
	if (said)
		printf("in fact   %s\n", treatment_lane(t, lane));
}

void
treatment_print_json(const struct treatment *t, const char *lane)
{
	json_t *order = json_null(), *root;
	char *text;

	if (t->order[0] != '\0')
		order = json_pack("{s:s, s:s, s:I, s:s}", "order", t->order,
		    "network", t->network, "seconds", (json_int_t)t->seconds,
		    "by", t->by);
	root = json_pack("{s:s, s:b, s:b, s:b, s:s?, s:o}", "lane",
	    treatment_lane(t, lane), "own", t->own, "observing", t->observing,
	    "can_throttle", t->can_throttle, "known",
	    t->known[0] != '\0' ? t->known : NULL, "order", order);
	text = json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII);
	printf(",\"dispatcher\":%s", text != NULL ? text : "null");
	free(text);
	json_decref(root);
}
