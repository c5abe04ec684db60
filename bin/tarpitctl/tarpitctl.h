#pragma once
/* SPDX-License-Identifier: ISC */
/* tarpitctl's verbs, one file each, and what they share. */

#include <stdarg.h>
#include <stdbool.h>

#include "bin/common/program.h"
#include "bin/common/util.h"
#include "policy/rules.h"

struct tarpitctl {
	struct program_call call;
	const char *socket;  /* of the policy service */
	const char *compare; /* --new: the changed policy.conf */
	bool offline, json, dns;
};

extern const struct program tarpitctl;

/* Each does its work and returns an exit code, or dies. */
int explain_run(const struct tarpitctl *, const char *address);
int replay_run(const struct tarpitctl *, const char *file);

/* Reads the policy.conf at PATH (NULL: the default one), or dies. */
void tarpitctl_load_rules(
    const struct tarpitctl *, const char *path, struct rules *ret);
