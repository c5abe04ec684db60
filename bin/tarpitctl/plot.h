#pragma once
/* SPDX-License-Identifier: ISC */
/* Pictures by gnuplot, as SVG for the inside of a page.  The only one who runs
 * it. */

#include <stdio.h>

#include "bin/common/util.h"

/* 0 if gnuplot can be run, else -errno (-ENOENT: it is not installed). */
int plot_check(void) MUST_CHECK;

/* Runs gnuplot on SCRIPT, SIZE bytes, which plots into the terminal that it
 * finds set, and writes the <svg> element to OUT.  Its text and axes have the
 * colour "black", its grid "gray", for the page's style to replace; it has
 * nothing with an id.  0, or -errno: -EPROTO, gnuplot did not like it; -ETIME,
 * it did not come to an end. */
int plot_write(const char *script, size_t size, FILE *out) MUST_CHECK;
