/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/ask.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/attrs.h"
#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/overrides.h"

enum {
	/* About 1,000 questions; a service that leaves so many unread is
	 * stuck. */
	OUT_SIZE = 256 * 1024,
	QUESTION_MAX = 512,
	/* More that once waited to be written is worth giving back. */
	TRIM_LEAST = 64 * 1024,
};

/* How often clients that wait for an answer are looked for, and for how many at
 * a time: one that has left leaves no question behind. */
#define LOOK_EVERY (50 * USEC_PER_MSEC)
enum { LOOKS = 256 };

#define BACKOFF_FIRST (50 * USEC_PER_MSEC)
#define BACKOFF_MAX   (2 * USEC_PER_SEC)

static void on_reconnect(struct timer *, uint64_t now);
static void on_deadline(struct timer *, uint64_t now);
static void on_service_ready(struct loop_io *, uint32_t events, uint64_t now);
static void on_look(struct timer *, uint64_t now);
static void on_more(struct timer *, uint64_t now);

const struct verdict ask_overloaded = {
	.lane = LANE_SLOW,
	.rate = 100,
	.patience = 6,
	.reason = "policy:overloaded",
	.reason_len = sizeof("policy:overloaded") - 1,
};

int
ask_init(struct ask *a)
{
	int r;

	a->io = (struct loop_io){ .fd = -1, .on_event = on_service_ready };
	r = linebuf_init(&a->in, ATTRS_MAX);
	if (r < 0)
		return r;
	r = waiting_init(&a->waiting,
	    a->max_waiting != 0 ? a->max_waiting : ASK_WAITING_MAX);
	if (r < 0)
		return r;
	a->out = pool_reserve(OUT_SIZE, 1);
	if (a->out == NULL)
		return -ENOMEM;
	a->reconnect.on_timer = on_reconnect;
	a->deadline.on_timer = on_deadline;
	a->look.on_timer = on_look;
	a->more.on_timer = on_more;
	a->backoff = BACKOFF_FIRST;
	a->healthy = true;
	/* From the first batch on, so that the first client need not wait. */
	loop_arm(a->loop, &a->reconnect, loop_now(a->loop));
	return 0;
}

static void
disconnect(struct ask *a)
{
	if (a->io.fd < 0)
		return;
	loop_remove(a->loop, &a->io);
	fd_close(&a->io.fd);
	loop_cancel(a->loop, &a->more);
	linebuf_consume(&a->in, linebuf_len(&a->in));
	a->out_len = 0;
	a->wants_out = false;
}

void
ask_fini(struct ask *a)
{
	disconnect(a);
	loop_cancel(a->loop, &a->reconnect);
	loop_cancel(a->loop, &a->deadline);
	loop_cancel(a->loop, &a->look);
	waiting_fini(&a->waiting);
	linebuf_fini(&a->in);
	pool_release(a->out, OUT_SIZE, 1);
	a->out = NULL;
}

void
ask_trim(struct ask *a)
{
	waiting_trim(&a->waiting);
	if (a->out_len > 0 || a->out_most < TRIM_LEAST)
		return;
	pool_discard(a->out, 0, a->out_most, 1);
	a->out_most = 0;
}

static void
set_healthy(struct ask *a, bool healthy, const char *why)
{
	a->healthy = healthy;
	if (!journal_flaps(&a->flap, !healthy, loop_now(a->loop)))
		return;
	if (healthy)
		journal_event(a->journal, EVENT_POLICY_UP,
		    "the policy service at %s answers again", a->path);
	else
		journal_event(a->journal, EVENT_POLICY_DOWN,
		    "the policy service at %s does not answer: %s", a->path,
		    why);
}

/* Tries for a connection after a while: longer and longer, until an answer
 * comes, since a service may also take connections and drop them. */
static void
reconnect_later(struct ask *a)
{
	loop_arm(a->loop, &a->reconnect, loop_now(a->loop) + a->backoff);
	if (a->backoff < BACKOFF_MAX)
		a->backoff *= 2;
}

/* Who waits for an answer is asked about again on the next connection. */
static void
lose_connection(struct ask *a)
{
	disconnect(a);
	reconnect_later(a);
}

/* The sessions' own place and number: an answer that comes after its session
 * has ended finds another number there. */
static void
put_instance(
    struct attrs_out *out, const struct pool *pool, const struct session *s)
{
	char instance[32];

	snprintf(
	    instance, sizeof(instance), "%x.%x", pool_slot(pool, s), s->number);
	attrs_put(out, "instance", instance);
}

static void
put_client(struct attrs_out *out, const struct session *s)
{
	char text[ADDRESS_TEXT];

	attrs_put(out, "client_address", address_print(&s->client, text));
}

static void
put_server(const struct ask *a, struct attrs_out *out, const struct session *s)
{
	struct in6_addr server;
	in_port_t port;
	char text[ADDRESS_TEXT];

	if (!proxied_server(a->proxied, s, &server, &port))
		return; /* gone; the answer will find that out */
	attrs_put(out, "server_address", address_print(&server, text));
	attrs_put_int(out, "server_port", port);
}

/* Appends the message begun by BEGIN; false if there is no room for it. */
static bool
finish(struct ask *a, struct attrs_out *out)
{
	if (attrs_end(out) < 0)
		return false;
	a->out_len += out->len;
	if (a->out_most < a->out_len)
		a->out_most = a->out_len;
	return true;
}

static bool
begin(struct ask *a, struct attrs_out *out)
{
	if (a->io.fd < 0 || OUT_SIZE - a->out_len < QUESTION_MAX)
		return false;
	attrs_begin(out, a->out + a->out_len, OUT_SIZE - a->out_len);
	return true;
}

static bool
put_question(struct ask *a, const struct session *s, const char *behaviour)
{
	struct attrs_out out;

	if (!begin(a, &out))
		return false;
	attrs_put(&out, "request", "tarpit_session");
	put_instance(&out, a->pool, s);
	put_client(&out, s);
	attrs_put_int(&out, "client_port", s->port);
	put_server(a, &out, s);
	if (behaviour != NULL)
		attrs_put(&out, "behaviour", behaviour);
	a->asked++;
	return finish(a, &out);
}

/* A session's clock. */
static uint32_t
to_msec(const struct ask *a, uint64_t now)
{
	return (uint32_t)((now - a->epoch) / USEC_PER_MSEC);
}

static void
note_overload(struct ask *a, uint64_t now, const char *why)
{
	a->overloaded++;
	if (journal_is_due(&a->next_overload, now))
		journal_event(a->journal, EVENT_POLICY_OVERLOADED,
		    "the policy service at %s is overloaded: %s; strangers are "
		    "slowed, %llu so far",
		    a->path, why, (unsigned long long)a->overloaded);
}

static enum ask_result
refuse_question(struct ask *a, uint64_t now, const char *why)
{
	note_overload(a, now, why);
	return ASK_FULL;
}

enum ask_result
ask_question(struct ask *a, struct session *s, uint64_t now)
{
	uint32_t slot = pool_slot(a->pool, s);

	/* While it is silent, one question at a time probes it; nobody else
	 * waits.  S itself is already in the list. */
	if (!a->healthy && (a->io.fd < 0 || a->pool->asking.n > 1))
		return ASK_AWAY;
	switch (waiting_add(&a->waiting, &s->client, slot)) {
	case WAITING_FULL:
		return refuse_question(
		    a, now, "too many questions are under way");
	case WAITING_BEHIND:
		a->shared++;
		break;
	case WAITING_FIRST:
		/* Not connected and not yet known to be down: asked on
		 * connecting. */
		if (a->io.fd < 0 || put_question(a, s, NULL))
			break;
		(void)waiting_remove(&a->waiting, &s->client, slot);
		return refuse_question(a, now, "it does not read fast enough");
	}
	if (!timer_is_armed(&a->deadline))
		loop_arm(a->loop, &a->deadline, now + a->timeout);
	if (a->on_gone != NULL && !timer_is_armed(&a->look))
		loop_arm(a->loop, &a->look, now + LOOK_EVERY);
	return ASK_WAITS;
}

static void
put_forget(struct ask *a, const struct session *s)
{
	struct attrs_out out;

	if (!begin(a, &out))
		return;
	attrs_put(&out, "request", "tarpit_forget");
	put_instance(&out, a->pool, s);
	a->forgotten++;
	(void)finish(a, &out);
}

/* Asks about the one of CLIENT that is the first now, if there is one. */
static void
ask_next(struct ask *a, const struct in6_addr *client)
{
	uint32_t slot = waiting_first(&a->waiting, client);

	if (slot != WAITING_NONE)
		(void)put_question(a, &a->pool->session[slot], NULL);
}

void
ask_leave(struct ask *a, const struct session *s)
{
	if (!waiting_remove(&a->waiting, &s->client, pool_slot(a->pool, s)))
		return;
	put_forget(a, s);
	ask_next(a, &s->client);
}

/* Whether what was said of ONE host counts for OTHER, too. */
static bool
is_same(const struct session *one, const struct session *other, bool host_only)
{
	return !host_only || IN6_ARE_ADDR_EQUAL(&one->client, &other->client);
}

/* Gives V to S, the first of its client, and to those that wait behind it; but
 * HOST_ONLY to those of the same address, and the next one is asked about. */
static void
share_answer(struct ask *a, struct session *s, const struct verdict *v,
    bool host_only, uint64_t now)
{
	struct in6_addr client = s->client;
	uint32_t slot;

	while ((slot = waiting_first(&a->waiting, &client)) != WAITING_NONE) {
		struct session *other = &a->pool->session[slot];

		if (!is_same(s, other, host_only)) {
			ask_next(a, &client);
			return;
		}
		(void)waiting_take(&a->waiting, &client);
		/* Takes it off the list, whatever comes of it. */
		a->on_answer(a->arg, other, v, now);
	}
}

void
ask_again(struct ask *a, const struct session *s)
{
	(void)put_question(a, s, "pregreet");
}

static void
note_lost(struct ask *a)
{
	a->lost++;
	/* That it is not there has a record of its own. */
	if (a->io.fd >= 0 && journal_is_due(&a->next_lost, loop_now(a->loop)))
		journal_event(a->journal, EVENT_POLICY_OVERLOADED,
		    "the policy service at %s is overloaded: it does not read, "
		    "and will not remember %llu sessions so far",
		    a->path, (unsigned long long)a->lost);
}

void
ask_report(struct ask *a, const struct session *s, const char *outcome,
    uint32_t held_msec)
{
	struct attrs_out out;

	if (!begin(a, &out)) {
		/* Once more with what room there is now. */
		ask_flush(a);
		if (!begin(a, &out)) {
			note_lost(a);
			return;
		}
	}
	attrs_put(&out, "request", "tarpit_outcome");
	put_client(&out, s);
	attrs_put(&out, "outcome", outcome);
	attrs_put_int(&out, "held_ms", held_msec);
	attrs_put(&out, "lane", lane_name((enum lane)s->verdict_lane));
	if ((s->flags & SESSION_OBSERVED) != 0)
		attrs_put(&out, "mode", "observe");
	if (s->override != OVERRIDE_NONE)
		attrs_put(&out, "order",
		    override_name((enum override_kind)s->override));
	if ((s->flags & SESSION_PREGREET) != 0)
		attrs_put(&out, "behaviour", "pregreet");
	(void)finish(a, &out);
}

static void
watch_out(struct ask *a, bool wants_out)
{
	if (a->wants_out == wants_out)
		return;
	a->wants_out = wants_out;
	if (loop_modify(
		a->loop, &a->io, wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN) < 0)
		lose_connection(a);
}

void
ask_flush(struct ask *a)
{
	ssize_t n;

	if (a->io.fd < 0 || a->out_len == 0)
		return;
	n = send(a->io.fd, a->out, a->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) {
		lose_connection(a);
		return;
	}
	if (n > 0) {
		a->out_len -= (size_t)n;
		memmove(a->out, a->out + n, a->out_len);
	}
	watch_out(a, a->out_len > 0);
}

static int
open_connection(struct ask *a)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	AUTO_FD fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(a->path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, a->path);
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	a->io.fd = fd;
	r = loop_add(a->loop, &a->io, EPOLLIN);
	if (r < 0)
		a->io.fd = -1;
	else
		(void)fd_take(&fd);
	return r;
}

static void
ask_all_again(struct ask *a)
{
	uint32_t slot = a->pool->asking.head;

	while (slot != POOL_NONE) {
		const struct session *s = &a->pool->session[slot];

		if (waiting_first(&a->waiting, &s->client) == slot)
			(void)put_question(a, s, NULL);
		slot = s->age_next;
	}
}

static void
on_reconnect(struct timer *t, uint64_t now)
{
	struct ask *a = CONTAINER_OF(t, struct ask, reconnect);
	int r = a->io.fd < 0 ? open_connection(a) : 0;

	(void)now;
	if (r < 0) {
		set_healthy(a, false, strerror(-r));
		reconnect_later(a);
		return;
	}
	ask_all_again(a);
	ask_flush(a);
}

/* Whether somebody was answered since S asked, which was PolicyTimeout= before
 * its deadline. */
static bool
has_answered_since(const struct ask *a, const struct session *s)
{
	uint32_t asked = s->deadline - (uint32_t)(a->timeout / USEC_PER_MSEC);

	return a->answered != 0 &&
	    (int32_t)(to_msec(a, a->last_heard) - asked) > 0;
}

/* S has waited long enough, and those of its client with it.  A service that
 * answers others is there, and only overloaded. */
static void
end_waiting(struct ask *a, struct session *s, uint64_t now)
{
	const struct verdict *v = NULL;

	a->timed_out++;
	if (!has_answered_since(a, s)) {
		set_healthy(a, false, "no answer within PolicyTimeout");
	} else {
		note_overload(a, now, "not all answers come in time");
		v = &ask_overloaded;
	}
	if (waiting_first(&a->waiting, &s->client) == pool_slot(a->pool, s)) {
		put_forget(a, s);
		share_answer(a, s, v, false, now);
		return;
	}
	(void)waiting_remove(&a->waiting, &s->client, pool_slot(a->pool, s));
	a->on_answer(a->arg, s, v, now);
}

/* The default for whoever has waited long enough, oldest first. */
static void
on_deadline(struct timer *t, uint64_t now)
{
	struct ask *a = CONTAINER_OF(t, struct ask, deadline);
	struct slice slice = slice_begin(LOOP_SLICE);
	struct session *s;

	while ((s = pool_oldest(a->pool, &a->pool->asking)) != NULL) {
		int32_t left = (int32_t)(s->deadline - to_msec(a, now));

		if (left > 0) {
			loop_arm(
			    a->loop, t, now + (uint64_t)left * USEC_PER_MSEC);
			return;
		}
		if (slice_is_over(&slice)) {
			loop_arm(a->loop, t, now); /* the next turn */
			return;
		}
		end_waiting(a, s, now);
	}
}

/* Whether the client has closed the connection. */
static bool
has_left(const struct session *s)
{
	char byte;
	ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Some at a time, in turn; fewer if many of them have left, which is a record
 * each. */
static void
on_look(struct timer *t, uint64_t now)
{
	struct slice slice = slice_begin(LOOP_SLICE);
	struct ask *a = CONTAINER_OF(t, struct ask, look);
	const struct age_list *list = &a->pool->asking;
	uint64_t next = now + LOOK_EVERY;
	uint32_t slot = a->look_at;

	for (int i = 0; i < LOOKS && list->n > 0; i++) {
		struct session *s;

		if (slice_is_over(&slice)) {
			next = now; /* the next turn */
			break;
		}
		if (slot == POOL_NONE ||
		    a->pool->session[slot].state != SESSION_ASKING)
			slot = list->head;
		s = &a->pool->session[slot];
		slot = s->age_next;
		if (has_left(s))
			a->on_gone(a->arg, s, now);
		if (slot == POOL_NONE)
			break;
	}
	a->look_at = slot;
	if (list->n > 0)
		loop_arm(a->loop, t, next);
}

/* An answer as it comes in. */
struct answer {
	uint32_t slot, number;
	bool has_instance, has_action, has_error;
	bool overloaded; /* not all was looked up */
	bool host_only;  /* it is not for others of the /64 */
	struct verdict verdict;
};

static int
parse_hex(const char *s, size_t len, uint32_t *ret)
{
	uint32_t n = 0;

	if (len == 0 || len > 8)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = memchr(digits, s[i], 16);

		if (digit == NULL)
			return -EINVAL;
		n = n << 4 | (uint32_t)(digit - digits);
	}
	*ret = n;
	return 0;
}

static int
parse_instance(const struct attr *attr, struct answer *answer)
{
	const char *dot = memchr(attr->value, '.', attr->value_len);
	size_t len = dot != NULL ? (size_t)(dot - attr->value) : 0;

	if (dot == NULL || parse_hex(attr->value, len, &answer->slot) < 0 ||
	    parse_hex(dot + 1, attr->value_len - len - 1, &answer->number) < 0)
		return -EBADMSG;
	answer->has_instance = true;
	return 0;
}

static int
parse_action(const struct attr *attr, struct answer *answer)
{
	for (int i = 0; i < LANE_COUNT; i++) {
		const char *name = lane_name((enum lane)i);

		if (strlen(name) == attr->value_len &&
		    memcmp(name, attr->value, attr->value_len) == 0) {
			answer->verdict.lane = (enum lane)i;
			answer->has_action = true;
			return 0;
		}
	}
	return -EBADMSG;
}

/* What a record may show: printable ASCII, cut at the room there is. */
static int
parse_reason(const struct attr *attr, struct answer *answer)
{
	struct verdict *v = &answer->verdict;

	v->reason_len =
	    attr->value_len < REASON_SIZE ? attr->value_len : REASON_SIZE - 1;
	for (size_t i = 0; i < v->reason_len; i++) {
		char c = attr->value[i];

		v->reason[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	v->reason[v->reason_len] = '\0';
	return 0;
}

static int
parse_country(const struct attr *attr, struct answer *answer)
{
	char *country = answer->verdict.country;

	if (attr->value_len == 0)
		return 0;
	if (attr->value_len != 2 ||
	    country_index((const char[2]){ attr->value[0], attr->value[1] }) <
		0)
		return -EBADMSG;
	memcpy(country, attr->value, 2);
	country[2] = '\0';
	return 0;
}

static int
parse_number(const struct attr *attr, int64_t min, int64_t max, int64_t *ret)
{
	/* Unknown is empty. */
	*ret = 0;
	if (attr->value_len == 0)
		return 0;
	return attr_int(attr, min, max, ret);
}

static int
parse_attr(const struct attr *attr, struct answer *answer)
{
	struct verdict *v = &answer->verdict;
	int64_t n = 0;
	int r = 0;

	if (attr_is(attr, "instance"))
		return parse_instance(attr, answer);
	if (attr_is(attr, "action"))
		return parse_action(attr, answer);
	if (attr_is(attr, "reason"))
		return parse_reason(attr, answer);
	if (attr_is(attr, "country"))
		return parse_country(attr, answer);
	if (attr_is(attr, "score")) {
		r = parse_number(attr, -SCORE_MAX, SCORE_MAX, &n);
		v->score = (int32_t)n;
	} else if (attr_is(attr, "rate")) {
		r = parse_number(attr, 0, 1000000, &n);
		v->rate = (uint32_t)n;
	} else if (attr_is(attr, "patience")) {
		r = parse_number(attr, 0, 86400, &n);
		v->patience = (uint32_t)n;
	} else if (attr_is(attr, "asn")) {
		r = parse_number(attr, 0, UINT32_MAX, &n);
		v->asn = (uint32_t)n;
	} else if (attr_is(attr, "ttl")) {
		r = parse_number(attr, 0, 86400, &n);
		v->ttl = (uint32_t)n;
	} else if (attr_is(attr, "prefix")) {
		r = parse_number(attr, 0, 128, &n);
		answer->host_only = n > 64;
	} else if (attr_is(attr, "overloaded")) {
		answer->overloaded =
		    attr->value_len == 3 && memcmp(attr->value, "yes", 3) == 0;
	} else if (attr_is(attr, "error")) {
		answer->has_error = true;
	}
	return r;
}

static int
parse_answer(const char *pos, const char *end, struct answer *answer)
{
	struct attr attr;
	int r, bad = 0;

	while ((r = attrs_next(&pos, end, &attr)) > 0)
		if (parse_attr(&attr, answer) < 0)
			bad = -EBADMSG;
	if (r < 0)
		return r;
	return bad;
}

static void
note_garbage(struct ask *a, const char *what, uint64_t now)
{
	a->garbage++;
	if (!journal_is_due(&a->next_garbage, now))
		return;
	journal_event(a->journal, EVENT_POLICY_GARBAGE,
	    "the policy service at %s sent %s", a->path, what);
}

/* The session that the answer is for, or NULL if it is over. */
static struct session *
find_session(const struct ask *a, const struct answer *answer)
{
	struct session *s;

	if (answer->slot == POOL_NONE || answer->slot > a->pool->high)
		return NULL;
	s = &a->pool->session[answer->slot];
	if (s->state == SESSION_FREE || s->state == SESSION_CLOSED ||
	    s->number != answer->number)
		return NULL;
	return s;
}

/* One message.  An answer that makes no sense is none: the session it names
 * gets the default.  A late one is ignored by whom it names. */
static void
take_answer(struct ask *a, const char *data, size_t len, uint64_t now)
{
	struct answer answer = { 0 };
	int r = parse_answer(data, data + len, &answer);
	struct session *s;

	if (r < 0)
		note_garbage(a, "an answer that cannot be read", now);
	else if (!answer.has_instance)
		note_garbage(a, "an answer without an instance", now);
	else if (answer.has_error || !answer.has_action)
		note_garbage(a, "an answer without an action", now);
	if (!answer.has_instance)
		return;
	s = find_session(a, &answer);
	if (s == NULL)
		return;
	if (r < 0 || answer.has_error || !answer.has_action) {
		if (s->state == SESSION_ASKING)
			share_answer(a, s, NULL, false, now);
		return;
	}
	a->answered++;
	a->last_heard = now;
	a->backoff = BACKOFF_FIRST;
	set_healthy(a, true, NULL);
	if (answer.overloaded)
		note_overload(a, now, "it answers without the DNS");
	if (s->state == SESSION_ASKING)
		share_answer(a, s, &answer.verdict, answer.host_only, now);
	else
		a->on_answer(a->arg, s, &answer.verdict, now);
}

/* All complete messages that have come, or those of a slice: a hundred fit into
 * the buffer, and each lets up to 65 sessions go on.  False if the stream is
 * beyond reading. */
static bool
take_answers(struct ask *a, uint64_t now)
{
	struct slice slice = slice_begin(LOOP_SLICE);
	size_t len;
	int r;

	while ((r = attrs_find_end(
		    linebuf_data(&a->in), linebuf_len(&a->in), &len)) == 0) {
		take_answer(a, linebuf_data(&a->in), len, now);
		linebuf_consume(&a->in, len);
		if (slice_is_over(&slice)) {
			loop_arm(a->loop, &a->more, now);
			return true;
		}
	}
	if (r == -EAGAIN)
		return true;
	note_garbage(a, "a message without an end", now);
	return false;
}

static void
on_more(struct timer *t, uint64_t now)
{
	struct ask *a = CONTAINER_OF(t, struct ask, more);

	if (!take_answers(a, now))
		lose_connection(a);
}

static void
on_service_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct ask *a = CONTAINER_OF(io, struct ask, io);
	ssize_t n;

	if ((events & EPOLLOUT) != 0)
		ask_flush(a);
	if (io->fd < 0 || (events & (uint32_t)~EPOLLOUT) == 0 ||
	    timer_is_armed(&a->more))
		return;
	n = linebuf_fill(&a->in, io->fd);
	if (n == -EAGAIN)
		return;
	if (n <= 0 || !take_answers(a, now))
		lose_connection(a);
}

void
ask_set_path(struct ask *a, const char *path)
{
	bool same = strcmp(a->path, path) == 0;

	a->path = path;
	if (!same)
		lose_connection(a);
}
