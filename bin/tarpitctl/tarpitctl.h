#pragma once
/* SPDX-License-Identifier: ISC */
/* tarpitctl's verbs, one file each, and what they share. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "bin/common/program.h"
#include "bin/common/util.h"
#include "bin/tarpitctl/economics.h"
#include "policy/rules.h"

/* The longest that an override may last. */
#define FOR_MAX (30 * 86400 * USEC_PER_SEC)

struct tarpitctl {
	struct program_call call;
	const char *socket;      /* of the policy service; NULL: as usual */
	const char *control;     /* socket of the dispatcher */
	const char *compare;     /* --new: the changed policy.conf */
	const char *output;      /* --output, or NULL */
	const char *listen;      /* --listen, or NULL: systemd's socket */
	const char *file, *html; /* report: a journal; the page to write */
	uint64_t since, until;   /* report: usec since the epoch */
	struct assumed_values assumed;
	uint64_t duration; /* usec: --for */
	bool duration_given;
	unsigned int port; /* doctor: --port, where clients come */
	bool offline, json, dns, openmetrics, serve, force;
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
int report_run(const struct tarpitctl *, const char *operand);
int doctor_run(const struct tarpitctl *, const char *operand);

/* The options of the report, for the table. */
void report_defaults(struct tarpitctl *);
int report_set_since(void *, const char *value, char *why, size_t size);
int report_set_until(void *, const char *value, char *why, size_t size);
int report_set_html(void *, const char *value, char *why, size_t size);
int report_set_file(void *, const char *value, char *why, size_t size);
int report_set_assumption(void *, const char *value, char *why, size_t size);

/* Reads the policy.conf at PATH (NULL: the default one), or dies. */
void tarpitctl_load_rules(
    const struct tarpitctl *, const char *path, struct rules *ret);
