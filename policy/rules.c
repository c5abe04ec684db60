/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/redis_url.h"
#include "policy/rules_internal.h"

/*
 * Curves
 */

static int
add_point(struct curve *c, const char *key, const char *value, int64_t number,
    char *why, size_t size)
{
	int64_t score;

	if (option_parse_int(key, -SCORE_MAX, SCORE_MAX, &score) < 0)
		return rules_fail(why, size,
		    "the score is not a whole number from "
		    "-1000000 to 1000000");
	if (*value == '\0')
		curve_remove(c, (int32_t)score);
	else if (curve_set(c, (int32_t)score, (int32_t)number) < 0)
		return rules_fail(why, size, "more than 16 points");
	return 0;
}

static int
set_rate(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct rules *r = config;
	int64_t rate = 0;

	if (*value != '\0' && option_parse_int(value, 1, RATE_MAX, &rate) < 0)
		return rules_fail(why, size,
		    "not a number of bytes per second from 1 to 1000000");
	return add_point(&r->rate, key, value, rate, why, size);
}

static int
set_patience(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct rules *r = config;
	uint64_t usec = 0;

	if (*value != '\0' &&
	    (option_parse_time(value, &usec) < 0 ||
		usec > PATIENCE_MAX * USEC_PER_SEC || usec % USEC_PER_SEC != 0))
		return rules_fail(
		    why, size, "not a time of whole seconds up to 1h");
	return add_point(&r->patience, key, value,
	    (int64_t)(usec / USEC_PER_SEC), why, size);
}

/*
 * The table
 */

/* Whether it has a name in it that cannot be filled in. */
static bool
has_unknown_name(const char *action)
{
	static const char *const names[] = { "%{score}", "%{reason}",
		"%{country}" };

	while ((action = strstr(action, "%{"))) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			known = known ||
			    strncmp(action, names[i], strlen(names[i])) == 0;
		if (!known)
			return true;
		action++;
	}
	return false;
}

/* Puts a copy of VALUE into the string at MEMBER, which the rules own. */
static int
set_string(const char *value, void *member, char *why, size_t size)
{
	char **string = member;
	char *copy = strdup(value);

	if (!copy)
		return rules_fail(why, size, "out of memory");
	free(*string);
	*string = copy;
	return 0;
}

/* An action has to stay one line of an answer, and to say something. */
static int
parse_action(const char *value, void *member, char *why, size_t size)
{
	if (*value == '\0' || strlen(value) > 512)
		return rules_fail(why, size, "not an action of access(5)");
	if (has_unknown_name(value))
		return rules_fail(why, size,
		    "there are only %{score}, %{reason} and %{country}");
	return set_string(value, member, why, size);
}

/* A directory, or a server. */
static int
parse_history(const char *value, void *member, char *why, size_t size)
{
	const char *reason;
	struct redis_url url;

	if (redis_url_is(value) && redis_url_parse(value, &url, &reason) < 0)
		return rules_fail(why, size, reason);
	return set_string(value, member, why, size);
}

#define PATH(name, member, preset, text)                               \
	{                                                              \
		.section = "Data", .key = name, .type = OPTION_STRING, \
		.offset = offsetof(struct rules, member), .max = 4095, \
		.initial = preset, .help = text                        \
	}
#define LANE(name, member, preset, text)                                     \
	{                                                                    \
		.section = "Lanes", .key = name, .type = OPTION_INT,         \
		.offset = offsetof(struct rules, member), .min = -SCORE_MAX, \
		.max = SCORE_MAX, .initial = preset, .help = text            \
	}
#define HALF_LIFE(name, kind, preset, text)                             \
	{                                                               \
		.section = "History", .key = name, .type = OPTION_TIME, \
		.offset = offsetof(struct rules, half_life) +           \
		    (kind) * sizeof(uint64_t),                          \
		.min = USEC_PER_SEC,                                    \
		.max = 3650 * 86400 * (int64_t)USEC_PER_SEC,            \
		.initial = preset, .help = text                         \
	}
#define ACTION(name, lane, text)                                              \
	{                                                                     \
		.section = "Postfix", .key = name, .type = OPTION_CUSTOM,     \
		.offset =                                                     \
		    offsetof(struct rules, action) + (lane) * sizeof(char *), \
		.initial = "DUNNO", .parse = parse_action, .help = text       \
	}

/* clang-format off */
static const struct option options[] = {
	PATH("Lists", lists, "/var/lib/tarpit/lists.cdb",
	    "block and allow lists compiled by tarpit-lists"),
	PATH("Country", country, "/var/lib/tarpit/country.mmdb",
	    "country database in MaxMind's format"),
	PATH("Asn", asn, "/var/lib/tarpit/asn.mmdb",
	    "database of autonomous systems in MaxMind's format"),
	{ .section = "Data", .key = "DatabaseAge", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, database_age),
	    .max = 3650 * 86400 * (int64_t)USEC_PER_SEC, .initial = "60d",
	    .help = "older ones than this are warned about; 0: never" },
	{ .section = "Data", .key = "History", .type = OPTION_CUSTOM,
	    .offset = offsetof(struct rules, history),
	    .initial = "/var/lib/tarpit/history", .parse = parse_history,
	    .secret = true,
	    .help = "what is remembered of clients: a directory, or "
		    "redis://HOST:PORT/DB" },
	LANE("Slow", slow, "20", "lowest score of the lane slow"),
	LANE("Throttle", throttle, "60", "lowest score of the lane throttle"),
	LANE("Hold", hold, "100", "lowest score of the lane hold"),
	ACTION("Pass", LANE_PASS, "answer to Postfix in the lane pass"),
	ACTION("Slow", LANE_SLOW, "answer to Postfix in the lane slow"),
	ACTION("Throttle", LANE_THROTTLE,
	    "answer to Postfix in the lane throttle"),
	ACTION("Hold", LANE_HOLD, "answer to Postfix in the lane hold"),
	{ .section = "Answers", .key = "Ttl", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, ttl),
	    .max = 3600 * (int64_t)USEC_PER_SEC, .initial = "60s",
	    .help = "how long a pass may be used again for its address" },
	HALF_LIFE("PatientFor", HISTORY_PATIENT, "30d",
	    "how long who was patient need not be so again"),
	HALF_LIFE("PatientHalfLife", HISTORY_PATIENT, "30d",
	    "the same, as it was called"),
	{ .section = "History", .key = "LendAfter", .type = OPTION_INT,
	    .offset = offsetof(struct rules, lend_after),
	    .max = HISTORY_HOSTS_MAX, .initial = "3",
	    .help = "hosts of a network whose patience is lent to it; 0 never" },
	HALF_LIFE("AbandonedHalfLife", HISTORY_ABANDONED, "1d",
	    "in which having left counts half"),
	HALF_LIFE("PregreetHalfLife", HISTORY_PREGREET, "7d",
	    "in which having talked early counts half"),
	{ .section = "History", .key = "MaxRecords", .type = OPTION_INT,
	    .offset = offsetof(struct rules, history_max),
	    .min = 64, .max = 1 << 26, .initial = "1048576",
	    .help = "clients and networks remembered; 32 bytes each" },
	{ .section = "History", .key = "CacheTime", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, history_cache),
	    .max = 3600 * (int64_t)USEC_PER_SEC, .initial = "10s",
	    .help = "how long what a server said of a client is used" },
	{ .section = "Dns", .key = "DnsTimeout", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, dns_timeout),
	    .min = 10 * USEC_PER_MSEC, .max = 60 * (int64_t)USEC_PER_SEC,
	    .initial = "2s",
	    .help = "in which all look-ups of a client have to answer" },
	{ .section = "Dns", .key = "Servers", .type = OPTION_STRING,
	    .offset = offsetof(struct rules, dns_servers), .max = 1023,
	    .help = "ADDRESS[:PORT],... of resolvers; /etc/resolv.conf" },
	{ .section = "Dns", .key = "TrustZones", .type = OPTION_STRING,
	    .offset = offsetof(struct rules, dns_trust), .max = 1023,
	    .secret = true,
	    .help = "zones, as in [Weights], that count though they fail "
		    "their test" },
	{ .section = "Dns", .key = "GenericNames", .type = OPTION_STRING,
	    .offset = offsetof(struct rules, rdns_generic), .max = 4095,
	    .initial = SYSCONFDIR "/tarpit/rdns-generic.conf",
	    .help = "file of rules for names that look dynamic" },
	{ .section = "Dns", .key = "ProbeInterval", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, dns_probe),
	    .min = USEC_PER_SEC / 10, .max = 86400 * (int64_t)USEC_PER_SEC,
	    .initial = "30min",
	    .help = "how often the test addresses of zones are asked for" },
	{ .section = "Dns", .key = "CacheNames", .type = OPTION_INT,
	    .offset = offsetof(struct rules, dns_cache),
	    .min = 64, .max = 1 << 24, .initial = "65536",
	    .help = "answers kept; some 300 bytes each" },
	{ .section = "Dns", .key = "NetworkLookups", .type = OPTION_INT,
	    .offset = offsetof(struct rules, dns_network_lookups),
	    .max = 1000000, .initial = "60",
	    .help = "look-ups a minute for all addresses of an IPv6 /64; 0: "
		    "any number" },
	{ .section = "Service", .key = "MaxQuestions", .type = OPTION_INT,
	    .offset = offsetof(struct rules, max_questions),
	    .min = 16, .max = RULES_QUESTIONS_MAX, .initial = "16384",
	    .help = "questions that wait for the DNS at the same time" },
	{ .section = "Service", .key = "MaxConnections", .type = OPTION_INT,
	    .offset = offsetof(struct rules, max_connections),
	    .min = 1, .max = 4096, .initial = "64",
	    .help = "connections served at the same time" },
};
/* clang-format on */

static const struct option_section sections[] = {
	{ "Curve", set_rate, "SCORE=BYTES: bytes per second at this score" },
	{ "Patience", set_patience,
	    "SCORE=TIME: length of the greeting at this score" },
	{ "Weights", rules_set_weight,
	    "FACT=POINTS: what a fact adds to the score" },
	{ "Zones", rules_set_alias,
	    "NAME=ZONE: dnsbl.NAME is shown where ZONE has a key in it" },
};

const struct option_table rules_table = {
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.sections = sections,
	.n_sections = ARRAY_SIZE(sections),
	.secret_section = "Zones",
};

static const struct curve default_rate = {
	.n = 3,
	.point = { { 20, 100 }, { 60, 20 }, { 100, 5 } },
};
static const struct curve default_patience = {
	.n = 3,
	.point = { { 20, 6 }, { 60, 20 }, { 100, 25 } },
};

/* What is asked for a weight, and what is shown of it. */

int
rules_check(struct rules *r, struct option_error *ret_error)
{
	if (r->rate.n == 0)
		r->rate = default_rate;
	if (r->patience.n == 0)
		r->patience = default_patience;
	/* Who is seen and who is patient is known for equally long. */
	r->half_life[HISTORY_SEEN] = r->half_life[HISTORY_PATIENT];
	ret_error->line = 0;
	if (r->slow >= r->throttle)
		snprintf(ret_error->text, sizeof(ret_error->text),
		    "[Lanes] Slow=%lld is not below Throttle=%lld",
		    (long long)r->slow, (long long)r->throttle);
	else if (r->throttle >= r->hold)
		snprintf(ret_error->text, sizeof(ret_error->text),
		    "[Lanes] Throttle=%lld is not below Hold=%lld",
		    (long long)r->throttle, (long long)r->hold);
	else
		return rules_check_zones(r, ret_error);
	return -EINVAL;
}

void
rules_fini(struct rules *r)
{
	struct list_weight *w;

	while ((w = r->list_weight)) {
		r->list_weight = w->next;
		free(w);
	}
	free(r->asn_weight.slot);
	for (size_t i = 0; i < LANE_COUNT; i++)
		free(r->action[i]);
	free(r->history);
	option_fini(&rules_table, r);
	memset(r, 0, sizeof(*r));
}
