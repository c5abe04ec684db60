#pragma once
/* SPDX-License-Identifier: ISC */
/* A short list of addresses and networks, as an option has it. */

#include <stdbool.h>
#include <stddef.h>

#include "data/cidr.h"

enum { NETWORKS_MAX = 64 };

struct networks {
	size_t n;
	struct cidr cidr[NETWORKS_MAX];
};

static inline bool
networks_have(const struct networks *networks, const struct in6_addr *address)
{
	for (size_t i = 0; i < networks->n; i++)
		if (cidr_contains(&networks->cidr[i], address))
			return true;
	return false;
}
