/* SPDX-License-Identifier: ISC */
/* tarpitctl status: is it working?  One screen of 80 columns. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bin/tarpitctl/human.h"
#include "bin/tarpitctl/survey.h"
#include "policy/mismatch.h"

/* What monitoring plugins return: OK, WARNING, CRITICAL. */
enum { STATUS_WELL = 0, STATUS_WARNING = 1, STATUS_CRITICAL = 2 };

/* Of lists that cannot be fetched: it is to stay one screen. */
enum { FAILING_SHOWN = 3, MISMATCH_SHOWN = 5 };

/*
 * For people
 */

/* Many figures of one message, each with a buffer of its own. */
struct figures {
	const struct message *m;
	char buf[16][HUMAN_SIZE];
	size_t n;
};

static const char *
figure(struct figures *f, const char *name)
{
	char *buf = f->buf[f->n++ % ARRAY_SIZE(f->buf)];

	return human_count((uint64_t)message_number(f->m, name), buf);
}

static int64_t
sum_of(const struct message *m, const char *prefix, const char *lane,
    const char *outcome)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%s.%s", prefix, lane, outcome);
	return message_number(m, name);
}

static void
print_head(const struct message *m)
{
	uint64_t started = (uint64_t)message_number(m, "started");
	uint64_t uptime = (uint64_t)message_number(m, "uptime_ms");
	char version[40], mode[16], when[HUMAN_SIZE], age[HUMAN_SIZE];
	const char *remark = "";

	if (strcmp(message_text(m, "mode", mode, sizeof(mode)), "observe") == 0)
		remark = ", only observing";
	if (message_number(m, "stopping") != 0)
		remark = ", stopping";
	printf("tarpitd %s since %s (%s)%s\n",
	    message_text(m, "version", version, sizeof(version)),
	    human_time(started * USEC_PER_SEC, when),
	    human_duration(uptime * USEC_PER_MSEC, age), remark);
}

/*
 * What clients feel
 */

static bool
is_mta_down(const struct message *m)
{
	return message_number(m, "handoff.up") == 0;
}

static bool
is_mta_silent(const struct message *m)
{
	return message_number(m, "handoff.unserved_in_row") >= SURVEY_UNSERVED;
}

static bool
is_config_refused(const struct message *m)
{
	return message_number(m, "config.refused") != 0;
}

static bool
is_policy_down(const struct message *m)
{
	return message_number(m, "policy.up") == 0;
}

static bool
is_backend_down(const struct message *m)
{
	return message_number(m, "backend.configured") != 0 &&
	    message_number(m, "backend.up") == 0;
}

/* As doctor calls it; a text of NULL is print_config()'s. */
static const struct {
	bool (*is_so)(const struct message *);
	int status;
	const char *word, *text;
} wrongs[] = {
	{ is_mta_down, STATUS_CRITICAL, "mta-away",
	    "THE MTA TAKES NO SESSIONS: clients are told to come again" },
	{ is_mta_silent, STATUS_CRITICAL, "mta-silent",
	    "THE MTA DOES NOT SERVE SESSIONS: clients are told to come again" },
	{ is_config_refused, STATUS_WARNING, "config-refused", NULL },
	{ is_policy_down, STATUS_WARNING, "policy-away",
	    "THE POLICY SERVICE DOES NOT ANSWER: PolicyFailure= decides" },
	{ is_backend_down, STATUS_WARNING, "backend-away",
	    "THE MTA FOR THROTTLE IS DOWN: who would be throttled is slowed" },
};

static int
exit_status(const struct message *m)
{
	int status = STATUS_WELL;

	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		if (wrongs[i].status > status && wrongs[i].is_so(m))
			status = wrongs[i].status;
	return status;
}

static void
print_wrong(const struct message *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		if (wrongs[i].text != NULL && wrongs[i].is_so(m))
			printf("%s\n", wrongs[i].text);
}

static json_t *
wrong_to_json(const struct message *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		if (wrongs[i].is_so(m))
			json_array_append_new(all, json_string(wrongs[i].word));
	return all;
}

/* What is wrong with the files, and what is in use instead. */
static void
print_config(const struct message *m)
{
	static const char *const instead[][2] = {
		{ "as-written", "the configuration before it is in use" },
		{ "last-good",
		    "the last configuration without an error is in use" },
		{ "valid-part", "the rest of it is in use, only observing" },
	};
	char text[1024], source[16], when[HUMAN_SIZE];
	uint64_t at = (uint64_t)message_number(m, "config.refused_at");

	if (at == 0)
		return;
	printf("CONFIGURATION REFUSED %s\n  %s\n",
	    human_time(at * USEC_PER_SEC, when),
	    message_text(m, "config.error", text, sizeof(text)));
	if (*message_text(m, "config.tls_error", text, sizeof(text)) != '\0')
		printf("  THERE IS NO TLS: %s\n", text);
	(void)message_text(m, "config.source", source, sizeof(source));
	for (size_t i = 0; i < ARRAY_SIZE(instead); i++)
		if (strcmp(instead[i][0], source) == 0)
			printf("  %s; tarpitd --check-config\n", instead[i][1]);
}

static void
print_live(const struct message *m)
{
	struct figures f = { .m = m };

	printf("%-10s%10s%10s%10s%10s%10s%10s%10s\n", "sessions", "asking",
	    "slow", "throttle", "hold", "to MTA", "all", "limit");
	printf("%-10s%10s%10s%10s%10s%10s%10s%10s\n", "  now",
	    figure(&f, "live.asking"), figure(&f, "live.slow"),
	    figure(&f, "live.throttle"), figure(&f, "live.hold"),
	    figure(&f, "live.handoff"), figure(&f, "live.all"),
	    figure(&f, "max_sessions"));
}

static void
print_today(const struct message *m)
{
	char buf[HUMAN_SIZE];

	printf("%-10s", "today");
	for (size_t o = 0; o < SURVEY_OUTCOMES; o++)
		printf("%10s", survey_outcome[o]);
	printf("\n");
	for (size_t l = 0; l < LANE_COUNT; l++) {
		printf("  %-8s", lane_name((enum lane)l));
		for (size_t o = 0; o < SURVEY_OUTCOMES; o++) {
			int64_t n = sum_of(m, "today", lane_name((enum lane)l),
			    survey_outcome[o]);

			printf("%10s",
			    n == 0 ? "-" : human_count((uint64_t)n, buf));
		}
		printf("\n");
	}
}

/* Of those who were slowed and got nothing for it. */
static uint64_t
time_taken(const struct message *m, const char *prefix)
{
	int64_t msec = 0;

	for (size_t l = 1; l < LANE_COUNT; l++)
		msec +=
		    sum_of(m, prefix, lane_name((enum lane)l), "abandoned") +
		    sum_of(m, prefix, lane_name((enum lane)l), "refused");
	return (uint64_t)msec * USEC_PER_MSEC;
}

static void
print_taken(const struct message *m)
{
	char today[HUMAN_SIZE], all[HUMAN_SIZE];

	printf("%-14s%s today, %s since the start, of senders that gave up\n",
	    "time taken", human_duration(time_taken(m, "today_held_ms"), today),
	    human_duration(time_taken(m, "held_ms"), all));
}

/* With Handoff=proxy: they go on through us. */
static void
print_relay(const struct message *m)
{
	struct figures f = { .m = m };
	char to_mta[HUMAN_SIZE], to_clients[HUMAN_SIZE];

	if (message_number(m, "relay.configured") == 0)
		return;
	printf("  %-12s%s now, %s to the MTA, %s to clients\n", "relay",
	    figure(&f, "relay.sessions"),
	    human_bytes((uint64_t)message_number(m, "relay.to_mta"), to_mta),
	    human_bytes(
		(uint64_t)message_number(m, "relay.to_clients"), to_clients));
}

static const char *
mta_state(const struct message *m)
{
	static const char *const states[][2] = {
		{ "untried", "not tried yet" },
		{ "up", "takes sessions" },
		{ "unserved", "TAKES SESSIONS AND DOES NOT SERVE THEM" },
		{ "down", "TAKES NO SESSIONS" },
	};
	char state[16];

	(void)message_text(m, "handoff.state", state, sizeof(state));
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i][0], state) == 0)
			return states[i][1];
	return message_number(m, "handoff.up") != 0 ? states[1][1]
						    : states[3][1];
}

static void
print_spool_troubles(const struct message *m)
{
	struct figures f = { .m = m };

	if (message_number(m, "spool.full") +
		message_number(m, "spool.refused") +
		message_number(m, "spool.expelled") >
	    0)
		printf("  %-12s%s messages without room in the spool, %s over "
		       "their client's part, %s gave way\n",
		    "", figure(&f, "spool.full"), figure(&f, "spool.refused"),
		    figure(&f, "spool.expelled"));
}

/* What should not happen, once it has. */
static void
print_backend_troubles(const struct message *m)
{
	struct figures f = { .m = m };

	if (message_number(m, "throttle.cut") +
		message_number(m, "throttle.anew") +
		message_number(m, "throttle.too_slow") >
	    0)
		printf("  %-12s%s sessions cut for errors, %s slowed anew, %s "
		       "below MinBodyRate=\n",
		    "", figure(&f, "throttle.cut"), figure(&f, "throttle.anew"),
		    figure(&f, "throttle.too_slow"));
	print_spool_troubles(m);
	if (message_number(m, "backend.lost") +
		message_number(m, "backend.timed_out") +
		message_number(m, "backend.unsure") ==
	    0)
		return;
	printf("  %-12s%s connections lost, %s not answered in time, "
	       "%s messages unsure\n",
	    "", figure(&f, "backend.lost"), figure(&f, "backend.timed_out"),
	    figure(&f, "backend.unsure"));
}

/* Who has how much of what the MTA can serve; see HandoffSessions=. */
static void
print_guests(const struct message *m)
{
	struct figures f = { .m = m };

	if (message_number(m, "guests.places") == 0)
		return;
	printf("  %-12s", "places");
	if (message_number(m, "guests.known") != 0)
		printf("%s of %s in use, %s by the patient; ",
		    figure(&f, "guests.all"), figure(&f, "guests.places"),
		    figure(&f, "guests.graduates"));
	else
		printf("NOBODY KNOWS how many are in use; ");
	printf("%s had to wait, %s sent away\n", figure(&f, "guests.delayed"),
	    figure(&f, "guests.refused"));
}

static void
print_mta(const struct message *m)
{
	struct figures f = { .m = m };
	int64_t busy = message_number(m, "backend.connections") -
	    message_number(m, "backend.free");

	printf("%-14s%s; %s wait, %s were taken, %s came back\n", "MTA",
	    mta_state(m), figure(&f, "handoff.waiting"),
	    figure(&f, "handoff.taken"), figure(&f, "handoff.returned"));
	if (message_number(m, "handoff.unserved") != 0)
		printf("  %-12s%s that it took, the last %s in a row\n",
		    "not served", figure(&f, "handoff.unserved"),
		    figure(&f, "handoff.unserved_in_row"));
	print_guests(m);
	print_relay(m);
	if (message_number(m, "backend.configured") == 0) {
		printf("  %-12snone (Backend= is empty)\n", "throttle");
		return;
	}
	printf("  %-12s%s%s open, %s free, %" PRIi64 " busy, %s queued, "
	       "longest wait %" PRIi64 " ms\n",
	    "throttle", message_number(m, "backend.up") != 0 ? "" : "DOWN; ",
	    figure(&f, "backend.connections"), figure(&f, "backend.free"), busy,
	    figure(&f, "backend.queued"),
	    message_number(m, "backend.longest_wait_us") / 1000);
	print_backend_troubles(m);
}

/* Who wanted more than its share. */
static void
print_limits(const struct message *m)
{
	struct figures f = { .m = m };

	char by[200];

	printf("%-14s%s sessions, %s slowed, %s throttled\n  %-12s%s\n",
	    "limits", figure(&f, "max_sessions"), figure(&f, "max_slowed"),
	    figure(&f, "max_throttled"), "by",
	    message_text(m, "limit.by", by, sizeof(by)));
	printf("  %-12s%s held, %s throttled, %s over MaxThrottleTime=, "
	       "%s turned away\n",
	    "shed", figure(&f, "shed.held"), figure(&f, "shed.throttled"),
	    figure(&f, "shed.over_time"), figure(&f, "shed.newcomers"));
	printf("  %-12s%s over MaxPerClient=, %s over MaxPerNetwork=, %s over "
	       "MaxPerSite=\n",
	    "clients", figure(&f, "limited.client"),
	    figure(&f, "limited.network"), figure(&f, "limited.site"));
}

static void
print_policy(const struct message *m)
{
	struct figures f = { .m = m };

	printf("%-14s%s; %s asked, %s too late, %s known from before\n",
	    "policy",
	    message_number(m, "policy.up") != 0 ? "answers" : "DOES NOT ANSWER",
	    figure(&f, "policy.asked"), figure(&f, "policy.timed_out"),
	    figure(&f, "policy.cache_hits"));
	if (message_number(m, "policy.overloaded") != 0 ||
	    message_number(m, "policy.lost") != 0)
		printf("  OVERLOADED  %s answers left something out, %s ends "
		       "of sessions were not told\n",
		    figure(&f, "policy.overloaded"), figure(&f, "policy.lost"));
}

/* Each on a line of its own, as they are in the answer with commas between. */
static void
print_mismatch(const struct message *m)
{
	char text[MISMATCH_SIZE], *rest = text, *one;
	long long n = (long long)message_number(m, "mismatches");

	message_text(m, "mismatch", text, sizeof(text));
	for (int i = 0; i < MISMATCH_SHOWN && (one = strsep(&rest, ","));
	     i++, n--)
		printf("  NO EFFECT   %s\n", one + strspn(one, " "));
	if (n > 0)
		printf("  NO EFFECT   and %lld more\n", n);
}

static void
print_policyd(const struct daemon_status *d)
{
	struct figures f = { .m = &d->said };

	if (d->error == -EPROTO)
		printf(
		    "  %-12san older version, or another program\n", "service");
	else if (d->error != 0)
		printf(
		    "  %-12sno answer: %s\n", "service", strerror(-d->error));
	else
		printf("  %-12s%s answers, %s outcomes, %s bad ones, "
		       "%s connections\n",
		    "service", figure(&f, "answers"), figure(&f, "outcomes"),
		    figure(&f, "errors"), figure(&f, "connections"));
	if (d->error == 0 && message_number(&d->said, "mismatches") != 0)
		print_mismatch(&d->said);
}

static uint64_t
age_of(const struct survey *s, uint64_t when)
{
	return when < s->now ? (s->now - when) * USEC_PER_SEC : 0;
}

/* Those that cannot be fetched are what somebody has to look at. */
static void
print_failing(const struct survey *s)
{
	char age[HUMAN_SIZE];
	int shown = 0;

	for (size_t i = 0; i < s->n_lists && shown < FAILING_SHOWN; i++) {
		const struct list_status *l = &s->list[i];

		if (l->failures == 0)
			continue;
		printf("  NOT FETCHED %s: %" PRIu64 " failures, %s old; see "
		       "tarpit-lists status\n",
		    l->name, l->failures,
		    human_duration(age_of(s, l->fresh), age));
		shown++;
	}
}

/* A file is as old as it is; what is fetched should not be. */
static void
print_oldest(const struct survey *s)
{
	const struct list_status *oldest = NULL;
	char age[HUMAN_SIZE];

	for (size_t i = 0; i < s->n_lists; i++)
		if (s->list[i].fetched &&
		    (oldest == NULL || s->list[i].fresh < oldest->fresh))
			oldest = &s->list[i];
	if (oldest != NULL)
		printf("  oldest      %s, fetched %s ago\n", oldest->name,
		    human_duration(age_of(s, oldest->fresh), age));
}

/* To be told from local files, which never fail. */
static void
print_hidden(const struct survey *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_lists; i++)
		n += s->list[i].hidden;
	if (n > 0)
		printf(
		    "  NOT SEEN    whether %zu of them could be fetched: only "
		    "root may read that\n",
		    n);
}

static void
print_lists(const struct survey *s)
{
	char age[HUMAN_SIZE], count[HUMAN_SIZE];
	uint64_t entries = 0;

	if (s->lists_error[0] != '\0') {
		printf("%-14scannot be read: %s\n", "lists", s->lists_error);
		return;
	}
	for (size_t i = 0; i < s->n_lists; i++)
		entries += s->list[i].entries;
	printf("%-14s%zu lists, %s entries, compiled %s ago\n", "lists",
	    s->n_lists, human_count(entries, count),
	    human_duration(age_of(s, s->compiled), age));
	print_oldest(s);
	print_failing(s);
	print_hidden(s);
}

static void
print_text(const struct survey *s)
{
	const struct message *m = &s->tarpitd.said;
	struct figures f = { .m = m };

	print_head(m);
	print_wrong(m);
	print_config(m);
	print_live(m);
	print_today(m);
	print_limits(m);
	print_taken(m);
	print_mta(m);
	print_policy(m);
	print_policyd(&s->policyd);
	print_lists(s);
	printf("%-14s%s sent to the journal, %s dropped\n", "records",
	    figure(&f, "records.sent"), figure(&f, "records.dropped"));
	if (message_number(m, "probes") != 0)
		printf("%-14s%s connections closed without a word\n", "probes",
		    figure(&f, "probes"));
	printf("%-14s%.1f ms\n", "longest stall",
	    (double)message_number(m, "longest_stall_us") / 1000);
	printf("%-14s%s (tarpitctl overrides)\n", "overrides",
	    figure(&f, "overrides"));
}

/*
 * For programs
 */

/* The object that NAME's dots lead to from ROOT, made on the way, and in
 * *RET_LEAF the part behind the last dot. */
static json_t *
walk(json_t *root, const char *name, size_t len, char *leaf, size_t size)
{
	const char *dot;

	while ((dot = memchr(name, '.', len)) != NULL) {
		json_t *next;

		snprintf(leaf, size, "%.*s", (int)(dot - name), name);
		next = json_object_get(root, leaf);
		if (next == NULL) {
			next = json_object();
			json_object_set_new(root, leaf, next);
		}
		root = next;
		len -= (size_t)(dot + 1 - name);
		name = dot + 1;
	}
	snprintf(leaf, size, "%.*s", (int)len, name);
	return root;
}

/* "live.hold=3" becomes {"live":{"hold":3}}. */
static json_t *
to_json(const struct message *m)
{
	const char *pos = m->data, *end = pos + m->len;
	json_t *root = json_object();
	struct attr a;

	while (attrs_next(&pos, end, &a) > 0) {
		char leaf[64];
		json_t *to = walk(root, a.name, a.name_len, leaf, sizeof(leaf));
		int64_t n;

		if (attr_int(&a, INT64_MIN, INT64_MAX, &n) == 0)
			json_object_set_new(to, leaf, json_integer(n));
		else
			json_object_set_new(
			    to, leaf, json_stringn(a.value, a.value_len));
	}
	return root;
}

static json_t *
lists_to_json(const struct survey *s)
{
	json_t *root = json_object(), *all = json_array();

	if (s->lists_error[0] != '\0')
		json_object_set_new(root, "error", json_string(s->lists_error));
	else
		json_object_set_new(
		    root, "compiled", json_integer((json_int_t)s->compiled));
	for (size_t i = 0; i < s->n_lists; i++) {
		const struct list_status *l = &s->list[i];

		json_array_append_new(all,
		    json_pack("{s:s, s:s, s:I, s:I, s:o}", "name", l->name,
			"kind", cdbfile_kind_name(l->kind), "entries",
			(json_int_t)l->entries, "fresh", (json_int_t)l->fresh,
			"failures",
			l->hidden ? json_null()
				  : json_integer((json_int_t)l->failures)));
	}
	json_object_set_new(root, "lists", all);
	return root;
}

static int
print_json(const struct survey *s)
{
	json_t *root = to_json(&s->tarpitd.said);
	int r;

	json_object_set_new(root, "wrong", wrong_to_json(&s->tarpitd.said));
	json_object_set_new(root, "policyd",
	    s->policyd.error == 0 ? to_json(&s->policyd.said) : json_null());
	json_object_set_new(root, "data", lists_to_json(s));
	r = json_dumpf(root, stdout, JSON_INDENT(1));
	json_decref(root);
	printf("\n");
	return r;
}

int
status_run(const struct tarpitctl *t, const char *operand)
{
	struct survey s;
	int r = 0;

	(void)operand;
	survey_take(t, &s);
	if (s.tarpitd.error != 0)
		control_die(t, s.tarpitd.error);
	if (t->json)
		r = print_json(&s);
	else
		print_text(&s);
	if (r != 0 || fflush(stdout) != 0)
		return EXIT_TEMPORARY;
	return exit_status(&s.tarpitd.said);
}
