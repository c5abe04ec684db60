/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/attrs.h"
#include "bin/common/fd.h"
#include "bin/common/listen.h"
#include "bin/common/siphash.h"
#include "bin/tarpit-policyd/question.h"
#include "bin/tarpit-policyd/server.h"
#include "data/cidr.h"
#include "policy/engine.h"
#include "policy/explanation.h"

enum {
	/* A message at least, so that the largest one fits. */
	IN_SIZE = 2 * ATTRS_MAX,
	/* Answers that a peer has not read; no question is taken for whose
	 * answer there would be no room.  Grows with the questions that are
	 * open. */
	OUT_MIN = 256 * 1024,
	OUT_MAX = (RULES_QUESTIONS_MAX + 1) * ANSWER_MAX,
};

/* One question while its facts are gathered. */
struct open_question {
	struct inquiry inquiry;
	struct question question;
	struct server *server;
	struct peer *peer;
	struct policy *policy;              /* a reference */
	struct open_question *next, **link; /* of its peer, or the free ones */
	struct open_question *same_next, **same_link; /* in its bucket */
	uint16_t network;
};

enum {
	BUCKETS = 4096,  /* of open questions, by what can forget them */
	NETWORKS = 4096, /* counters; those that share one share its limit */
	SHARE = 16,      /* a /24 or /48 may have a 16th of MaxQuestions= */
};

struct peer {
	struct loop_io io;
	struct server *server;
	struct peer *next, **link;
	struct open_question *open;
	size_t n_open;
	struct listener *door;
	bool eof;        /* it will send nothing more */
	bool gone;       /* it will read nothing more */
	bool stalled;    /* a message waits for room */
	uint32_t events; /* what the loop watches for */
	bool due;        /* in the server's list of those with answers */
	struct peer *due_next;
	size_t in_len, out_len, out_size;
	char *out;
	char in[IN_SIZE];
};

struct server {
	struct loop *loop;
	struct journal *journal;
	struct policy *policy; /* a reference */
	struct peer *peers, *due;
	struct server_counts counts;
	bool full; /* as many connections as allowed: none is accepted */
	uint64_t next_error, next_full, next_pause; /* records due again */
	uint64_t errors_told;
	uint64_t next_overload; /* when a record is due again */
	struct siphash_key key;
	size_t n_open, capacity; /* of `pool`, but for one */
	size_t n_used;           /* of `pool`, ever */
	struct open_question *pool, *free;
	struct open_question *bucket[BUCKETS];
	uint16_t network[NETWORKS];
	size_t n_listeners;
	struct listener {
		struct acceptor acceptor;
		struct server *server;
		enum door_role role;
		size_t n_peers;
		uint64_t next_full; /* when a record is due again */
	} listeners[LISTEN_MAX];
};

/*
 * Open questions
 */

/* One more than may wait: that one is answered at once. */
static struct open_question *
open_question_new(struct server *s)
{
	struct open_question *o = s->free;

	if (o)
		s->free = o->next;
	else
		o = &s->pool[s->n_used++];
	return o;
}

static void
open_question_free(struct server *s, struct open_question *o)
{
	free(o->inquiry.explain);
	o->inquiry.explain = NULL;
	o->next = s->free;
	s->free = o;
}

/* Its peer and its instance: by that a peer forgets it. */
static struct open_question **
find_bucket(struct server *s, const struct peer *p, const struct question *q)
{
	struct {
		const struct peer *peer;
		char instance[INSTANCE_MAX];
	} name;

	memset(&name, 0, sizeof(name));
	name.peer = p;
	memcpy(name.instance, q->instance, q->instance_len);
	return &s->bucket[siphash(&s->key, &name, sizeof(name)) % BUCKETS];
}

static uint16_t
find_network(const struct server *s, const struct in6_addr *addr)
{
	size_t len = cidr_addr_is_v4(addr) ? 15 : 6;

	return (uint16_t)(siphash(&s->key, addr, len) % NETWORKS);
}

/* O waits: it belongs to its peer until it is answered or the peer goes. */
static void
park(struct open_question *o)
{
	struct peer *p = o->peer;
	struct server *s = o->server;
	struct open_question **bucket = find_bucket(s, p, &o->question);

	o->policy = policy_ref(s->policy);
	o->next = p->open;
	o->link = &p->open;
	if (o->next)
		o->next->link = &o->next;
	p->open = o;
	o->same_next = *bucket;
	o->same_link = bucket;
	if (o->same_next)
		o->same_next->same_link = &o->same_next;
	*bucket = o;
	s->network[o->network]++;
	s->n_open++;
	p->n_open++;
}

static void
unpark(struct open_question *o)
{
	*o->link = o->next;
	if (o->next)
		o->next->link = o->link;
	*o->same_link = o->same_next;
	if (o->same_next)
		o->same_next->same_link = o->same_link;
	o->server->network[o->network]--;
	o->server->n_open--;
	o->peer->n_open--;
	policy_unref(o->policy);
	open_question_free(o->server, o);
}

/* Whether one more question of O's network may wait. */
static bool
has_place(struct open_question *o)
{
	struct server *s = o->server;
	size_t max = (size_t)policy_rules(s->policy)->max_questions;

	/* More than at the start there will be with the next one. */
	if (max > s->capacity)
		max = s->capacity;
	o->network = find_network(s, &o->question.addr);
	return s->n_open < max && s->network[o->network] < max / SHARE;
}

/*
 * Answers
 */

/* A few words a minute, however many bad questions come. */
static void
tell_error(struct server *s, const char *why)
{
	uint64_t now = loop_now(s->loop);
	struct record record;

	s->counts.errors++;
	if (!journal_is_due(&s->next_error, now))
		return;
	record_begin(&record, EVENT_QUESTION_ERROR,
	    "A question cannot be read: %s", why);
	record_field(&record, "TARPIT_ERRORS", "%llu",
	    (unsigned long long)(s->counts.errors - s->errors_told));
	s->errors_told = s->counts.errors;
	journal_send(s->journal, &record);
}

/* peer_has_room() said that the answer fits. */
static char *
answer_place(struct peer *p)
{
	return p->out + p->out_len;
}

/* Room for one more answer of so many bytes, besides those of the open questions. */
static bool
peer_make_room(struct peer *p, size_t answer)
{
	size_t needed = p->out_len + p->n_open * ANSWER_MAX + answer;
	size_t size = p->out_size;
	char *bigger;

	if (needed <= size)
		return true;
	while (size < needed)
		size *= 2;
	/* Only who has many questions open gets more; who does not read what
	 * it is answered does not. */
	if (needed > OUT_MAX || p->out_len >= OUT_MIN / 2)
		return false;
	bigger = realloc(p->out, size);
	if (!bigger)
		return false;
	p->out = bigger;
	p->out_size = size;
	return true;
}

static bool
peer_has_room(struct peer *p)
{
	return peer_make_room(p, ANSWER_MAX);
}

/* Large, and seldom asked for: who has no room for it hears so. */
static void
answer_explain(
    struct peer *p, const struct question *q, const struct inquiry *inquiry)
{
	struct verdict verdict;

	p->server->counts.answers++;
	engine_decide(inquiry->rules, &inquiry->facts, &verdict);
	if (peer_make_room(p, ATTRS_MAX))
		p->out_len += explanation_encode(inquiry, &verdict, q->instance,
		    q->instance_len, answer_place(p), ATTRS_MAX);
	else
		p->out_len += question_answer_error(
		    q, "too many answers wait to be read", answer_place(p));
}

static void
answer_status(struct peer *p, const struct question *q)
{
	struct server *s = p->server;
	struct mismatch mismatch, troubles;
	bool all = peer_make_room(p, ANSWER_MAX + 2 * MISMATCH_SIZE);

	policy_mismatch(s->policy, &mismatch);
	policy_troubles(s->policy, &troubles);
	p->out_len += question_answer_status(q, &s->counts,
	    all ? &mismatch : NULL, all ? &troubles : NULL, answer_place(p));
}

/* There was no room for all that would have been asked about the client: whoever
 * is known passes, and a stranger must not do so for the crowd that he may be. */
static void
slow_stranger(const struct inquiry *inquiry, struct verdict *v)
{
	static const char note[] = "policy:overloaded";
	const struct rules *r = inquiry->rules;
	size_t n = v->reason_len;

	v->ttl = 0;
	if (v->lane != LANE_PASS || engine_is_known(&inquiry->facts))
		return;
	v->lane = LANE_SLOW;
	v->rate = (uint32_t)curve_at(&r->rate, (int32_t)r->slow);
	v->patience = (uint32_t)curve_at(&r->patience, (int32_t)r->slow);
	if (n + 1 + sizeof(note) > sizeof(v->reason))
		return;
	if (n > 0)
		v->reason[n++] = ' ';
	memcpy(v->reason + n, note, sizeof(note));
	v->reason_len = n + sizeof(note) - 1;
}

/* One record a minute, however many questions come. */
static void
note_overload(struct server *s)
{
	const struct rules *r = policy_rules(s->policy);

	s->counts.overloaded++;
	if (journal_is_due(&s->next_overload, loop_now(s->loop)))
		journal_event(s->journal, EVENT_POLICY_OVERLOADED,
		    "%zu questions wait for the DNS (MaxQuestions=%lld, and a "
		    "16th of it for a network): further ones are answered "
		    "without it, %llu so far",
		    s->n_open, (long long)r->max_questions,
		    (unsigned long long)s->counts.overloaded);
}

static void
decide(struct server *s, const struct inquiry *inquiry, struct verdict *ret)
{
	engine_decide(inquiry->rules, &inquiry->facts, ret);
	if (!inquiry->hurry || !inquiry->left_out)
		return;
	note_overload(s);
	slow_stranger(inquiry, ret);
}

static void
answer(struct peer *p, const struct question *q, struct inquiry *inquiry)
{
	struct verdict verdict;

	if (q->request == REQUEST_EXPLAIN) {
		answer_explain(p, q, inquiry);
		return;
	}
	decide(p->server, inquiry, &verdict);
	p->server->counts.answers++;
	if (q->request == REQUEST_POSTFIX)
		p->out_len += question_answer_postfix(
		    inquiry->rules->action[verdict.lane], &verdict,
		    answer_place(p));
	else
		p->out_len += question_answer(q, &verdict,
		    (inquiry->hurry && inquiry->left_out ? QUESTION_OVERLOADED
							 : 0) |
			(inquiry->host_only ? QUESTION_HOST_ONLY : 0),
		    answer_place(p));
}

static void peer_work(struct peer *);

static void
on_complete(struct inquiry *inquiry)
{
	struct open_question *o =
	    CONTAINER_OF(inquiry, struct open_question, inquiry);
	struct server *s = o->server;
	struct peer *p = o->peer;

	answer(p, &o->question, inquiry);
	unpark(o);
	if (p->due)
		return;
	p->due = true;
	p->due_next = s->due;
	s->due = p;
}

/* Answers that came during the batch go out together. */
static bool
after_batch(void *arg, uint64_t now)
{
	struct server *s = arg;
	struct peer *p;

	(void)now;
	while ((p = s->due)) {
		s->due = p->due_next;
		p->due = false;
		peer_work(p);
	}
	return false;
}

static void
forget_due(struct peer *p)
{
	struct peer **at = &p->server->due;

	while (p->due && *at != p)
		at = &(*at)->due_next;
	if (p->due)
		*at = p->due_next;
	p->due = false;
}

static void
ask(struct open_question *o)
{
	struct peer *p = o->peer;
	struct server *s = p->server;

	o->inquiry.addr = o->question.addr;
	o->inquiry.on_complete = on_complete;
	o->inquiry.pregreet = o->question.pregreet;
	o->inquiry.hurry = !has_place(o);
	o->inquiry.explain = NULL;
	/* Without memory it is explained more briefly. */
	if (o->question.request == REQUEST_EXPLAIN)
		o->inquiry.explain = calloc(1, sizeof(*o->inquiry.explain));
	if (!policy_ask(s->policy, &o->inquiry)) {
		assert(!o->inquiry.hurry);
		park(o);
		return;
	}
	answer(p, &o->question, &o->inquiry);
	open_question_free(s, o);
}

/* Not answered, as no outcome is: what would it do with the answer? */
static void
refuse_outcome(struct server *s)
{
	s->counts.refused++;
	tell_error(s,
	    "request=tarpit_outcome on a socket that is not the dispatcher's "
	    "(FileDescriptorName=policy)");
}

static void
take_outcome(struct peer *p, const struct question *q)
{
	struct server *s = p->server;

	if (p->door->role != DOOR_TEACHES) {
		refuse_outcome(s);
		return;
	}
	s->counts.outcomes++;
	if (q->has_addr && q->has_learned)
		policy_learn(s->policy, &q->addr, q->learned);
}

/* Whoever is no longer interested is not waited for: its place is another's. */
static void
forget(struct peer *p, const struct question *q)
{
	struct server *s = p->server;
	struct open_question *o = *find_bucket(s, p, q);

	while (o &&
	    !(o->peer == p && o->question.instance_len == q->instance_len &&
		memcmp(o->question.instance, q->instance, q->instance_len) ==
		    0))
		o = o->same_next;
	if (!o)
		return; /* it has been answered meanwhile */
	s->counts.forgotten++;
	policy_cancel(o->policy, &o->inquiry);
	unpark(o);
}

/* Whether the request is one for the door that it came by.  Outcomes are looked
 * at where they are taken. */
static bool
is_for_door(const struct peer *p, const struct question *q)
{
	return p->door->role != DOOR_EXPLAINS ||
	    q->request == REQUEST_EXPLAIN || q->request == REQUEST_STATUS ||
	    q->request == REQUEST_OUTCOME;
}

/* One complete message; there is room for its answer. */
static void
take_message(struct open_question *o, const char *msg, size_t len)
{
	struct peer *p = o->peer;
	struct server *s = p->server;
	const char *why;
	int r = question_read(msg, len, &o->question, &why);

	if (r == 0 && !is_for_door(p, &o->question)) {
		why = "this socket is for tarpit_explain and tarpit_status";
		r = -EPERM;
	}
	if (r < 0) {
		tell_error(s, why);
		p->out_len +=
		    question_answer_error(&o->question, why, answer_place(p));
	} else if (o->question.request == REQUEST_OUTCOME) {
		take_outcome(p, &o->question);
	} else if (o->question.request == REQUEST_FORGET) {
		forget(p, &o->question);
	} else if (o->question.request == REQUEST_STATUS) {
		answer_status(p, &o->question);
	} else if (!o->question.has_addr) {
		/* Postfix did not know the client's address. */
		s->counts.answers++;
		p->out_len +=
		    question_answer_postfix("DUNNO", NULL, answer_place(p));
	} else {
		ask(o);
		return;
	}
	open_question_free(s, o);
}

/*
 * Peers
 */

/* Takes what complete messages there are, as far as there is room.  0, or
 * -EMSGSIZE: the peer speaks something else. */
static int
peer_serve(struct peer *p)
{
	struct server *s = p->server;
	size_t at = 0, len;
	int r;

	p->stalled = false;
	while ((r = attrs_find_end(p->in + at, p->in_len - at, &len)) == 0) {
		struct open_question *o;

		p->stalled = !peer_has_room(p);
		if (p->stalled)
			break;
		o = open_question_new(s);
		o->server = s;
		o->peer = p;
		take_message(o, p->in + at, len);
		at += len;
	}
	p->in_len -= at;
	memmove(p->in, p->in + at, p->in_len);
	if (r == -EMSGSIZE)
		tell_error(s, "a message does not end");
	return r == -EMSGSIZE ? r : 0;
}

static int
peer_read(struct peer *p)
{
	ssize_t n;

	if (p->eof || p->stalled || p->in_len == IN_SIZE)
		return 0;
	n = recv(p->io.fd, p->in + p->in_len, IN_SIZE - p->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	p->eof = n == 0;
	p->in_len += (size_t)n;
	return 0;
}

static int
peer_flush(struct peer *p)
{
	ssize_t n;

	if (p->gone)
		p->out_len = 0;
	if (p->out_len == 0)
		return 0;
	n = send(p->io.fd, p->out, p->out_len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	p->out_len -= (size_t)n;
	memmove(p->out, p->out + n, p->out_len);
	return 0;
}

static bool
is_door_full(const struct listener *l)
{
	return l->role == DOOR_EXPLAINS && l->n_peers >= EXPLAIN_MAX;
}

static void
resume_accepting(struct server *s)
{
	s->full = false;
	for (size_t i = 0; i < s->n_listeners; i++) {
		if (!is_door_full(&s->listeners[i]))
			acceptor_start(&s->listeners[i].acceptor);
	}
}

static void
peer_close(struct peer *p)
{
	struct server *s = p->server;
	struct listener *door = p->door;

	while (p->open) {
		policy_cancel(p->open->policy, &p->open->inquiry);
		unpark(p->open);
	}
	forget_due(p);
	loop_remove(s->loop, &p->io);
	fd_close(&p->io.fd);
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	free(p->out);
	free(p);
	s->counts.connections--;
	door->n_peers--;
	if (s->full)
		resume_accepting(s);
	else if (door->n_peers == EXPLAIN_MAX - 1)
		acceptor_start(&door->acceptor);
}

/* Nothing is owed to a peer that has ended its questions and has all its
 * answers.  One that is gone is not waited for: its hang-up would wake us
 * without end. */
static bool
peer_is_done(const struct peer *p)
{
	if (p->gone && p->stalled)
		return true;
	return p->eof && !p->stalled &&
	    (p->gone || (p->out_len == 0 && p->n_open == 0));
}

/* Does all that can be done for P now, and closes it if that was all. */
static void
peer_work(struct peer *p)
{
	uint32_t events;
	int r;

	do {
		r = peer_serve(p);
		if (peer_flush(p) < 0)
			r = -EPIPE;
	} while (r == 0 && p->stalled && p->out_len == 0 && peer_has_room(p));
	if (r == 0 && !peer_is_done(p)) {
		events = p->out_len > 0 ? EPOLLOUT : 0;
		/* A peer that does not read is not read from either. */
		if (!p->eof && !p->stalled)
			events |= EPOLLIN;
		if (events == p->events)
			return;
		p->events = events;
		r = loop_modify(p->server->loop, &p->io, events);
		if (r == 0)
			return;
	}
	peer_close(p);
}

static void
on_peer_event(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct peer *p = CONTAINER_OF(io, struct peer, io);

	(void)now;
	if (events & (EPOLLHUP | EPOLLERR))
		p->gone = true;
	if (peer_read(p) < 0)
		peer_close(p);
	else
		peer_work(p);
}

static int
peer_new(struct listener *listener, int fd)
{
	struct server *s = listener->server;
	/* Not zeroed: most of it is buffers that many peers never fill. */
	struct peer *p = malloc(sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	memset(p, 0, offsetof(struct peer, in));
	p->out_size = OUT_MIN;
	p->out = malloc(OUT_MIN);
	if (!p->out) {
		free(p);
		return -ENOMEM;
	}
	p->server = s;
	p->door = listener;
	p->io = (struct loop_io){ .fd = fd, .on_event = on_peer_event };
	p->events = EPOLLIN;
	r = loop_add(s->loop, &p->io, p->events);
	if (r < 0) {
		free(p->out);
		free(p);
		return r;
	}
	p->next = s->peers;
	p->link = &s->peers;
	if (p->next)
		p->next->link = &p->next;
	s->peers = p;
	s->counts.connections++;
	listener->n_peers++;
	return 0;
}

/*
 * The service
 */

static void
check_full(struct server *s)
{
	size_t max = (size_t)policy_rules(s->policy)->max_connections;

	if (s->full || s->counts.connections < max)
		return;
	s->full = true;
	if (journal_is_due(&s->next_full, loop_now(s->loop)))
		journal_event(s->journal, EVENT_ACCEPT_PAUSED,
		    "All %zu connections (MaxConnections=) are taken; others "
		    "wait",
		    max);
	for (size_t i = 0; i < s->n_listeners; i++)
		acceptor_stop(&s->listeners[i].acceptor);
}

static void
check_door(struct listener *l, uint64_t now)
{
	if (!is_door_full(l))
		return;
	acceptor_stop(&l->acceptor);
	if (journal_is_due(&l->next_full, now))
		journal_event(l->server->journal, EVENT_ACCEPT_PAUSED,
		    "All %d connections for explanations are taken; others "
		    "wait",
		    EXPLAIN_MAX);
}

static void
on_accept(struct acceptor *a, int fd, const struct sockaddr_storage *from,
    uint64_t now)
{
	struct listener *l = CONTAINER_OF(a, struct listener, acceptor);

	(void)from;
	if (peer_new(l, fd) < 0)
		close(fd);
	check_door(l, now);
	check_full(l->server);
}

static void
on_pause(struct acceptor *a, int error)
{
	struct server *s = CONTAINER_OF(a, struct listener, acceptor)->server;

	if (error < 0 && journal_is_due(&s->next_pause, loop_now(s->loop)))
		journal_event(s->journal, EVENT_ACCEPT_PAUSED,
		    "No connection can be accepted for now: %s",
		    strerror(-error));
}

static int
listen_all(struct server *s, const struct server_door *doors, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct listener *l = &s->listeners[i];
		int r;

		l->server = s;
		l->role = doors[i].role;
		l->acceptor.on_accept = on_accept;
		l->acceptor.on_pause = on_pause;
		r = acceptor_init(&l->acceptor, s->loop, doors[i].fd);
		if (r < 0)
			return r;
		s->n_listeners++;
	}
	return 0;
}

int
server_new(struct loop *loop, struct journal *journal, struct policy *policy,
    const struct server_door *doors, size_t n_doors, struct server **ret_server)
{
	struct server *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->journal = journal;
	s->policy = policy_ref(policy);
	s->capacity = (size_t)policy_rules(policy)->max_questions;
	s->pool = calloc(s->capacity + 1, sizeof(*s->pool));
	if (s->pool)
		r = siphash_key_init(&s->key);
	if (r == 0)
		r = listen_all(s, doors, n_doors);
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
	while (s->n_listeners > 0)
		acceptor_fini(&s->listeners[--s->n_listeners].acceptor);
	while (s->peers)
		peer_close(s->peers);
	policy_unref(s->policy);
	free(s->pool);
	free(s);
	return NULL;
}

void
server_set_policy(struct server *s, struct policy *policy)
{
	struct policy *old = s->policy;

	s->policy = policy_ref(policy);
	policy_unref(old);
	/* MaxConnections= may have risen. */
	if (s->full)
		resume_accepting(s);
	check_full(s);
}

struct server_counts
server_counts(const struct server *s)
{
	return s->counts;
}
