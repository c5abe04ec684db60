/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/throttle.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/sockbuf.h"
#include "bin/tarpitd/words.h"

enum {
	CHUNK = 16384,
	/* A megabyte at a time, then the others have their turn. */
	CHUNKS_PER_VISIT = 64,
	/* Of a line too long; no program sends such a thing by mistake. */
	SKIP_MAX = 65536,
	/* Good recipients make a session faster up to this, refused ones
	 * slower down to that; bytes per second. */
	FASTEST = 1000,
	SLOWEST = 5,
};

static const char no_mta[] =
    "451 4.3.0 Error: mail system is busy, try again later\r\n";
static const char too_large[] = "552 5.3.4 Message size exceeds our limit\r\n";

static struct throttle *
throttle_of(const struct dispatcher *d, const struct session *s)
{
	return &d->throttle[pool_slot(&d->pool, s)];
}

const struct throttle *
throttle_find(const struct dispatcher *d, const struct session *s)
{
	const struct throttle *t = throttle_of(d, s);

	return s->lane == LANE_THROTTLE && t->d != NULL ? t : NULL;
}

/* ---- pace ---- */

/* At full speed, because nothing else was asked for or because it has been
 * slowed for long enough. */
static bool
is_free(const struct throttle *t, const struct session *s)
{
	return s->rate == 0 || t->delay_left == 0;
}

static void
spend(struct throttle *t, uint64_t msec)
{
	t->delay_left -= msec < t->delay_left ? (uint32_t)msec : t->delay_left;
	if (t->delay_left == 0)
		t->flags |= THROTTLE_PATIENT;
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How long LEN bytes are to take, if they may take LIMIT msec. */
static uint64_t
delay_of(const struct throttle *t, const struct session *s, size_t len,
    uint64_t limit)
{
	if (is_free(t, s))
		return 0;
	return smaller(
	    smaller(lane_duration(s->rate, len), limit), t->delay_left);
}

static void
count(uint16_t *n)
{
	if (*n < UINT16_MAX)
		++*n;
}

/* What a client does speaks for it or against it. */
static void
note_recipient(struct throttle *t, struct session *s, bool accepted)
{
	uint32_t rate = s->rate;

	esmtp_note_recipient(&t->esmtp, accepted);
	if (accepted) {
		count(&t->good);
		count(&s->recipients);
		if (rate != 0 && rate < FASTEST)
			s->rate = rate * 2 < FASTEST ? rate * 2 : FASTEST;
		return;
	}
	count(&t->bad);
	if (rate > SLOWEST)
		s->rate = rate / 2 > SLOWEST ? rate / 2 : SLOWEST;
}

/* ---- the loop, for sessions at full speed ---- */

static void
on_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct throttle *t = CONTAINER_OF(io, struct throttle, io);
	struct dispatcher *d = t->d;

	(void)events;
	session_visit(d, &d->pool.session[t - d->throttle], now);
}

/* Edge-triggered: each state looks for itself when it begins, so one
 * registration serves them all. */
enum { WATCHED_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP };

static void
watch(struct dispatcher *d, struct throttle *t, struct session *s)
{
	if ((t->flags & THROTTLE_WATCHED) != 0)
		return;
	t->io = (struct loop_io){ .fd = s->fd, .on_event = on_ready };
	/* Without it the sweep's visits have to do. */
	if (loop_add(d->loop, &t->io, WATCHED_EVENTS | EPOLLET) == 0)
		t->flags |= THROTTLE_WATCHED;
}

/* There is more than one visit may do: an edge of our own. */
static void
come_again(struct dispatcher *d, struct throttle *t)
{
	if ((t->flags & THROTTLE_WATCHED) == 0 ||
	    loop_modify(d->loop, &t->io, WATCHED_EVENTS | EPOLLET) == 0)
		return;
	loop_remove(d->loop, &t->io);
	t->flags &= (uint8_t)~THROTTLE_WATCHED;
}

/* ---- saying something ---- */

static enum session_state
end(struct session *s, enum outcome otherwise)
{
	s->outcome = (uint8_t)otherwise;
	return SESSION_CLOSED;
}

/* How it ends when the client leaves. */
static enum session_state
leave(const struct throttle *t, struct session *s)
{
	if (t->messages > 0)
		return end(s, OUTCOME_DELIVERED);
	if ((t->flags & THROTTLE_FAILED) != 0)
		return end(s, OUTCOME_FAILED);
	if ((s->flags & SESSION_REFUSED) != 0)
		return end(s, OUTCOME_REFUSED);
	return end(s, OUTCOME_ABANDONED);
}

/* Begins a reply that may take LIMIT msec, and goes on with NEXT. */
static enum session_state
say_within(struct dispatcher *d, struct session *s, const char *text,
    size_t len, uint64_t limit, enum session_state next, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	uint64_t msec = delay_of(t, s, len, limit);

	t->out = intern_put(&d->strings, text, len);
	if (t->out == INTERN_NONE)
		return end(s, OUTCOME_FAILED);
	t->out_rate = msec > 0 ? (uint32_t)((len * 1000 + msec - 1) / msec) : 0;
	spend(t, msec);
	t->next = (uint8_t)next;
	s->out_len = (uint16_t)len;
	s->out_sent = 0;
	s->out_from = dispatcher_msec(d, now);
	s->deadline = session_timeout(d, now + msec * USEC_PER_MSEC);
	return SESSION_T_SENDING;
}

/* A reply within what is left of MaxReplyTime= since the client began to wait
 * for it. */
static enum session_state
say_n(struct dispatcher *d, struct session *s, const char *text, size_t len,
    enum session_state next, uint64_t now)
{
	uint64_t limit = d->config->max_reply_time / USEC_PER_MSEC;
	uint32_t waited = dispatcher_msec(d, now) - s->in_from;

	return say_within(
	    d, s, text, len, waited < limit ? limit - waited : 0, next, now);
}

static enum session_state
say(struct dispatcher *d, struct session *s, const char *text, uint64_t now)
{
	return say_n(d, s, text, strlen(text), SESSION_T_COMMAND, now);
}

static enum session_state
say_last(struct dispatcher *d, struct session *s, enum smtp_reply reply,
    uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];

	s->flags |= SESSION_CLOSE_AFTER;
	s->in_from = dispatcher_msec(d, now);
	return say_n(d, s, texts->reply[reply].text, texts->reply[reply].len,
	    SESSION_T_COMMAND, now);
}

size_t
throttle_rest_of_line(
    const struct dispatcher *d, const struct session *s, char *buf, size_t size)
{
	const struct throttle *t = throttle_of(d, s);
	size_t len, left;
	const char *text = intern_get(&d->strings, t->out, &len);
	const char *lf;

	/* One that is not slowed may be the MTA's word on a message: it goes
	 * out as a whole. */
	if (s->out_sent >= len || (s->out_sent == 0 && t->out_rate != 0))
		return 0;
	left = len - s->out_sent;
	text += s->out_sent;
	lf = memchr(text, '\n', left);
	if (t->out_rate != 0 && text[-1] == '\n')
		return 0;
	if (t->out_rate != 0 && lf != NULL)
		left = (size_t)(lf + 1 - text);
	if (left > size)
		return 0;
	memcpy(buf, text, left);
	return left;
}

enum session_state
throttle_visit_sending(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	size_t len;
	const char *text = intern_get(&d->strings, t->out, &len);

	if (is_free(t, s))
		watch(d, t, s);
	if (drip_text(s, text, t->out_rate, dispatcher_msec(d, now)) < 0)
		return leave(t, s);
	if (s->out_sent < s->out_len)
		return session_is_due(d, s, now) ? leave(t, s)
						 : SESSION_T_SENDING;
	intern_release(&d->strings, t->out);
	t->out = INTERN_NONE;
	if ((s->flags & SESSION_CLOSE_AFTER) != 0)
		return leave(t, s);
	s->flags &= (uint8_t)~SESSION_INPUT;
	s->deadline = session_timeout(d, now);
	return (enum session_state)t->next;
}

/* ---- the transaction ---- */

static void
release(struct dispatcher *d, uint32_t *number)
{
	intern_release(&d->strings, *number);
	*number = INTERN_NONE;
}

static void
forget_transaction(struct dispatcher *d, struct throttle *t)
{
	release(d, &t->sender);
	release(d, &t->recipients);
	release(d, &t->candidate);
	spool_drop(&d->spool, &t->spool);
	t->refusal = NULL;
	t->flags &= (uint8_t) ~(THROTTLE_IN_BODY | THROTTLE_LAST |
	    THROTTLE_TOO_LARGE | THROTTLE_NO_SPACE);
}

static void
end_transaction(struct dispatcher *d, struct throttle *t, bool taken)
{
	esmtp_end_transaction(&t->esmtp, taken);
	forget_transaction(d, t);
}

/* LIST, a string and its NUL, interned. */
static uint32_t
join(struct dispatcher *d, uint32_t list, const char *string, size_t len)
{
	char joined[INTERN_SIZE_MAX];
	size_t old_len;
	const char *old = intern_get(&d->strings, list, &old_len);

	if (old_len + len + 1 > sizeof(joined))
		return INTERN_NONE;
	if (old_len > 0)
		memcpy(joined, old, old_len);
	memcpy(joined + old_len, string, len);
	joined[old_len + len] = '\0';
	return intern_put(&d->strings, joined, old_len + len + 1);
}

/* What this client may be offered: what both we and the MTA do.  We turn
 * chunks into DATA and answer commands in order, however they come. */
static struct esmtp_limits
limits_of(const struct dispatcher *d)
{
	const struct esmtp_limits *mta = &d->mux.offers;
	struct esmtp_limits limits = { .size = d->config->max_message_size,
		.recipients = (uint32_t)d->config->max_recipients };

	if (mta->size != 0 && mta->size < limits.size)
		limits.size = mta->size;
	limits.offers = ESMTP_SIZE | ESMTP_CHUNKING | ESMTP_PIPELINING;
	limits.offers |= mta->offers &
	    (ESMTP_8BITMIME | ESMTP_ENHANCED | ESMTP_UTF8 | ESMTP_DSN);
	return limits;
}

static enum session_state
say_hello(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	struct esmtp_limits limits = limits_of(d);
	char text[1024];
	size_t len;

	forget_transaction(d, t);
	words_remember(&d->strings, &s->words, step->argument,
	    step->argument_len, NULL, 0);
	len = esmtp_print_hello(
	    &t->esmtp, &limits, d->config->host_name, text, sizeof(text));
	return say_n(d, s, text, len, SESSION_T_COMMAND, now);
}

/* The MTA is asked; the answer comes to throttle_answer(). */
static enum session_state
ask_mta(struct dispatcher *d, struct session *s, uint64_t now)
{
	s->deadline = dispatcher_msec(d, now + d->config->backend_timeout);
	mux_ask(&d->mux, pool_slot(&d->pool, s), now);
	return SESSION_T_WAITING;
}

static enum session_state
remember_sender(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	words_remember(
	    &d->strings, &s->words, NULL, 0, step->argument, step->path_len);
	t->sender = join(d, INTERN_NONE, step->argument, step->argument_len);
	if (t->sender == INTERN_NONE)
		return end(s, OUTCOME_FAILED);
	return say(d, s, step->reply, now);
}

static enum session_state
ask_recipient(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	size_t len;

	(void)intern_get(&d->strings, t->recipients, &len);
	if (len + step->argument_len + 1 > INTERN_SIZE_MAX)
		return say(
		    d, s, "452 4.5.3 Error: too many recipients\r\n", now);
	t->candidate = join(d, INTERN_NONE, step->argument, step->argument_len);
	if (t->candidate == INTERN_NONE)
		return end(s, OUTCOME_FAILED);
	return ask_mta(d, s, now);
}

void
throttle_describe(void *dispatcher, uint32_t slot, struct transaction *ret)
{
	const struct dispatcher *d = dispatcher;
	const struct session *s = &d->pool.session[slot];
	const struct throttle *t = &d->throttle[slot];
	bool asks = t->candidate != INTERN_NONE;
	size_t len;

	ret->client = s->client;
	ret->port = s->port;
	ret->esmtp = (t->esmtp.memory & ESMTP_SAID_EHLO) != 0;
	ret->helo = intern_get(&d->strings, s->words, &len);
	ret->sender = intern_get(&d->strings, t->sender, &len);
	ret->recipients = intern_get(&d->strings,
	    asks ? t->candidate : t->recipients, &ret->recipients_len);
	ret->body = asks ? NULL : &t->spool;
}

/* A closed or half-closed connection will not bring the answer to anybody who
 * could take it for one. */
bool
throttle_is_there(void *dispatcher, uint32_t slot)
{
	const struct dispatcher *d = dispatcher;
	struct pollfd p = { .fd = d->pool.session[slot].fd,
		.events = POLLRDHUP };

	return poll(&p, 1, 0) == 0;
}

/* ---- the MTA's answers ---- */

static enum session_state
say_failure(struct dispatcher *d, struct session *s, uint64_t now)
{
	throttle_of(d, s)->flags |= THROTTLE_FAILED;
	return say(d, s, no_mta, now);
}

static enum session_state
answer_recipient(struct dispatcher *d, struct session *s, bool said,
    const char *reply, size_t len, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool accepted = said && reply[0] == '2';
	const char *candidate;
	uint32_t more;
	size_t n;

	if (accepted) {
		candidate = intern_get(&d->strings, t->candidate, &n);
		more = join(d, t->recipients, candidate, n - 1);
		if (more == INTERN_NONE)
			return end(s, OUTCOME_FAILED);
		intern_release(&d->strings, t->recipients);
		t->recipients = more;
	}
	release(d, &t->candidate);
	if (!said)
		return say_failure(d, s, now);
	/* Only a refusal for good speaks against the client. */
	if (accepted || reply[0] == '5')
		note_recipient(t, s, accepted);
	else
		esmtp_note_recipient(&t->esmtp, false);
	if (!accepted)
		s->flags |= SESSION_REFUSED;
	return say_n(d, s, reply, len, SESSION_T_COMMAND, now);
}

/* The answer to the end of the message is the one that must not be slow: who
 * leaves before it has come sends the message again.  Its friction was before
 * the dot went to the MTA. */
static enum session_state
answer_message(struct dispatcher *d, struct session *s, bool said,
    const char *reply, size_t len, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool taken = said && reply[0] == '2';

	end_transaction(d, t, taken);
	if (taken) {
		count(&t->messages);
		if (!throttle_is_there(d, pool_slot(&d->pool, s)))
			count(&t->unheard);
	}
	if (!said) {
		t->flags |= THROTTLE_FAILED;
		reply = no_mta;
		len = strlen(no_mta);
	}
	return say_within(d, s, reply, len, 0, SESSION_T_COMMAND, now);
}

void
throttle_answer(void *dispatcher, uint32_t slot, enum mux_result result,
    const char *reply, size_t len, uint64_t now)
{
	struct dispatcher *d = dispatcher;
	struct session *s = &d->pool.session[slot];
	struct throttle *t = &d->throttle[slot];
	bool said = result == MUX_SAID;
	enum session_state next;

	assert(s->state == SESSION_T_WAITING);
	if (result == MUX_GONE)
		next = leave(t, s);
	else if (t->candidate != INTERN_NONE)
		next = answer_recipient(d, s, said, reply, len, now);
	else
		next = answer_message(d, s, said, reply, len, now);
	session_go_on(d, s, next, now);
}

/* It has to be there, and there has to be a connection in time. */
enum session_state
throttle_visit_waiting(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	uint32_t slot = pool_slot(&d->pool, s);

	if (mux_is_committed(&d->mux, slot))
		return SESSION_T_WAITING;
	if (!throttle_is_there(d, slot)) {
		mux_cancel(&d->mux, slot, now);
		return leave(t, s);
	}
	if (!mux_is_queued(&d->mux, slot) || !session_is_due(d, s, now))
		return SESSION_T_WAITING;
	mux_cancel(&d->mux, slot, now);
	if (t->candidate != INTERN_NONE)
		return answer_recipient(d, s, false, NULL, 0, now);
	return answer_message(d, s, false, NULL, 0, now);
}

/* ---- the body ---- */

static enum session_state
begin_body(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	uint32_t msec = dispatcher_msec(d, now);

	if ((t->flags & THROTTLE_IN_BODY) != 0)
		return SESSION_T_BODY;
	t->flags |= THROTTLE_IN_BODY;
	t->body_from = t->body_until = msec;
	t->body_taken = 0;
	if (!is_free(t, s))
		t->body_until += (uint32_t)smaller(
		    t->delay_left, d->config->max_body_delay / USEC_PER_MSEC);
	return SESSION_T_BODY;
}

static enum session_state
run_data(struct dispatcher *d, struct session *s, const struct esmtp_step *step,
    uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	body_begin(&t->body);
	return say_n(
	    d, s, step->reply, strlen(step->reply), SESSION_T_BODY, now);
}

static enum session_state
run_chunk(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool first = (t->flags & THROTTLE_IN_BODY) == 0;

	body_begin_chunk(&t->body, step->chunk, first);
	t->refusal = step->reply;
	t->flags &= (uint8_t)~THROTTLE_LAST;
	if (step->last)
		t->flags |= THROTTLE_LAST;
	s->deadline = session_timeout(d, now);
	return begin_body(d, s, now);
}

/* The message as a whole, which the client waits to hear about. */
static enum session_state
hand_over(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	/* What the client itself took longer is not our doing. */
	spend(t,
	    smaller(t->body_until - t->body_from,
		dispatcher_msec(d, now) - t->body_from));
	if ((t->flags & THROTTLE_WIDE) != 0 && !is_free(t, s)) {
		sockbuf_shrink(s->fd);
		t->flags &= (uint8_t)~THROTTLE_WIDE;
	}
	return ask_mta(d, s, now);
}

/* Why the message cannot be taken, or NULL. */
static const char *
why_not(const struct throttle *t)
{
	if (t->refusal != NULL)
		return t->refusal;
	if (t->body.bad)
		return "550 5.5.2 Error: line ends must be <CR><LF>, and no "
		       "NUL\r\n";
	if ((t->flags & THROTTLE_TOO_LARGE) != 0)
		return too_large;
	if ((t->flags & THROTTLE_NO_SPACE) != 0)
		return "452 4.3.1 Error: insufficient system storage\r\n";
	return NULL;
}

/* Stores what is worth it: a message that will be refused is only read. */
static void
store(struct dispatcher *d, struct throttle *t, const char *data, size_t len)
{
	struct esmtp_limits limits = limits_of(d);

	if (why_not(t) == NULL) {
		if (t->spool.size + len > limits.size)
			t->flags |= THROTTLE_TOO_LARGE;
		else if (spool_append(&d->spool, &t->spool, data, len) < 0)
			t->flags |= THROTTLE_NO_SPACE;
	}
	if (why_not(t) != NULL)
		spool_drop(&d->spool, &t->spool);
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
		store(d, t, rest, n);
	}
	refusal = why_not(t);
	if (refusal != NULL) {
		end_transaction(d, t, false);
		if (refusal[0] == '5' && esmtp_note_error(&t->esmtp)) {
			s->flags |= SESSION_CLOSE_AFTER;
			refusal = esmtp_too_many_errors;
		}
		return say(d, s, refusal, now);
	}
	if (counted && (t->flags & THROTTLE_LAST) == 0)
		return say(d, s, "250 2.0.0 Ok\r\n", now);
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
	if ((t->flags & THROTTLE_WIDE) == 0) {
		/* The time is used up, not the client's to wait for more. */
		sockbuf_restore(s->fd);
		t->flags |= THROTTLE_WIDE;
	}
	watch(d, t, s);
	return CHUNK;
}

static enum session_state
keep_waiting(struct dispatcher *d, struct session *s, uint64_t now)
{
	if (!session_is_due(d, s, now))
		return (enum session_state)s->state;
	return say_last(d, s, SMTP_TIMEOUT, now);
}

/* Whoever goes on and on after too large a message, or a chunk that is thrown
 * away, is not worth reading. */
static bool
is_endless(const struct dispatcher *d, const struct throttle *t)
{
	return t->body_taken > d->config->max_message_size + SKIP_MAX;
}

enum session_state
throttle_visit_body(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	char in[CHUNK], out[BODY_ROOM(CHUNK)];
	size_t allowed, used, len;
	bool ended = t->body.counted && t->body.left == 0;

	(void)begin_body(d, s, now);
	for (int i = 0; !ended && i < CHUNKS_PER_VISIT; i++) {
		ssize_t n;

		allowed = body_allowance(d, t, s, dispatcher_msec(d, now));
		if (allowed == 0)
			return SESSION_T_BODY;
		n = drip_peek(s, in, smaller(allowed, sizeof(in)));
		if (n < 0)
			return leave(t, s);
		if (n == 0)
			return keep_waiting(d, s, now);
		ended = body_feed(&t->body, in, (size_t)n, &used, out, &len);
		drip_take(s, used);
		t->body_taken += (uint32_t)used;
		store(d, t, out, len);
		s->deadline = session_timeout(d, now);
		if (is_endless(d, t)) {
			s->flags |= SESSION_CLOSE_AFTER;
			return say(d, s, too_large, now);
		}
	}
	if (ended)
		return end_body(d, s, now);
	come_again(d, t);
	return SESSION_T_BODY;
}

/* ---- commands ---- */

enum session_state
throttle_begin(struct dispatcher *d, struct session *s, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	struct throttle *t = throttle_of(d, s);
	uint32_t waited = dispatcher_msec(d, now) - s->accepted;
	uint64_t patience = d->config->max_patience / USEC_PER_MSEC;
	uint64_t delay = d->config->max_dialogue_delay / USEC_PER_MSEC;

	memset(t, 0, sizeof(*t));
	t->d = d;
	t->delay_left = waited < delay ? (uint32_t)(delay - waited) : 0;
	return say_within(d, s, texts->reply[SMTP_GREETING].text,
	    texts->reply[SMTP_GREETING].len,
	    waited < patience ? patience - waited : 0, SESSION_T_COMMAND, now);
}

void
throttle_end(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	if (s->lane != LANE_THROTTLE || t->d == NULL)
		return;
	mux_cancel(&d->mux, pool_slot(&d->pool, s), now);
	if ((t->flags & THROTTLE_WATCHED) != 0)
		loop_remove(d->loop, &t->io);
	forget_transaction(d, t);
	release(d, &t->out);
	t->d = NULL;
}

void
throttle_release(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	t->delay_left = 0;
	t->out_rate = 0;
	t->body_until = dispatcher_msec(d, now);
	session_visit(d, s, now);
}

static enum session_state
run_line(struct dispatcher *d, struct session *s, const char *line, size_t len,
    uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	struct esmtp_limits limits = limits_of(d);
	struct esmtp_step step = esmtp_line(&t->esmtp, &limits, line, len);

	switch (step.action) {
	case ESMTP_HELLO:
		return say_hello(d, s, &step, now);
	case ESMTP_MAIL:
		return remember_sender(d, s, &step, now);
	case ESMTP_RCPT:
		return ask_recipient(d, s, &step, now);
	case ESMTP_DATA:
		return run_data(d, s, &step, now);
	case ESMTP_BDAT:
		return run_chunk(d, s, &step, now);
	case ESMTP_FORGET:
		forget_transaction(d, t);
		break;
	case ESMTP_CLOSE:
		s->flags |= SESSION_CLOSE_AFTER;
		break;
	case ESMTP_SAY:
		break;
	}
	return say(d, s, step.reply, now);
}

/* Half of MaxReplyTime= is for the reply. */
static uint64_t
command_delay(const struct dispatcher *d, const struct throttle *t,
    const struct session *s, size_t len)
{
	return delay_of(
	    t, s, len, d->config->max_reply_time / USEC_PER_MSEC / 2);
}

enum session_state
throttle_visit_command(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	char line[ESMTP_LINE_MAX];
	uint32_t msec = dispatcher_msec(d, now);
	ssize_t n = drip_peek(s, line, sizeof(line));
	const char *lf;
	uint64_t delay;
	size_t len;

	if (is_free(t, s))
		watch(d, t, s);
	if (n < 0)
		return leave(t, s);
	if (n == 0)
		return keep_waiting(d, s, now);
	if ((s->flags & SESSION_INPUT) == 0) {
		s->flags |= SESSION_INPUT;
		s->in_from = msec;
	}
	lf = memchr(line, '\n', (size_t)n);
	if (lf == NULL && n == (ssize_t)sizeof(line)) {
		t->body_taken = 0;
		return SESSION_T_SKIPPING;
	}
	if (lf == NULL)
		return keep_waiting(d, s, now);
	len = (size_t)(lf + 1 - line);
	delay = command_delay(d, t, s, len);
	if (msec - s->in_from < delay)
		return SESSION_T_COMMAND;
	spend(t, delay);
	drip_take(s, len);
	return run_line(d, s, line, len, now);
}

enum session_state
throttle_visit_skipping(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	char line[ESMTP_LINE_MAX];
	ssize_t n = drip_peek(s, line, sizeof(line));
	const char *lf;

	if (n < 0)
		return leave(t, s);
	if (n == 0)
		return keep_waiting(d, s, now);
	lf = memchr(line, '\n', (size_t)n);
	if (lf != NULL)
		n = lf + 1 - line;
	drip_take(s, (size_t)n);
	t->body_taken += (uint32_t)n;
	if (lf == NULL && t->body_taken <= SKIP_MAX) {
		come_again(d, t);
		return SESSION_T_SKIPPING;
	}
	if (lf == NULL || esmtp_note_error(&t->esmtp)) {
		s->flags |= SESSION_CLOSE_AFTER;
		return say(d, s, esmtp_too_many_errors, now);
	}
	return say(d, s, "500 5.5.2 Error: line too long\r\n", now);
}
