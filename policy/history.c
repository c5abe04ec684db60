/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "policy/history.h"

static uint64_t
read_number(const uint8_t *from, size_t n)
{
	uint64_t number = 0;

	while (n-- > 0)
		number = number << 8 | *from++;
	return number;
}

static void
write_number(uint8_t *to, size_t n, uint64_t number)
{
	while (n-- > 0) {
		to[n] = (uint8_t)number;
		number >>= 8;
	}
}

size_t
history_keys(const struct in6_addr *addr,
    struct history_key ret_key[static HISTORY_KEYS_MAX])
{
	if (!cidr_addr_is_v4(addr)) {
		ret_key[0] =
		    (struct history_key){ read_number(addr->s6_addr, 8),
			    HISTORY_V6_NET };
		return 1;
	}
	ret_key[0] = (struct history_key){ read_number(&addr->s6_addr[12], 4),
		HISTORY_V4_HOST };
	ret_key[1] =
	    (struct history_key){ ret_key[0].bits >> 8, HISTORY_V4_NET };
	return 2;
}

struct cidr
history_key_prefix(const struct history_key *key)
{
	struct cidr net = { .len = 64 };

	if (key->scope == HISTORY_V6_NET) {
		write_number(net.addr.s6_addr, 8, key->bits);
		return net;
	}
	net.addr.s6_addr[10] = net.addr.s6_addr[11] = 0xff;
	net.len = key->scope == HISTORY_V4_NET ? 120 : 128;
	write_number(&net.addr.s6_addr[12], 4, key->bits << (128 - net.len));
	return net;
}

/* In HISTORY_STRENGTH_MAX-ths of one time, without a bound.  Straight between
 * two half-lives: at most 6 % above the true curve, and needs no libm. */
static uint32_t
faded_amount(const struct history_record *rec,
    const struct history_fading *fading, enum history_kind kind, uint32_t now)
{
	uint32_t half_life = fading->half_life[kind], age, lives;
	uint32_t amount =
	    rec->amount[kind] * (HISTORY_STRENGTH_MAX / HISTORY_ONE);

	/* A clock that was set back makes nobody older. */
	age = now > rec->when[kind] ? now - rec->when[kind] : 0;
	lives = age / half_life;
	if (lives >= 32)
		return 0;
	amount >>= lives;
	return amount -
	    (uint32_t)((uint64_t)amount * (age % half_life) / half_life / 2);
}

uint32_t
history_strength(const struct history_record *rec,
    const struct history_fading *fading, enum history_kind kind, uint32_t now)
{
	uint32_t amount = faded_amount(rec, fading, kind, now);

	/* A 32nd is forgotten, as history_expires() says. */
	if (amount <= HISTORY_STRENGTH_MAX / 32)
		return 0;
	return amount < HISTORY_STRENGTH_MAX ? amount : HISTORY_STRENGTH_MAX;
}

static bool
set_amount(struct history_record *rec, enum history_kind kind, uint32_t amount,
    uint32_t now)
{
	amount /= HISTORY_STRENGTH_MAX / HISTORY_ONE;
	if (amount > HISTORY_AMOUNT_MAX)
		amount = HISTORY_AMOUNT_MAX;
	rec->amount[kind] = (uint8_t)amount;
	rec->when[kind] = now;
	return true;
}

bool
history_add(struct history_record *rec, const struct history_fading *fading,
    enum history_kind kind, uint32_t now)
{
	uint32_t amount = faded_amount(rec, fading, kind, now);

	/* Once more within a minute changes nothing that is full already. */
	if (rec->amount[kind] == HISTORY_AMOUNT_MAX &&
	    now - rec->when[kind] < 60)
		return false;
	if (rec->added[kind] < UINT8_MAX)
		rec->added[kind]++;
	return set_amount(rec, kind, amount + HISTORY_STRENGTH_MAX, now);
}

bool
history_renew(struct history_record *rec, const struct history_fading *fading,
    enum history_kind kind, uint32_t now)
{
	uint32_t amount = faded_amount(rec, fading, kind, now);

	/* Only when a sixteenth is gone, so that a busy sender is not written
	 * down for each of its mails. */
	if (amount <= HISTORY_STRENGTH_MAX / 32 ||
	    amount > HISTORY_STRENGTH_MAX / 16 * 15)
		return false;
	return set_amount(rec, kind, HISTORY_STRENGTH_MAX, now);
}

void
history_merge(struct history_record *a, const struct history_record *b,
    const struct history_fading *fading)
{
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		enum history_kind kind = (enum history_kind)i;
		uint32_t now =
		    a->when[i] > b->when[i] ? a->when[i] : b->when[i];
		uint32_t ours = faded_amount(a, fading, kind, now);
		uint32_t theirs = faded_amount(b, fading, kind, now) +
		    (uint32_t)a->added[i] * HISTORY_STRENGTH_MAX;

		set_amount(a, kind, ours > theirs ? ours : theirs, now);
		a->added[i] = 0;
	}
}

uint32_t
history_expires(
    const struct history_record *rec, const struct history_fading *fading)
{
	uint64_t last = 0;

	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		uint64_t lives = 1, until;

		if (rec->amount[i] == 0)
			continue;
		/* HISTORY_ONE has five half-lives until it is a 32nd of one. */
		for (uint32_t left = rec->amount[i] - 1U; left > 0; left >>= 1)
			lives++;
		until = rec->when[i] + lives * fading->half_life[i];
		if (until > last)
			last = until;
	}
	return last > UINT32_MAX ? UINT32_MAX : (uint32_t)last;
}

void
history_encode(const struct history_record *rec,
    uint8_t key[static HISTORY_KEY_SIZE],
    uint8_t value[static HISTORY_VALUE_SIZE])
{
	key[0] = rec->scope;
	write_number(key + 1, 8, rec->bits);
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		write_number(value + 5 * i, 4, rec->when[i]);
		value[5 * i + 4] = rec->amount[i];
	}
	value[HISTORY_VALUE_SIZE - 1] = 0;
}

int
history_decode(const void *key, size_t key_size, const void *value,
    size_t value_size, struct history_record *ret)
{
	static const uint8_t bits[HISTORY_SCOPE_COUNT] = {
		[HISTORY_V4_HOST] = 32,
		[HISTORY_V4_NET] = 24,
		[HISTORY_V6_NET] = 64,
	};
	const uint8_t *k = key, *v = value;
	struct history_record rec = { 0 };

	if (key_size != HISTORY_KEY_SIZE || value_size != HISTORY_VALUE_SIZE ||
	    k[0] == HISTORY_NOBODY || k[0] >= HISTORY_SCOPE_COUNT)
		return -EBADMSG;
	rec.scope = k[0];
	rec.bits = read_number(k + 1, 8);
	if (bits[rec.scope] < 64 && rec.bits >> bits[rec.scope] != 0)
		return -EBADMSG;
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		rec.when[i] = (uint32_t)read_number(v + 5 * i, 4);
		rec.amount[i] = v[5 * i + 4];
		if (rec.amount[i] > HISTORY_AMOUNT_MAX)
			return -EBADMSG;
	}
	*ret = rec;
	return 0;
}
