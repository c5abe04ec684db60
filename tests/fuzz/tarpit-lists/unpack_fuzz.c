/* SPDX-License-Identifier: ISC */
/* Archives: whatever is in them, no more comes out than was allowed. */
#include "bin/tarpit-lists/unpack.h"

#include "tests/helpers/fuzz.h"

enum { SIZE_MAX_OUT = 1 << 20 };

static bool
is_wanted(const char *member, size_t len)
{
	return len > 0 && member[len - 1] != 'x';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *buf = fuzz_copy(data, size);
	char why[128] = "";
	size_t len = size;
	int r = unpack(&buf, &len, is_wanted, SIZE_MAX_OUT, why, sizeof(why));

	if (r < 0) {
		REQUIRE(why[0] != '\0');
	} else {
		/* All of it can be read. */
		unsigned sum = 0;

		REQUIRE(len <= size || len <= SIZE_MAX_OUT);
		for (size_t i = 0; i < len; i++)
			sum += (unsigned char)buf[i];
		REQUIRE(sum <= len * 255);
	}
	free(buf);
	return 0;
}
