#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * One table of options a program: from it come the INI parser (libinih), the
 * ranges, the defaults, --help and what the manual page is tested against.
 * Never logs: errors are returned with file, line and key.  What they quote
 * has gone through secret_hide(), for they end in records.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bin/common/util.h"

enum option_type {
	OPTION_STRING, /* char *; owned by the structure, never NULL */
	OPTION_BOOL,   /* bool; yes/no, true/false, on/off, 1/0 */
	OPTION_INT,    /* int64_t */
	OPTION_TIME, /* uint64_t usec; "25s", "5min", "1h 30min", bare = seconds */
	OPTION_SIZE,   /* uint64_t bytes; K M G are powers of 1024 */
	OPTION_ENUM,   /* int; index into `names` */
	OPTION_CUSTOM, /* whatever `parse` makes of it */
};

/* Why reading failed, in words for the operator. */
struct option_error {
	char file[256];
	int line;       /* 0: the file as a whole */
	char text[512]; /* "[Dispatcher] MaxSessions=x: not a whole number" */
};

/* One key. */
struct option {
	const char *section, *key;
	enum option_type type;
	size_t offset; /* of the member in the program's structure */
	/* Range; times in usec, strings: length.  Both 0: whatever fits. */
	int64_t min, max;
	/* Default, written as in the file.  NULL: the empty string, or what
	 * the member's zero means. */
	const char *initial;
	const char *const *names; /* OPTION_ENUM: NULL-terminated */
	/* OPTION_CUSTOM: parses VALUE into MEMBER; 0, or -errno and a reason
	 * in WHY (SIZE bytes).  Called for `initial` first. */
	int (*parse)(const char *value, void *member, char *why, size_t size);
	const char *help; /* one line; the manual page says the rest */
	bool secret;      /* errors do not show its value */
};

/* A section whose keys are data rather than options ([Weights], [Curve]).
 * `set` is called for each line in order; 0, or -errno and a reason. */
struct option_section {
	const char *section;
	int (*set)(void *config, const char *key, const char *value, char *why,
	    size_t size);
	const char *help;
};

struct option_table {
	const struct option *options;
	size_t n_options;
	const struct option_section *sections;
	size_t n_sections;
	/* Told of each line that was read, for who has to name it later; NULL:
	 * nobody is. */
	void (*note)(void *config, const char *section, const char *key,
	    const char *file, int line);
	/* The section whose values errors do not show; NULL: none. */
	const char *secret_section;
};

/* Fills CONFIG (zeroed by the caller, as far as rows describe it) with the
 * defaults.  A default that does not parse is our own bug: asserts. */
void option_defaults(const struct option_table *, void *config);

/* Reads FILE and then FILE.d / *.conf in lexical order over CONFIG.  0, or
 * -errno with *RET_ERROR filled; CONFIG is then partly changed: read into a
 * fresh structure and swap.  An unknown section or key, a bad value and a
 * missing FILE are errors; a missing FILE.d is not. */
int option_load(const struct option_table *, const char *file, void *config,
    struct option_error *ret_error) MUST_CHECK;

/* As option_load(), for a program that has to go on: lines with errors are left
 * out, and a file that cannot be read as well.  0, or -EINVAL with *RET_ERROR
 * filled when something was: with the first error. */
int option_load_valid(const struct option_table *, const char *file,
    void *config, struct option_error *ret_error) MUST_CHECK;

/* The drop-ins alone, for a program whose FILE may be missing. */
int option_load_drop_ins(const struct option_table *, const char *file,
    void *config, struct option_error *ret_error) MUST_CHECK;

/* "FILE:LINE: TEXT", as far as there are a file and a line. */
enum { OPTION_ERROR_TEXT = sizeof(struct option_error) + 32 };
void option_print_error(
    const struct option_error *, char buf[OPTION_ERROR_TEXT]);

/* Sets one option as if it stood in a file; for the command line.  The error
 * names no file. */
int option_set(const struct option_table *, const char *section,
    const char *key, const char *value, void *config,
    struct option_error *ret_error) MUST_CHECK;

/* Whether any option or section of data stands under [SECTION]. */
bool option_has_section(const struct option_table *, const char *section);

/* Frees what OPTION_STRING members own and zeroes them. */
void option_fini(const struct option_table *, void *config);

/* Prints one line an option: [Section] Key=default, its help, and its words
 * or range. */
void option_print_help(const struct option_table *, FILE *);

/* "25s", "1h 30min" (us ms s min h d; a bare number: s) to usec, "64K" to
 * bytes; 0 or -EINVAL, or -ERANGE (more than INT64_MAX). */
int option_parse_time(const char *value, uint64_t *ret_usec) MUST_CHECK;
int option_parse_size(const char *value, uint64_t *ret_bytes) MUST_CHECK;
int option_parse_int(
    const char *value, int64_t min, int64_t max, int64_t *ret) MUST_CHECK;

/* Puts the words into an error; for both halves of this module. */
void option_say(struct option_error *, const char *format, ...)
    PRINTF_LIKE(2, 3);
