#pragma once
/* SPDX-License-Identifier: ISC */
/* A survey as metrics: in Prometheus's text format, which node_exporter and
 * promtool read, or in OpenMetrics.  No label has a client's address. */

#include <stdio.h>

#include "bin/tarpitctl/survey.h"

enum exposition_format {
	EXPOSITION_TEXT,        /* version 0.0.4 */
	EXPOSITION_OPENMETRICS, /* version 1.0.0 */
};

/* The HTTP header. */
const char *exposition_type(enum exposition_format);

void exposition_write(FILE *, enum exposition_format, const struct survey *);
