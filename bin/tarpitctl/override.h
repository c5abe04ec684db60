#pragma once
/* SPDX-License-Identifier: ISC */
/* An operator's order to the dispatcher. */

#include "bin/tarpitctl/link.h"

/* Gives the order VERB ("release", "hold", "forget") about NETWORK and waits
 * until it has been carried out; the answer in *RET.  0 or -errno. */
int override_order(struct link *, const char *verb, const char *network,
    uint64_t seconds, struct message *ret) MUST_CHECK;
