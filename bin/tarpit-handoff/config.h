#pragma once
/* SPDX-License-Identifier: ISC */
/* The settings of tarpit-handoff: the file, with the command line over it. */

#include <stdint.h>

#include "bin/common/option.h"
#include "bin/common/util.h"

extern const struct option_table config_options;

/* What the command line said; it outlives reloads. */
struct config_args {
	const char *listen; /* NULL: not given */
	int64_t max;        /* 0: not given */
	char **command;     /* NULL-terminated; empty: not given */
};

struct config {
	char *command_text;
	char **command; /* NULL-terminated; words of the text, or of ARGS */
	bool command_owned;
	int64_t max, queue;
	uint64_t read_timeout, early_exit;
};

/* Lays ARGS over the freshly loaded CONFIG and checks the whole.  0, or
 * -errno with *RET_ERROR filled. */
int config_complete(struct config *, const struct config_args *,
    struct option_error *ret_error) MUST_CHECK;

void config_fini(struct config *);
