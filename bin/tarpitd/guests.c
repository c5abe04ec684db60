/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/guests.h"

#include <errno.h>
#include <stdlib.h>

#include "bin/common/clock.h"
#include "bin/common/loop.h"

/* Who seems to have its share may have left since the last look.  Another one is
 * worth it, but not all the time: a tenth of it at the most. */
enum { LOOK_PAUSE = 9 };

struct guest {
	struct in6_addr client;
	bool graduate;
};

static void
on_gone(void *arg, uint32_t number)
{
	struct guests *g = arg;
	const struct guest *guest = &g->guest[number];

	clients_remove(&g->clients, &guest->client, 1);
	g->n--;
	g->n_graduates -= guest->graduate;
}

int
guests_init(struct guests *g)
{
	g->witness = (struct witness){ .on_gone = on_gone, .arg = g };
	g->guest = calloc(WITNESS_MAX, sizeof(*g->guest));
	return g->guest != NULL ? clients_init(&g->clients, WITNESS_MAX)
				: -ENOMEM;
}

void
guests_fini(struct guests *g)
{
	witness_fini(&g->witness);
	clients_fini(&g->clients);
	free(g->guest);
	g->guest = NULL;
}

/* ---- shares ---- */

static uint32_t
at_least(uint32_t n, uint32_t least)
{
	return n > least ? n : least;
}

static uint32_t
left_of(uint32_t places, uint32_t n)
{
	return places > n ? places - n : 0;
}

uint32_t
guests_places(const struct guests *g)
{
	return g->places != 0 ? at_least(g->places, g->most) : 0;
}

/* What a host and the networks around it may have at the most, of LEFT. */
static struct client_limits
limits_for(uint32_t left)
{
	uint32_t host = at_least(left / 8, 1), network = at_least(left / 4, 1);

	return (struct client_limits){ .max = {
					   [CLIENT_HOST] = host,
					   [CLIENT_NETWORK] = network,
					   [CLIENT_SITE] = network,
				       } };
}

static bool
fits(const struct guests *g, const struct in6_addr *client,
    enum client_width *ret_width)
{
	uint32_t places = guests_places(g);
	uint32_t left = left_of(places, g->n);
	uint32_t graduates = left_of((places + 1) / 2, g->n_graduates);
	struct client_limits limits;

	if (graduates < left)
		left = graduates;
	*ret_width = CLIENT_WIDTHS;
	if (left == 0)
		return false;
	if (g->n_graduates < places / 4)
		return true;
	limits = limits_for(left);
	for (int w = 0; w < CLIENT_WIDTHS; w++) {
		*ret_width = (enum client_width)w;
		if (clients_count(&g->clients, client, *ret_width) >=
		    limits.max[w])
			return false;
	}
	return true;
}

bool
guests_may_graduate(struct guests *g, const struct in6_addr *client,
    uint64_t now, enum client_width *ret_width)
{
	if (g->places == 0 || g->is_blind || fits(g, client, ret_width))
		return true;
	if (now < g->next_look)
		return false;
	guests_look(g, UINT32_MAX, now);
	return g->is_blind || fits(g, client, ret_width);
}

/* ---- coming and going ---- */

static int
watch(struct guests *g, int fd, uint32_t *ret_number, uint64_t now)
{
	int r = witness_add(&g->witness, fd, ret_number);

	if (r != -ENOSPC || now < g->next_look)
		return r;
	guests_look(g, UINT32_MAX, now);
	return witness_add(&g->witness, fd, ret_number);
}

void
guests_enter(struct guests *g, int fd, const struct in6_addr *client,
    bool graduate, uint64_t now)
{
	uint32_t number;

	if (watch(g, fd, &number, now) < 0)
		return;
	g->guest[number] =
	    (struct guest){ .client = *client, .graduate = graduate };
	clients_add(&g->clients, client, 1);
	g->n++;
	g->n_graduates += graduate;
}

void
guests_look(struct guests *g, uint32_t unserved, uint64_t now)
{
	uint64_t began = clock_now();
	struct slice slice = { began + LOOP_SLICE };
	int r = witness_look(&g->witness, &slice);

	g->next_look = now + (clock_now() - began) * LOOK_PAUSE;
	g->is_blind = r < 0;
	if (r > 0 && g->witness.seen > unserved &&
	    g->witness.seen - unserved > g->most)
		g->most = g->witness.seen - unserved;
}
