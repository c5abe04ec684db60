#pragma once
/* SPDX-License-Identifier: ISC */
/* What the history's source shares with the store that keeps its records. */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/loop.h"
#include "policy/history_table.h"

struct history_memory {
	struct loop *loop; /* NULL: nothing is written before the end */
	struct history_table *table;
	struct history_fading fading;
	uint32_t now;        /* Unix seconds, of this second */
	uint32_t cache_time; /* seconds until a record is asked for again */
	uint64_t timeout;    /* usec in which a server has to answer */
	char place[256];     /* where the store is, for the operator */
	bool read_only;
};
