#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Reading the configuration, at the start and again, and what was wrong with
 * it.
 *
 * At a reload an error changes nothing.  At the start there is nothing that
 * could stand, and where systemd or inetd holds port 25 open, ending would
 * leave everybody's mail before a closed door: then the last configuration that
 * had no error is used; if there is none, what is valid of this one, and only
 * to observe, since nobody has meant it so.  A certificate that cannot be read
 * costs TLS and nothing else.
 */

#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/option.h"
#include "bin/common/program.h"
#include "bin/tarpitd/config.h"

struct settings_trouble {
	enum program_source source;   /* of what is in use */
	uint64_t at;                  /* wall clock, sec; 0: no error */
	char text[OPTION_ERROR_TEXT]; /* the error; one line */
	char tls[OPTION_ERROR_TEXT];  /* "", or why there is no TLS */
};

struct settings {
	struct program_call *call;
	struct journal *journal;
	struct settings_trouble trouble;
};

/* NULL and *RET_ERROR filled if it cannot be had as it is written. */
struct config *settings_load(
    const struct settings *, struct option_error *ret_error);

/* After settings_load() failed with ERROR: another one, and a record; NULL:
 * there is no memory for any. */
struct config *settings_load_instead(
    struct settings *, const struct option_error *error);

/* The same files again; NULL after a record of what is wrong with them. */
struct config *settings_reload(struct settings *);
/* What settings_reload() returned cannot be used; with a record. */
void settings_refuse(struct settings *, const struct option_error *);

void settings_fini(void);
