/* SPDX-License-Identifier: ISC */
/* Texts with secrets: whatever stands before the last @ of a URL is not shown,
 * and what was hidden once needs no more hiding. */
#include "bin/common/secret.h"

#include "tests/helpers/fuzz.h"

static void
check_url(const char *word)
{
	char url[128], shown[400];

	snprintf(url, sizeof(url), "redis://:s3cr3t%.60s@host/1", word);
	secret_hide(url, shown, sizeof(shown));
	/* A blank or a quote ends a URL, and so would the administrator's. */
	if (!strpbrk(word, " \t\"") && !strstr(word, "://"))
		REQUIRE(!strstr(shown, "s3cr3t"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = malloc(size + 1);
	AUTO_FREE char *shown = malloc(2 * size + 2);
	AUTO_FREE char *again = malloc(2 * size + 2);
	char small[8];

	REQUIRE(text && shown && again);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	secret_hide(text, shown, 2 * size + 2);
	secret_hide(shown, again, 2 * size + 2);
	REQUIRE(strcmp(shown, again) == 0);
	REQUIRE(
	    strlen(secret_hide(text, small, sizeof(small))) < sizeof(small));
	check_url(text);
	return 0;
}
