/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/room.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/helpers/check.h"

/* Of SpoolMax= a host has 1000 for its small ones, a network 4000. */
enum { TOTAL = 16000, MESSAGE = 3000, MESSAGES = 400 };

static struct spool_store store;
static struct room room;
static struct room_message message[MESSAGES];
static int expelled[MESSAGES], n_expelled;

/* What has been given is in the store, as the caller has it. */
static void
give_back(int i)
{
	store.file_used -= message[i].size;
	room_give_back(&room, &message[i]);
}

static void
on_expel(struct room_message *m, void *arg)
{
	int i = (int)(m - message);

	CHECK(arg == &store);
	expelled[n_expelled++] = i;
	give_back(i);
}

static void
start(uint64_t total, uint64_t message_max)
{
	memset(message, 0, sizeof(message));
	store = (struct spool_store){ .total_max = total };
	room = (struct room){ .store = &store,
		.message_max = message_max,
		.expel = on_expel,
		.arg = &store };
	room_init(&room);
	n_expelled = 0;
}

static struct in6_addr
address_of(const char *text)
{
	struct in6_addr address;

	CHECK_INT(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

static int
take(int i, const char *client, size_t len, uint32_t now)
{
	struct in6_addr address = address_of(client);
	int r = room_take(&room, &message[i], &address, len, now);

	if (r == 0)
		store.file_used += len;
	return r;
}

static void
finish(void)
{
	for (int i = 0; i < MESSAGES; i++)
		give_back(i);
	CHECK_INT(room.n, 0);
	CHECK_INT(room.hosts.n, 0);
	CHECK(room.ring == NULL);
	CHECK_INT(store.file_used, 0);
	room_fini(&room);
}

static void
one_message_may_be_large(void)
{
	start(TOTAL, MESSAGE);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 900, 0), 0);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 2100, 0), 0);
	/* The others have their part. */
	CHECK_INT(take(1, "::ffff:192.0.2.1", 600, 0), 0);
	CHECK_INT(take(2, "::ffff:192.0.2.1", 400, 0), 0);
	CHECK_INT(take(2, "::ffff:192.0.2.1", 1, 0), -EDQUOT);
	CHECK_INT(take(3, "::ffff:192.0.2.1", 1, 0), -EDQUOT);
	CHECK_INT(room.refused, 2);
	CHECK_INT(n_expelled, 0);
	/* The next one has its turn. */
	give_back(0);
	CHECK_INT(take(2, "::ffff:192.0.2.1", 2000, 0), 0);
	CHECK_INT(take(1, "::ffff:192.0.2.1", 400, 0), 0);
	CHECK_INT(take(1, "::ffff:192.0.2.1", 1, 0), -EDQUOT);
	finish();
}

static void
is_used_up_at_the_part(void)
{
	struct in6_addr client = address_of("2001:db8::1");

	start(TOTAL, MESSAGE);
	CHECK(!room_is_used_up(&room, &client));
	CHECK_INT(take(0, "2001:db8::1", 1001, 0), 0);
	CHECK_INT(take(1, "2001:db8::2", 999, 0), 0);
	CHECK(!room_is_used_up(&room, &client));
	CHECK_INT(take(1, "2001:db8::3", 1, 0), 0);
	CHECK(room_is_used_up(&room, &client));
	give_back(0);
	CHECK(!room_is_used_up(&room, &client));
	finish();
}

static void
a_network_has_its_part(void)
{
	start(TOTAL, MESSAGE);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 3000, 0), 0);
	CHECK_INT(take(1, "::ffff:192.0.2.2", 1000, 0), 0);
	/* In it who has more gives way, in others nobody does. */
	CHECK_INT(take(2, "::ffff:198.51.100.1", 3000, 0), 0);
	CHECK_INT(take(3, "::ffff:192.0.2.3", 1, 0), 0);
	CHECK_INT(n_expelled, 1);
	CHECK_INT(expelled[0], 0);
	/* What the MTA reads does not. */
	CHECK_INT(take(0, "::ffff:192.0.2.1", 2999, 0), 0);
	message[0].complete = true;
	CHECK_INT(take(3, "::ffff:192.0.2.3", 1, 0), -EDQUOT);
	CHECK_INT(n_expelled, 1);
	finish();
}

static void
a_network_has_one_message_at_least(void)
{
	start(TOTAL, 10000);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 10000, 0), 0);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 1, 0), -EDQUOT);
	finish();
}

static void
who_has_most_gives_way(void)
{
	start(TOTAL, TOTAL);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 1000, 0), 0);
	CHECK_INT(take(1, "::ffff:198.51.100.1", 11000, 0), 0);
	CHECK_INT(take(2, "::ffff:203.0.113.1", 4000, 0), 0);
	CHECK_INT(take(3, "::ffff:192.0.2.2", 100, 0), 0);
	CHECK_INT(n_expelled, 1);
	CHECK_INT(expelled[0], 1);
	CHECK_INT(room.expelled, 1);
	finish();
}

static void
the_slowest_gives_way(void)
{
	char client[64];

	start(TOTAL, MESSAGE);
	for (int i = 0; i < 16; i++) {
		snprintf(client, sizeof(client), "::ffff:192.0.%d.1", i);
		message[i].since = i == 7 ? 0 : 1000;
		CHECK_INT(take(i, client, 1000, 1000), 0);
	}
	/* How slow they are is not known yet. */
	CHECK_INT(take(16, "::ffff:198.51.100.1", 500, 4000), -ENOSPC);
	CHECK_INT(n_expelled, 0);
	message[16].since = 9000;
	CHECK_INT(take(16, "::ffff:198.51.100.1", 500, 9000), 0);
	CHECK_INT(n_expelled, 1);
	CHECK_INT(expelled[0], 7);
	finish();
}

/* Else two that are alike would expel each other in turn. */
static void
nobody_gives_way_to_who_is_no_better(void)
{
	start(TOTAL, TOTAL);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 8000, 0), 0);
	CHECK_INT(take(1, "::ffff:198.51.100.1", 8000, 0), 0);
	CHECK_INT(take(1, "::ffff:198.51.100.1", 1, 0), -ENOSPC);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 1, 0), -ENOSPC);
	CHECK_INT(n_expelled, 0);
	finish();
}

static void
only_so_many_give_way_at_a_time(void)
{
	char client[64];

	start(320, MESSAGE);
	for (int i = 0; i < 320; i++) {
		snprintf(client, sizeof(client), "::ffff:10.%d.%d.1", i / 256,
		    i % 256);
		CHECK_INT(take(i, client, 1, 0), 0);
	}
	message[320].since = 9000;
	CHECK_INT(take(320, "::ffff:192.0.2.1", 17, 9000), -ENOSPC);
	CHECK_INT(n_expelled, 16);
	CHECK_INT(take(320, "::ffff:192.0.2.1", 17, 9000), 0);
	CHECK_INT(n_expelled, 17);
	finish();
}

/* A file system that has less room than SpoolMax=: who has most goes. */
static void
a_full_file_system_is_made_room_in(void)
{
	start(TOTAL, MESSAGE);
	CHECK_INT(take(0, "::ffff:192.0.2.1", 300, 0), 0);
	CHECK_INT(take(1, "::ffff:198.51.100.1", 20, 0), 0);
	CHECK(!room_make_way(&room, &message[0], 0));
	CHECK(room_make_way(&room, &message[1], 0));
	CHECK_INT(n_expelled, 1);
	CHECK_INT(expelled[0], 0);
	CHECK(!room_make_way(&room, &message[1], 0));
	finish();
}

static const struct check_case cases[] = {
	CASE(one_message_may_be_large),
	CASE(is_used_up_at_the_part),
	CASE(a_network_has_its_part),
	CASE(a_network_has_one_message_at_least),
	CASE(who_has_most_gives_way),
	CASE(the_slowest_gives_way),
	CASE(nobody_gives_way_to_who_is_no_better),
	CASE(only_so_many_give_way_at_a_time),
	CASE(a_full_file_system_is_made_room_in),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
