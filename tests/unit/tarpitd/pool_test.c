/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/pool.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bin/tarpitd/address.h"
#include "tests/helpers/check.h"

static struct pool pool;

static struct in6_addr
address(const char *text)
{
	struct in6_addr a;
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "%s%s",
	    strchr(text, ':') == NULL ? "::ffff:" : "", text);
	CHECK_INT(inet_pton(AF_INET6, mapped, &a), 1);
	return a;
}

static struct session *
begin(const char *client)
{
	uint32_t slot = pool_take(&pool);
	struct session *s = &pool.session[slot];

	CHECK(slot != POOL_NONE);
	s->client = address(client);
	s->state = SESSION_ASKING;
	return s;
}

static void
end(struct session *s)
{
	pool_give_back(&pool, pool_slot(&pool, s));
}

static void
slots_run_out_and_come_back(void)
{
	CHECK_INT(pool_init(&pool, 3), 0);
	CHECK_INT(pool_take(&pool), 1);
	CHECK_INT(pool_take(&pool), 2);
	CHECK_INT(pool_take(&pool), 3);
	CHECK_INT(pool_take(&pool), POOL_NONE);
	CHECK_INT(pool.live, 3);
	pool.session[2].rate = 7;
	pool_give_back(&pool, 2);
	pool_give_back(&pool, 1);
	CHECK_INT(pool.live, 1);
	CHECK_INT(pool_take(&pool), 1);
	CHECK_INT(pool_take(&pool), 2);
	CHECK_INT(pool.session[2].rate, 0);
	CHECK_INT(pool.session[2].state, SESSION_FREE);
	CHECK_INT(pool_take(&pool), POOL_NONE);
	CHECK_INT(pool.high, 3);
	pool_fini(&pool);
}

/* So that memory can be given back from the end. */
static void
the_lowest_free_slot_is_taken(void)
{
	enum { MANY = 70000 }; /* more than two levels of the tree */

	CHECK_INT(pool_init(&pool, MANY), 0);
	for (uint32_t i = 1; i <= MANY; i++)
		CHECK_INT(pool_take(&pool), i);
	CHECK_INT(pool_take(&pool), POOL_NONE);
	pool_give_back(&pool, 69999);
	pool_give_back(&pool, 4095);
	pool_give_back(&pool, 4096);
	pool_give_back(&pool, 1);
	CHECK_INT(pool_take(&pool), 1);
	CHECK_INT(pool_take(&pool), 4095);
	CHECK_INT(pool_take(&pool), 4096);
	CHECK_INT(pool.high, MANY);
	pool_give_back(&pool, MANY);
	CHECK_INT(pool.high, MANY - 2);
	for (uint32_t i = 10; i < 69999; i++)
		pool_give_back(&pool, i);
	CHECK_INT(pool.high, 9);
	CHECK_INT(pool_take(&pool), 10);
	pool_fini(&pool);
}

static void
after_a_crowd_memory_is_given_back(void)
{
	enum { MANY = 40000 };
	unsigned char resident[1024];
	size_t n = 0, page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t from, to, expected = MANY + 1;

	CHECK_INT(pool_init(&pool, MANY), 0);
	for (uint32_t i = 1; i <= MANY; i++)
		CHECK(pool_take(&pool) != POOL_NONE);
	for (uint32_t i = 1; i < 5; i++)
		CHECK(!pool_trim(&pool, &from, &to));
	for (uint32_t i = 101; i <= MANY; i++)
		pool_give_back(&pool, i);
	while (pool_trim(&pool, &from, &to)) {
		CHECK_INT(to, expected);
		CHECK(to - from <= 16384);
		expected = from;
	}
	CHECK_INT(expected, 101);
	CHECK_INT(
	    mincore(pool.session,
		(MANY + 1) * sizeof(*pool.session) / page * page, resident),
	    0);
	for (size_t i = 0; i < (MANY + 1) * sizeof(*pool.session) / page; i++)
		n += resident[i] & 1;
	CHECK(n <= 101 * sizeof(*pool.session) / page + 1);
	CHECK_INT(pool_take(&pool), 101);
	pool_fini(&pool);
}

static void
age_lists_keep_their_order(void)
{
	struct session *s[4];

	CHECK_INT(pool_init(&pool, 4), 0);
	CHECK(pool_oldest(&pool, &pool.held) == NULL);
	for (int i = 0; i < 4; i++) {
		s[i] = begin("192.0.2.1");
		pool_append(&pool, &pool.held, s[i]);
	}
	CHECK(pool_oldest(&pool, &pool.held) == s[0]);
	pool_remove(&pool, &pool.held, s[1]);
	pool_remove(&pool, &pool.held, s[0]);
	CHECK(pool_oldest(&pool, &pool.held) == s[2]);
	pool_remove(&pool, &pool.held, s[3]);
	pool_append(&pool, &pool.held, s[0]);
	CHECK(pool_oldest(&pool, &pool.held) == s[2]);
	pool_remove(&pool, &pool.held, s[2]);
	CHECK(pool_oldest(&pool, &pool.held) == s[0]);
	pool_remove(&pool, &pool.held, s[0]);
	CHECK(pool_oldest(&pool, &pool.held) == NULL);
	CHECK_INT(pool.held.n, 0);
	pool_fini(&pool);
}

/* What the pool should hold, the slow way. */
enum { MODEL = 300 };

struct model {
	uint32_t slot[MODEL]; /* oldest first */
	size_t n;
};

static void
check_model(const struct model *m)
{
	uint32_t high = 0;

	for (size_t i = 0; i < m->n; i++)
		if (high < m->slot[i])
			high = m->slot[i];
	CHECK_INT(pool.high, high);
	CHECK_INT(pool.live, m->n);
	CHECK_INT(pool.held.n, m->n);
	CHECK(m->n == 0 ||
	    pool_oldest(&pool, &pool.held) == &pool.session[m->slot[0]]);
}

static void
model_add(struct model *m)
{
	uint32_t slot = pool_take(&pool);
	struct session *s = &pool.session[slot];

	if (m->n == MODEL) {
		CHECK_INT(slot, POOL_NONE);
		return;
	}
	CHECK(slot >= 1 && slot <= MODEL);
	for (size_t i = 0; i < m->n; i++)
		CHECK(m->slot[i] != slot);
	pool_append(&pool, &pool.held, s);
	m->slot[m->n++] = slot;
}

static void
model_remove(struct model *m, unsigned int *seed)
{
	size_t i = (size_t)rand_r(seed) % m->n;
	struct session *s = &pool.session[m->slot[i]];

	pool_remove(&pool, &pool.held, s);
	end(s);
	m->n--;
	memmove(&m->slot[i], &m->slot[i + 1], (m->n - i) * sizeof(*m->slot));
}

static void
random_life_is_as_the_model_says(void)
{
	struct model m = { .n = 0 };
	unsigned int seed = 42;

	CHECK_INT(pool_init(&pool, MODEL), 0);
	for (int i = 0; i < 30000; i++) {
		/* Waves, so that it is full and empty at times. */
		bool grow = i / 2000 % 2 == 0;

		if (rand_r(&seed) % 10 < (grow ? 7 : 3))
			model_add(&m);
		else if (m.n > 0)
			model_remove(&m, &seed);
		check_model(&m);
	}
	pool_fini(&pool);
}

static void
a_session_is_small(void)
{
	/* 18,000 of them in 128 bytes of ours each, with all that belongs to
	 * them: a session has no place for a pointer. */
	CHECK(sizeof(struct session) <= 96);
}

static void
addresses_print_as_an_mta_wants_them(void)
{
	struct sockaddr_storage ss = { .ss_family = AF_INET };
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	char text[ADDRESS_TEXT];
	struct in6_addr a;
	in_port_t port;

	in->sin_port = htons(2525);
	CHECK_INT(inet_pton(AF_INET, "192.0.2.1", &in->sin_addr), 1);
	address_from_socket(&ss, &a, &port);
	CHECK_STR(address_print(&a, text), "192.0.2.1");
	CHECK_INT(port, 2525);
	memset(&ss, 0, sizeof(ss));
	ss.ss_family = AF_INET6;
	in6->sin6_port = htons(25);
	in6->sin6_addr = address("2001:db8::1");
	address_from_socket(&ss, &a, &port);
	CHECK_STR(address_print(&a, text), "2001:db8::1");
	CHECK_INT(port, 25);
	in6->sin6_addr = address("::ffff:192.0.2.9");
	address_from_socket(&ss, &a, &port);
	CHECK_STR(address_print(&a, text), "192.0.2.9");
	ss.ss_family = AF_UNIX;
	address_from_socket(&ss, &a, &port);
	CHECK_STR(address_print(&a, text), "::");
	CHECK_INT(port, 0);
}

static const struct check_case cases[] = {
	CASE(slots_run_out_and_come_back),
	CASE(the_lowest_free_slot_is_taken),
	CASE(after_a_crowd_memory_is_given_back),
	CASE(age_lists_keep_their_order),
	CASE(random_life_is_as_the_model_says),
	CASE(a_session_is_small),
	CASE(addresses_print_as_an_mta_wants_them),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
