#pragma once
/* SPDX-License-Identifier: ISC */
/* Records about lists. */

#include "bin/common/journal.h"
#include "bin/common/util.h"

/* One record about LIST, or about the whole if that is NULL. */
void report_list(struct journal *, enum event, const char *list,
    const char *format, ...) PRINTF_LIKE(4, 5);
