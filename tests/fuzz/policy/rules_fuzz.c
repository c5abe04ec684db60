/* SPDX-License-Identifier: ISC */
/* policy.conf: rules that are accepted give every set of facts a verdict that
 * the dispatcher accepts. */
#include "policy/rules.h"

#include "policy/engine.h"
#include "tests/helpers/fuzz.h"

static void
decide(struct rules *rules)
{
	struct facts facts;
	struct verdict v;
	const struct list_weight *w = rules_list(rules, FAMILY_LIST, "drop");

	REQUIRE(w != NULL);
	facts_init(&facts);
	for (int i = 0; i < NAMED_FACT_COUNT; i++)
		rules_add_named(rules, (enum named_fact)i, &facts);
	facts_add(&facts,
	    &(struct fact){
		.kind = FACT_NAMED, .weight = w->weight, .name = w->name });
	facts_add(&facts,
	    &(struct fact){ .kind = FACT_ASN,
		.weight = rules_asn_weight(rules, 64496),
		.number = 64496 });
	engine_decide(rules, &facts, &v);
	REQUIRE(v.lane < LANE_COUNT && rules->action[v.lane] != NULL);
	REQUIRE(v.score >= -SCORE_MAX && v.score <= SCORE_MAX);
	REQUIRE(v.rate <= RATE_MAX && v.patience <= PATIENCE_MAX);
	REQUIRE(v.lane != LANE_PASS || (v.rate == 0 && v.patience == 0));
	REQUIRE(strlen(v.reason) == v.reason_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules rules;
	struct option_error error = { 0 };
	char path[32];
	AUTO_FD fd = -1;

	fd = fuzz_file(data, size, path);
	memset(&rules, 0, sizeof(rules));
	option_defaults(&rules_table, &rules);
	if (option_load(&rules_table, path, &rules, &error) == 0 &&
	    rules_check(&rules, &error) == 0) {
		decide(&rules);
	} else {
		REQUIRE(error.text[0] != '\0');
	}
	rules_fini(&rules);
	return 0;
}
