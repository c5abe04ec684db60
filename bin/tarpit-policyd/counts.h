#pragma once
/* SPDX-License-Identifier: ISC */
/* What the service counts, for its status. */

#include <stddef.h>
#include <stdint.h>

struct server_counts {
	size_t connections;
	uint64_t answers, outcomes, errors;
	uint64_t overloaded; /* answers, without the DNS for want of room */
	uint64_t unasked;    /* answers, without the DNS for NetworkLookups= */
	uint64_t forgotten;  /* questions, whose client has left */
	uint64_t refused;    /* outcomes, from who may not teach */
};
