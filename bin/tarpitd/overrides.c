/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/overrides.h"

#include <errno.h>

const char *
override_name(enum override_kind kind)
{
	switch (kind) {
	case OVERRIDE_RELEASE:
		return "release";
	case OVERRIDE_HOLD:
		return "hold";
	case OVERRIDE_NONE:
		break;
	}
	return "";
}

static struct override *
find_network(struct overrides *o, const struct cidr *network)
{
	for (size_t i = 0; i < o->n; i++)
		if (cidr_compare(&o->item[i].network, network) == 0)
			return &o->item[i];
	return NULL;
}

int
overrides_put(struct overrides *o, const struct override *item)
{
	struct override *place = find_network(o, &item->network);

	if (place == NULL) {
		if (o->n == OVERRIDES_MAX)
			return -ENOSPC;
		place = &o->item[o->n++];
	}
	*place = *item;
	return 0;
}

struct override *
overrides_find(
    struct overrides *o, const struct in6_addr *address, uint64_t now)
{
	struct override *found = NULL;

	for (size_t i = 0; i < o->n; i++) {
		struct override *item = &o->item[i];

		if (now >= item->until ||
		    (found != NULL &&
			item->network.len <= found->network.len) ||
		    !cidr_contains(&item->network, address))
			continue;
		found = item;
	}
	return found;
}

/* The order is of no consequence: the last one fills the gap. */
static void
take_out(struct overrides *o, struct override *item, struct override *ret)
{
	*ret = *item;
	*item = o->item[--o->n];
}

bool
overrides_take(
    struct overrides *o, const struct cidr *network, struct override *ret)
{
	struct override *item = find_network(o, network);

	if (item == NULL)
		return false;
	take_out(o, item, ret);
	return true;
}

bool
overrides_take_expired(struct overrides *o, uint64_t now, struct override *ret)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->item[i].until > now)
			continue;
		take_out(o, &o->item[i], ret);
		return true;
	}
	return false;
}

uint64_t
overrides_next(const struct overrides *o)
{
	uint64_t next = USEC_NEVER;

	for (size_t i = 0; i < o->n; i++)
		if (o->item[i].until < next)
			next = o->item[i].until;
	return next;
}
