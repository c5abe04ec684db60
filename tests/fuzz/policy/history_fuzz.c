/* SPDX-License-Identifier: ISC */
/* What is found in a store: nine bytes of key, sixteen of value, or whatever.
 * A record that is taken is in bounds, and is what is written again. */
#include "policy/history.h"

#include <string.h>

#include "tests/helpers/fuzz.h"

static void
check(const struct history_record *rec, const uint8_t *data)
{
	static const struct history_fading fading = { { 1, 86400,
	    UINT32_C(1) << 31 } };
	uint8_t key[HISTORY_KEY_SIZE], value[HISTORY_VALUE_SIZE];
	struct history_record same = *rec;
	uint32_t expires = history_expires(rec, &fading);

	REQUIRE(
	    rec->scope > HISTORY_NOBODY && rec->scope < HISTORY_SCOPE_COUNT);
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		enum history_kind kind = (enum history_kind)i;

		REQUIRE(rec->amount[i] <= HISTORY_AMOUNT_MAX);
		REQUIRE(history_strength(rec, &fading, kind, rec->when[i]) <=
		    HISTORY_STRENGTH_MAX);
		REQUIRE(expires == UINT32_MAX ||
		    history_strength(rec, &fading, kind, expires) == 0);
		(void)history_add(&same, &fading, kind, rec->when[i]);
		(void)history_renew(&same, &fading, kind, UINT32_MAX);
	}
	history_encode(rec, key, value);
	REQUIRE(memcmp(key, data, sizeof(key)) == 0);
	/* The last byte means nothing. */
	REQUIRE(memcmp(value, data + sizeof(key), sizeof(value) - 1) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t key = size < HISTORY_KEY_SIZE ? size : HISTORY_KEY_SIZE;
	struct history_record rec;

	if (history_decode(data, key, data + key, size - key, &rec) == 0)
		check(&rec, data);
	return 0;
}
