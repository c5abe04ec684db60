/* SPDX-License-Identifier: ISC */
/* Bodies by DATA and by BDAT, against the whole text looked at at once: where a
 * body ends, what is bad in it, and what reaches the MTA; the same in pieces of
 * any size. */
#include "bin/tarpitd/body.h"

#include "tests/helpers/fuzz.h"

struct text {
	char *data;
	size_t len;
};

/* What was made of a body. */
struct result {
	struct text out;
	size_t used;
	bool ended, bad;
};

static bool
stands_at(const struct text *t, size_t at, const char *what)
{
	size_t n = strlen(what);

	return t->len - at >= n && memcmp(t->data + at, what, n) == 0;
}

/* Where the line of the final dot begins, or LEN. */
static size_t
find_end(const struct text *t)
{
	for (size_t at = 0; at < t->len; at++)
		if (stands_at(t, at, ".\r\n") &&
		    (at == 0 || (at >= 2 && stands_at(t, at - 2, "\r\n"))))
			return at;
	return t->len;
}

/* Is a CR without LF, or a NUL, in the first LEN bytes? */
static bool
has_bad(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] == '\0' ||
		    (data[i] == '\r' && (i + 1 == len || data[i + 1] != '\n')))
			return true;
	return false;
}

/* What goes to the MTA, line by line: each with CRLF, a line of a dot (and by
 * BDAT each that begins with one) with a dot before it. */
static struct text
normalize(const char *data, size_t len, bool counted)
{
	struct text t = { .data = malloc(2 * len + 4) };

	REQUIRE(t.data != NULL);
	for (size_t at = 0; at < len;) {
		const char *line = data + at;
		const char *lf = memchr(line, '\n', len - at);
		size_t n = lf != NULL ? (size_t)(lf - line) : len - at;

		at += n + 1;
		if (lf != NULL && n > 0 && line[n - 1] == '\r')
			n--;
		if (n > 0 && line[0] == '.' && (counted || n == 1))
			t.data[t.len++] = '.';
		memcpy(t.data + t.len, line, n);
		t.len += n;
		memcpy(t.data + t.len, "\r\n", 2);
		t.len += 2;
	}
	return t;
}

static void
check_same(const struct text *out, const char *data, size_t len, bool counted)
{
	struct text expected = normalize(data, len, counted);

	REQUIRE(out->len == expected.len);
	REQUIRE(memcmp(out->data, expected.data, out->len) == 0);
	free(expected.data);
}

/* Feeds it in pieces of 1 to STEP bytes. */
static struct result
feed(const struct text *in, bool counted, size_t step)
{
	struct result r = { .out.data = malloc(BODY_ROOM(in->len) + 2) };
	struct body b;
	size_t at = 0, piece = 1;

	REQUIRE(r.out.data != NULL);
	body_begin(&b);
	while (at < in->len && !(r.ended && !counted)) {
		size_t n = piece < in->len - at ? piece : in->len - at;
		AUTO_FREE char *copy = fuzz_copy(in->data + at, n);
		size_t used, len;

		if (counted)
			body_begin_chunk(&b, n, at == 0);
		r.ended =
		    body_feed(&b, copy, n, &used, r.out.data + r.out.len, &len);
		REQUIRE(used <= n && (used == n || r.ended));
		REQUIRE(len <= BODY_ROOM(used));
		r.out.len += len;
		at += used;
		piece = piece % step + 1;
	}
	if (counted && in->len > 0)
		r.out.len += body_finish(&b, r.out.data + r.out.len);
	r.used = at;
	r.bad = b.bad;
	return r;
}

/* No line end that is none is stored, and nothing that could end what goes to
 * the MTA: a bad one does not. */
static void
check_stored(const struct text *out, bool bad)
{
	for (size_t i = 0; i < out->len; i++) {
		REQUIRE(out->data[i] != '\r' ||
		    (i + 1 < out->len && out->data[i + 1] == '\n'));
		REQUIRE(out->data[i] != '\n' ||
		    (i > 0 && out->data[i - 1] == '\r'));
	}
	REQUIRE(bad || find_end(out) == out->len);
}

static void
check_data(const struct text *in, size_t step)
{
	size_t end = find_end(in);
	struct result r = feed(in, false, step);
	struct result whole = feed(in, false, in->len + 1);

	REQUIRE(r.used == whole.used && r.ended == whole.ended);
	REQUIRE(r.bad == whole.bad && r.out.len == whole.out.len);
	REQUIRE(memcmp(r.out.data, whole.out.data, r.out.len) == 0);
	if (r.ended) {
		REQUIRE(end < in->len && r.used == end + 3);
		REQUIRE(r.bad == has_bad(in->data, end));
		check_stored(&r.out, r.bad);
	}
	if (r.ended && !r.bad)
		check_same(&r.out, in->data, end, false);
	REQUIRE(r.ended == (end < in->len));
	free(r.out.data);
	free(whole.out.data);
}

static void
check_chunks(const struct text *in, size_t step)
{
	struct result r = feed(in, true, step);

	REQUIRE(r.used == in->len);
	REQUIRE(r.bad == has_bad(in->data, in->len));
	if (!r.bad) {
		check_stored(&r.out, false);
		check_same(&r.out, in->data, in->len, true);
	}
	free(r.out.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in;
	size_t step;

	if (size < 1)
		return 0;
	step = data[0] % 16U + 1;
	in.len = size - 1;
	in.data = fuzz_copy(data + 1, in.len);
	check_data(&in, step);
	check_chunks(&in, step);
	free(in.data);
	return 0;
}
