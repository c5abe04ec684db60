#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What of a URL may be seen: passwords and tokens stand in them, and records,
 * status and the compiled lists are read by others.  Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/util.h"

/* URL without user, password, query and fragment, for the caller to free; NULL:
 * no memory.  "?..." stands for a query that is left out.  Where a URL is
 * written so that a part of a password could be taken for a host or a path,
 * nothing but its scheme is left. */
char *url_public(const char *url);

/* Whether TEXT, which is no URL, looks like one that has a password: "scheme:"
 * was forgotten, or a slash. */
bool url_is_suspicious(const char *text);

/* Whether URL has a password, or a query that looks like one. */
bool url_has_secret(const char *url);

/* A number that tells URL from others, and tells nobody what it is. */
uint64_t url_fingerprint(const char *url);
