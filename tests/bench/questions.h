#pragma once
/* SPDX-License-Identifier: ISC */
/* Questions to a policy service, as tarpitd puts them. */

#include <stddef.h>

/* All questions, one behind the other, about the addresses of a file. */
struct questions {
	char *text;
	size_t n;
	size_t *start; /* [n + 1] in `text` */
};

/* PATH has one address a line.  The instance of the Nth is N in hexadecimal. */
struct questions questions_read(const char *path);
void questions_free(struct questions *);

/* A connection to the unix socket PATH. */
int questions_connect(const char *path);
