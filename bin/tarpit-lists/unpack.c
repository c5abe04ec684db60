/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* POSIX ustar: blocks of 512 bytes, a header and then the member. */
enum {
	TAR_BLOCK = 512,
	TAR_NAME_LEN = 100,
	TAR_SIZE_AT = 124,
	TAR_SIZE_LEN = 12,
	TAR_MAGIC_AT = 257,
};

static int
fail(int error, const char *text, char *why, size_t size)
{
	snprintf(why, size, "%s", text);
	return error;
}

/*
 * gzip
 */

static bool
is_gzip(const char *buf, size_t len)
{
	return len > 2 && memcmp(buf, "\x1f\x8b", 2) == 0;
}

/* More room for the output, up to MAX bytes. */
static int
grow(z_stream *z, char **out, size_t *cap, size_t max)
{
	size_t done = z->total_out;
	size_t want = *cap ? *cap * 2 : 65536;
	char *bigger;

	if (done >= max)
		return -EFBIG;
	if (want > max)
		want = max;
	bigger = realloc(*out, want);
	if (!bigger)
		return -ENOMEM;
	*out = bigger;
	*cap = want;
	z->next_out = (Bytef *)bigger + done;
	z->avail_out = (uInt)(want - done);
	return 0;
}

static int
inflate_all(z_stream *z, char **out, size_t max)
{
	size_t cap = 0;
	int r, status = Z_OK;

	do {
		if (z->avail_out == 0) {
			r = grow(z, out, &cap, max);
			if (r < 0)
				return r;
		}
		status = inflate(z, Z_NO_FLUSH);
		/* Z_BUF_ERROR with room left: the input has ended too soon. */
	} while (status == Z_OK);
	return status == Z_STREAM_END ? 0 : -EBADMSG;
}

static int
gunzip(char **buf, size_t *len, size_t max, char *why, size_t size)
{
	z_stream z = { .next_in = (Bytef *)*buf, .avail_in = (uInt)*len };
	AUTO_FREE char *out = NULL;
	int r;

	/* 16: a gzip header, with its checksum, and no other. */
	if (*len > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return fail(-ENOMEM, "out of memory", why, size);
	r = inflate_all(&z, &out, max);
	inflateEnd(&z);
	if (r == -EFBIG)
		return fail(r, "too large when unpacked", why, size);
	if (r < 0)
		return fail(r, "damaged gzip file, or cut short", why, size);
	free(*buf);
	*buf = out;
	*len = z.total_out;
	out = NULL;
	return 0;
}

/*
 * tar
 */

static bool
is_tar(const char *buf, size_t len)
{
	return len >= TAR_BLOCK && memcmp(buf + TAR_MAGIC_AT, "ustar", 5) == 0;
}

/* The member's size, octal; -1 if it is no number. */
static int64_t
member_size(const char *header)
{
	const char *p = header + TAR_SIZE_AT;
	int64_t value = 0;
	int i = 0;

	for (; i < TAR_SIZE_LEN && p[i] >= '0' && p[i] <= '7'; i++)
		value = value * 8 + (p[i] - '0');
	return i > 0 ? value : -1;
}

static bool
name_ends_with(const char *header, const char *suffix)
{
	size_t n = strnlen(header, TAR_NAME_LEN), suffix_len = strlen(suffix);

	return n >= suffix_len &&
	    memcmp(header + n - suffix_len, suffix, suffix_len) == 0;
}

static int
untar(char *buf, size_t *len, const char *suffix, char *why, size_t size)
{
	size_t at = 0;

	while (*len - at >= TAR_BLOCK && buf[at] != '\0') {
		int64_t n = member_size(buf + at);

		if (n < 0 || (uint64_t)n > *len - at - TAR_BLOCK)
			return fail(-EBADMSG,
			    "damaged tar archive, or cut short", why, size);
		if (n > 0 && name_ends_with(buf + at, suffix)) {
			memmove(buf, buf + at + TAR_BLOCK, (size_t)n);
			*len = (size_t)n;
			return 0;
		}
		n = (n + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		if ((uint64_t)n > *len - at - TAR_BLOCK)
			break;
		at += TAR_BLOCK + (size_t)n;
	}
	snprintf(why, size, "no *%s in this archive", suffix);
	return -EBADMSG;
}

int
unpack(char **buf, size_t *len, const char *suffix, size_t max, char *why,
    size_t size)
{
	int r = 0;

	if (is_gzip(*buf, *len))
		r = gunzip(buf, len, max, why, size);
	if (r == 0 && is_tar(*buf, *len))
		r = untar(*buf, len, suffix, why, size);
	return r;
}
