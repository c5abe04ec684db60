#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Passwords and tokens from files of their own: Credentials= and Header= of a
 * list.  What is wrong with them is said without quoting them.
 */

#include <stddef.h>

#include "bin/common/util.h"

enum { CREDENTIALS_SIZE_MAX = 16384, CREDENTIALS_HEADERS_MAX = 16 };

/* "USER:PASSWORD" for HOST from FILE, for the caller to free: the file is in
 * the form of .netrc (machine HOST login USER password PASSWORD; default), or
 * one line USER:PASSWORD.  0, or with the reason in WHY: -EPERM (others can
 * read it), -ENOENT (nothing for this host, or no such file), -EBADMSG, or
 * -errno. */
int credentials_read(const char *file, const char *host, char **ret_user_pwd,
    char *why, size_t size) MUST_CHECK;

/* The lines "Name: value" of FILE, NUL-terminated one after the other and an
 * empty one at the end, for the caller to free.  0 or as above. */
int credentials_read_headers(
    const char *file, char **ret_lines, char *why, size_t size) MUST_CHECK;
