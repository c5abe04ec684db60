/* SPDX-License-Identifier: ISC */
#include "policy/mismatch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Kept free for "and 1000 more". */
enum { TAIL = 40 };

void
mismatch_add(struct mismatch *m, const char *format, ...)
{
	char one[128];
	size_t len = strlen(m->text);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(one, sizeof(one), format, args);
	va_end(args);
	m->n++;
	if (n < 0 || len + (size_t)n + 2 + TAIL >= sizeof(m->text))
		return;
	snprintf(m->text + len, sizeof(m->text) - len, "%s%s",
	    len > 0 ? ", " : "", one);
	m->shown++;
}

void
mismatch_end(struct mismatch *m)
{
	size_t len = strlen(m->text);

	if (m->shown < m->n)
		snprintf(m->text + len, sizeof(m->text) - len, "%sand %zu more",
		    len > 0 ? ", " : "", m->n - m->shown);
}
