/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* "250-text", "250 text", "250": LEN is without the line end. */
static int
parse_line(const char *line, size_t len, int *ret_code, bool *ret_last)
{
	if (len < 3 || line[0] < '2' || line[0] > '5' ||
	    !isdigit((unsigned char)line[1]) ||
	    !isdigit((unsigned char)line[2]))
		return -EBADMSG;
	if (len > 3 && line[3] != ' ' && line[3] != '-')
		return -EBADMSG;
	*ret_code =
	    (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	*ret_last = len == 3 || line[3] == ' ';
	return 0;
}

/* The length of the line of LEN bytes, LF included, without its end. */
static size_t
trim(const char *line, size_t len)
{
	len--;
	return len > 0 && line[len - 1] == '\r' ? len - 1 : len;
}

int
reply_find_end(const char *buf, size_t len, size_t *ret_len, int *ret_code)
{
	size_t at = 0;
	int code = 0;

	for (;;) {
		const char *lf = memchr(buf + at, '\n', len - at);
		bool last;
		size_t n;
		int line_code, r;

		if (lf == NULL)
			return -EAGAIN;
		n = (size_t)(lf + 1 - (buf + at));
		r = parse_line(buf + at, trim(buf + at, n), &line_code, &last);
		if (r < 0 || (code != 0 && line_code != code))
			return -EBADMSG;
		code = line_code;
		at += n;
		if (last)
			break;
	}
	*ret_len = at;
	*ret_code = code;
	return 0;
}

const char *
reply_next_line(const char **pos, const char *end, size_t *ret_len)
{
	const char *line = *pos;
	const char *lf = memchr(line, '\n', (size_t)(end - line));
	size_t len;

	if (lf == NULL)
		return NULL;
	*pos = lf + 1;
	len = trim(line, (size_t)(lf + 1 - line));
	*ret_len = len > 4 ? len - 4 : 0;
	return line + (len > 4 ? 4 : len);
}

static size_t
copy_line(const char *line, size_t len, char *buf)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		buf[i] = c < ' ' || c == 127 ? '?' : line[i];
	}
	buf[len] = '\r';
	buf[len + 1] = '\n';
	return len + 2;
}

size_t
reply_copy(const char *reply, size_t len, char *buf, size_t size)
{
	const char *end = reply + len;
	size_t n = 0;

	/* Each line's end takes two bytes, which may be one more than now. */
	for (const char *p = reply; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t line = trim(p, (size_t)(lf + 1 - p));

		if (line + 2 > size)
			line = size - 2;
		/* The last line has to be there. */
		if (n + line + 2 > size)
			n = 0;
		n += copy_line(p, line, buf + n);
		p = lf + 1;
	}
	return n;
}
