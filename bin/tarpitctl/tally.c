/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/tally.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "data/cidr.h"

/* Countries, lists and reasons hardly ever get that many; of networks and clients
 * those with more than a 2048th and a 1024th of all sessions are certain. */
enum {
	MAX_COUNTRIES = 512,
	MAX_NETWORKS = 2048,
	MAX_LISTS = 512,
	MAX_REASONS = 512,
	MAX_PATIENT = 1024,
};

static const struct {
	uint32_t up_to;
	const char *name;
} rate_classes[RATE_CLASSES] = {
	{ 5, "up to 5 B/s" },
	{ 20, "6 to 20 B/s" },
	{ 60, "21 to 60 B/s" },
	{ UINT32_MAX, "over 60 B/s" },
};

const char *
rate_class_name(size_t class)
{
	return rate_classes[class].name;
}

static size_t
rate_class(uint32_t rate)
{
	size_t class = 0;

	/* 0 is unlimited. */
	if (rate == 0)
		return RATE_CLASSES - 1;
	while (rate > rate_classes[class].up_to)
		class ++;
	return class;
}

int
tally_init(struct tally *t)
{
	memset(t, 0, sizeof(*t));
	t->patients = calloc(MAX_PATIENT, sizeof(*t->patients));
	if (t->patients == NULL ||
	    frequent_init(&t->countries, MAX_COUNTRIES) < 0 ||
	    frequent_init(&t->networks, MAX_NETWORKS) < 0 ||
	    frequent_init(&t->lists, MAX_LISTS) < 0 ||
	    frequent_init(&t->reasons, MAX_REASONS) < 0 ||
	    frequent_init(&t->patient, MAX_PATIENT) < 0) {
		tally_fini(t);
		return -ENOMEM;
	}
	return 0;
}

void
tally_fini(struct tally *t)
{
	frequent_fini(&t->countries);
	frequent_fini(&t->networks);
	frequent_fini(&t->lists);
	frequent_fini(&t->reasons);
	frequent_fini(&t->patient);
	free(t->patients);
	t->patients = NULL;
}

static void
add_to_lane(struct lane_tally *l, const struct session_record *r)
{
	l->sessions++;
	l->ending[r->ending]++;
	l->held += r->held;
	l->bytes_in += r->bytes_in;
	l->bytes_out += r->bytes_out;
}

static void
add_to_table(
    struct frequent *table, const char *key, const struct session_record *r)
{
	struct frequent_entry *e = frequent_add(table, key, NULL);

	e->sum[SUM_SUSPECT] += r->lane != LANE_PASS;
	if (session_record_gave_up(r)) {
		e->sum[SUM_GAVE_UP]++;
		e->sum[SUM_HELD] += r->held;
	}
}

/* /24 or /64: what one sender has, or one customer of an access provider. */
static void
add_network(struct tally *t, const struct session_record *r)
{
	bool v4 = cidr_addr_is_v4(&r->client);
	struct cidr net = cidr_mask(&r->client, v4 ? CIDR_V4_BITS + 24 : 64);
	char text[CIDR_STRLEN];

	add_to_table(&t->networks, cidr_format(&net, text), r);
}

/* "list.drop(SBL123)+100" is list.drop; "behaviour:pregreet" has no weight. */
static size_t
fact_name_len(const char *word, size_t len)
{
	size_t n = 0, digits = len;

	while (n < len && word[n] != '(')
		n++;
	if (n < len)
		return n;
	while (digits > 0 && word[digits - 1] >= '0' && word[digits - 1] <= '9')
		digits--;
	if (digits > 0 && digits < len &&
	    (word[digits - 1] == '+' || word[digits - 1] == '-'))
		return digits - 1;
	return len;
}

static bool
is_list(const char *name)
{
	return strncmp(name, "list.", 5) == 0 ||
	    strncmp(name, "dnsbl.", 6) == 0;
}

static void
add_reasons(struct tally *t, const struct session_record *r)
{
	const char *word = r->reason;

	while (*(word += strspn(word, " ")) != '\0') {
		size_t len = strcspn(word, " ");
		size_t n = fact_name_len(word, len);
		char name[FREQUENT_KEY_SIZE];

		/* "..." stands for facts that had no room. */
		if (n >= sizeof(name))
			n = sizeof(name) - 1;
		memcpy(name, word, n);
		name[n] = '\0';
		if (n > 0 && strcmp(name, "...") != 0)
			add_to_table(
			    is_list(name) ? &t->lists : &t->reasons, name, r);
		word += len;
	}
}

static size_t
series_of(const struct session_record *r)
{
	if (session_record_gave_up(r))
		return SERIES_GAVE_UP;
	if (session_record_was_patient(r))
		return SERIES_PATIENT;
	return r->ending == ENDING_PASSED ? SERIES_PASSED : SERIES_OTHER;
}

static void
add_time(struct tally *t, const struct session_record *r)
{
	time_t when = (time_t)(r->ended / USEC_PER_SEC);
	struct tm tm = { 0 };

	localtime_r(&when, &tm);
	t->hour[tm.tm_hour][0]++;
	t->hour[tm.tm_hour][1] += r->lane != LANE_PASS;
	timeline_add(&t->timeline, when, series_of(r), tm.tm_gmtoff);
	if (t->sessions == 1 || r->ended < t->first)
		t->first = r->ended;
	if (r->ended > t->last)
		t->last = r->ended;
}

static void
add_patient(struct tally *t, const struct session_record *r)
{
	char text[CIDR_STRLEN];
	bool fresh;
	struct frequent_entry *e = frequent_add(
	    &t->patient, cidr_format_addr(&r->client, text), &fresh);
	struct patient_client *p = &t->patients[frequent_index(&t->patient, e)];

	if (fresh)
		p->waited = 0;
	p->lane = r->lane;
	p->score = r->score;
	p->waited += r->held;
	memcpy(p->reason, r->reason, sizeof(p->reason));
	memcpy(p->helo, r->helo, sizeof(p->helo));
	survival_add(&t->waits, r->held, true);
	t->waited += r->held;
}

/* It would have been let in for its patience, had it kept silent. */
static bool
is_talker(const struct session_record *r)
{
	return r->lane == LANE_HOLD &&
	    (r->verdict == LANE_SLOW || r->verdict == LANE_THROTTLE) &&
	    strstr(r->reason, "behaviour:pregreet") != NULL;
}

static void
add_slowed(struct tally *t, const struct session_record *r)
{
	bool gave_up = session_record_gave_up(r);

	survival_add(&t->by_lane[r->lane], r->held, gave_up);
	survival_add(&t->by_rate[rate_class(r->rate)], r->held, gave_up);
	if (gave_up)
		add_to_lane(&t->gave_up, r);
	if (session_record_was_patient(r))
		add_patient(t, r);
	if (is_talker(r))
		t->talkers++;
}

void
tally_add(struct tally *t, const struct session_record *r)
{
	t->sessions++;
	add_time(t, r);
	add_to_table(
	    &t->countries, r->country[0] != '\0' ? r->country : "unknown", r);
	add_network(t, r);
	add_reasons(t, r);
	if (r->observed)
		t->observed[r->lane]++;
	else
		add_to_lane(&t->lane[r->lane], r);
	if (session_record_is_slowed(r))
		add_slowed(t, r);
}

void
tally_add_open(struct tally *t, enum lane lane, uint32_t rate, uint64_t usec)
{
	t->open++;
	survival_add(&t->by_lane[lane], usec, false);
	survival_add(&t->by_rate[rate_class(rate)], usec, false);
}

void
tally_add_later(struct tally *t, const struct session_record *r, uint64_t until)
{
	uint64_t after = r->ended - until;

	if (session_record_is_slowed(r) && r->held > after)
		tally_add_open(t, r->lane, r->rate, r->held - after);
}

uint64_t
tally_slowed(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 0; i < LANE_COUNT; i++)
		n += i == LANE_PASS ? 0 : t->lane[i].sessions;
	return n;
}

uint64_t
tally_patient(const struct tally *t)
{
	return t->waits.n;
}
