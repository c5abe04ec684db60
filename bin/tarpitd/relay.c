/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/relay.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/tarpitd/pool.h"

enum {
	/* What is moved at a time: what the 16 pages of a pipe hold. */
	CHUNK = 65536,
	/* What one session moves before others have their turn; 0.1 ms. */
	TURN = 4 * CHUNK,
	COPY_SIZE = 16384,
};

enum { CLIENT, MTA, SIDES };

enum flow_state {
	FLOWING,
	ENDING, /* the source has ended, or was reset; the rest goes out */
	OVER,   /* all has gone out, or nobody takes it any more */
};

/* From one side, whose index it has, to the other. */
struct flow {
	struct relay_pipe pipe;
	uint32_t pending; /* bytes in the pipe */
	uint8_t state;    /* enum flow_state */
	bool blocked;     /* the other side takes no more at the moment */
};

struct side {
	struct loop_io io;
	uint32_t events; /* registered for; 0: not in the loop */
};

struct relay_pair {
	struct side side[SIDES];
	struct flow flow[SIDES];
	struct relay *relay;
	struct timer timer;
	uint64_t active; /* usec; when a byte moved last */
	uint32_t next;   /* of the free ones */
	uint8_t last;    /* side that said something last */
	bool used, counted;
	struct in6_addr who; /* counted */
};

int
relay_init(struct relay *r)
{
	r->pair = pool_reserve((size_t)r->capacity + 1, sizeof(*r->pair));
	return r->pair == NULL ? -ENOMEM : 0;
}

void
relay_fini(struct relay *r)
{
	r->on_end = NULL;
	relay_end_all(r);
	while (r->n_spare > 0) {
		struct relay_pipe *pipe = &r->spare[--r->n_spare];

		fd_close(&pipe->from);
		fd_close(&pipe->into);
		r->n_pipes--;
	}
	pool_release(r->pair, (size_t)r->capacity + 1, sizeof(*r->pair));
	r->pair = NULL;
}

uint32_t
relay_descriptors(const struct relay *r)
{
	return SIDES * r->n + 2 * r->n_pipes;
}

/* ---- pipes ---- */

static bool
borrow_pipe(struct relay *r, struct relay_pipe *ret)
{
	int fds[2];

	if (r->n_spare > 0) {
		*ret = r->spare[--r->n_spare];
		return true;
	}
	if (r->n_pipes >= r->max_pipes ||
	    pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	r->n_pipes++;
	*ret = (struct relay_pipe){ .from = fds[0], .into = fds[1] };
	return true;
}

/* One with bytes in it would give them to the next session. */
static void
give_pipe_back(struct relay *r, struct flow *flow)
{
	if (flow->pipe.from < 0)
		return;
	if (flow->pending == 0 && r->n_spare < RELAY_PIPES_KEPT) {
		r->spare[r->n_spare++] = flow->pipe;
	} else {
		fd_close(&flow->pipe.from);
		fd_close(&flow->pipe.into);
		r->n_pipes--;
	}
	flow->pending = 0;
	flow->pipe = (struct relay_pipe){ -1, -1 };
}

/* ---- moving ---- */

static void
count(struct relay_pair *p, int from, size_t n)
{
	p->last = (uint8_t)from;
	if (from == CLIENT)
		p->relay->to_mta += n;
	else
		p->relay->to_clients += n;
}

/* What an attempt to read has come to: bytes, or the source's end.  False:
 * there is nothing yet. */
static bool
note_read(struct flow *flow, ssize_t n)
{
	if (n < 0 && errno == EAGAIN)
		return false;
	/* What a reset source had sent before is still wanted. */
	if (n <= 0)
		flow->state = ENDING;
	return true;
}

/* The same for writing.  False: the other side takes nothing. */
static bool
note_write(struct flow *flow, ssize_t n)
{
	flow->blocked = n < 0 && errno == EAGAIN;
	if (n < 0 && !flow->blocked)
		flow->state = OVER;
	return n > 0;
}

/* Without a pipe: what the other side takes is copied, and only that is taken
 * from the source, so that nothing is left over. */
static bool
copy(struct relay_pair *p, int from)
{
	struct flow *flow = &p->flow[from];
	int source = p->side[from].io.fd;
	char buf[COPY_SIZE];
	ssize_t n = recv(source, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);

	if (!note_read(flow, n))
		return false;
	if (flow->state != FLOWING)
		return true;
	n = send(
	    p->side[!from].io.fd, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!note_write(flow, n))
		return !flow->blocked;
	count(p, from, (size_t)n);
	/* With MSG_TRUNC, tcp(7) throws them away. */
	(void)recv(source, NULL, (size_t)n, MSG_TRUNC | MSG_DONTWAIT);
	return true;
}

static bool
fill(struct relay_pair *p, int from)
{
	struct flow *flow = &p->flow[from];
	ssize_t n;

	if (flow->pipe.from < 0 && !borrow_pipe(p->relay, &flow->pipe))
		return copy(p, from);
	n = splice(p->side[from].io.fd, NULL, flow->pipe.into, NULL, CHUNK,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (!note_read(flow, n))
		return false;
	if (n > 0)
		flow->pending = (uint32_t)n;
	return true;
}

/* Empties the pipe; false if the other side does not take all of it.  Behind
 * the last byte goes the source's end. */
static bool
drain(struct relay_pair *p, int from)
{
	struct flow *flow = &p->flow[from];
	int to = p->side[!from].io.fd;

	while (flow->pending > 0 && flow->state != OVER) {
		ssize_t n = splice(flow->pipe.from, NULL, to, NULL,
		    flow->pending, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (note_write(flow, n)) {
			flow->pending -= (uint32_t)n;
			count(p, from, (size_t)n);
		} else if (flow->blocked) {
			return false;
		}
	}
	if (flow->state == ENDING) {
		(void)shutdown(to, SHUT_WR);
		flow->state = OVER;
	}
	return true;
}

static void
pump(struct relay_pair *p, int from)
{
	struct flow *flow = &p->flow[from];
	bool going;

	flow->blocked = false;
	going = drain(p, from); /* what was left over */
	for (int moved = 0; going && flow->state == FLOWING && moved < TURN;
	     moved += CHUNK)
		going = fill(p, from) && drain(p, from);
	if (flow->pending == 0 || flow->state == OVER)
		give_pipe_back(p->relay, flow);
}

/* ---- the pair ---- */

static void
end_pair(struct relay_pair *p)
{
	struct relay *r = p->relay;

	/* With input unread a close is a reset, which may overtake the MTA's
	 * last words. */
	(void)recv(
	    p->side[CLIENT].io.fd, NULL, INT_MAX, MSG_TRUNC | MSG_DONTWAIT);
	for (int i = 0; i < SIDES; i++) {
		struct side *side = &p->side[i];

		if (side->events != 0)
			loop_remove(r->loop, &side->io);
		fd_close(&side->io.fd);
		give_pipe_back(r, &p->flow[i]);
	}
	loop_cancel(r->loop, &p->timer);
	p->used = false;
	p->next = r->free;
	r->free = (uint32_t)(p - r->pair);
	r->n--;
	if (p->counted)
		clients_remove(r->clients, &p->who, 1);
	if (r->on_end != NULL)
		r->on_end(r->arg);
}

/* Out of the loop when there is nothing to wait for: it would tell of the end
 * of both directions again and again. */
static int
watch(struct relay_pair *p, int i)
{
	struct side *side = &p->side[i];
	struct loop *loop = p->relay->loop;
	uint32_t was = side->events;

	side->events = 0;
	if (p->flow[i].state == FLOWING && !p->flow[i].blocked)
		side->events |= EPOLLIN;
	if (p->flow[!i].blocked)
		side->events |= EPOLLOUT;
	if (side->events == was)
		return 0;
	if (side->events == 0) {
		loop_remove(loop, &side->io);
		return 0;
	}
	return was == 0 ? loop_add(loop, &side->io, side->events)
			: loop_modify(loop, &side->io, side->events);
}

/* What the MTA has heard of it has been answered, as far as can be seen. */
static bool
is_answered(const struct relay_pair *p)
{
	return p->last == MTA && p->flow[CLIENT].pending == 0;
}

/* Looks what there is to be waited for, or ends the pair. */
static void
settle(struct relay_pair *p)
{
	if (p->relay->winds_up && is_answered(p) &&
	    p->flow[CLIENT].state == FLOWING) {
		p->flow[CLIENT].state = ENDING;
		pump(p, CLIENT);
	}
	if ((p->flow[CLIENT].state == OVER && p->flow[MTA].state == OVER) ||
	    watch(p, CLIENT) < 0 || watch(p, MTA) < 0)
		end_pair(p);
}

static void
on_side(struct relay_pair *p, int i, uint32_t events, uint64_t now)
{
	p->active = now;
	if ((events & (uint32_t)~EPOLLOUT) != 0 && !p->flow[i].blocked)
		pump(p, i);
	if (p->flow[!i].blocked)
		pump(p, !i);
	settle(p);
}

static void
on_client(struct loop_io *io, uint32_t events, uint64_t now)
{
	on_side(CONTAINER_OF(io, struct relay_pair, side[CLIENT].io), CLIENT,
	    events, now);
}

static void
on_mta(struct loop_io *io, uint32_t events, uint64_t now)
{
	on_side(CONTAINER_OF(io, struct relay_pair, side[MTA].io), MTA, events,
	    now);
}

/* An MTA has timeouts of its own; this is for who has vanished without a word,
 * and for clients that never close. */
static void
on_timer(struct timer *t, uint64_t now)
{
	struct relay_pair *p = CONTAINER_OF(t, struct relay_pair, timer);
	const struct relay *r = p->relay;
	uint64_t limit = p->flow[MTA].state == OVER ? r->linger : r->idle;
	uint64_t until = p->active + limit;

	if (now >= until)
		end_pair(p);
	else
		loop_arm(r->loop, t,
		    until < now + r->linger ? until : now + r->linger);
}

static uint32_t
take_slot(struct relay *r)
{
	uint32_t slot = r->free;

	if (slot != 0)
		r->free = r->pair[slot].next;
	else if (r->high < r->capacity)
		slot = ++r->high;
	return slot;
}

int
relay_start(struct relay *r, const struct in6_addr *who, int client, int mta,
    uint64_t now)
{
	static const struct flow flow = { .pipe = { -1, -1 } };
	const int on = 1;
	uint32_t slot = take_slot(r);
	struct relay_pair *p = &r->pair[slot];
	int error;

	if (slot == 0)
		return -ENFILE;
	*p = (struct relay_pair){
		.side = { { .io = { client, true, on_client } },
		    { .io = { mta, true, on_mta } } },
		.flow = { flow, flow },
		.relay = r,
		.timer = { .on_timer = on_timer },
		.active = now,
		.last = MTA, /* it greets */
		.used = true,
	};
	error = watch(p, CLIENT);
	if (error == 0)
		error = watch(p, MTA);
	if (error < 0) {
		loop_remove(r->loop, &p->side[CLIENT].io);
		p->used = false;
		p->next = r->free;
		r->free = slot;
		return error;
	}
	r->n++;
	if (who != NULL) {
		p->counted = true;
		p->who = *who;
		clients_add(r->clients, who, 1);
	}
	/* A reply in two pieces would wait for the client's acknowledgement in
	 * between, 40 ms. */
	(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	loop_arm(r->loop, &p->timer, now + r->linger);
	/* Not behind what others move: what the MTA has said already is its
	 * greeting, which the client waits for. */
	on_side(p, MTA, EPOLLIN, now);
	return 0;
}

uint32_t
relay_end_some(struct relay *r, uint32_t slot, const struct slice *slice)
{
	for (; slot <= r->high && !slice_is_over(slice); slot++)
		if (r->pair[slot].used)
			end_pair(&r->pair[slot]);
	return slot <= r->high ? slot : 0;
}

uint32_t
relay_wind_up(
    struct relay *r, uint32_t slot, const struct slice *slice, uint64_t now)
{
	r->winds_up = true;
	for (; slot <= r->high && !slice_is_over(slice); slot++) {
		struct relay_pair *p = &r->pair[slot];

		if (!p->used)
			continue;
		p->active = now;
		settle(p);
	}
	return slot <= r->high ? slot : 0;
}

void
relay_trim(struct relay *r)
{
	if (r->n > 0 || r->high == 0)
		return;
	pool_discard(r->pair, 1, (size_t)r->high + 1, sizeof(*r->pair));
	r->high = 0;
	r->free = 0;
}

void
relay_end_all(struct relay *r)
{
	const struct slice endless = { UINT64_MAX };

	(void)relay_end_some(r, 1, &endless);
}
