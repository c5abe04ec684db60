/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/fair.h"

#include <arpa/inet.h>

#include "tests/helpers/check.h"

enum { SLOTS = 64 };

static struct fair fair;
static struct party *held[SLOTS + 1];
static struct in6_addr address[SLOTS + 1];

static void
begin(uint32_t share)
{
	fair = (struct fair){ .capacity = SLOTS, .share = share };
	memset(held, 0, sizeof(held));
	CHECK_INT(fair_init(&fair), 0);
}

static void
end(void)
{
	fair_fini(&fair);
}

static void
waits(uint32_t slot, const char *client)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s",
	    strchr(client, ':') == NULL ? "::ffff:" : "", client);
	CHECK_INT(inet_pton(AF_INET6, text, &address[slot]), 1);
	CHECK_INT(fair_wait(&fair, slot, &address[slot], false), 0);
}

/* The next one has a place. */
static uint32_t
serve(void)
{
	uint32_t slot = fair_next(&fair);

	if (slot == 0)
		return 0;
	fair_leave(&fair, slot);
	held[slot] = fair_take(&fair, &address[slot]);
	CHECK(held[slot] != NULL);
	return slot;
}

static void
give_back(uint32_t slot)
{
	fair_give_back(&fair, held[slot]);
	held[slot] = NULL;
}

static void
who_waits_alone_is_served_in_order(void)
{
	begin(3);
	for (uint32_t slot = 1; slot <= 5; slot++)
		waits(slot, "192.0.2.7");
	CHECK_INT(serve(), 1);
	CHECK_INT(serve(), 2);
	CHECK_INT(serve(), 3);
	CHECK_INT(serve(), 0); /* its share */
	CHECK_INT(fair.n_waiting, 2);
	CHECK_INT(fair.n_ready, 0);
	CHECK(!fair_may_take(&fair, &address[4]));
	give_back(2);
	CHECK(fair_may_take(&fair, &address[4]));
	CHECK_INT(serve(), 4);
	give_back(1);
	give_back(3);
	CHECK_INT(serve(), 5);
	give_back(4);
	give_back(5);
	CHECK_INT(fair.parties.n, 0);
	end();
}

static void
a_crowd_is_no_advantage(void)
{
	begin(2);
	for (uint32_t slot = 1; slot <= 20; slot++)
		waits(slot, "192.0.2.7");
	waits(21, "198.51.100.1");
	CHECK_INT(serve(), 1);
	CHECK_INT(serve(), 21); /* none in use */
	CHECK_INT(serve(), 2);
	waits(22, "203.0.113.1");
	CHECK_INT(serve(), 22);
	CHECK_INT(serve(), 0);
	give_back(1);
	CHECK_INT(serve(), 3);
	end();
}

/* A /24, a /48: its hosts have turns, and no more than twice a share. */
static void
a_network_has_twice_a_hosts_share(void)
{
	for (int i = 0; i < 2; i++) {
		char text[32];

		begin(2);
		for (uint32_t slot = 1; slot <= 12; slot++) {
			snprintf(text, sizeof(text),
			    i == 0 ? "192.0.2.%u" : "2001:db8:1:%u::1",
			    1 + slot / 4);
			waits(slot, text);
		}
		CHECK_INT(serve(), 1);
		CHECK_INT(serve(), 4); /* the next host */
		CHECK_INT(serve(), 8);
		CHECK_INT(serve(), 12);
		CHECK_INT(serve(), 0);
		waits(13, i == 0 ? "192.0.3.1" : "2001:db8:2:1::1");
		CHECK_INT(serve(), 13);
		give_back(4);
		CHECK_INT(serve(), 2);
		end();
	}
}

static void
who_is_blamed_comes_last_and_has_less(void)
{
	begin(2);
	waits(1, "192.0.2.7");
	waits(2, "192.0.2.7");
	waits(3, "192.0.2.7");
	CHECK_INT(serve(), 1);
	fair_blame(&fair, held[1], 1);
	CHECK_INT(serve(), 0); /* has the one that is left to it */
	waits(4, "192.0.2.8");
	CHECK_INT(serve(), 4); /* its neighbour has one as well */
	waits(5, "192.0.2.9");
	CHECK_INT(serve(), 0); /* and the network has no more */
	give_back(1);
	waits(6, "198.51.100.1");
	CHECK_INT(serve(), 6);
	CHECK_INT(serve(), 5); /* before who is blamed */
	give_back(4);
	CHECK_INT(serve(), 2);
	/* That is forgotten. */
	fair_forgive(&fair, UINT64_C(1000) * USEC_PER_SEC);
	CHECK_INT(fair.n_blamed, 0);
	CHECK_INT(serve(), 3);
	end();
}

static void
who_leaves_is_forgotten(void)
{
	begin(1);
	waits(1, "192.0.2.7");
	waits(2, "192.0.2.7");
	waits(3, "192.0.2.8");
	fair_leave(&fair, 1);
	CHECK(!fair_is_waiting(&fair, 1));
	CHECK_INT(fair_next(&fair), 2);
	CHECK_INT(fair_wait(&fair, 1, &address[1], true), 0);
	CHECK_INT(fair_next(&fair), 1); /* before its own */
	fair_leave(&fair, 1);
	fair_leave(&fair, 2);
	CHECK_INT(fair_next(&fair), 3);
	fair_leave(&fair, 3);
	CHECK_INT(fair_next(&fair), 0);
	CHECK_INT(fair.parties.n, 0);
	end();
}

/* Any order of everything: nobody is lost, and limits hold. */
static void
limits_hold_whatever_happens(void)
{
	uint32_t n = 12345, served = 0;
	bool waiting[SLOTS + 1] = { false };

	begin(2);
	for (int i = 0; i < 200000; i++) {
		uint32_t slot;

		n = n * 1664525 + 1013904223;
		slot = 1 + (n >> 10) % SLOTS;
		if (waiting[slot] && n >> 31) {
			fair_leave(&fair, slot);
			waiting[slot] = false;
		} else if (held[slot] != NULL) {
			if ((n >> 20) % 8 == 0)
				fair_blame(&fair, held[slot], (uint64_t)i);
			give_back(slot);
		} else if (!waiting[slot]) {
			char text[32];

			snprintf(text, sizeof(text), "192.0.%u.%u", slot % 4,
			    slot % 13);
			waits(slot, text);
			waiting[slot] = true;
		}
		if ((n >> 16) % 2 == 0 && (slot = serve()) != 0) {
			CHECK(waiting[slot]);
			waiting[slot] = false;
			CHECK(held[slot]->used <= 2);
			CHECK(held[slot]->network->used <= 4);
			served++;
		}
		if (i % 1000 == 0)
			fair_forgive(&fair, UINT64_MAX);
	}
	CHECK(served > 10000);
	fair_forgive(&fair, UINT64_MAX);
	for (uint32_t slot = 1; slot <= SLOTS; slot++) {
		if (waiting[slot])
			fair_leave(&fair, slot);
		if (held[slot] != NULL)
			give_back(slot);
	}
	CHECK_INT(fair.parties.n, 0);
	CHECK_INT(fair.n_ready, 0);
	end();
}

static const struct check_case cases[] = {
	CASE(who_waits_alone_is_served_in_order),
	CASE(a_crowd_is_no_advantage),
	CASE(a_network_has_twice_a_hosts_share),
	CASE(who_is_blamed_comes_last_and_has_less),
	CASE(who_leaves_is_forgotten),
	CASE(limits_hold_whatever_happens),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
