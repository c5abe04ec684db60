/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/body.h"

#include <string.h>

/* What has been read of a line.  CR and the dot are held back until it is
 * known what they are.  The LF_ states are of a line after a bare LF: its dot
 * ends nothing. */
enum { LINE_START, LF_LINE_START, IN_LINE, CR, DOT, DOT_CR, LF_DOT, LF_DOT_CR };

static bool
has_dot(const struct body *b)
{
	return b->state == DOT || b->state == LF_DOT;
}

static bool
has_cr(const struct body *b)
{
	return b->state == CR || b->state == DOT_CR || b->state == LF_DOT_CR;
}

static bool
is_at_start(const struct body *b)
{
	return b->state == LINE_START || b->state == LF_LINE_START;
}

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

	if (c == '\0' || has_cr(b))
		b->bad = true;
	if (has_dot(b) || (b->counted && is_at_start(b) && c == '.'))
		out[n++] = '.';
	b->state = IN_LINE;
	out[n++] = c;
	return n;
}

/* A dot at the beginning of a line. */
static size_t
hold_dot(struct body *b)
{
	b->state = b->state == LINE_START ? DOT : LF_DOT;
	return 0;
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
	if (has_cr(b))
		b->bad = true;
	b->state = b->state == DOT ? DOT_CR
	    : b->state == LF_DOT   ? LF_DOT_CR
				   : CR;
	return 0;
}

/* The end of a line, which may be one of a dot that ended nothing: for the MTA
 * that is text, too. */
static size_t
put_lf(struct body *b, char *out)
{
	bool bare = !has_cr(b);
	size_t n = 0;

	if (has_dot(b) || b->state == LF_DOT_CR) {
		out[n++] = '.';
		out[n++] = '.';
	}
	b->bare_lf |= bare;
	b->state = bare ? LF_LINE_START : LINE_START;
	out[n++] = '\r';
	out[n++] = '\n';
	return n;
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
		else if (c == '.' && is_at_start(b) && !b->counted)
			n += hold_dot(b);
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
	if (is_at_start(b))
		return 0;
	b->state = LINE_START;
	out[0] = '\r';
	out[1] = '\n';
	return 2;
}
