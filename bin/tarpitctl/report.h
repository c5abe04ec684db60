#pragma once
/* SPDX-License-Identifier: ISC */
/* The three faces of a report.  Each writes all of it to OUT; the caller looks
 * at ferror(). */

#include <stdio.h>

#include "bin/tarpitctl/findings.h"

/* At most 80 columns; UTF8: sparklines of block elements, else ASCII. */
void report_text(const struct findings *, bool utf8, FILE *out);

/* One JSON object; 0 or -ENOMEM. */
int report_json(const struct findings *, FILE *out) MUST_CHECK;

/* One page that needs nothing else.  0 or -errno of making the pictures. */
int report_html(const struct findings *, FILE *out) MUST_CHECK;
