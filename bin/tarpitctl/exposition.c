/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/exposition.h"

#include <inttypes.h>
#include <stdlib.h>

/* Where the metrics go. */
struct page {
	FILE *out;
	enum exposition_format format;
	const struct message *m; /* the figures that are being written */
};

/* One figure that is a metric without labels. */
struct simple {
	const char *figure, *name, *help;
	bool counter;
	double divisor;
};

static const struct simple of_tarpitd[] = {
	{ "started", "tarpit_start_time_seconds",
	    "When tarpitd was started, Unix time.", false, 1 },
	{ "config.refused", "tarpit_config_refused",
	    "Whether the configuration has an error and is not in use.", false,
	    1 },
	{ "max_sessions", "tarpit_sessions_limit",
	    "Sessions that there may be at once.", false, 1 },
	{ "max_slowed", "tarpit_sessions_slowed_limit",
	    "Of those, how many may be slowed ones.", false, 1 },
	{ "max_throttled", "tarpit_sessions_throttled_limit",
	    "Of those, how many may be throttled ones.", false, 1 },
	{ "shed.held", "tarpit_shed_held",
	    "Held sessions that were ended to make room.", true, 1 },
	{ "shed.throttled", "tarpit_shed_throttled",
	    "Throttled sessions that were ended to make room.", true, 1 },
	{ "shed.newcomers", "tarpit_shed_newcomers",
	    "New sessions for which no room could be made.", true, 1 },
	{ "shed.over_time", "tarpit_shed_over_time",
	    "Throttled sessions ended by MaxThrottleTime=.", true, 1 },
	{ "limited.client", "tarpit_limited_clients",
	    "Sessions over MaxPerClient=.", true, 1 },
	{ "limited.network", "tarpit_limited_networks",
	    "Sessions over MaxPerNetwork=.", true, 1 },
	{ "limited.site", "tarpit_limited_sites", "Sessions over MaxPerSite=.",
	    true, 1 },
	{ "handoff.up", "tarpit_handoff_up", "Whether the MTA takes sessions.",
	    false, 1 },
	{ "handoff.waiting", "tarpit_handoff_waiting",
	    "Sessions that wait for the MTA to take them.", false, 1 },
	{ "handoff.taken", "tarpit_handoffs",
	    "Sessions that the MTA has taken.", true, 1 },
	{ "handoff.returned", "tarpit_handoffs_returned",
	    "Sessions that came back because the MTA stopped.", true, 1 },
	{ "handoff.unserved", "tarpit_handoffs_unserved",
	    "Sessions that the MTA took and did not serve.", true, 1 },
	{ "handoff.unserved_in_row", "tarpit_handoffs_unserved_in_row",
	    "The last of those, none having been served since.", false, 1 },
	{ "guests.known", "tarpit_guests_known",
	    "Whether it is known which sessions the MTA has.", false, 1 },
	{ "guests.places", "tarpit_guests_limit",
	    "Sessions that the MTA serves at a time; 0: not limited.", false,
	    1 },
	{ "guests.all", "tarpit_guests",
	    "Sessions of strangers that the MTA has.", false, 1 },
	{ "guests.graduates", "tarpit_guests_graduates",
	    "Of those, how many were patient.", false, 1 },
	{ "guests.delayed", "tarpit_guests_delayed",
	    "Patient sessions that waited for a place with the MTA.", true, 1 },
	{ "guests.refused", "tarpit_guests_refused",
	    "Of those, how many were told 421 for want of one.", true, 1 },
	{ "relay.sessions", "tarpit_relayed_sessions",
	    "Sessions that are relayed to an MTA on another machine.", false,
	    1 },
	{ "relay.to_mta", "tarpit_relayed_to_mta_bytes",
	    "Bytes of theirs that went to the MTA.", true, 1 },
	{ "relay.to_clients", "tarpit_relayed_to_clients_bytes",
	    "Bytes of the MTA's that went to them.", true, 1 },
	{ "backend.up", "tarpit_backend_up",
	    "Whether the MTA of the lane throttle serves.", false, 1 },
	{ "backend.max", "tarpit_backend_connections_limit",
	    "BackendConnections=.", false, 1 },
	{ "backend.queued", "tarpit_backend_queued",
	    "Clients that wait for a connection to that MTA.", false, 1 },
	{ "backend.longest_wait_us", "tarpit_backend_longest_wait_seconds",
	    "Longest that a client has waited for one.", false, 1e6 },
	{ "backend.opened", "tarpit_backend_connections_opened",
	    "Connections opened to that MTA.", true, 1 },
	{ "backend.asked", "tarpit_backend_transactions",
	    "Recipients asked about and messages handed to it.", true, 1 },
	{ "backend.lost", "tarpit_backend_connections_lost",
	    "Connections to it that were lost.", true, 1 },
	{ "backend.timed_out", "tarpit_backend_timeouts",
	    "Questions and messages that it did not answer in time.", true, 1 },
	{ "backend.blamed", "tarpit_backend_blamed",
	    "Hosts and networks that have fewer connections for it.", false,
	    1 },
	{ "backend.unsure", "tarpit_messages_unsure",
	    "Messages whose end it had and did not answer.", true, 1 },
	{ "throttle.cut", "tarpit_throttle_cut",
	    "Throttled sessions that ended for too many errors or commands.",
	    true, 1 },
	{ "throttle.anew", "tarpit_throttle_slowed_anew",
	    "Times that MaxMessages= messages slowed a session anew.", true,
	    1 },
	{ "throttle.too_slow", "tarpit_throttle_too_slow",
	    "Throttled sessions ended with a message below MinBodyRate=.", true,
	    1 },
	{ "spool.used", "tarpit_spool_bytes",
	    "What messages that are coming in have of SpoolMax=.", false, 1 },
	{ "spool.max", "tarpit_spool_max_bytes", "SpoolMax=.", false, 1 },
	{ "spool.messages", "tarpit_spool_messages",
	    "Messages that are coming in, or wait for the MTA.", false, 1 },
	{ "spool.full", "tarpit_spool_full",
	    "Messages refused since there was no room for them.", true, 1 },
	{ "spool.refused", "tarpit_spool_refused",
	    "Messages refused since their client had its part of SpoolMax=.",
	    true, 1 },
	{ "spool.expelled", "tarpit_spool_expelled",
	    "Messages that gave way to others, and were refused for now.", true,
	    1 },
	{ "policy.up", "tarpit_policy_up",
	    "Whether the policy service answers; if not, one client at a time "
	    "probes it.",
	    false, 1 },
	{ "policy.asked", "tarpit_policy_questions",
	    "Questions to the policy service.", true, 1 },
	{ "policy.answered", "tarpit_policy_answers", "Its answers.", true, 1 },
	{ "policy.timed_out", "tarpit_policy_timeouts",
	    "Sessions without an answer in time.", true, 1 },
	{ "policy.garbage", "tarpit_policy_garbage",
	    "Answers that could not be read.", true, 1 },
	{ "policy.shared", "tarpit_policy_shared",
	    "Sessions that had the answer of another one of their client.",
	    true, 1 },
	{ "policy.forgotten", "tarpit_policy_forgotten",
	    "Questions withdrawn, since the client had left.", true, 1 },
	{ "policy.overloaded", "tarpit_policy_overloaded",
	    "Sessions decided without all facts, or without an answer, because "
	    "the policy service was overloaded.",
	    true, 1 },
	{ "policy.lost", "tarpit_policy_lost",
	    "Ends of sessions that could not be told to it.", true, 1 },
	{ "policy.cache_hits", "tarpit_policy_cache_hits",
	    "Sessions decided by an answer that still held.", true, 1 },
	{ "records.sent", "tarpit_records", "Records sent to the journal.",
	    true, 1 },
	{ "records.dropped", "tarpit_records_dropped",
	    "Records dropped because the journal did not keep up.", true, 1 },
	{ "tls.handshakes", "tarpit_tls_handshakes",
	    "TLS handshakes under way.", false, 1 },
	{ "tls.held", "tarpit_tls_held", "Held sessions with TLS.", false, 1 },
	{ "tls.held_max", "tarpit_tls_held_limit",
	    "As many of them as there may be.", false, 1 },
	{ "tls.refused", "tarpit_tls_refused",
	    "Clients told 454 to STARTTLS because of a limit.", true, 1 },
	{ "records.folded", "tarpit_records_folded",
	    "Sessions that share a record; see RecordsPerClient=.", true, 1 },
	{ "records.names_cut", "tarpit_records_names_cut",
	    "Names of held sessions for which HoldNames= had no room.", true,
	    1 },
	{ "accept_pauses", "tarpit_accept_pauses",
	    "Times that no descriptor or memory was left to accept.", true, 1 },
	{ "probes", "tarpit_probes",
	    "Connections that were closed without a word from either side.",
	    true, 1 },
	{ "longest_stall_us", "tarpit_longest_stall_seconds",
	    "Longest that the dispatcher kept its connections waiting.", false,
	    1e6 },
	{ "overrides", "tarpit_overrides",
	    "Networks that an operator releases or holds.", false, 1 },
};

static const struct simple of_policyd[] = {
	{ "connections", "tarpit_policyd_connections",
	    "Connections to tarpit-policyd.", false, 1 },
	{ "answers", "tarpit_policyd_answers", "Questions that it answered.",
	    true, 1 },
	{ "outcomes", "tarpit_policyd_outcomes",
	    "Ends of sessions that it was told of.", true, 1 },
	{ "errors", "tarpit_policyd_bad_questions",
	    "Questions that it could not read.", true, 1 },
	{ "overloaded", "tarpit_policyd_overloaded",
	    "Questions that it answered without the DNS for want of room.",
	    true, 1 },
	{ "unasked", "tarpit_policyd_unasked",
	    "Questions that it answered without the DNS for NetworkLookups=.",
	    true, 1 },
	{ "forgotten", "tarpit_policyd_forgotten",
	    "Questions whose client had left.", true, 1 },
	{ "refused_outcomes", "tarpit_policyd_refused_outcomes",
	    "Ends of sessions that somebody else than the dispatcher told.",
	    true, 1 },
	{ "mismatches", "tarpit_policyd_mismatches",
	    "Weights without data, and lists without a weight.", false, 1 },
};

/*
 * Writing
 */

const char *
exposition_type(enum exposition_format format)
{
	return format == EXPOSITION_TEXT
	    ? "text/plain; version=0.0.4; charset=utf-8"
	    : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

/* A counter's samples end in _total; its family's name does in one format and
 * does not in the other. */
static void
family(
    const struct page *p, const char *name, const char *type, const char *help)
{
	bool total =
	    strcmp(type, "counter") == 0 && p->format == EXPOSITION_TEXT;
	const char *suffix = total ? "_total" : "";

	fprintf(p->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help,
	    name, suffix, type);
}

static void
write_simple(const struct page *p, const struct simple *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double value =
		    (double)message_number(p->m, s[i].figure) / s[i].divisor;

		family(p, s[i].name, s[i].counter ? "counter" : "gauge",
		    s[i].help);
		fprintf(p->out, "%s%s %.15g\n", s[i].name,
		    s[i].counter ? "_total" : "", value);
	}
}

/* PREFIX.LANE.OUTCOME of each, 0 where nothing was said. */
static void
write_ended(
    const struct page *p, const char *prefix, const char *name, double divisor)
{
	char figure[64];

	for (size_t l = 0; l < LANE_COUNT; l++)
		for (size_t o = 0; o < SURVEY_OUTCOMES; o++) {
			snprintf(figure, sizeof(figure), "%s.%s.%s", prefix,
			    lane_name((enum lane)l), survey_outcome[o]);
			fprintf(p->out,
			    "%s_total{lane=\"%s\",outcome=\"%s\"} %.15g\n",
			    name, lane_name((enum lane)l), survey_outcome[o],
			    (double)message_number(p->m, figure) / divisor);
		}
}

/* LABELS is "" or ends in a comma. */
static void
write_bucket(const struct page *p, const char *name, const char *labels,
    const char *bound, uint64_t n)
{
	if (strcmp(bound, "inf") == 0)
		fprintf(p->out, "%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name,
		    labels, n);
	else
		fprintf(p->out, "%s_bucket{%sle=\"%.15g\"} %" PRIu64 "\n", name,
		    labels, strtod(bound, NULL) / 1e6, n);
}

/* The figures PREFIX.BOUND, in the order in which they were said. */
static void
write_histogram(const struct page *p, const char *prefix, const char *name,
    const char *label)
{
	const char *pos = p->m->data, *end = pos + p->m->len;
	size_t len = strlen(prefix);
	char labels[32] = "", braces[40] = "", bound[32];
	int64_t n = 0;
	struct attr a;

	if (label != NULL) {
		snprintf(labels, sizeof(labels), "lane=\"%s\",", label);
		snprintf(braces, sizeof(braces), "{lane=\"%s\"}", label);
	}
	while (attrs_next(&pos, end, &a) > 0) {
		if (a.name_len <= len + 1 || memcmp(a.name, prefix, len) != 0 ||
		    a.name[len] != '.' || attr_int(&a, 0, INT64_MAX, &n) < 0)
			continue;
		snprintf(bound, sizeof(bound), "%.*s",
		    (int)(a.name_len - len - 1), a.name + len + 1);
		if (strcmp(bound, "sum") == 0)
			fprintf(p->out, "%s_sum%s %.15g\n", name, braces,
			    (double)n / 1e6);
		else
			write_bucket(p, name, labels, bound, (uint64_t)n);
		if (strcmp(bound, "inf") == 0)
			fprintf(p->out, "%s_count%s %" PRIi64 "\n", name,
			    braces, n);
	}
}

/*
 * What there is
 */

static void
write_build(const struct page *p, const struct survey *s)
{
	char version[128];

	family(p, "tarpit_up", "gauge", "Whether a daemon answers.");
	fprintf(p->out, "tarpit_up{program=\"tarpitd\"} %d\n",
	    s->tarpitd.error == 0);
	fprintf(p->out, "tarpit_up{program=\"tarpit-policyd\"} %d\n",
	    s->policyd.error == 0);
	if (s->tarpitd.error != 0)
		return;
	family(p, "tarpit_build_info", "gauge", "The version of tarpitd.");
	fprintf(p->out, "tarpit_build_info{version=\"%s\"} 1\n",
	    message_text(p->m, "version", version, sizeof(version)));
	family(p, "tarpit_observe", "gauge",
	    "Whether it only observes (Mode=observe).");
	fprintf(p->out, "tarpit_observe %d\n",
	    strcmp(message_text(p->m, "mode", version, sizeof(version)),
		"observe") == 0);
}

static void
write_live(const struct page *p)
{
	static const char *const stages[] = { "asking", "slow", "throttle",
		"hold", "handoff" };
	int64_t connections = message_number(p->m, "backend.connections");
	int64_t idle = message_number(p->m, "backend.free");
	char figure[64];

	family(p, "tarpit_sessions_live", "gauge",
	    "Sessions now: asked about, in a slow lane, on the way to the "
	    "MTA.");
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		snprintf(figure, sizeof(figure), "live.%s", stages[i]);
		fprintf(p->out,
		    "tarpit_sessions_live{stage=\"%s\"} %" PRIi64 "\n",
		    stages[i], message_number(p->m, figure));
	}
	family(p, "tarpit_backend_connections", "gauge",
	    "Connections to the MTA of the lane throttle.");
	fprintf(p->out,
	    "tarpit_backend_connections{state=\"free\"} %" PRIi64 "\n"
	    "tarpit_backend_connections{state=\"busy\"} %" PRIi64 "\n",
	    idle, connections - idle);
}

static void
write_sessions(const struct page *p)
{
	char prefix[32];

	family(p, "tarpit_sessions", "counter",
	    "Sessions that have ended, by lane and outcome.");
	write_ended(p, "ended", "tarpit_sessions", 1);
	family(p, "tarpit_session_seconds", "counter",
	    "How long they were with us, in all.");
	write_ended(p, "held_ms", "tarpit_session_seconds", 1000);
	family(p, "tarpit_session_duration_seconds", "histogram",
	    "How long a session was with us.");
	for (size_t l = 0; l < LANE_COUNT; l++) {
		snprintf(
		    prefix, sizeof(prefix), "stay.%s", lane_name((enum lane)l));
		write_histogram(p, prefix, "tarpit_session_duration_seconds",
		    lane_name((enum lane)l));
	}
	family(p, "tarpit_handoff_latency_seconds", "histogram",
	    "How long the MTA took to take a session.");
	write_histogram(p, "latency", "tarpit_handoff_latency_seconds", NULL);
	family(p, "tarpit_bytes", "counter",
	    "Bytes read from clients and sent to them, by us.");
	fprintf(p->out,
	    "tarpit_bytes_total{direction=\"in\"} %" PRIi64 "\n"
	    "tarpit_bytes_total{direction=\"out\"} %" PRIi64 "\n",
	    message_number(p->m, "bytes_in"),
	    message_number(p->m, "bytes_out"));
}

static void
write_lists(const struct page *p, const struct survey *s)
{
	family(p, "tarpit_lists_up", "gauge",
	    "Whether the compiled lists can be read.");
	fprintf(p->out, "tarpit_lists_up %d\n", s->lists_error[0] == '\0');
	if (s->lists_error[0] != '\0')
		return;
	family(p, "tarpit_lists_compiled_timestamp_seconds", "gauge",
	    "When they were compiled, Unix time.");
	fprintf(p->out, "tarpit_lists_compiled_timestamp_seconds %" PRIu64 "\n",
	    s->compiled);
	family(p, "tarpit_list_entries", "gauge",
	    "Networks and systems on a list.");
	for (size_t i = 0; i < s->n_lists; i++)
		fprintf(p->out,
		    "tarpit_list_entries{list=\"%s\",kind=\"%s\"} %" PRIu32
		    "\n",
		    s->list[i].name, cdbfile_kind_name(s->list[i].kind),
		    s->list[i].entries);
	family(p, "tarpit_list_fresh_timestamp_seconds", "gauge",
	    "When a list was last fetched, or a file changed; Unix time.");
	for (size_t i = 0; i < s->n_lists; i++)
		fprintf(p->out,
		    "tarpit_list_fresh_timestamp_seconds{list=\"%s\"} %" PRIu64
		    "\n",
		    s->list[i].name, s->list[i].fresh);
	family(p, "tarpit_list_fetch_failures", "gauge",
	    "Failures to fetch a list since it was last fetched.");
	for (size_t i = 0; i < s->n_lists; i++) {
		if (s->list[i].hidden)
			continue;
		fprintf(p->out,
		    "tarpit_list_fetch_failures{list=\"%s\"} %" PRIu64 "\n",
		    s->list[i].name, s->list[i].failures);
	}
}

void
exposition_write(
    FILE *out, enum exposition_format format, const struct survey *s)
{
	struct page p = { out, format, &s->tarpitd.said };

	write_build(&p, s);
	if (s->tarpitd.error == 0) {
		write_live(&p);
		write_sessions(&p);
		write_simple(&p, of_tarpitd, ARRAY_SIZE(of_tarpitd));
	}
	p.m = &s->policyd.said;
	if (s->policyd.error == 0)
		write_simple(&p, of_policyd, ARRAY_SIZE(of_policyd));
	write_lists(&p, s);
	/* A comment in the one format, the end in the other. */
	fputs("# EOF\n", out);
}
