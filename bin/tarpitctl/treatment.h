#pragma once
/* SPDX-License-Identifier: ISC */
/* What the dispatcher makes of the policy's answer about a client: own networks
 * and orders go before it, an answer that it knows still holds, and observing
 * lets everybody pass. */

#include <stdbool.h>
#include <stdint.h>

#include "bin/tarpitctl/tarpitctl.h"

struct treatment {
	bool own, observing, can_throttle;
	char known[16]; /* lane of the answer that it goes by; "": it asks */
	int64_t known_score;
	char order[16], network[64], by[64]; /* "" if there is none */
	uint64_t seconds;                    /* that it will last */
};

/* 0 or -errno: -ENOENT, -ECONNREFUSED (tarpitd does not run here), -EACCES,
 * -EPROTO (it is older). */
int treatment_ask(const struct tarpitctl *, const char *address,
    struct treatment *ret) MUST_CHECK;

/* The lane of a session whose client the policy service would send to LANE. */
const char *treatment_lane(const struct treatment *, const char *lane);

/* What is different because of it, in lines; nothing if nothing is. */
void treatment_print(const struct treatment *, const char *lane);
/* ,"dispatcher":{...} */
void treatment_print_json(const struct treatment *, const char *lane);
