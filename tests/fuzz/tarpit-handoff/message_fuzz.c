/* SPDX-License-Identifier: ISC */
/* The hand-off message: what is accepted is addresses and ports that an MTA can
 * take on trust. */
#include "bin/tarpit-handoff/message.h"

#include <arpa/inet.h>

#include "bin/common/attrs.h"
#include "tests/helpers/fuzz.h"

static void
check_address(const char *text)
{
	struct in6_addr in6;
	struct in_addr in;

	REQUIRE(strlen(text) < INET6_ADDRSTRLEN);
	if (inet_pton(AF_INET, text, &in) == 1)
		return;
	REQUIRE(inet_pton(AF_INET6, text, &in6) == 1);
	REQUIRE(!IN6_IS_ADDR_V4MAPPED(&in6));
}

static void
check_port(const char *text)
{
	long port = strtol(text, NULL, 10);
	char again[8];

	/* 0 is what a proxy says that does not know it. */
	REQUIRE(port >= 0 && port <= 65535);
	snprintf(again, sizeof(again), "%ld", port);
	REQUIRE(strcmp(again, text) == 0);
}

/* Written anew it is the same message. */
static void
check_again(const struct message *m)
{
	char buf[MESSAGE_MAX];
	struct attrs_out out;
	struct message again;

	attrs_begin(&out, buf, sizeof(buf));
	attrs_put(&out, "client_address", m->client_address);
	attrs_put(&out, "client_port", m->client_port);
	attrs_put(&out, "server_address", m->server_address);
	attrs_put(&out, "server_port", m->server_port);
	REQUIRE(attrs_end(&out) == 0);
	REQUIRE(message_parse(buf, out.len, &again) == 0);
	REQUIRE(strcmp(again.client_address, m->client_address) == 0);
	REQUIRE(strcmp(again.server_port, m->server_port) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = fuzz_copy(data, size);
	struct message m;
	int r = message_parse(copy, size, &m);

	if (r < 0) {
		REQUIRE(r == -EAGAIN || r == -EMSGSIZE || r == -EBADMSG);
		REQUIRE(r != -EAGAIN || size < MESSAGE_MAX);
		return 0;
	}
	check_address(m.client_address);
	check_address(m.server_address);
	check_port(m.client_port);
	check_port(m.server_port);
	check_again(&m);
	return 0;
}
