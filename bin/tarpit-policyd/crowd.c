/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "bin/tarpit-policyd/crowd.h"
#include "data/cidr.h"
#include "policy/engine.h"

int
crowd_init(struct crowd *c)
{
	return siphash_key_init(&c->key);
}

static uint16_t
find_network(const struct crowd *c, const struct in6_addr *addr)
{
	size_t len = cidr_addr_is_v4(addr) ? 15 : 6;

	return (uint16_t)(siphash(&c->key, addr, len) % CROWD_NETWORKS);
}

bool
crowd_has_place(const struct crowd *c, const struct in6_addr *addr, size_t max)
{
	size_t share = max / CROWD_SHARE;

	/* As nearly always: all that wait could be of one network. */
	if (c->n < share)
		return true;
	return c->n < max && c->network[find_network(c, addr)] < share;
}

uint16_t
crowd_enter(struct crowd *c, const struct in6_addr *addr)
{
	uint16_t network = find_network(c, addr);

	c->network[network]++;
	c->n++;
	return network;
}

void
crowd_leave(struct crowd *c, uint16_t network)
{
	c->network[network]--;
	c->n--;
}

void
crowd_slow_stranger(const struct inquiry *inquiry, struct verdict *v)
{
	static const char note[] = "policy:overloaded";
	const struct rules *r = inquiry->rules;
	size_t n = v->reason_len;

	v->ttl = 0;
	if (v->lane != LANE_PASS || engine_is_known(&inquiry->facts))
		return;
	v->lane = LANE_SLOW;
	v->rate = (uint32_t)curve_at(&r->rate, (int32_t)r->slow);
	v->patience = (uint32_t)curve_at(&r->patience, (int32_t)r->slow);
	if (n + 1 + sizeof(note) > sizeof(v->reason))
		return;
	if (n > 0)
		v->reason[n++] = ' ';
	memcpy(v->reason + n, note, sizeof(note));
	v->reason_len = n + sizeof(note) - 1;
}
