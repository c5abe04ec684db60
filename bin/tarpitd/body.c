/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/body.h"

#include <string.h>

/* What has been read of a line.  CR and the dot are held back until it is
 * known what they are. */
enum { LINE_START, IN_LINE, CR, DOT, DOT_CR };

void
body_begin(struct body *b)
{
	*b = (struct body){ .state = LINE_START };
}

void
body_begin_chunk(struct body *b, uint64_t n, bool first)
{
	if (first)
		body_begin(b);
	b->counted = true;
	b->left = n;
}

/* An ordinary byte, anything but CR and LF. */
static size_t
put_byte(struct body *b, char c, char *out)
{
	size_t n = 0;

	if (c == '\0' || b->state == CR || b->state == DOT_CR)
		b->bad = true;
	if (b->state == DOT ||
	    (b->counted && b->state == LINE_START && c == '.'))
		out[n++] = '.';
	b->state = IN_LINE;
	out[n++] = c;
	return n;
}

/* The ordinary bytes in the middle of a line, which most are, all at once:
 * how many. */
static size_t
put_run(const struct body *b, const char *in, size_t len, char *out)
{
	size_t n = 0;

	if (b->state != IN_LINE)
		return 0;
	while (n < len && in[n] != '\r' && in[n] != '\n' && in[n] != '\0')
		n++;
	memcpy(out, in, n);
	return n;
}

/* CR: nothing is stored before its LF has come. */
static size_t
put_cr(struct body *b)
{
	if (b->state == CR || b->state == DOT_CR)
		b->bad = true;
	b->state = b->state == DOT ? DOT_CR : CR;
	return 0;
}

/* A bare LF begins no line: a dot after it is no end (<LF>.<CR><LF>). */
static size_t
put_lf(struct body *b, char *out)
{
	bool bare = b->state != CR;

	b->bad |= bare;
	b->state = bare ? IN_LINE : LINE_START;
	out[0] = '\r';
	out[1] = '\n';
	return 2;
}

/* True at the dot that ends a body; a counted one has none. */
static bool
feed(struct body *b, const char *in, size_t len, size_t *ret_used, char *out,
    size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		size_t run = put_run(b, in + i, len - i, out + n);
		char c;

		n += run;
		i += run;
		if (i == len)
			break;
		c = in[i];
		if (c == '\n' && b->state == DOT_CR) {
			*ret_used = i + 1;
			*ret_len = n;
			return true;
		}
		if (c == '\n')
			n += put_lf(b, out + n);
		else if (c == '\r')
			n += put_cr(b);
		else if (c == '.' && b->state == LINE_START && !b->counted)
			b->state = DOT;
		else
			n += put_byte(b, c, out + n);
	}
	*ret_used = len;
	*ret_len = n;
	return false;
}

bool
body_feed(struct body *b, const char *in, size_t len, size_t *ret_used,
    char *out, size_t *ret_len)
{
	if (!b->counted)
		return feed(b, in, len, ret_used, out, ret_len);
	if (len > b->left)
		len = (size_t)b->left;
	(void)feed(b, in, len, ret_used, out, ret_len);
	b->left -= len;
	return b->left == 0;
}

size_t
body_finish(struct body *b, char *out)
{
	if (b->state == CR)
		b->bad = true;
	if (b->state == LINE_START)
		return 0;
	b->state = LINE_START;
	out[0] = '\r';
	out[1] = '\n';
	return 2;
}
