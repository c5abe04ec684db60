#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the control socket answers: the dispatcher's state as name=value
 * messages.  Names of counts have dots, as in "ended.hold.abandoned=17"; a
 * count that is 0 may be left out.
 */

#include "bin/common/attrs.h"
#include "bin/tarpitd/dispatcher.h"

/* A message about one session or override, without HELO and the like, has at
 * most so many bytes. */
enum { DESCRIBE_LINE_MAX = 640 };

/* All counts.  Fits ATTRS_MAX. */
void describe_status(struct dispatcher *, uint64_t now, struct attrs_out *);

/* What a list shows of S; ALL adds what its record will have. */
void describe_session(const struct dispatcher *, const struct session *s,
    bool all, uint64_t now, struct attrs_out *);

/* What would count for a session of CLIENT besides the policy's answer. */
void describe_client(struct dispatcher *, const struct in6_addr *client,
    uint64_t now, struct attrs_out *);

void describe_override(
    const struct override *, uint64_t now, struct attrs_out *);
