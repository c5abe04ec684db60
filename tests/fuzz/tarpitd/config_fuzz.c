/* SPDX-License-Identifier: ISC */
/* tarpitd.conf: a value that gets through can be served with.  HoldReply= above
 * all: it is what every recipient hears. */
#include "bin/tarpitd/config.h"

#include "tests/helpers/fuzz.h"

static bool
has_line_end(const char *text)
{
	return strpbrk(text, "\r\n") != NULL;
}

static void
check_config(const struct config *c)
{
	REQUIRE(c->hold_reply[0] == '4' || c->hold_reply[0] == '5');
	REQUIRE(c->hold_reply[3] == ' ' && !has_line_end(c->hold_reply));
	REQUIRE(!has_line_end(c->host_name));
	REQUIRE(c->handoff.kind == HANDOFF_PROXY ? c->handoff.address_len != 0
						 : c->handoff.path[0] == '/');
	REQUIRE(c->proxy_trusted.n <= NETWORKS_MAX);
	REQUIRE(memchr(c->handoff.path, '\0', sizeof(c->handoff.path)) != NULL);
	REQUIRE(c->reserve.percent <= 90);
	REQUIRE(c->policy[0] != '\0');
	REQUIRE(c->policy_timeout <= 20 * USEC_PER_SEC);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct option_table *table = tarpitd_program.options;
	struct option_error error = { 0 };
	struct config c = { 0 };
	char path[32];
	AUTO_FD fd = -1;

	fd = fuzz_file(data, size, path);
	option_defaults(table, &c);
	if (option_load(table, path, &c, &error) == 0)
		check_config(&c);
	else
		REQUIRE(error.text[0] != '\0');
	config_fini(&c);
	return 0;
}
