/* SPDX-License-Identifier: ISC */
/* What a client of the control socket may send: any bytes.  A command that is
 * taken is within its ranges, and its name is printable. */
#include "bin/tarpitd/command.h"

#include "tests/helpers/fuzz.h"

static void
check_command(const struct command *c)
{
	char network[CIDR_STRLEN];

	if (c->request == COMMAND_OVERRIDE) {
		REQUIRE(c->seconds >= 1 && c->seconds <= COMMAND_SECONDS_MAX);
		REQUIRE(c->override.kind == OVERRIDE_RELEASE ||
		    c->override.kind == OVERRIDE_HOLD);
	}
	if (c->request == COMMAND_OVERRIDE || c->request == COMMAND_FORGET)
		REQUIRE(strlen(cidr_format(&c->override.network, network)) > 3);
	if (c->request == COMMAND_CLIENT)
		REQUIRE(c->override.network.len == CIDR_BITS);
	if (c->request == COMMAND_SESSION)
		REQUIRE(c->slot != 0);
	REQUIRE(strnlen(c->override.by, OVERRIDE_BY_SIZE) < OVERRIDE_BY_SIZE);
	for (const char *p = c->override.by; *p != '\0'; p++)
		REQUIRE(*p > ' ' && *p <= '~');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	const char *pos = copy;
	size_t len;

	/* As the control socket takes them: one after the other. */
	while (attrs_find_end(pos, size - (size_t)(pos - copy), &len) == 0) {
		struct command c;
		const char *why = NULL;

		if (command_read(pos, len, &c, &why) == 0)
			check_command(&c);
		else
			REQUIRE(why != NULL);
		pos += len;
	}
	free(copy);
	return 0;
}
