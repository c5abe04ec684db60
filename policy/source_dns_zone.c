/* SPDX-License-Identifier: ISC */
/* Block and allow lists: what their answers mean, and whether they work. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "data/cidr.h"
#include "policy/explanation.h"
#include "policy/source_dns_internal.h"

/* A zone that was out of order, or that could not be asked, is tried again at
 * the latest after so long. */
#define PROBE_RETRY (5 * USEC_PER_SEC)

static const char *const test_address[TEST_COUNT] = { "127.0.0.2",
	"127.0.0.1" };

static uint32_t
host_order(const struct in6_addr *addr)
{
	uint32_t n;

	memcpy(&n, &addr->s6_addr[12], sizeof(n));
	return ntohl(n);
}

void
source_dns_zone_fail(struct zone *z, const char *why)
{
	z->good = false;
	snprintf(z->why, sizeof(z->why), "%s", why);
}

/* An answer that says that we are refused says so of the whole zone. */
bool
source_dns_is_refusal(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++) {
		if (!dnsbl_is_listing(host_order(&answer->address[i])))
			return true;
	}
	return false;
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

		if (strcasecmp(dnsbl_zone(d), z->name) != 0)
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

static void
judge(struct zone *z)
{
	struct source *s = z->source;

	z->next_probe = loop_now(s->loop) + s->rules->dns_probe;
	/* Silence says nothing of the zone. */
	if (resolver_is_down(s->resolver)) {
		z->next_probe = loop_now(s->loop) + PROBE_RETRY;
		return;
	}
	if (z->status[TEST_LISTED] == DNS_FAILED ||
	    z->status[TEST_UNLISTED] == DNS_FAILED)
		source_dns_zone_fail(
		    z, "it does not answer for its test addresses");
	else if (!z->listed[TEST_LISTED])
		source_dns_zone_fail(z,
		    "its test address 127.0.0.2 is not listed (RFC 5782): it "
		    "is closed, or refuses this resolver");
	else if (z->status[TEST_UNLISTED] == DNS_FOUND)
		source_dns_zone_fail(z,
		    "its test address 127.0.0.1 has an answer (RFC 5782): it "
		    "lists everything, or the resolver makes up answers");
	else
		z->good = true;
	if (!z->good && s->rules->dns_probe > PROBE_RETRY * 60)
		z->next_probe = loop_now(s->loop) + PROBE_RETRY * 60;
}

static void
take_probe(struct zone_probe *p, const struct dns_answer *answer)
{
	struct zone *z = p->zone;
	size_t which = (size_t)(p - z->probe);

	z->status[which] = answer->status;
	z->listed[which] = answer->n > 0 && !source_dns_is_refusal(answer);
	if (--z->probes == 0)
		judge(z);
}

static void
on_probe(struct resolver_wait *w, const struct dns_answer *answer)
{
	take_probe(CONTAINER_OF(w, struct zone_probe, wait), answer);
}

void
source_dns_probe_zone(struct zone *z)
{
	z->next_probe = UINT64_MAX;
	z->probes = TEST_COUNT;
	for (size_t i = 0; i < TEST_COUNT; i++) {
		struct zone_probe *p = &z->probe[i];
		const struct dns_answer *now;
		struct in6_addr addr;
		char name[DNS_NAME_SIZE];

		p->zone = z;
		p->wait.on_answer = on_probe;
		(void)!cidr_parse_addr(
		    test_address[i], strlen(test_address[i]), &addr);
		dnsbl_name(&addr, z->name, name);
		now = resolver_ask(
		    z->source->resolver, name, DNS_A, true, &p->wait);
		if (now)
			take_probe(p, now);
	}
}
