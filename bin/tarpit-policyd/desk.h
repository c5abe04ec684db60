#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Takes one message, and writes its answer into the outbox of who has sent it:
 * at once, or when the facts are there.
 */

#include <stddef.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/tarpit-policyd/counts.h"
#include "bin/tarpit-policyd/doors.h"
#include "bin/tarpit-policyd/open_questions.h"
#include "bin/tarpit-policyd/outbox.h"
#include "policy/policy.h"

struct desk;

/* Who sends messages. */
struct customer {
	struct desk *desk;
	enum door_role role;
	struct asker asker;
	struct outbox outbox;
};

/* What a desk works with. */
struct desk_tools {
	struct loop *loop;
	struct journal *journal;
	struct server_counts *counts;
	/* An answer to an earlier question of the customer's has been
	 * written. */
	void (*on_answered)(void *arg, struct customer *);
	void *arg;
};

/* By POLICY, of which it takes a reference, as desk_set_policy() does.  0 or
 * -errno. */
int desk_new(const struct desk_tools *, struct policy *policy,
    struct desk **ret) MUST_CHECK;
/* Its customers must have gone. */
struct desk *desk_free(struct desk *);
void desk_set_policy(struct desk *, struct policy *policy);
const struct rules *desk_rules(const struct desk *);

/* Whether there is room for one more answer to C. */
bool desk_has_room(struct customer *c);
/* One complete message, for whose answer there is room. */
void desk_take(struct customer *c, const char *msg, size_t len);
/* C has gone: what it has asked is forgotten. */
void desk_forget(struct customer *c);

/* Something that was sent cannot be read: few words a minute. */
void desk_tell_error(struct desk *, const char *why);
