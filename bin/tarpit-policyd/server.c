/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "bin/common/fd.h"
#include "bin/tarpit-policyd/desk.h"
#include "bin/tarpit-policyd/doors.h"
#include "bin/tarpit-policyd/peer.h"
#include "bin/tarpit-policyd/server.h"

/* The one place that knows all parts.  What an arrow points to knows nothing of
 * where it comes from:
 *
 *	server -> peer -> desk -> open_questions -> crowd
 *	    \      |  \       \-> question (pure)
 *	     \     |   \-> outbox, flow (pure)
 *	      `----`-> doors
 */
struct server {
	struct loop *loop;
	struct server_counts counts;
	struct desk *desk;
	struct peers peers;
	struct doors doors;
};

static void
check_full(struct server *s)
{
	doors_check(&s->doors, (size_t)desk_rules(s->desk)->max_connections);
}

static void
on_enter(struct door *door, int fd, uint64_t now)
{
	struct server *s = CONTAINER_OF(door->doors, struct server, doors);

	if (peers_add(&s->peers, door, fd) < 0)
		close(fd);
	door_check(door, now);
	check_full(s);
}

static void
on_answered(void *arg, struct customer *c)
{
	struct server *s = arg;

	peers_answered(&s->peers, c);
}

static bool
after_batch(void *arg, uint64_t now)
{
	struct server *s = arg;

	(void)now;
	peers_work(&s->peers);
	return false;
}

static int
wire(struct server *s, struct journal *journal, struct policy *policy)
{
	struct desk_tools tools = { .loop = s->loop,
		.journal = journal,
		.counts = &s->counts,
		.on_answered = on_answered,
		.arg = s };
	int r = desk_new(&tools, policy, &s->desk);

	s->peers.loop = s->doors.loop = s->loop;
	s->peers.desk = s->desk;
	s->doors.journal = journal;
	s->doors.counts = &s->counts;
	s->doors.on_enter = on_enter;
	return r;
}

int
server_new(struct loop *loop, struct journal *journal, struct policy *policy,
    const struct server_door *doors, size_t n_doors, struct server **ret_server)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	r = wire(s, journal, policy);
	if (r == 0)
		r = doors_open(&s->doors, doors, n_doors);
	loop_set_after_batch(loop, after_batch, s);
	if (r < 0)
		server_free(s);
	else
		*ret_server = s;
	return r;
}

struct server *
server_free(struct server *s)
{
	if (!s)
		return NULL;
	loop_set_after_batch(s->loop, NULL, NULL);
	/* Who leaves opens doors: these go last. */
	peers_close(&s->peers);
	doors_close(&s->doors);
	desk_free(s->desk);
	free(s);
	return NULL;
}

void
server_set_policy(struct server *s, struct policy *policy)
{
	desk_set_policy(s->desk, policy);
	/* MaxConnections= may have risen. */
	doors_reopen(&s->doors);
	check_full(s);
}

struct server_counts
server_counts(const struct server *s)
{
	return s->counts;
}
