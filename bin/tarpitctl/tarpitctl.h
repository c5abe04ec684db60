#pragma once
/* SPDX-License-Identifier: ISC */
/* tarpitctl's verbs, one file each, and what they share. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "bin/common/program.h"
#include "bin/common/util.h"
#include "policy/rules.h"

/* The longest that an override may last. */
#define FOR_MAX (30 * 86400 * USEC_PER_SEC)

struct tarpitctl {
	struct program_call call;
	const char *socket;  /* of the policy service */
	const char *control; /* socket of the dispatcher */
	const char *compare; /* --new: the changed policy.conf */
	const char *output;  /* --output, or NULL */
	const char *listen;  /* --listen, or NULL: systemd's socket */
	uint64_t duration;   /* usec: --for */
	bool offline, json, dns, openmetrics, serve;
};

extern const struct program tarpitctl;

/* Each does its work and returns an exit code, or dies.  OPERAND is the verb's
 * own, if it has one. */
int status_run(const struct tarpitctl *, const char *operand);
int top_run(const struct tarpitctl *, const char *operand);
int explain_run(const struct tarpitctl *, const char *address);
int replay_run(const struct tarpitctl *, const char *file);
int release_run(const struct tarpitctl *, const char *network);
int hold_run(const struct tarpitctl *, const char *network);
int forget_run(const struct tarpitctl *, const char *network);
int overrides_run(const struct tarpitctl *, const char *operand);
int metrics_run(const struct tarpitctl *, const char *operand);

/* Reads the policy.conf at PATH (NULL: the default one), or dies. */
void tarpitctl_load_rules(
    const struct tarpitctl *, const char *path, struct rules *ret);
