/* SPDX-License-Identifier: ISC */
/* Whatever a file is, what is said of it is a short text that can be printed. */
#include "data/file_kind.h"

#include "tests/helpers/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = fuzz_copy(data, size);
	char text[FILE_KIND_SIZE];
	const char *kind = file_kind((const uint8_t *)copy, size, text);

	if (!kind)
		return 0;
	REQUIRE(strlen(kind) > 0 && strlen(kind) < FILE_KIND_SIZE);
	for (; *kind != '\0'; kind++)
		REQUIRE(*kind >= ' ' && *kind <= '~');
	return 0;
}
