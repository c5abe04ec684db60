/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* POSIX ustar and pax, GNU tar, and the seventh edition's: blocks of 512 bytes, a
 * header and then the member. */
enum {
	TAR_BLOCK = 512,
	TAR_SIZE_AT = 124,
	TAR_SIZE_LEN = 12,
	TAR_SUM_AT = 148,
	TAR_SUM_LEN = 8,
	TAR_TYPE_AT = 156,
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

/* More room for the output, of which DONE bytes are used, up to MAX bytes. */
static int
grow(z_stream *z, char **out, size_t done, size_t *cap, size_t max)
{
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

/* A file may be made of several, one behind the other (RFC 1952, 2.2), as pigz
 * and bgzip write them; what else follows the last is padding. */
static bool
has_another(const z_stream *z)
{
	return z->avail_in > 2 &&
	    is_gzip((const char *)z->next_in, z->avail_in);
}

static int
inflate_all(z_stream *z, char **out, size_t *ret_len, size_t max)
{
	size_t cap = 0;
	int r, status = Z_OK;

	do {
		if (z->avail_out == 0) {
			r = grow(z, out, cap, &cap, max);
			if (r < 0)
				return r;
		}
		status = inflate(z, Z_NO_FLUSH);
		if (status == Z_STREAM_END && has_another(z))
			status = inflateReset(z);
		/* Z_BUF_ERROR with room left: the input has ended too soon. */
	} while (status == Z_OK);
	*ret_len = cap - z->avail_out;
	return status == Z_STREAM_END ? 0 : -EBADMSG;
}

static int
gunzip(char **buf, size_t *len, size_t max, char *why, size_t size)
{
	z_stream z = { .next_in = (Bytef *)*buf, .avail_in = (uInt)*len };
	AUTO_FREE char *out = NULL;
	size_t out_len;
	int r;

	/* 16: a gzip header, with its checksum, and no other. */
	if (*len > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return fail(-ENOMEM, "out of memory", why, size);
	r = inflate_all(&z, &out, &out_len, max);
	inflateEnd(&z);
	if (r == -EFBIG)
		return fail(r, "too large when unpacked", why, size);
	if (r < 0)
		return fail(r, "damaged gzip file, or cut short", why, size);
	free(*buf);
	*buf = out;
	*len = out_len;
	out = NULL;
	return 0;
}

/*
 * tar
 */

/* An octal number; -1 if it is none. */
static int64_t
read_octal(const char *p, size_t n)
{
	int64_t value = 0;
	size_t i = 0, first;

	while (i < n && p[i] == ' ')
		i++;
	for (first = i; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		value = value * 8 + (p[i] - '0');
	return i > first ? value : -1;
}

/* The header's sum, with blanks in the sum's own place.  It tells an archive
 * from what happens to look like one: the oldest kind has no magic. */
static bool
is_header(const char *header)
{
	int64_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i - TAR_SUM_AT < TAR_SUM_LEN ? ' '
						    : (unsigned char)header[i];
	return header[0] != '\0' &&
	    sum == read_octal(header + TAR_SUM_AT, TAR_SUM_LEN);
}

static bool
is_tar(const char *buf, size_t len)
{
	return len >= TAR_BLOCK && is_header(buf);
}

/* The bytes that follow the header; -1 if it is no number.  Links, devices and
 * directories have none, whatever theirs says. */
static int64_t
member_size(const char *header)
{
	const char *p = header + TAR_SIZE_AT;
	char type = header[TAR_TYPE_AT];
	int64_t value = 0;

	if (type >= '1' && type <= '6')
		return 0;
	if ((unsigned char)*p != 0x80)
		return read_octal(p, TAR_SIZE_LEN);
	/* GNU's binary form.  More than 56 bits are no size. */
	for (size_t i = 1; i < TAR_SIZE_LEN; i++) {
		if (value >> 48 != 0)
			return -1;
		value = value << 8 | (unsigned char)p[i];
	}
	return value;
}

/* Extended headers, long names and such are not, though they have bytes and
 * may be named like what they stand before. */
static bool
is_regular(const char *header)
{
	char type = header[TAR_TYPE_AT];

	return type == '0' || type == '\0' || type == '7';
}

static int
untar(
    char *buf, size_t *len, unpack_is_wanted *is_wanted, char *why, size_t size)
{
	size_t at = 0;

	while (*len - at >= TAR_BLOCK && buf[at] != '\0') {
		const char *header = buf + at;
		int64_t n = is_header(header) ? member_size(header) : -1;

		if (n < 0 || (uint64_t)n > *len - at - TAR_BLOCK)
			return fail(-EBADMSG,
			    "damaged tar archive, or cut short", why, size);
		if (is_regular(header) &&
		    is_wanted(header + TAR_BLOCK, (size_t)n)) {
			memmove(buf, buf + at + TAR_BLOCK, (size_t)n);
			*len = (size_t)n;
			return 0;
		}
		n = (n + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		if ((uint64_t)n > *len - at - TAR_BLOCK)
			break;
		at += TAR_BLOCK + (size_t)n;
	}
	return fail(-EBADMSG, "a tar archive without what is looked for in it",
	    why, size);
}

int
unpack(char **buf, size_t *len, unpack_is_wanted *is_wanted, size_t max,
    char *why, size_t size)
{
	int r = 0;

	if (is_gzip(*buf, *len))
		r = gunzip(buf, len, max, why, size);
	if (r == 0 && is_wanted && is_tar(*buf, *len))
		r = untar(*buf, len, is_wanted, why, size);
	return r;
}
