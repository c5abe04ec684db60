#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The rules and the sources opened for them, as one thing that a reload
 * replaces.  Counted: a question that waits for a source keeps the policy that
 * it was asked under.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"
#include "policy/mismatch.h"
#include "policy/rules.h"
#include "policy/source.h"

struct policy;

/* Opens the sources.  Takes RULES' content over on success, leaving *RULES
 * empty.  OLD (NULL ok), which must not be asked any more then, leaves its
 * data to them.  0 or -ENOMEM. */
int policy_new(struct rules *rules, struct loop *loop, struct policy *old,
    struct policy **ret_policy) MUST_CHECK;
struct policy *policy_ref(struct policy *);
struct policy *policy_unref(struct policy *);

const struct rules *policy_rules(const struct policy *);

/* What of the rules and the data at this moment does not go together. */
void policy_mismatch(const struct policy *, struct mismatch *ret);
/* What is wrong with the data at this moment, as policy_refresh() has told it:
 * "SOURCE: FILE: TEXT, ...". */
void policy_troubles(const struct policy *, struct mismatch *ret);

/* Lets each source look for new data, and hands what is new to TELL. */
void policy_refresh(struct policy *,
    void (*tell)(void *arg, const char *source, const struct source_note *),
    void *arg);

/* Gathers the facts of Q->addr, whose `on_complete` is set.  True: all are
 * there; false: `on_complete` will be called. */
bool policy_ask(struct policy *, struct inquiry *q);

/* The sources have found out what they ask around for. */
bool policy_is_settled(const struct policy *);

/* Lets the sources remember how a session of ADDR went. */
void policy_learn(
    struct policy *, const struct in6_addr *addr, enum learned learned);

/* Forgets an inquiry that waits: `on_complete` will not be called. */
void policy_cancel(struct policy *, struct inquiry *q);
