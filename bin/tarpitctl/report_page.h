#pragma once
/* SPDX-License-Identifier: ISC */
/* What the parts of the page share. */

#include <stdio.h>

#include "bin/tarpitctl/findings.h"

/* The style sheet, for <style>. */
extern const char report_style[];

enum figure_id {
	FIGURE_LANES,
	FIGURE_RATES,
	FIGURE_PATIENCE,
	FIGURE_TIMELINE,
	FIGURE_HOURS,
	FIGURE_ECONOMICS,
};

/* The picture as an <svg> element; 0 or -errno. */
int report_figure(
    const struct findings *, enum figure_id, FILE *out) MUST_CHECK;

/* A table that scrolls by itself when it is too wide; ends with its body. */
void page_begin_table(FILE *out, const char *label);
void page_end_table(FILE *out);

/* The picture with its title and caption; 0 or -errno. */
int page_put_figure(const struct findings *, enum figure_id, const char *title,
    const char *caption, FILE *out) MUST_CHECK;

/* The last section of the page; 0 or -errno. */
int report_html_economics(const struct findings *, FILE *out) MUST_CHECK;
