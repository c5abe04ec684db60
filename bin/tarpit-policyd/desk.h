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

/* Who sends messages. */
struct customer {
	struct desk *desk;
	enum door_role role;
	struct asker asker;
	struct outbox outbox;
};

struct desk {
	struct loop *loop;
	struct journal *journal;
	struct policy *policy; /* a reference of whose desk this is */
	struct server_counts *counts;
	/* An answer to an earlier question has been written. */
	void (*on_answered)(struct customer *);
	struct open_questions questions;
	/* When records are due again. */
	uint64_t next_error, next_overload, next_unasked;
	uint64_t errors_told;
};

/* Whether there is room for one more answer to C. */
bool desk_has_room(struct customer *c);
/* One complete message, for whose answer there is room. */
void desk_take(struct customer *c, const char *msg, size_t len);
/* C has gone: what it has asked is forgotten. */
void desk_forget(struct customer *c);

/* Something that was sent cannot be read: few words a minute. */
void desk_tell_error(struct desk *, const char *why);
