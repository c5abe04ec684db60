#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * tarpitctl doctor: what is wrong, and what to do about it.  A check looks at
 * one thing and adds what it finds; what there may be to find is a row of
 * doctor.def.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/tarpitctl/survey.h"
#include "bin/tarpitctl/tarpitctl.h"

enum finding {
#define FINDING(name, word, urgency, advice) FOUND_##name,
#include "bin/tarpitctl/doctor.def"
#undef FINDING
	FINDING_COUNT
};

enum { FINDINGS_MAX = 128, FINDING_TEXT = 400, SKIPPED_MAX = 8 };

struct doctor {
	const struct tarpitctl *t;
	struct survey survey;
	struct rules rules; /* all zero if they cannot be read */
	bool has_rules;
	size_t n;
	struct {
		enum finding finding;
		char text[FINDING_TEXT]; /* what was found, in words */
	} found[FINDINGS_MAX];
	size_t n_skipped;
	const char *skipped[SKIPPED_MAX]; /* what could not be looked at */
};

/* Adds a finding.  Those beyond FINDINGS_MAX are left out: they would not be
 * read. */
void doctor_find(struct doctor *, enum finding, const char *format, ...)
    PRINTF_LIKE(3, 4);
bool doctor_has_found(const struct doctor *, enum finding);

/* Something was not looked at, and why; TEXT is static, and said once. */
void doctor_skip(struct doctor *, const char *text);

/* The checks, in the order in which they are made: some look at what those
 * before have found. */
void doctor_check_units(struct doctor *);   /* systemd's units */
void doctor_check_port(struct doctor *);    /* who listens there */
void doctor_check_daemons(struct doctor *); /* what they say of themselves */
void doctor_check_config(struct doctor *);  /* what a reload would say */
void doctor_check_mta(struct doctor *);     /* a session with it */
void doctor_check_rules(struct doctor *);   /* policy.conf and its data */
void doctor_check_clients(struct doctor *); /* who has come lately */
