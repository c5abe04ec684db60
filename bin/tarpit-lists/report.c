/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/report.h"

#include <stdarg.h>
#include <stdio.h>

void
report_list(struct journal *journal, enum event event, const char *list,
    const char *format, ...)
{
	struct record record;
	char text[2048];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	record_begin(&record, event, "%s", text);
	if (list)
		record_field(&record, "TARPIT_LIST", "%s", list);
	journal_send(journal, &record);
}
