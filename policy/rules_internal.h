#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the parts of policy.conf have in common: options, lanes and curves
 * (rules.c), weights and zones (rules_weights.c).
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/rules.h"

/* -EINVAL, with TEXT at WHY.  Inline, so that the compiler sees that it fails,
 * and what a caller has not set is not used. */
static inline int
rules_fail(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EINVAL;
}

/* Lines of [Weights] and [Zones]; see struct option_section. */
int rules_set_weight(
    void *config, const char *key, const char *value, char *why, size_t size);
int rules_set_alias(
    void *config, const char *key, const char *value, char *why, size_t size);

/* When all lines are read: each zone has a name, and trust is in zones that are
 * there.  0, or -EINVAL and *ERROR's text. */
int rules_check_zones(struct rules *, struct option_error *error) MUST_CHECK;
