/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "policy/history.h"

enum { VERSION = 1 }; /* of an encoded record */

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

/* Bits of the address that a scope has; of IPv6 its first. */
static const uint8_t scope_bits[HISTORY_SCOPE_COUNT] = {
	[HISTORY_V4_HOST] = 32,
	[HISTORY_V4_NET] = 24,
	[HISTORY_V6_HOST] = 64,
	[HISTORY_V6_NET] = 56,
};

size_t
history_keys(const struct in6_addr *addr,
    struct history_key ret_key[static HISTORY_KEYS_MAX])
{
	bool v4 = cidr_addr_is_v4(addr);

	ret_key[0].bits = v4 ? read_number(&addr->s6_addr[12], 4)
			     : read_number(addr->s6_addr, 8);
	ret_key[0].scope = v4 ? HISTORY_V4_HOST : HISTORY_V6_HOST;
	ret_key[1].bits = ret_key[0].bits >> 8;
	ret_key[1].scope = v4 ? HISTORY_V4_NET : HISTORY_V6_NET;
	return 2;
}

struct cidr
history_key_prefix(const struct history_key *key)
{
	unsigned int bits = scope_bits[key->scope];
	struct cidr net = { .len = (uint8_t)bits };

	if (key->scope == HISTORY_V6_HOST || key->scope == HISTORY_V6_NET) {
		write_number(net.addr.s6_addr, 8, key->bits << (64 - bits));
		return net;
	}
	net.addr.s6_addr[10] = net.addr.s6_addr[11] = 0xff;
	net.len = (uint8_t)(96 + bits);
	write_number(&net.addr.s6_addr[12], 4, key->bits << (32 - bits));
	return net;
}

static uint32_t
age_of(uint32_t when, uint32_t now)
{
	/* A clock that was set back makes nobody older. */
	return now > when ? now - when : 0;
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

	age = age_of(rec->when[kind], now);
	/* A proof is good until it has to be given again: half of it would
	 * be no proof. */
	if (kind == HISTORY_PATIENT || kind == HISTORY_SEEN)
		return age < half_life ? amount : 0;
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
history_is_patient(const struct history_record *rec,
    const struct history_fading *fading, uint32_t now)
{
	return history_strength(rec, fading, HISTORY_PATIENT, now) > 0 &&
	    (rec->amount[HISTORY_PREGREET] == 0 ||
		rec->when[HISTORY_PREGREET] < rec->when[HISTORY_PATIENT]);
}

/*
 * Networks
 */

/* Puts that HOST was patient into one of the places: its own, a free one, or
 * that of whoever was so longest ago. */
bool
history_net_add(struct history_record *rec, uint8_t host, uint32_t now)
{
	size_t at = 0;

	for (size_t i = 0; i < HISTORY_HOSTS_MAX; i++) {
		if (rec->when[i] != 0 && rec->amount[i] == host) {
			at = i;
			break;
		}
		if (rec->when[i] < rec->when[at])
			at = i;
	}
	/* The same once more within a minute is not worth writing. */
	if (rec->when[at] != 0 && rec->amount[at] == host &&
	    age_of(rec->when[at], now) < 60)
		return false;
	if (now <= rec->when[at])
		return false;
	rec->amount[at] = host;
	rec->when[at] = now;
	return true;
}

bool
history_net_catch(struct history_record *rec, uint32_t now)
{
	if (rec->when[HISTORY_CAUGHT] != 0 &&
	    age_of(rec->when[HISTORY_CAUGHT], now) < 60)
		return false;
	rec->when[HISTORY_CAUGHT] = now;
	return true;
}

unsigned int
history_net_hosts(const struct history_record *rec,
    const struct history_fading *fading, uint32_t now)
{
	uint32_t counts = fading->half_life[HISTORY_PATIENT];
	unsigned int n = 0;

	if (rec->when[HISTORY_CAUGHT] != 0 &&
	    age_of(rec->when[HISTORY_CAUGHT], now) < counts)
		return 0;
	for (size_t i = 0; i < HISTORY_HOSTS_MAX; i++)
		n += rec->when[i] != 0 && age_of(rec->when[i], now) < counts;
	return n;
}

static void
merge_nets(struct history_record *a, const struct history_record *b)
{
	for (size_t i = 0; i < HISTORY_HOSTS_MAX; i++) {
		if (b->when[i] != 0)
			history_net_add(a, b->amount[i], b->when[i]);
	}
	if (b->when[HISTORY_CAUGHT] > a->when[HISTORY_CAUGHT])
		a->when[HISTORY_CAUGHT] = b->when[HISTORY_CAUGHT];
}

/*
 * Records as wholes
 */

static bool
has_kind(const struct history_record *rec, size_t kind)
{
	return history_is_net((enum history_scope)rec->scope)
	    ? rec->when[kind] != 0
	    : rec->amount[kind] != 0;
}

bool
history_is_empty(const struct history_record *rec)
{
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		if (has_kind(rec, i))
			return false;
	}
	return true;
}

void
history_correct(struct history_record *rec, uint32_t now)
{
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		if (rec->when[i] > now)
			rec->when[i] = now;
	}
}

void
history_merge(struct history_record *a, const struct history_record *b,
    const struct history_fading *fading)
{
	if (history_is_net((enum history_scope)a->scope)) {
		merge_nets(a, b);
		return;
	}
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

/* Half-lives until what is left of KIND is forgotten. */
static uint64_t
lives_of(const struct history_record *rec, size_t kind)
{
	uint64_t lives = 1;

	if (history_is_net((enum history_scope)rec->scope) ||
	    kind == HISTORY_PATIENT || kind == HISTORY_SEEN)
		return 1;
	/* HISTORY_ONE has five until it is a 32nd of one. */
	for (uint32_t left = rec->amount[kind] - 1U; left > 0; left >>= 1)
		lives++;
	return lives;
}

uint32_t
history_expires(
    const struct history_record *rec, const struct history_fading *fading)
{
	bool net = history_is_net((enum history_scope)rec->scope);
	uint64_t last = 0;

	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		uint64_t life = fading->half_life[net ? HISTORY_PATIENT : i];
		uint64_t until = rec->when[i] + lives_of(rec, i) * life;

		if (has_kind(rec, i) && until > last)
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
	value[HISTORY_VALUE_SIZE - 1] = VERSION;
}

static int
decode_value(const uint8_t *v, size_t size, struct history_record *rec)
{
	bool net = history_is_net((enum history_scope)rec->scope);
	bool old = size == HISTORY_VALUE_0_SIZE && v[size - 1] == 0;
	size_t kinds = old ? HISTORY_SEEN : HISTORY_KIND_COUNT;

	if (!old && (size != HISTORY_VALUE_SIZE || v[size - 1] != VERSION))
		return -EBADMSG;
	for (size_t i = 0; i < kinds; i++) {
		rec->when[i] = (uint32_t)read_number(v + 5 * i, 4);
		rec->amount[i] = v[5 * i + 4];
		if (!(net && !old) && rec->amount[i] > HISTORY_AMOUNT_MAX)
			return -EBADMSG;
	}
	if (net && old) {
		memset(rec->when, 0, sizeof(rec->when));
		memset(rec->amount, 0, sizeof(rec->amount));
	}
	return 0;
}

int
history_decode(const void *key, size_t key_size, const void *value,
    size_t value_size, struct history_record *ret)
{
	struct history_record rec = { 0 };
	const uint8_t *k = key;

	if (key_size != HISTORY_KEY_SIZE || k[0] == HISTORY_NOBODY ||
	    k[0] >= HISTORY_SCOPE_COUNT || value_size == 0)
		return -EBADMSG;
	rec.scope = k[0];
	rec.bits = read_number(k + 1, 8);
	if (scope_bits[rec.scope] < 64 &&
	    rec.bits >> scope_bits[rec.scope] != 0)
		return -EBADMSG;
	if (decode_value(value, value_size, &rec) < 0)
		return -EBADMSG;
	*ret = rec;
	return 0;
}
