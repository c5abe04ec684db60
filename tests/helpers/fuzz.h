#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What fuzz targets share.  REQUIRE is an invariant: libFuzzer takes the
 * abort() for a finding and keeps the input.  Inputs are copied so that they
 * end where their allocation does, and a read past the end is seen.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/common/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                 \
	do {                                                               \
		if (!(condition)) {                                        \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, \
			    __LINE__, #condition);                         \
			abort();                                           \
		}                                                          \
	} while (0)

/* An own copy of LEN bytes at DATA, for the caller to free. */
static inline char *
fuzz_copy(const void *data, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	REQUIRE(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

/* A file in memory with LEN bytes of DATA, and the PATH that opens it; the
 * caller closes it. */
static inline int
fuzz_file(const void *data, size_t len, char path[static 32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, data, len) == (ssize_t)len);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/*
 * For formats with checksums and offsets, in which a random change is seldom
 * more than damage: the input is a script of edits of a valid file.  An edit is
 * its kind, an offset (2 bytes, big-endian) and a length N, of
 *	=  N bytes follow that are written over what is there
 *	+  N bytes follow that are put in
 *	-  N bytes are taken out
 *	<  all from the offset on is cut off
 * and any other byte stands between edits.  FILE has N bytes and room for SIZE;
 * the new length.
 */
static inline size_t
fuzz_edit(
    const uint8_t *script, size_t len, uint8_t *file, size_t n, size_t size)
{
	const uint8_t *end = script + len;

	while (end - script >= 4) {
		uint8_t kind = *script++;
		size_t at = (size_t)(script[0] << 8 | script[1]);
		size_t count = script[2];

		if (strchr("=+-<", kind) == NULL || kind == '\0')
			continue;
		script += 3;
		at = n == 0 ? 0 : at % n;
		if (kind == '<') {
			n = at;
			continue;
		}
		if (kind == '-') {
			count = count < n - at ? count : n - at;
			memmove(file + at, file + at + count, n - at - count);
			n -= count;
			continue;
		}
		if (count > (size_t)(end - script))
			count = (size_t)(end - script);
		if (kind == '+') {
			count = count < size - n ? count : size - n;
			memmove(file + at + count, file + at, n - at);
			n += count;
		} else if (count > n - at) {
			count = n - at;
		}
		memcpy(file + at, script, count);
		script += count;
	}
	return n;
}
