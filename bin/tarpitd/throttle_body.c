/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bin/common/clock.h"
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/sockbuf.h"
#include "bin/tarpitd/throttle_internal.h"

/* Read at a time; as many of them as a slice lasts: 300 KB. */
enum { CHUNK = 16384 };

/* Msec that a chunk has at least, whatever those before it took. */
enum { CHUNK_TIME = 10000 };

static const char over_part[] =
    "452 4.3.1 Error: too many messages of yours at a time\r\n";
static const char too_large[] = "552 5.3.4 Message size exceeds our limit\r\n";

/* Why there is no room, for the operator. */
static const char *
describe_full(const struct dispatcher *d, int error)
{
	if (error == -EDQUOT)
		return "has its part of SpoolMax=";
	if (error == -ECANCELED)
		return "gives way to others";
	if (error == -ENOSPC && spool_is_full(&d->spool, CHUNK))
		return d->spool.total_max < d->config->spool_max
		    ? "a quarter of the memory there is is used up"
		    : "SpoolMax= is used up";
	return strerror(-error);
}

/* The client hears 452, and the operator who can help it this.  What one client
 * has done hides nothing that concerns all. */
static void
tell_full(struct dispatcher *d, const struct session *s, int error)
{
	const struct spool_store *store = &d->spool;
	bool its_own = error == -EDQUOT || error == -ECANCELED;
	uint64_t *next = its_own ? &d->next_spool_part : &d->next_spool_full;
	const char *where =
	    store->directory != NULL ? store->directory : "memory";
	char client[ADDRESS_TEXT];
	struct record record;

	d->n_spool_full += !its_own;
	if (!journal_is_due(next, loop_now(d->loop)))
		return;
	address_print(&s->client, client);
	record_begin(&record, EVENT_SPOOL_FULL,
	    "no room for a message in %s: %s%s%s; clients are told 452 4.3.1",
	    where, its_own ? client : "", its_own ? " " : "",
	    describe_full(d, error));
	record_field(&record, "TARPIT_FILE", "%s", where);
	record_field(&record, "TARPIT_SPOOLED", "%" PRIu64, spool_used(store));
	record_field(&record, "TARPIT_CLIENT", "%s", client);
	journal_send(d->journal, &record);
}

void
throttle_drop_body(struct dispatcher *d, struct throttle *t)
{
	struct throttle_message *m = t->message;

	if (m == NULL)
		return;
	room_give_back(&d->room, &m->room);
	spool_drop(&d->spool, &m->spool);
	free(m);
	t->message = NULL;
}

void
throttle_expel(struct room_message *message, void *dispatcher)
{
	struct throttle *t =
	    CONTAINER_OF(message, struct throttle_message, room)->of;
	struct dispatcher *d = dispatcher;

	t->flags |= THROTTLE_NO_SPACE;
	tell_full(d, &d->pool.session[t - d->throttle], -ECANCELED);
	throttle_drop_body(d, t);
}

static enum session_state
begin_body(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	uint32_t msec = dispatcher_msec(d, now);

	if ((t->flags & THROTTLE_IN_BODY) != 0)
		return SESSION_T_BODY;
	t->flags |= THROTTLE_IN_BODY;
	/* Wide enough for a line is not wide. */
	t->flags &= (uint16_t)~THROTTLE_WIDE;
	t->body_from = t->body_until = msec;
	t->body_taken = 0;
	if (!throttle_is_free(t, s))
		t->body_until += (uint32_t)smaller(
		    t->delay_left, d->config->max_body_delay / USEC_PER_MSEC);
	return SESSION_T_BODY;
}

static void
widen(struct throttle *t, const struct session *s)
{
	if ((t->flags & THROTTLE_WIDE) != 0)
		return;
	sockbuf_restore(s->fd);
	t->flags |= THROTTLE_WIDE;
}

enum session_state
throttle_run_data(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	if (room_is_used_up(&d->room, &s->client)) {
		d->room.refused++;
		tell_full(d, s, -EDQUOT);
		throttle_end_transaction(d, t, false);
		return throttle_say(d, s, over_part, now);
	}
	body_begin(&t->body);
	if (throttle_is_free(t, s))
		widen(t, s);
	return throttle_say_n(
	    d, s, step->reply, strlen(step->reply), SESSION_T_BODY, now);
}

/* The message as a whole, which the client waits to hear about. */
static enum session_state
hand_over(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	/* What the client itself took longer is not our doing. */
	throttle_spend(t,
	    smaller(t->body_until - t->body_from,
		dispatcher_msec(d, now) - t->body_from));
	if ((t->flags & THROTTLE_WIDE) != 0 && !throttle_is_free(t, s)) {
		sockbuf_shrink(s->fd);
		t->flags &= (uint16_t)~THROTTLE_WIDE;
	}
	if (t->message != NULL)
		t->message->room.complete = true;
	return throttle_ask_mta(d, s, now);
}

/* BareNewline=reject is the operator's word, and for good.  A bare CR or a NUL is
 * what we cannot pass on; the MTA may take it in another session. */
static const char *
why_bad(const struct dispatcher *d, const struct body *b)
{
	bool reject = d->config->bare_newline == BARE_NEWLINE_REJECT;

	if (b->bare_lf && reject)
		return "550 5.5.2 Error: bare <LF> received\r\n";
	if (b->bad)
		return reject
		    ? "550 5.5.2 Error: bare <CR> or NUL received\r\n"
		    : "451 4.5.2 Error: bare <CR> or NUL received\r\n";
	return NULL;
}

/* Why the message cannot be taken, or NULL. */
static const char *
why_not(const struct dispatcher *d, const struct throttle *t)
{
	const char *why = why_bad(d, &t->body);

	if (t->refusal != NULL)
		return t->refusal;
	if (why != NULL)
		return why;
	if ((t->flags & THROTTLE_TOO_LARGE) != 0)
		return too_large;
	if ((t->flags & THROTTLE_NO_ROOM) != 0)
		return esmtp_no_room;
	if ((t->flags & THROTTLE_OVER_PART) != 0)
		return over_part;
	if ((t->flags & THROTTLE_NO_SPACE) != 0)
		return "452 4.3.1 Error: insufficient system storage\r\n";
	return NULL;
}

/* ---- how long a body may take ----
 *
 * Who sends hardly anything keeps a place, so a byte does not buy as much time as
 * silence may take, but 1/MinBodyRate= seconds; and no more than that time is
 * saved up.  While we slow it the client is not to blame. */

/* A chunk has what those before it have left. */
static void
begin_time(const struct dispatcher *d, const struct throttle *t,
    struct session *s, uint64_t now)
{
	uint64_t rate = (uint64_t)d->config->min_body_rate;
	uint64_t left = d->config->command_timeout / USEC_PER_MSEC;
	uint64_t least = smaller(left, CHUNK_TIME), paid = 0, late = 0;
	int32_t since = (int32_t)(dispatcher_msec(d, now) - t->body_until);

	if (rate != 0)
		paid = t->body_taken * UINT64_C(1000) / rate;
	if (rate != 0 && since > 0 && (uint64_t)since > paid)
		late = (uint64_t)since - paid;
	left = late + least < left ? left - late : least;
	s->deadline = dispatcher_msec(d, now) + (uint32_t)left;
}

/* N bytes have come.  What is thrown away buys nothing. */
static void
give_time(const struct dispatcher *d, const struct throttle *t,
    struct session *s, size_t n, uint64_t now)
{
	uint64_t rate = (uint64_t)d->config->min_body_rate;
	uint32_t full = session_timeout(d, now);

	if (why_not(d, t) != NULL)
		return;
	if (rate != 0 && (int32_t)(dispatcher_msec(d, now) - t->body_until) > 0)
		s->deadline += (uint32_t)smaller(
		    n * UINT64_C(1000) / rate, full - s->deadline);
	else
		s->deadline = full;
}

/* It hears what is wrong with its message if that is known already. */
static enum session_state
end_late(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	const char *why = why_not(d, t);

	t->flags |= THROTTLE_TOO_SLOW;
	d->n_too_slow++;
	if (why == NULL)
		return throttle_keep_waiting(d, s, now); /* no longer */
	s->flags |= SESSION_CLOSE_AFTER;
	return throttle_say(d, s, why, now);
}

enum session_state
throttle_run_chunk(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool first = (t->flags & THROTTLE_IN_BODY) == 0;

	body_begin_chunk(&t->body, step->chunk, first);
	t->refusal = step->reply;
	t->flags &= (uint16_t)~THROTTLE_LAST;
	if (step->last)
		t->flags |= THROTTLE_LAST;
	(void)begin_body(d, s, now);
	begin_time(d, t, s, now);
	return SESSION_T_BODY;
}

/* So much that the MTA would say so, too, however it counts: what is just over
 * its limit is left to its own words. */
static bool
is_too_large(const struct esmtp_limits *limits, uint64_t size)
{
	return limits->size != 0 && size > limits->size + limits->size / 8;
}

/* The message, which begins here if nothing of it has been stored yet. */
static struct throttle_message *
message_of(struct throttle *t)
{
	if (t->message != NULL)
		return t->message;
	t->message = calloc(1, sizeof(*t->message));
	if (t->message == NULL)
		return NULL;
	t->message->of = t;
	t->message->room.since = t->body_until;
	return t->message;
}

/* Others may give way to it, or it has no place among them.  SpoolDirectory= may
 * be smaller than SpoolMax=, and have no room while that has. */
static int
take(
    struct dispatcher *d, const struct session *s, const char *data, size_t len)
{
	uint32_t msec = dispatcher_msec(d, loop_now(d->loop));
	struct throttle_message *m;
	int r;

	if (len == 0)
		return 0;
	m = message_of(throttle_of(d, s));
	if (m == NULL)
		return -ENOMEM;
	r = room_take(&d->room, &m->room, &s->client, len, msec);
	if (r < 0)
		return r;
	do
		r = spool_append(&d->spool, &m->spool, data, len);
	while (r == -ENOSPC && room_make_way(&d->room, &m->room, msec));
	return r;
}

/* Stores what is worth it: a message that will be refused is only read. */
static void
store(
    struct dispatcher *d, const struct session *s, const char *data, size_t len)
{
	struct throttle *t = throttle_of(d, s);
	struct esmtp_limits limits = throttle_limits(d, s);
	uint64_t size = len + (t->message != NULL ? t->message->spool.size : 0);
	int r = 0;

	if (why_not(d, t) == NULL) {
		if (is_too_large(&limits, size))
			t->flags |= THROTTLE_TOO_LARGE;
		else if (size > limits.room)
			t->flags |= THROTTLE_NO_ROOM;
		else
			r = take(d, s, data, len);
	}
	if (r < 0) {
		t->flags |=
		    r == -EDQUOT ? THROTTLE_OVER_PART : THROTTLE_NO_SPACE;
		tell_full(d, s, r);
	}
	if (why_not(d, t) != NULL)
		throttle_drop_body(d, t);
}

/* The message: for good, or because there is no room for it now. */
static enum session_state
refuse(
    struct dispatcher *d, struct session *s, const char *refusal, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool full = (t->flags & THROTTLE_NO_SPACE) != 0;
	bool is_error = refusal[0] == '5' || t->body.bad;

	throttle_end_transaction(d, t, false);
	if (full)
		t->flags |= THROTTLE_FAILED;
	if (is_error && esmtp_note_error(&t->esmtp, ESMTP_ERROR))
		return throttle_cut(d, s, esmtp_too_many_errors, now);
	return throttle_say(d, s, refusal, now);
}

static enum session_state
end_body(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool counted = t->body.counted;
	const char *refusal;
	char rest[2];
	size_t n;

	s->in_from = dispatcher_msec(d, now);
	if (counted && (t->flags & THROTTLE_LAST) != 0 && t->refusal == NULL) {
		n = body_finish(&t->body, rest);
		store(d, s, rest, n);
	}
	refusal = why_not(d, t);
	if (refusal != NULL)
		return refuse(d, s, refusal, now);
	if (counted && (t->flags & THROTTLE_LAST) == 0)
		return throttle_say(d, s, "250 2.0.0 Ok\r\n", now);
	return hand_over(d, s, now);
}

/* How much may be read: while the body is slowed what the rate allows, then
 * as much as there is. */
static size_t
body_allowance(
    struct dispatcher *d, struct throttle *t, struct session *s, uint32_t msec)
{
	size_t allowed = lane_allowance(s->rate, msec - t->body_from);

	if ((int32_t)(t->body_until - msec) > 0)
		return allowed > t->body_taken ? allowed - t->body_taken : 0;
	/* The time is used up, not the client's to wait for more. */
	widen(t, s);
	throttle_watch(d, t, s);
	return CHUNK;
}

/* Whoever goes on and on after too large a message, or a chunk that is thrown
 * away, is not worth reading. */
static bool
is_endless(const struct dispatcher *d, const struct throttle *t)
{
	return t->body_taken > d->config->max_message_size + THROTTLE_SKIP_MAX;
}

/* All that has come is read.  At full speed the client is not to wait for the
 * kernel to acknowledge it. */
static enum session_state
wait_for_more(struct dispatcher *d, struct session *s, uint64_t now)
{
	const struct throttle *t = throttle_of(d, s);

	if ((t->flags & THROTTLE_WIDE) != 0)
		sockbuf_acknowledge(s->fd);
	if (session_is_due(d, s, now) &&
	    (t->body_taken > 0 || why_not(d, t) != NULL))
		return end_late(d, s, now);
	return throttle_keep_waiting(d, s, now);
}

enum session_state
throttle_visit_body(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	UNINITIALIZED char in[CHUNK];
	UNINITIALIZED char out[BODY_ROOM(CHUNK)];
	size_t allowed, used, len;
	bool ended = t->body.counted && t->body.left == 0;
	struct slice slice = slice_begin(LOOP_SLICE);

	(void)begin_body(d, s, now);
	while (!ended && !slice_is_over(&slice)) {
		ssize_t n;

		allowed = body_allowance(d, t, s, dispatcher_msec(d, now));
		if (allowed == 0)
			return SESSION_T_BODY;
		n = drip_peek(s, in, smaller(allowed, sizeof(in)));
		if (n < 0)
			return throttle_leave(t, s);
		if (n == 0)
			return wait_for_more(d, s, now);
		ended = body_feed(&t->body, in, (size_t)n, &used, out, &len);
		drip_take(s, used);
		t->body_taken += (uint32_t)used;
		store(d, s, out, len);
		give_time(d, t, s, used, now);
		if (is_endless(d, t)) {
			s->flags |= SESSION_CLOSE_AFTER;
			return throttle_say(d, s,
			    why_not(d, t) != NULL ? why_not(d, t)
						  : esmtp_no_room,
			    now);
		}
	}
	if (ended)
		return end_body(d, s, now);
	if (session_is_due(d, s, now))
		return end_late(d, s, now);
	throttle_come_again(d, t);
	return SESSION_T_BODY;
}
