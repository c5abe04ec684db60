/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/waiting.h"

#include <arpa/inet.h>
#include <sys/mman.h>

#include "tests/helpers/check.h"

static struct waiting w;

static struct in6_addr
address(uint32_t n)
{
	struct in6_addr a = { 0 };
	uint32_t net = htonl(n);

	memset(a.s6_addr + 10, 0xff, 2);
	memcpy(a.s6_addr + 12, &net, 4);
	return a;
}

static void
begin(uint32_t capacity)
{
	CHECK_INT(waiting_init(&w, capacity), 0);
	/* The same networks share a counter each time. */
	w.key = (struct siphash_key){ { 1, 2 } };
}

static enum waiting_place_kind
put(uint32_t client, uint32_t slot)
{
	struct in6_addr a = address(client);

	return waiting_add(&w, &a, slot);
}

static uint32_t
first(uint32_t client)
{
	struct in6_addr a = address(client);

	return waiting_first(&w, &a);
}

static uint32_t
take(uint32_t client)
{
	struct in6_addr a = address(client);

	return waiting_take(&w, &a);
}

static bool
drop(uint32_t client, uint32_t slot)
{
	struct in6_addr a = address(client);

	return waiting_remove(&w, &a, slot);
}

static void
clients_wait_behind_their_first(void)
{
	begin(1000);
	CHECK_INT(first(1), WAITING_NONE);
	CHECK_INT(take(1), WAITING_NONE);
	CHECK(!drop(1, 5));
	CHECK_INT(put(1, 5), WAITING_FIRST);
	CHECK_INT(put(1, 6), WAITING_BEHIND);
	CHECK_INT(put(1, 7), WAITING_BEHIND);
	CHECK_INT(put(2, 8), WAITING_FIRST);
	CHECK_INT(w.questions, 2);
	CHECK_INT(first(1), 5);
	CHECK(!drop(1, 7));
	CHECK(!drop(1, 99));
	CHECK(drop(1, 5));
	CHECK_INT(first(1), 6);
	CHECK_INT(take(1), 6);
	CHECK_INT(take(1), WAITING_NONE);
	CHECK_INT(w.questions, 1);
	CHECK_INT(take(2), 8);
	CHECK_INT(w.questions, 0);
	waiting_fini(&w);
}

/* Of one client 65 at most, of all as many as there is room for. */
static void
there_is_room_for_so_many(void)
{
	begin(200);
	CHECK_INT(put(1, 1), WAITING_FIRST);
	for (uint32_t i = 2; i <= 65; i++)
		CHECK_INT(put(1, i), WAITING_BEHIND);
	CHECK_INT(put(1, 66), WAITING_FULL);
	CHECK(drop(1, 1));
	CHECK_INT(put(1, 66), WAITING_BEHIND);
	CHECK_INT(put(1, 67), WAITING_FULL);
	for (uint32_t i = 0; i < 135; i++)
		CHECK_INT(put(0x0a000001 + (i << 8), 100 + i), WAITING_FIRST);
	CHECK_INT(put(0x0b000001, 300), WAITING_FULL);
	CHECK_INT(take(0x0a000001), 100);
	CHECK_INT(put(0x0b000001, 300), WAITING_FIRST);
	waiting_fini(&w);
}

static void
a_network_has_its_share(void)
{
	begin(64);
	CHECK_INT(w.share, 4);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_INT(put(0xc0000200 + i, i + 1), WAITING_FIRST);
	CHECK_INT(put(0xc0000204, 9), WAITING_FULL);
	/* That is a limit of questions, not of those that wait for one. */
	CHECK_INT(put(0xc0000203, 10), WAITING_BEHIND);
	CHECK_INT(put(0xc0000304, 11), WAITING_FIRST);
	CHECK(drop(0xc0000200, 1));
	CHECK_INT(put(0xc0000204, 9), WAITING_FIRST);
	waiting_fini(&w);
}

/* Against a plain list of what waits. */
static void
any_order_of_arrivals_and_ends(void)
{
	enum { SLOTS = 300, CLIENTS = 60, STEPS = 100000 };
	static uint32_t client_of[SLOTS + 1];

	srandom(1);
	begin(16000);
	for (int step = 0; step < STEPS; step++) {
		uint32_t slot = 1 + (uint32_t)random() % SLOTS;
		uint32_t client = 1 + (uint32_t)random() % CLIENTS;
		bool was_first;

		if (client_of[slot] == 0) {
			enum waiting_place_kind kind = put(client, slot);
			bool others = false;

			for (uint32_t i = 1; i <= SLOTS; i++)
				others = others || client_of[i] == client;
			CHECK_INT(
			    kind, others ? WAITING_BEHIND : WAITING_FIRST);
			client_of[slot] = client;
		} else if (step % 2 == 0) {
			client = client_of[slot];
			was_first = first(client) == slot;
			CHECK_INT(drop(client, slot), was_first);
			client_of[slot] = 0;
		} else {
			client = client_of[slot];
			slot = take(client);
			CHECK_INT(client_of[slot], client);
			client_of[slot] = 0;
		}
	}
	for (uint32_t slot = 1; slot <= SLOTS; slot++) {
		if (client_of[slot] != 0)
			(void)drop(client_of[slot], slot);
	}
	CHECK_INT(w.questions, 0);
	waiting_fini(&w);
}

/* At least: a place has 16 bytes or more. */
static size_t
pages_of_places(void)
{
	unsigned char there[16] = { 0 };
	size_t n = 0;

	CHECK_INT(mincore(w.place, sizeof(there) * 4096, there), 0);
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		n += there[i] & 1;
	return n;
}

static void
what_a_crowd_had_is_given_back(void)
{
	enum { CROWD = 4096 };

	begin(16 * CROWD);
	for (uint32_t i = 1; i <= CROWD; i++)
		CHECK_INT(put(i << 8, i), WAITING_FIRST);
	CHECK_INT(put(1 << 8, CROWD + 1), WAITING_BEHIND);
	for (uint32_t i = 2; i <= CROWD; i++)
		CHECK_INT(take(i << 8), i);
	waiting_trim(&w); /* two are there */
	CHECK_INT(pages_of_places(), 16);
	CHECK_INT(take(1 << 8), 1);
	CHECK_INT(take(1 << 8), CROWD + 1);
	waiting_trim(&w);
	CHECK(pages_of_places() <= 1);
	CHECK_INT(put(5, 9), WAITING_FIRST);
	CHECK_INT(put(6, 8), WAITING_FIRST);
	CHECK_INT(first(5), 9);
	CHECK_INT(take(6), 8);
	CHECK_INT(take(5), 9);
	waiting_fini(&w);
}

/* The places of those who left from behind are used again, each once. */
static void
a_place_is_given_back_once(void)
{
	enum { BEHIND = 64 };

	begin(BEHIND + 2);
	CHECK_INT(put(1, 1), WAITING_FIRST);
	for (int round = 0; round < 3; round++) {
		for (uint32_t slot = 2; slot < 2 + BEHIND; slot++)
			CHECK_INT(put(1, slot), WAITING_BEHIND);
		CHECK_INT(put(1, 2 + BEHIND), WAITING_FULL);
		/* The last place of all is another client's. */
		CHECK_INT(put(0xffff0000, 99), WAITING_FIRST);
		CHECK_INT(put(0x0a000000, 98), WAITING_FULL);
		CHECK(drop(0xffff0000, 99));
		for (uint32_t slot = 2; slot < 2 + BEHIND; slot++)
			CHECK(!drop(1, slot));
		/* Who is not there leaves nobody behind. */
		CHECK(!drop(1, 2));
	}
	CHECK_INT(first(1), 1);
	CHECK_INT(take(1), 1);
	CHECK_INT(take(1), WAITING_NONE);
	waiting_fini(&w);
}

static const struct check_case cases[] = {
	CASE(clients_wait_behind_their_first),
	CASE(there_is_room_for_so_many),
	CASE(a_network_has_its_share),
	CASE(any_order_of_arrivals_and_ends),
	CASE(what_a_crowd_had_is_given_back),
	CASE(a_place_is_given_back_once),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
