#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What a test counts of its own process: memory that is not freed, descriptors,
 * maps; and memory that there is none of.  A program that includes this has
 * the malloc() below: it counts, and fails when told to.  Under ASan that is
 * ASan's, which looks for leaks itself; then nothing here fails, and the count
 * stays 0.
 */

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tests/helpers/check.h"

/* Not yet freed. */
__attribute__((unused)) static long memory_live;
/* So many allocations succeed before one fails; negative: all do. */
__attribute__((unused)) static long memory_left = -1;

#ifndef __SANITIZE_ADDRESS__

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);

static inline bool
memory_fails(void)
{
	if (memory_left < 0 || memory_left-- > 0)
		return false;
	errno = ENOMEM;
	return true;
}

static inline void *
memory_count(void *p)
{
	if (p != NULL)
		__atomic_add_fetch(&memory_live, 1, __ATOMIC_RELAXED);
	return p;
}

void *
malloc(size_t size)
{
	return memory_fails() ? NULL : memory_count(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return memory_fails() ? NULL : memory_count(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	if (memory_fails())
		return NULL;
	return p != NULL ? __libc_realloc(p, size)
			 : memory_count(__libc_realloc(p, size));
}

void
free(void *p)
{
	if (p != NULL)
		__atomic_sub_fetch(&memory_live, 1, __ATOMIC_RELAXED);
	__libc_free(p);
}

#endif

/* CALL gives 0, or -ENOMEM if any of its allocations fails, and then leaves
 * nothing behind.  What it makes in the end is the caller's. */
#define CHECK_MEMORY(call)                                  \
	do {                                                \
		for (long memory_n = 0;; memory_n++) {      \
			long memory_was = memory_live;      \
			long long memory_r;                 \
			bool memory_failed;                 \
			memory_left = memory_n;             \
			memory_r = (call);                  \
			memory_failed = memory_left < 0;    \
			memory_left = -1;                   \
			if (memory_r == 0) {                \
				CHECK(!memory_failed);      \
				break;                      \
			}                                   \
			CHECK_INT(memory_r, -ENOMEM);       \
			CHECK_INT(memory_live, memory_was); \
		}                                           \
	} while (0)

/* Descriptors that this process has open. */
static inline int
descriptors_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	CHECK(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Maps of files whose path contains NAME. */
static inline int
maps_of(const char *name)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, name) != NULL;
	fclose(f);
	return n;
}
