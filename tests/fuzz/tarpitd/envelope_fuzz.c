/* SPDX-License-Identifier: ISC */
/* The arguments of MAIL and RCPT: what goes on to the MTA is a piece of what
 * came, from the path on; and what is plain is so by a simpler reading, too. */
#include "bin/tarpitd/envelope.h"

#include "tests/helpers/fuzz.h"

/* One '@' at most, nothing that quotes or routes, and "NAME[=VALUE]" of printable
 * ASCII behind it. */
static void
check_plain(const struct envelope *e)
{
	size_t ats = 0;

	REQUIRE(e->argument[0] == '<');
	REQUIRE(e->path_len >= 2 && e->argument[e->path_len - 1] == '>');
	for (size_t i = 0; i < e->path_len; i++) {
		REQUIRE(memchr("\"\\ \t(),:;[]%", e->argument[i], 12) == NULL);
		ats += e->argument[i] == '@';
	}
	REQUIRE(ats == (e->path_len > 2));
	for (size_t i = 0; i < e->len; i++)
		REQUIRE((unsigned char)e->argument[i] < 127);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = NULL;
	struct envelope e, whole, blank;
	AUTO_FREE char *longer = NULL;

	if (size < 1)
		return 0;
	text = fuzz_copy(data + 1, --size);
	if (!envelope_read(text, size, "FROM", data[0], &e))
		return 0;
	REQUIRE(e.argument > text && e.argument + e.len == text + size);
	REQUIRE(e.path_len > 0 && e.path_len <= e.len);
	REQUIRE(e.argument[0] != ' ' && e.argument[0] != '\t');
	if (e.plain)
		check_plain(&e);
	/* More offers make nothing odd, and a blank at the end changes nothing. */
	REQUIRE(envelope_read(text, size, "FROM", 0xff, &whole));
	REQUIRE(!e.plain || whole.plain);
	longer = malloc(size + 1);
	REQUIRE(longer != NULL);
	memcpy(longer, text, size);
	longer[size] = ' ';
	REQUIRE(envelope_read(longer, size + 1, "FROM", data[0], &blank));
	REQUIRE(blank.plain == e.plain && blank.size == e.size);
	return 0;
}
