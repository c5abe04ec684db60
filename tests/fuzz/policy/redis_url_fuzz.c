/* SPDX-License-Identifier: ISC */
/* History= of policy.conf.  A URL that is taken is shown as one that is taken as
 * the same, but for its secret. */
#include "policy/redis_url.h"

#include "tests/helpers/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = malloc(size + 1);
	struct redis_url url, again;
	const char *why = NULL;
	char buf[512];

	REQUIRE(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (redis_url_parse(text, &url, &why) < 0) {
		REQUIRE(why != NULL);
		return 0;
	}
	REQUIRE(url.host[0] == '\0' ? url.path[0] == '/' : url.port > 0);
	redis_url_format(&url, buf, sizeof(buf));
	/* A path with an @ in it needs a secret before it. */
	if (strchr(url.path, '@'))
		return 0;
	REQUIRE(redis_url_parse(buf, &again, &why) == 0);
	REQUIRE(strcmp(url.host, again.host) == 0);
	REQUIRE(strcmp(url.path, again.path) == 0);
	REQUIRE(url.port == again.port && url.db == again.db);
	return 0;
}
