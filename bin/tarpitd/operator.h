#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What an administrator's word does: to sessions that are decided from then
 * on, and to those that there are.  Lost at a restart, not at a reload.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/wheel.h"
#include "bin/tarpitd/command.h"
#include "bin/tarpitd/pool.h"

struct dispatcher;

struct operator
{
	struct overrides overrides;
	struct timer expiry;
};

void operator_init(struct dispatcher *);
void operator_fini(struct dispatcher *);

/* Sets what a command of this kind says; sessions that there are already are
 * for operator_apply().  0 or -ENOSPC. */
int operator_override(
    struct dispatcher *, const struct command *, uint64_t now) MUST_CHECK;
/* Takes it back; false if nothing was said of this network.  Who is held or
 * on the way to the MTA stays so. */
bool operator_forget(
    struct dispatcher *, const struct command *, uint64_t now) MUST_CHECK;

/* Puts the operator's word over the policy's for S, whose lane has just been
 * decided and not yet been taken. */
void operator_overrule(struct dispatcher *, struct session *s, uint64_t now);

/* Does to S, which may be in any state, what was said of its client; true if
 * that was something new. */
bool operator_apply(struct dispatcher *, struct session *s, uint64_t now);
