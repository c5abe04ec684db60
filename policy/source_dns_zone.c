/* SPDX-License-Identifier: ISC */
/* Block and allow lists: what their answers mean, and whether they work. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "data/cidr.h"
#include "policy/explanation.h"
#include "policy/source_dns_internal.h"

/* A zone that was out of order is tried again at the latest after so long, and
 * one that could not be asked, for want of a resolver, so soon. */
#define PROBE_RETRY (300 * USEC_PER_SEC)
#define PROBE_SOON  (1 * USEC_PER_SEC)

static const char *const test_address[TEST_COUNT] = { "127.0.0.2",
	"127.0.0.1" };

static uint32_t
host_order(const struct in6_addr *addr)
{
	uint32_t n;

	memcpy(&n, &addr->s6_addr[12], sizeof(n));
	return ntohl(n);
}

uint32_t
source_dns_refusal(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++) {
		uint32_t n = host_order(&answer->address[i]);

		if (!dnsbl_is_listing(n))
			return n;
	}
	return 0;
}

static uint64_t
retry_at(const struct source *s)
{
	uint64_t in = s->rules->dns_probe;

	return loop_now(s->loop) + (in < PROBE_RETRY ? in : PROBE_RETRY);
}

void
source_dns_zone_refuses(struct zone *z, uint32_t answer)
{
	bool refuses = answer >> 24 == 127;

	if (!z->good)
		return;
	/* One record that is none of a list's says nothing of the others: the
	 * zone has passed its test. */
	if (z->trusted || !refuses) {
		z->odd_answer = answer;
		return;
	}
	z->good = false;
	z->next_probe = retry_at(z->source);
	snprintf(
	    z->why, sizeof(z->why), "it answers %s", dnsbl_refusal(answer));
}

/* Adds the facts of a zone's answer. */
void
source_dns_add_listing(
    struct inquiry *q, const struct zone *z, const struct dns_answer *answer)
{
	char text[CIDR_STRLEN];

	for (size_t i = 0; i < q->rules->n_dnsbl; i++) {
		const struct dnsbl_weight *d = &q->rules->dnsbl[i];
		bool hit = false;

		if (strcasecmp(d->zone, z->name) != 0)
			continue;
		for (size_t j = 0; j < answer->n; j++) {
			uint32_t n = host_order(&answer->address[j]);

			hit = hit ||
			    (dnsbl_is_listing(n) &&
				dnsbl_filter_has(&d->answers, n));
		}
		if (hit)
			facts_add(&q->facts,
			    &(struct fact){ .kind = FACT_NAMED,
				.class = CLASS_OTHERS,
				.role = ROLE_LIST,
				.weight = d->weight,
				.name = d->name });
		if (hit && q->explain)
			inquiry_explain(q, q->facts.n - 1, "the answer is %s",
			    cidr_format_addr(&answer->address[0], text));
	}
}

/*
 * Tests of zones
 */

static bool
passes(const struct zone_probe probe[static TEST_COUNT])
{
	return probe[TEST_LISTED].listed &&
	    probe[TEST_UNLISTED].status == DNS_NOTHING;
}

/* Why neither family passes. */
static void
find_fault(struct zone *z)
{
	const struct zone_probe *v4 = z->probe[ZONE_V4],
				*v6 = z->probe[ZONE_V6];
	const char *why;
	uint32_t refusal = v4[TEST_LISTED].refusal;

	if (refusal == 0)
		refusal = v4[TEST_UNLISTED].refusal;
	if (refusal != 0) {
		snprintf(z->why, sizeof(z->why), "it answers %s",
		    dnsbl_refusal(refusal));
		return;
	}
	if (v4[TEST_UNLISTED].status == DNS_FOUND ||
	    (v6[TEST_LISTED].listed && v6[TEST_UNLISTED].status == DNS_FOUND))
		why = "its test address 127.0.0.1 has an answer (RFC 5782): it "
		      "lists everything, or the resolver makes up answers";
	else if (v4[TEST_LISTED].status == DNS_FAILED ||
	    v4[TEST_UNLISTED].status == DNS_FAILED)
		why = "it does not answer for its test addresses";
	else
		why = "its test address 127.0.0.2 is not listed (RFC 5782): it "
		      "is closed, or refuses this resolver";
	snprintf(z->why, sizeof(z->why), "%s", why);
}

static void
judge(struct zone *z)
{
	struct source *s = z->source;
	bool passed;

	/* Silence says nothing of the zone: nobody was there to be asked. */
	if (resolver_is_down(s->resolver) ||
	    resolver_last_heard(s->resolver) < z->probed) {
		z->next_probe = loop_now(s->loop) + PROBE_SOON;
		return;
	}
	passed = passes(z->probe[ZONE_V4]) || passes(z->probe[ZONE_V6]);
	z->good = passed || z->trusted;
	z->next_probe =
	    passed ? loop_now(s->loop) + s->rules->dns_probe : retry_at(s);
	/* One that lists all of a family may be right of the other. */
	for (size_t i = 0; i < ZONE_FAMILIES; i++)
		z->asks[i] = z->trusted ||
		    z->probe[i][TEST_UNLISTED].status != DNS_FOUND;
	z->why[0] = '\0';
	if (!passed)
		find_fault(z);
}

static void
take_probe(struct zone_probe *p, const struct dns_answer *answer)
{
	struct zone *z = p->zone;

	p->status = answer->status;
	p->refusal = source_dns_refusal(answer);
	p->listed = answer->n > 0 && p->refusal == 0;
	if (--z->probes == 0)
		judge(z);
}

static void
on_probe(struct resolver_wait *w, const struct dns_answer *answer)
{
	take_probe(CONTAINER_OF(w, struct zone_probe, wait), answer);
}

/* Spelt out, because an IPv4-mapped address is IPv4 everywhere else: as nibbles
 * ::ffff:7f00:N is what RFC 5782 asks for. */
static void
test_name(const struct zone *z, enum zone_family family, size_t which,
    char name[DNS_NAME_SIZE])
{
	static const char mapped[] = "0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0."
				     "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
	struct in6_addr addr;

	if (family == ZONE_V6) {
		snprintf(name, DNS_NAME_SIZE, "%c.%s.%s",
		    which == TEST_LISTED ? '2' : '1', mapped, z->name);
		return;
	}
	(void)!cidr_parse_addr(
	    test_address[which], strlen(test_address[which]), &addr);
	dnsbl_name(&addr, z->name, name);
}

void
source_dns_probe_zone(struct zone *z)
{
	z->next_probe = UINT64_MAX;
	z->probed = loop_now(z->source->loop);
	z->probes = ZONE_FAMILIES * TEST_COUNT;
	for (size_t i = 0; i < ZONE_FAMILIES * TEST_COUNT; i++) {
		enum zone_family family = i / TEST_COUNT;
		struct zone_probe *p = &z->probe[family][i % TEST_COUNT];
		const struct dns_answer *now;
		char name[DNS_NAME_SIZE];

		p->zone = z;
		p->wait.on_answer = on_probe;
		test_name(z, family, i % TEST_COUNT, name);
		now = resolver_ask(
		    z->source->resolver, name, DNS_A, true, &p->wait);
		if (now)
			take_probe(p, now);
	}
}
