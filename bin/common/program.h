#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What all main functions share: the command line (--config, --check-config,
 * --help, --version, and the program's own), and dying with a meaning.
 */

#include <stdbool.h>

#include "bin/common/journal.h"
#include "bin/common/option.h"
#include "bin/common/util.h"

/* One command-line option of the program's own. */
struct program_arg {
	const char *name;    /* "listen" for --listen */
	const char *metavar; /* "ADDRESS:PORT"; NULL: takes no value */
	const char *help;
	/* 0, or -errno and a reason in WHY. */
	int (*set)(void *config, const char *value, char *why, size_t size);
};

struct program {
	const char *name;    /* "tarpitd" */
	const char *summary; /* one line */
	const char *usage;   /* after the name: "[--listen ADDRESS:PORT]..." */
	const char *config_path; /* default of --config; NULL: has no file */
	/* That runs it, and its User= as shipped; NULL: none does. */
	const char *unit, *user;
	const struct option_table *options;
	const struct program_arg *args;
	size_t n_args;
	bool takes_operands; /* "build", "query ADDRESS", "-- COMMAND" */
};

/* Which configuration program_load() reads. */
enum program_source {
	PROGRAM_AS_WRITTEN,
	PROGRAM_LAST_GOOD,  /* the copy of the last one without an error */
	PROGRAM_VALID_PART, /* as written, but for what has errors */
};

/* What the command line said. */
struct program_call {
	const char *config_path;
	bool config_given; /* --config was there: the file must exist */
	bool check_only;   /* --check-config */
	int first_operand; /* index into argv */
	/* The caller may change it between two calls of program_load(). */
	enum program_source source;
};

/* Parses ARGV.  Handles --help and --version (prints, exits 0) and usage
 * errors (prints to stderr, exits EXIT_OPERATOR).  CONFIG is handed to
 * `set`.  Operands end the options, so "-- COMMAND -x" keeps its -x. */
void program_parse(const struct program *, int argc, char **argv, void *config,
    struct program_call *ret_call);

/* With --check-config, from root and of the default files: becomes the user
 * that the unit runs as, for good, so that what this one may not read is found
 * now and not at the next start.  Else, or if there is no such user, nothing. */
void program_check_as_service(
    const struct program *, const struct program_call *);

/* Loads the defaults and the configuration file into CONFIG (zeroed by the
 * caller; members that no option describes are left alone, so they may come
 * from the command line).  0, or -errno with *RET_ERROR filled.  When --config
 * was not given and the default file does not exist, the defaults and the
 * drop-ins stand.
 *
 * A service whose sockets somebody else holds open has to serve them whatever
 * is written in its files: it tries the other sources, in their order. */
int program_load(const struct program *, const struct program_call *,
    void *config, struct option_error *ret_error) MUST_CHECK;

/* Keeps a copy of what program_load() has just read without an error, as one
 * file in the directory that the service manager gives for it (the last one in
 * $STATE_DIRECTORY); without one, or on a full disk, nothing happens. */
void program_keep_config(const struct program *, const struct program_call *);

/* As --version prints it. */
const char *program_version(void);

/* Prints "NAME: TEXT[: strerror(-error)]" to stderr and exits with CODE; to
 * syslog where stderr is a client's socket, as under inetd. */
void program_die(const struct program *, int code, int error,
    const char *format, ...) PRINTF_LIKE(4, 5) __attribute__((noreturn));

/* The record of an *ERROR that was met while the configuration was read again:
 * what was in use stays so.  Without a file in it, the error is not in one. */
void program_tell_config_error(
    struct journal *, const struct option_error *error);

/* The same for one that was met at the start: what is in use instead is SOURCE,
 * and THEN, if not NULL, what follows from that. */
void program_tell_start_error(struct journal *,
    const struct option_error *error, enum program_source source,
    const char *then);

/* Prints "NAME: FILE:LINE: TEXT" for *ERROR and exits EXIT_OPERATOR. */
void program_die_config(const struct program *, const struct option_error *)
    __attribute__((noreturn));
