#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Which names look as if a provider had given them to a whole pool of
 * addresses.  The rules come from a file; each line is one of
 *
 *	address             the client's address stands in the name
 *	word WORD           a part of the name between . - _ and digits
 *	suffix DOMAIN       the name ends so
 *	except word WORD    and these make a name a good one, whatever the others
 *	except suffix DOMAIN
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"

struct rdns_rules;

/* Reads LEN bytes of TEXT.  0, -ENOMEM, or -EINVAL with the line in *RET_LINE
 * and a reason (static) in *RET_WHY. */
int rdns_rules_parse(const char *text, size_t len, struct rdns_rules **ret,
    int *ret_line, const char **ret_why) MUST_CHECK;
struct rdns_rules *rdns_rules_free(struct rdns_rules *);

size_t rdns_rules_count(const struct rdns_rules *);

/* NAME is in lower case.  NULL rules find nothing generic. */
bool rdns_rules_match(
    const struct rdns_rules *, const char *name, const struct in6_addr *addr);
