/* SPDX-License-Identifier: ISC */
/* What is found in a store: nine bytes of key, 21 (or 16) of value, or whatever.
 * A record that is taken is in bounds, and is what is written again. */
#include "policy/history.h"

#include <string.h>

#include "tests/helpers/fuzz.h"

static const struct history_fading fading = { { 1, 86400, UINT32_C(1) << 31,
    1 } };

static void
check_net(const struct history_record *rec)
{
	struct history_record same = *rec;
	uint32_t expires = history_expires(rec, &fading);

	REQUIRE(history_net_hosts(rec, &fading, 0) <= HISTORY_HOSTS_MAX);
	REQUIRE(expires == UINT32_MAX ||
	    history_net_hosts(rec, &fading, expires) == 0);
	history_merge(&same, rec, &fading);
	(void)history_net_add(&same, 7, UINT32_MAX);
	(void)history_net_catch(&same, UINT32_MAX);
}

static void
check_host(const struct history_record *rec)
{
	struct history_record same = *rec;
	uint32_t expires = history_expires(rec, &fading);

	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		enum history_kind kind = (enum history_kind)i;

		REQUIRE(rec->amount[i] <= HISTORY_AMOUNT_MAX);
		REQUIRE(history_strength(rec, &fading, kind, rec->when[i]) <=
		    HISTORY_STRENGTH_MAX);
		REQUIRE(expires == UINT32_MAX ||
		    history_strength(rec, &fading, kind, expires) == 0);
		(void)history_is_patient(rec, &fading, rec->when[i]);
		(void)history_add(&same, &fading, kind, rec->when[i]);
	}
	history_merge(&same, rec, &fading);
}

static void
check(const struct history_record *rec, const uint8_t *data, size_t size)
{
	uint8_t key[HISTORY_KEY_SIZE], value[HISTORY_VALUE_SIZE];

	REQUIRE(
	    rec->scope > HISTORY_NOBODY && rec->scope < HISTORY_SCOPE_COUNT);
	if (history_is_net((enum history_scope)rec->scope))
		check_net(rec);
	else
		check_host(rec);
	history_encode(rec, key, value);
	REQUIRE(memcmp(key, data, sizeof(key)) == 0);
	/* One of the version before is written as one of this. */
	REQUIRE(size != sizeof(key) + sizeof(value) ||
	    memcmp(value, data + sizeof(key), sizeof(value)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t key = size < HISTORY_KEY_SIZE ? size : HISTORY_KEY_SIZE;
	struct history_record rec;

	if (history_decode(data, key, data + key, size - key, &rec) == 0)
		check(&rec, data, size);
	return 0;
}
