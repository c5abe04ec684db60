/* SPDX-License-Identifier: ISC */
#include "policy/rules.h"

#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

static struct rules rules;
static struct option_error error;

static int
load(const char *text)
{
	AUTO_FREE char *path = scratch_write("policy.conf", text, strlen(text));
	int r;

	memset(&rules, 0, sizeof(rules));
	memset(&error, 0, sizeof(error));
	option_defaults(&rules_table, &rules);
	r = option_load(&rules_table, path, &rules, &error);
	return r < 0 ? r : rules_check(&rules, &error);
}

/* The file is refused, at LINE, with words that name TEXT. */
static void
check_refused(const char *file, int line, const char *text)
{
	int r = load(file);

	if (r == 0 || error.line != line || !strstr(error.text, text))
		fprintf(stderr, "%s-> %d, line %d: %s\n", file, r, error.line,
		    error.text);
	CHECK(r < 0);
	CHECK_INT(error.line, line);
	CHECK(strstr(error.text, text) != NULL);
	rules_fini(&rules);
}

static int32_t
list_weight_of(const char *name)
{
	struct list_weight *w = rules_list(&rules, FAMILY_LIST, name);

	CHECK(w != NULL);
	CHECK_STR(w->name + 5, name);
	return w->weight;
}

static void
empty_file_gives_defaults(void)
{
	CHECK_INT(load(""), 0);
	CHECK_STR(rules.lists, "/var/lib/tarpit/lists.cdb");
	CHECK_INT(rules.slow, 20);
	CHECK_INT(rules.throttle, 60);
	CHECK_INT(rules.hold, 100);
	CHECK_INT(curve_at(&rules.rate, 60), 20);
	CHECK_INT(curve_at(&rules.patience, 60), 20);
	CHECK_INT(rules.ttl, 60 * USEC_PER_SEC);
	CHECK_STR(rules.action[LANE_HOLD], "DUNNO");
	for (size_t i = 0; i < NAMED_FACT_COUNT; i++)
		CHECK_INT(rules.named[i], 0);
	rules_fini(&rules);
}

static void
shipped_file_loads(void)
{
	const char *root = getenv("ROOT");
	AUTO_FREE char *path = NULL;

	CHECK(asprintf(&path, "%s/policy/policy.conf", root ? root : ".") > 0);
	option_defaults(&rules_table, &rules);
	CHECK_INT(option_load(&rules_table, path, &rules, &error), 0);
	CHECK_INT(rules_check(&rules, &error), 0);
	CHECK_INT(rules.named[FACT_HISTORY_NONE], 20);
	CHECK_INT(rules.named[FACT_BEHAVIOUR_PREGREET], 100);
	CHECK_INT(list_weight_of("drop"), 100);
	CHECK_INT(list_weight_of("known-senders"), -1000);
	/* Where a client is from weighs nothing until somebody says so. */
	CHECK_INT(rules.named[FACT_COUNTRY_UNKNOWN], 0);
	CHECK_INT(rules.named[FACT_ASN_UNKNOWN], 0);
	CHECK_INT(rules.asn_weight.n, 0);
	for (size_t i = 0; i < COUNTRY_COUNT; i++)
		CHECK_INT(rules.country_weight[i], 0);
	rules_fini(&rules);
}

static void
all_families(void)
{
	CHECK_INT(load("[Weights]\n"
		       "list.drop=100\n"
		       "country.CN=15\ncountry.unknown=-1\n"
		       "asn.64496=30\nasn.unknown=2\nasn.4294967295=-7\n"
		       "rdns.none=25\nrdns.unconfirmed=3\nrdns.generic=4\n"
		       "rdns.ok=-5\n"
		       "history.none=20\nhistory.patient=-100\n"
		       "history.abandoned=10\nhistory.pregreet=11\n"
		       "dnsbl.zen.example.net=60\n"
		       "dnsbl.b.example.net=61=127.0.0.2-11\n"
		       "behaviour.pregreet=1000000\n"),
	    0);
	CHECK_INT(list_weight_of("drop"), 100);
	CHECK_INT(list_weight_of("other"), 0);
	CHECK_INT(rules.country_weight[country_index("CN")], 15);
	CHECK_INT(rules.named[FACT_COUNTRY_UNKNOWN], -1);
	CHECK_INT(rules_asn_weight(&rules, 64496), 30);
	CHECK_INT(rules_asn_weight(&rules, UINT32_MAX), -7);
	CHECK_INT(rules_asn_weight(&rules, 64497), 0);
	CHECK_INT(rules.named[FACT_RDNS_OK], -5);
	CHECK_INT(rules.named[FACT_HISTORY_PREGREET], 11);
	CHECK_INT(rules.named[FACT_BEHAVIOUR_PREGREET], 1000000);
	CHECK_INT(rules.n_dnsbl, 2);
	CHECK_STR(rules.dnsbl[0].key, "zen.example.net");
	CHECK_STR(rules.dnsbl[0].filter, "");
	CHECK_INT(rules.dnsbl[1].weight, 61);
	CHECK_STR(rules.dnsbl[1].filter, "127.0.0.2-11");
	rules_fini(&rules);
}

static void
later_line_wins_and_empty_takes_back(void)
{
	CHECK_INT(load("[Weights]\nlist.a=1\nlist.a=2\nlist.b=3\nlist.b=\n"
		       "asn.1=5\nasn.1=6\nhistory.none=20\nhistory.none=\n"
		       "dnsbl.z.example=1\ndnsbl.z.example=2\n"
		       "[Curve]\n60=20\n60=30\n20=9\n20=\n"),
	    0);
	CHECK_INT(list_weight_of("a"), 2);
	CHECK_INT(list_weight_of("b"), 0);
	CHECK_INT(rules_asn_weight(&rules, 1), 6);
	CHECK_INT(rules.asn_weight.n, 1);
	CHECK_INT(rules.named[FACT_HISTORY_NONE], 0);
	CHECK_INT(rules.n_dnsbl, 1);
	CHECK_INT(rules.dnsbl[0].weight, 2);
	/* One's own points stand in the place of the default ones. */
	CHECK_INT(rules.rate.n, 1);
	CHECK_INT(curve_at(&rules.rate, 20), 30);
	rules_fini(&rules);
}

static void
many_networks(void)
{
	char text[64], why[64];

	CHECK_INT(load(""), 0);
	for (int i = 1; i <= 20000; i++) {
		snprintf(text, sizeof(text), "asn.%d", i * 7);
		CHECK_INT(rules_table.sections[2].set(
			      &rules, text, "42", why, sizeof(why)),
		    0);
	}
	for (uint32_t i = 1; i <= 20000; i++) {
		CHECK_INT(rules_asn_weight(&rules, i * 7), 42);
		CHECK_INT(rules_asn_weight(&rules, i * 7 + 1), 0);
	}
	CHECK_INT(rules_asn_weight(&rules, 0), 0);
	rules_fini(&rules);
}

static void
bad_weights(void)
{
	check_refused("[Weights]\n\nlist.drop=x\n", 3, "list.drop");
	check_refused("[Weights]\nlist.drop=1000001\n", 2, "1000000");
	check_refused("[Weights]\nlist.=1\n", 2, "list");
	check_refused("[Weights]\nlist.UPPER=1\n", 2, "UPPER");
	check_refused("[Weights]\ncountry.cn=1\n", 2, "ISO 3166");
	check_refused("[Weights]\ncountry.CHN=1\n", 2, "CHN");
	check_refused("[Weights]\nasn.0=1\n", 2, "asn.0");
	check_refused("[Weights]\nasn.4294967296=1\n", 2, "asn.4294967296");
	check_refused("[Weights]\nasn.AS1=1\n", 2, "asn.AS1");
	check_refused("[Weights]\nrdns.bad=1\n", 2, "rdns.bad");
	check_refused("[Weights]\nhistory.never=1\n", 2, "no such weight");
	check_refused("[Weights]\nweather.rain=1\n", 2, "weather.rain");
	check_refused("[Weights]\ndnsbl.zone=1\n", 0, "[Zones]");
	check_refused("[Weights]\ndnsbl.a.b=1=8.8.8.8\n", 2, "filter");
	check_refused("[Weights]\ndnsbl.a.b==127.0.0.2x\n", 2, "filter");
}

static void
bad_curves(void)
{
	check_refused("[Curve]\n20=0\n", 2, "20=0");
	check_refused("[Curve]\n20=1000001\n", 2, "1000000");
	check_refused("[Curve]\nx=5\n", 2, "score");
	check_refused("[Patience]\n20=1500ms\n", 2, "whole seconds");
	check_refused("[Patience]\n20=2h\n", 2, "1h");
	check_refused("[Patience]\n1000001=2s\n", 2, "score");
}

static void
bad_lanes(void)
{
	check_refused("[Lanes]\nSlow=60\n", 0, "Slow=60 is not below");
	check_refused("[Lanes]\nHold=60\n", 0, "Throttle=60 is not below");
	check_refused("[Lanes]\nHold=1e3\n", 2, "Hold");
	CHECK_INT(load("[Lanes]\nSlow=-5\nThrottle=-4\nHold=-3\n"), 0);
	rules_fini(&rules);
}

static void
bad_options(void)
{
	check_refused("[Data]\nLsits=/x\n", 2, "Lsits");
	check_refused("[Dta]\nLists=/x\n", 1, "Dta");
	check_refused("[Data]\nHistory=redis://h:0/0\n", 2, "port");
	check_refused("[Data]\nHistory=rediss://h\n", 2, "TLS");
	check_refused("[History]\nCacheTime=2h\n", 2, "CacheTime");
	check_refused("[Answers]\nTtl=2h\n", 2, "Ttl");
	check_refused("[Service]\nMaxConnections=0\n", 2, "MaxConnections");
	check_refused("[Postfix]\nHold=\n", 2, "Hold");
}

static void
postfix_actions(void)
{
	CHECK_INT(load("[Postfix]\nHold=DEFER_IF_PERMIT try again\n"), 0);
	CHECK_STR(rules.action[LANE_HOLD], "DEFER_IF_PERMIT try again");
	CHECK_STR(rules.action[LANE_PASS], "DUNNO");
	rules_fini(&rules);
}

static void
named_facts_print(void)
{
	struct facts f;

	CHECK_INT(load("[Weights]\nbehaviour.pregreet=9\nhistory.none=8\n"), 0);
	facts_init(&f);
	rules_add_named(&rules, FACT_BEHAVIOUR_PREGREET, &f);
	rules_add_named(&rules, FACT_HISTORY_NONE, &f);
	rules_add_named(&rules, FACT_RDNS_NONE, &f);
	CHECK_INT(f.n, 2);
	CHECK_STR(f.fact[0].name, "behaviour:pregreet");
	CHECK_INT(f.fact[0].weight, 9);
	CHECK_STR(f.fact[1].name, "history.none");
	CHECK_STR(named_fact_key(FACT_RDNS_GENERIC), "rdns.generic");
	rules_fini(&rules);
}

static void
list_names_stay(void)
{
	struct list_weight *a, *b;

	CHECK_INT(load("[Weights]\nlist.a=4\n"), 0);
	a = rules_list(&rules, FAMILY_LIST, "a");
	b = rules_list(&rules, FAMILY_LIST, "b");
	CHECK(a && b && a != b);
	CHECK_STR(b->name, "list.b");
	CHECK_INT(b->weight, 0);
	CHECK(rules_list(&rules, FAMILY_LIST, "a") == a);
	CHECK(rules_list(&rules, FAMILY_LIST, "b") == b);
	rules_fini(&rules);
}

/* facts.def once more, with what rules.c leaves out. */
static const struct table_fact {
	enum named_fact which;
	enum fact_family family;
	enum fact_class class;
	const char *key, *source;
} table[] = {
#define NAMED_FACT(f, id, k, s, c, r, w, source) \
	{ FACT_##f##_##id, FAMILY_##f, CLASS_##c, k, source },
#include "policy/facts.def"
};

static const char *const prefix[] = {
#define FACT_FAMILY(id, prefix, set) prefix,
#include "policy/facts.def"
};

static const char *const source[] = {
	"session",
#define FACT_SOURCE(name) #name,
#include "policy/facts.def"
};

/* The file PATH of the tree. */
static char *
read_tree(const char *path)
{
	static char text[1 << 16];
	const char *root = getenv("ROOT");
	AUTO_FREE char *full = NULL;
	size_t n;
	FILE *f;

	CHECK(asprintf(&full, "%s/%s", root ? root : ".", path) > 0);
	f = fopen(full, "re");
	CHECK(f != NULL);
	n = fread(text, 1, sizeof(text) - 1, f);
	CHECK(n > 0 && n < sizeof(text) - 1);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* What the compiler cannot tell of it. */
static void
table_of_facts_agrees_with_itself(void)
{
	const char *manual = read_tree("policy/policy.conf.5");

	CHECK_INT(load(""), 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct table_fact *t = &table[i];
		struct fact fact = rules_fact(&rules, t->which);
		size_t n = strlen(prefix[t->family]), s = 0;
		AUTO_FREE char *item = NULL;

		CHECK_STR(named_fact_key(t->which), t->key);
		CHECK(strncmp(t->key, prefix[t->family], n) == 0);
		CHECK_INT(fact.class, t->class);
		while (
		    s < ARRAY_SIZE(source) && strcmp(source[s], t->source) != 0)
			s++;
		if (s == ARRAY_SIZE(source))
			fprintf(
			    stderr, "%s: no source %s\n", t->key, t->source);
		CHECK(s < ARRAY_SIZE(source));
		CHECK((t->class == CLASS_SESSION) ==
		    (strcmp(t->source, "session") == 0));
		CHECK(asprintf(&item, "\n.It Cm %s\n", t->key) > 0);
		if (!strstr(manual, item))
			fprintf(stderr, "%s is not in policy.conf.5\n", t->key);
		CHECK(strstr(manual, item) != NULL);
	}
	rules_fini(&rules);
}

/* Roles come from the table, too; records look for the last name. */
static void
facts_have_their_roles_and_names(void)
{
	CHECK_INT(load(""), 0);
	CHECK_INT(rules_fact(&rules, FACT_HISTORY_NONE).role, ROLE_NONE);
	CHECK_INT(rules_fact(&rules, FACT_HISTORY_PATIENT).role, ROLE_PATIENCE);
	CHECK_INT(rules_fact(&rules, FACT_HISTORY_SEEN).role, ROLE_SEEN);
	CHECK(named_fact_fades(FACT_HISTORY_PREGREET));
	CHECK(!named_fact_fades(FACT_HISTORY_NONE));
	CHECK_STR(rules_fact(&rules, FACT_RDNS_NONE).name, "rdns.none");
	/* bin/tarpitd/record.c and bin/tarpitctl/tally.c do. */
	CHECK_STR(rules_fact(&rules, FACT_BEHAVIOUR_PREGREET).name,
	    "behaviour:pregreet");
	rules_fini(&rules);
}

static void
all_families_are_named(void)
{
	char text[256] = "no such family of weights:";
	size_t n = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(prefix); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %.*s",
		    i > 0 ? "," : "", (int)strlen(prefix[i]) - 1, prefix[i]);
	check_refused("[Weights]\nnight=1\n", 2, text);
	check_refused("[Weights]\nhistory.night=1\n", 2, "no such weight");
}

/* Only names and zones are reasons to ask the DNS, and all of those are. */
static void
weights_for_which_the_dns_is_asked(void)
{
	CHECK_INT(load("[Weights]\nhistory.none=20\nhistory.seen=-5\n"
		       "dns.unanswered=5\nbehaviour.pregreet=5\n"
		       "asn.unknown=5\ncountry.unknown=5\n"),
	    0);
	CHECK(!rules_ask_dns(&rules));
	rules_forget_dns(&rules);
	CHECK_INT(rules.named[FACT_HISTORY_NONE], 20);
	CHECK_INT(rules.named[FACT_ASN_UNKNOWN], 5);
	rules_fini(&rules);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].family != FAMILY_RDNS)
			continue;
		CHECK_INT(load(""), 0);
		rules.named[table[i].which] = 1;
		CHECK(rules_ask_dns(&rules));
		rules_forget_dns(&rules);
		CHECK(!rules_ask_dns(&rules));
		rules_fini(&rules);
	}
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(empty_file_gives_defaults),
		CASE(shipped_file_loads),
		CASE(all_families),
		CASE(later_line_wins_and_empty_takes_back),
		CASE(many_networks),
		CASE(bad_weights),
		CASE(bad_curves),
		CASE(bad_lanes),
		CASE(bad_options),
		CASE(postfix_actions),
		CASE(named_facts_print),
		CASE(list_names_stay),
		CASE(table_of_facts_agrees_with_itself),
		CASE(facts_have_their_roles_and_names),
		CASE(all_families_are_named),
		CASE(weights_for_which_the_dns_is_asked),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
