/* SPDX-License-Identifier: ISC */
/* Headers of the PROXY protocol: one that is read has a length within what there
 * is, no beginning of it is one, and what it says can be written and read
 * again. */
#include "bin/tarpitd/proxy.h"

#include <errno.h>

#include "tests/helpers/fuzz.h"

static void
check_print(const struct proxy_header *h)
{
	char buf[PROXY_PRINT_MAX];
	struct proxy_header again;
	size_t n = proxy_print(h, buf);

	REQUIRE(n <= sizeof(buf));
	REQUIRE(proxy_parse(buf, n, &again) == (ssize_t)n);
	if (h->subject != PROXY_CLIENT) {
		REQUIRE(again.subject == PROXY_LOCAL);
		return;
	}
	REQUIRE(again.subject == PROXY_CLIENT);
	REQUIRE(memcmp(&again.client, &h->client, 16) == 0);
	REQUIRE(memcmp(&again.server, &h->server, 16) == 0);
	REQUIRE(again.client_port == h->client_port);
	REQUIRE(again.server_port == h->server_port);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct proxy_header h, other;
	ssize_t n = proxy_parse(text, size, &h);

	if (n < 0) {
		REQUIRE(n == -EAGAIN || n == -EBADMSG || n == -EMSGSIZE);
		REQUIRE(n != -EAGAIN || size < PROXY_HEADER_MAX);
		return 0;
	}
	REQUIRE((size_t)n <= size && n <= PROXY_HEADER_MAX);
	for (size_t cut = 0; cut < (size_t)n; cut++)
		REQUIRE(proxy_parse(text, cut, &other) == -EAGAIN);
	check_print(&h);
	return 0;
}
