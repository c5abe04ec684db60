/* SPDX-License-Identifier: ISC */
/* An MTA's replies: found at the same place however they come in, and never
 * more than text and line ends for the client that hears them. */
#include "bin/tarpitd/reply.h"

#include <errno.h>

#include "tests/helpers/fuzz.h"

enum { SMALLEST = 16 };

static void
check_copy(const char *reply, size_t len, size_t size)
{
	AUTO_FREE char *buf = malloc(size);
	size_t n;

	REQUIRE(buf != NULL);
	n = reply_copy(reply, len, buf, size);
	REQUIRE(n >= 5 && n <= size);
	/* Nothing but the last line end ends it, and no half of one is there. */
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)buf[i];

		REQUIRE(c >= ' ' || c == '\r' || c == '\n');
		REQUIRE(c != 127);
		REQUIRE(c != '\r' || (i + 1 < n && buf[i + 1] == '\n'));
		REQUIRE(c != '\n' || (i > 0 && buf[i - 1] == '\r'));
	}
	REQUIRE(buf[n - 1] == '\n');
	REQUIRE(memcmp(buf, reply, 3) == 0);
}

static void
check_lines(const char *reply, size_t len)
{
	const char *pos = reply, *end = reply + len, *line;
	size_t line_len;

	while ((line = reply_next_line(&pos, end, &line_len)) != NULL) {
		REQUIRE(line >= reply && line + line_len <= end);
		REQUIRE(pos > line && pos <= end);
	}
	REQUIRE(pos == end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *whole = NULL;
	size_t len = 0, part_len;
	int code = 0, part_code;
	int r;

	if (size < 1)
		return 0;
	whole = fuzz_copy(data + 1, size - 1);
	r = reply_find_end(whole, size - 1, &len, &code);
	REQUIRE(r == 0 || r == -EAGAIN || r == -EBADMSG);
	for (size_t n = 0; n < size - 1; n++) {
		AUTO_FREE char *part = fuzz_copy(whole, n);
		int p = reply_find_end(part, n, &part_len, &part_code);

		/* Undecided, then once and for all. */
		REQUIRE(p == -EAGAIN || p == r);
		REQUIRE(p != 0 || (part_len == len && part_code == code));
	}
	if (r < 0)
		return 0;
	REQUIRE(len <= size - 1 && whole[len - 1] == '\n');
	REQUIRE(code >= 200 && code <= 599);
	check_lines(whole, len);
	check_copy(whole, len, SMALLEST + data[0] * 16U);
	return 0;
}
