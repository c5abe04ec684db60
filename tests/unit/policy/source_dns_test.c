/* SPDX-License-Identifier: ISC */
/* What zones' answers mean, and what a reload carries over; nobody is asked. */
#include "policy/source_dns_internal.h"

#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"

static struct loop *loop;

static void
make_rules(struct rules *r, const char *const *zones)
{
	struct option_error error;
	char why[128] = "";

	memset(r, 0, sizeof(*r));
	option_defaults(&rules_table, r);
	free(r->dns_servers);
	/* Nobody is there. */
	r->dns_servers = strdup("127.0.0.1:1");
	for (size_t i = 0; zones[i] != NULL; i++)
		CHECK_INT(rules_table.sections[2].set(
			      r, zones[i], "40", why, sizeof(why)),
		    0);
	CHECK_INT(rules_check(r, &error), 0);
}

static struct source *
open_source(struct rules *r)
{
	struct source *s;

	CHECK_INT(source_dns.open(&s, r, loop), 0);
	return s;
}

static struct zone *
zone(struct source *s, const char *name)
{
	for (size_t i = 0; i < s->n_zones; i++)
		if (strcmp(s->zone[i].name, name) == 0)
			return &s->zone[i];
	CHECK(!"there is no such zone");
	return NULL;
}

/* What is known of a zone is, wherever it stands in the new rules, and of no
 * other. */
static void
a_reload_keeps_what_is_known(void)
{
	struct rules before, after;
	struct source_note note = { 0 };
	struct source *old, *new;

	CHECK_INT(loop_new(&loop), 0);
	make_rules(&before,
	    (const char *const[]){
		"dnsbl.a.example", "dnsbl.b.example", NULL });
	make_rules(&after,
	    (const char *const[]){ "dnsbl.c.example", "dnsbl.B.example",
		"dnsbl.a.example", NULL });
	old = open_source(&before);
	CHECK(!source_dns.refresh(old, &note));
	CHECK(old->resolver != NULL);
	old->told_down = true;
	for (size_t i = 0; i < old->n_zones; i++) {
		struct zone *z = &old->zone[i];

		z->good = z->asks[ZONE_V4] = z->asks[ZONE_V6] = true;
		z->told_bad = z->told_odd = z->told_answer = true;
		z->next_probe = 7777;
		strcpy(z->why, "why");
	}
	zone(old, "a.example")->probes = 0;
	zone(old, "b.example")->probes = 1;
	new = open_source(&after);
	source_dns.inherit(new, old);
	CHECK(new->resolver == old->resolver &&new->told_down);
	CHECK(zone(new, "a.example")->good);
	CHECK(zone(new, "a.example")->asks[ZONE_V4]);
	CHECK(zone(new, "a.example")->asks[ZONE_V6]);
	CHECK(zone(new, "a.example")->told_bad);
	CHECK(zone(new, "a.example")->told_odd);
	CHECK(zone(new, "a.example")->told_answer);
	CHECK_STR(zone(new, "a.example")->why, "why");
	CHECK_INT(zone(new, "a.example")->next_probe, 7777);
	/* Its test was under way: it begins anew. */
	CHECK(zone(new, "B.example")->good);
	CHECK_INT(zone(new, "B.example")->next_probe, 0);
	CHECK(!zone(new, "c.example")->good);
	CHECK(!zone(new, "c.example")->asks[ZONE_V4]);
	CHECK_INT(zone(new, "c.example")->next_probe, 0);
	for (size_t i = 0; i < old->n_zones; i++)
		old->zone[i].probes = 0;
	source_dns.free(old);
	source_dns.free(new);
	rules_fini(&before);
	rules_fini(&after);
	loop = loop_free(loop);
}

/* Another resolver, timeout or cache is another start. */
static void
another_resolver_knows_nothing(void)
{
	static const char *const zones[] = { "dnsbl.a.example", NULL };
	struct rules before, after;
	struct source_note note = { 0 };
	struct source *old, *new;

	CHECK_INT(loop_new(&loop), 0);
	make_rules(&before, zones);
	old = open_source(&before);
	CHECK(!source_dns.refresh(old, &note));
	zone(old, "a.example")->good = true;
	for (int i = 0; i < 4; i++) {
		make_rules(&after, zones);
		if (i == 0)
			strcpy(after.dns_servers, "127.0.0.1:2");
		if (i == 1)
			after.dns_timeout++;
		if (i == 2)
			after.dns_cache++;
		new = open_source(&after);
		source_dns.inherit(new, old);
		CHECK_INT(new->resolver != NULL, i == 3);
		CHECK_INT(zone(new, "a.example")->good, i == 3);
		source_dns.free(new);
		rules_fini(&after);
	}
	source_dns.free(old);
	rules_fini(&before);
	loop = loop_free(loop);
}

static struct dns_answer
answer_of(const char *const *texts)
{
	struct dns_answer a = { .status = DNS_FOUND };

	for (; texts[a.n] != NULL; a.n++)
		CHECK_INT(cidr_parse_addr(
			      texts[a.n], strlen(texts[a.n]), &a.address[a.n]),
		    0);
	return a;
}

/* Weights of the facts that ANSWER of a.example adds. */
static int64_t
weight_of(struct source *s, const char *const *texts)
{
	struct dns_answer answer = answer_of(texts);
	struct inquiry q = { .rules = s->rules };
	int64_t sum = 0;

	facts_init(&q.facts);
	source_dns_add_listing(&q, zone(s, "a.example"), &answer);
	for (size_t i = 0; i < q.facts.n; i++)
		sum += q.facts.fact[i].weight;
	return sum;
}

static void
each_address_of_an_answer_counts(void)
{
	struct option_error error;
	struct rules r;
	struct source *s;
	char why[128];

	CHECK_INT(loop_new(&loop), 0);
	make_rules(&r,
	    (const char *const[]){
		"dnsbl.b.example", "dnsbl.a.example", NULL });
	CHECK_INT(rules_table.sections[2].set(
		      &r, "dnsbl.a.example", "7=127.0.0.4", why, sizeof(why)),
	    0);
	CHECK_INT(rules_check(&r, &error), 0);
	s = open_source(&r);
	CHECK_INT(weight_of(s, (const char *const[]){ "127.0.0.2", NULL }), 40);
	CHECK_INT(weight_of(s, (const char *const[]){ "127.0.0.4", NULL }), 47);
	CHECK_INT(weight_of(s,
		      (const char *const[]){ "127.0.0.4", "127.0.0.2", NULL }),
	    47);
	CHECK_INT(weight_of(s,
		      (const char *const[]){ "127.0.0.2", "127.0.0.4", NULL }),
	    47);
	CHECK_INT(
	    weight_of(s, (const char *const[]){ "127.255.255.254", NULL }), 0);
	CHECK_INT(weight_of(s, (const char *const[]){ NULL }), 0);
	source_dns.free(s);
	rules_fini(&r);
	loop = loop_free(loop);
}

static uint32_t
refusal_of(const char *const *texts)
{
	struct dns_answer answer = answer_of(texts);

	return source_dns_refusal(&answer);
}

static void
refusals_are_seen_wherever_they_stand(void)
{
	CHECK_INT(refusal_of((const char *const[]){ NULL }), 0);
	CHECK_INT(refusal_of((const char *const[]){ "127.0.0.2", NULL }), 0);
	CHECK_INT(refusal_of((const char *const[]){ "127.255.255.254", NULL }),
	    0x7ffffffe);
	CHECK_INT(
	    refusal_of((const char *const[]){ "127.0.0.2", "192.0.2.1", NULL }),
	    0xc0000201);
}

/* A refusal puts a zone out of use for a while; what is odd does not. */
static void
a_zone_that_refuses_is_left(void)
{
	struct rules r;
	struct source *s;
	struct zone *z;

	CHECK_INT(loop_new(&loop), 0);
	make_rules(&r, (const char *const[]){ "dnsbl.a.example", NULL });
	s = open_source(&r);
	z = zone(s, "a.example");
	r.dns_probe = 3600 * USEC_PER_SEC;
	z->good = true;
	source_dns_zone_refuses(z, 0xc0000201);
	CHECK(z->good);
	CHECK_INT(z->odd_answer, 0xc0000201);
	source_dns_zone_refuses(z, 0x7ffffffe);
	CHECK(!z->good);
	CHECK(strstr(z->why, "it answers") != NULL);
	CHECK_INT(z->next_probe, loop_now(loop) + 300 * USEC_PER_SEC);
	z->good = true;
	r.dns_probe = 60 * USEC_PER_SEC;
	source_dns_zone_refuses(z, 0x7ffffffe);
	CHECK_INT(z->next_probe, loop_now(loop) + 60 * USEC_PER_SEC);
	z->good = z->trusted = true;
	source_dns_zone_refuses(z, 0x7ffffffe);
	CHECK(z->good);
	CHECK_INT(z->odd_answer, 0x7ffffffe);
	source_dns.free(s);
	rules_fini(&r);
	loop = loop_free(loop);
}

/* A client that nothing is left to be asked about, or that is in a hurry, leaves
 * no look-up behind. */
static void
a_look_up_that_does_not_begin_leaves_nothing(void)
{
	struct rules r;
	struct source_note note = { 0 };
	struct source *s;
	long live;

	CHECK_INT(loop_new(&loop), 0);
	make_rules(&r, (const char *const[]){ "dnsbl.a.example", NULL });
	memset(r.named, 0, sizeof(r.named));
	s = open_source(&r);
	CHECK(!source_dns.refresh(s, &note));
	live = memory_live;
	for (int i = 0; i < 4; i++) {
		struct inquiry q = { .rules = &r, .hurry = i % 2 };
		struct zone *z = zone(s, "a.example");

		CHECK_INT(cidr_parse_addr("192.0.2.7", 9, &q.addr), 0);
		facts_init(&q.facts);
		z->good = z->asks[ZONE_V4] = i == 3;
		CHECK_INT(source_dns.ask(s, &q), SOURCE_DONE);
		CHECK_INT(q.left_out, i == 3);
	}
	CHECK_INT(memory_live, live);
	CHECK(s->lookups == NULL);
	CHECK_INT(s->n_lookups, 0);
	source_dns.free(s);
	rules_fini(&r);
	loop = loop_free(loop);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(a_reload_keeps_what_is_known),
		CASE(another_resolver_knows_nothing),
		CASE(each_address_of_an_answer_counts),
		CASE(refusals_are_seen_wherever_they_stand),
		CASE(a_zone_that_refuses_is_left),
		CASE(a_look_up_that_does_not_begin_leaves_nothing),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
