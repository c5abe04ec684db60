/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "bin/tarpitd/address.h"
#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle_internal.h"
#include "bin/tarpitd/words.h"

enum {
	/* Good recipients make a session faster up to this, refused ones
	 * slower down to that; bytes per second. */
	FASTEST = 1000,
	SLOWEST = 5,
	/* For so long, msec, a recipient that is refused, for good or for now,
	 * slows a session again. */
	DELAY_REFUSED = 5000,
	DELAY_DEFERRED = 1000,
};

static const char no_mta[] =
    "451 4.3.0 Error: mail system is busy, try again later\r\n";
static const char no_answer[] =
    "451 4.4.2 Error: no answer from the mail system, try again later\r\n";

/* Of MaxReplyTime=, msec: what is left for the reply after the MTA has been
 * waited for, since visits are up to a second apart. */
enum { REPLY_TIME_LEFT = 1500 };

/* However long the client's command took, the MTA has so long for its answer. */
#define LEAST_PATIENCE (3 * USEC_PER_SEC)

static void
count(uint16_t *n)
{
	if (*n < UINT16_MAX)
		++*n;
}

/* What a client does speaks for it or against it; of refusals only one for good
 * does.  Who is at full speed already, or nearly, is slowed again. */
static void
note_recipient(struct dispatcher *d, struct session *s, char code)
{
	struct throttle *t = throttle_of(d, s);
	uint32_t rate = s->rate;

	esmtp_note_recipient(&t->esmtp, code == '2');
	if (code == '2') {
		count(&t->good);
		count(&s->recipients);
		if (rate != 0 && rate < FASTEST)
			s->rate = rate * 2 < FASTEST ? rate * 2 : FASTEST;
		return;
	}
	throttle_slow_down(d, t, code == '5' ? DELAY_REFUSED : DELAY_DEFERRED);
	if (code != '5')
		return;
	count(&t->bad);
	if (rate > SLOWEST)
		s->rate = rate / 2 > SLOWEST ? rate / 2 : SLOWEST;
}

/* ---- the transaction ---- */

void
throttle_release(struct dispatcher *d, uint32_t *number)
{
	intern_release(&d->strings, *number);
	*number = INTERN_NONE;
}

void
throttle_forget(struct dispatcher *d, struct throttle *t)
{
	mux_cancel(&d->mux, (uint32_t)(t - d->throttle), loop_now(d->loop));
	throttle_release(d, &t->sender);
	free(t->recipients);
	t->recipients = NULL;
	t->recipients_len = t->recipients_room = 0;
	throttle_release(d, &t->candidate);
	throttle_drop_body(d, t);
	t->refusal = NULL;
	t->flags &= (uint16_t) ~(THROTTLE_IN_BODY | THROTTLE_LAST |
	    THROTTLE_TOO_LARGE | THROTTLE_NO_SPACE | THROTTLE_NO_ROOM |
	    THROTTLE_OVER_PART | THROTTLE_ASKS_SENDER);
}

void
throttle_end_transaction(struct dispatcher *d, struct throttle *t, bool taken)
{
	esmtp_end_transaction(&t->esmtp, taken);
	throttle_forget(d, t);
}

/* STRING and its NUL, interned. */
static uint32_t
keep(struct dispatcher *d, const char *string, size_t len)
{
	char copy[ESMTP_LINE_MAX + 1];

	if (len >= sizeof(copy))
		return INTERN_NONE;
	memcpy(copy, string, len);
	copy[len] = '\0';
	return intern_put(&d->strings, copy, len + 1);
}

/* What MaxRecipients= may come to: a path has 256 bytes at most, and few have
 * long parameters. */
static size_t
recipients_limit(const struct dispatcher *d)
{
	return (size_t)d->config->max_recipients * 320;
}

/* Most transactions have one, and sessions by the thousand. */
enum { FIRST_RECIPIENTS = 40 };

/* One more that is accepted, with its NUL; false without memory. */
static bool
add_recipient(struct throttle *t, const char *recipient, size_t len)
{
	size_t room =
	    t->recipients_room > 0 ? t->recipients_room : FIRST_RECIPIENTS;
	char *more;

	while (room < t->recipients_len + len)
		room *= 2;
	more = room > t->recipients_room ? realloc(t->recipients, room)
					 : t->recipients;
	if (more == NULL)
		return false;
	memcpy(more + t->recipients_len, recipient, len);
	t->recipients = more;
	t->recipients_room = (uint32_t)room;
	t->recipients_len += (uint32_t)len;
	return true;
}

static enum session_state answer(struct dispatcher *, struct session *,
    enum mux_result, const char *reply, size_t len, uint64_t now);

/* By when there has to be an answer, whatever takes the time: the queue, the
 * MTA, or the client's own command before. */
static uint32_t
answer_deadline(
    const struct dispatcher *d, const struct session *s, uint64_t now)
{
	uint64_t limit = d->config->max_reply_time / USEC_PER_MSEC;
	uint32_t until = s->in_from +
	    (uint32_t)(limit - smaller(limit / 4, REPLY_TIME_LEFT));
	uint32_t least = dispatcher_msec(
	    d, now + smaller(d->config->backend_timeout, LEAST_PATIENCE));

	return (int32_t)(until - least) > 0 ? until : least;
}

enum session_state
throttle_ask_mta(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	t->answer_by = answer_deadline(d, s, now);
	s->deadline = dispatcher_msec(d, now + d->config->backend_timeout);
	if ((int32_t)(s->deadline - t->answer_by) > 0)
		s->deadline = t->answer_by;
	if (mux_ask(&d->mux, pool_slot(&d->pool, s), now) < 0)
		return answer(d, s, MUX_FAILED, NULL, 0, now);
	return SESSION_T_WAITING;
}

enum session_state
throttle_remember_sender(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	(void)words_remember(&d->words, &s->words, NULL, 0, step->argument,
	    step->path_len, WORDS_UNBOUNDED);
	t->sender = keep(d, step->argument, step->argument_len);
	if (t->sender == INTERN_NONE)
		return throttle_close(s, OUTCOME_FAILED);
	if (step->reply != NULL)
		return throttle_say(d, s, step->reply, now);
	t->flags |= THROTTLE_ASKS_SENDER;
	return throttle_ask_mta(d, s, now);
}

enum session_state
throttle_ask_recipient(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	if (t->recipients_len + step->argument_len >= recipients_limit(d))
		return throttle_say(
		    d, s, "452 4.5.3 Error: too many recipients\r\n", now);
	t->candidate = keep(d, step->argument, step->argument_len);
	if (t->candidate == INTERN_NONE)
		return throttle_close(s, OUTCOME_FAILED);
	return throttle_ask_mta(d, s, now);
}

/* About the envelope, rather than to have the message taken. */
static bool
is_question(const struct throttle *t)
{
	return t->candidate != INTERN_NONE ||
	    (t->flags & THROTTLE_ASKS_SENDER) != 0;
}

/* What it calls itself now: before EHLO, or before the one after STARTTLS,
 * nothing. */
static const char *
current_helo(const struct dispatcher *d, const struct session *s,
    const struct throttle *t)
{
	size_t len;
	const char *helo = intern_get(&d->words, s->words, &len);

	return helo != NULL && (t->esmtp.memory & ESMTP_SAID_HELLO) != 0 ? helo
									 : "";
}

void
throttle_describe(void *dispatcher, uint32_t slot, struct transaction *ret)
{
	const struct dispatcher *d = dispatcher;
	const struct session *s = &d->pool.session[slot];
	const struct throttle *t = &d->throttle[slot];
	static const struct spool empty;
	bool asks = is_question(t);
	size_t len;

	ret->client = s->client;
	ret->port = s->port;
	(void)proxied_server(&d->proxied, s, &ret->server, &ret->server_port);
	ret->esmtp = (t->esmtp.memory & ESMTP_SAID_EHLO) != 0;
	ret->helo = current_helo(d, s, t);
	ret->sender = intern_get(&d->strings, t->sender, &len);
	ret->recipients = t->recipients;
	ret->recipients_len = t->recipients_len;
	if (asks)
		ret->recipients =
		    intern_get(&d->strings, t->candidate, &ret->recipients_len);
	if (!asks)
		ret->body = t->message != NULL ? &t->message->spool : &empty;
	ret->first = t->recipients == NULL;
	ret->goes_on = throttle_is_free(t, s);
}

/* Has it closed its direction because it has said all it wants to?  Exim does:
 * with CHUNKING it sends the last transaction and QUIT in one go, closes, and
 * waits for all the replies; without, it does so from the dot on.  A client that
 * has given up leaves no QUIT behind. */
static bool
has_said_all(const struct session *s, bool asks)
{
	char word[4];
	ssize_t n = drip_peek(s, word, sizeof(word));

	if (asks)
		return n > 0;
	return n == sizeof(word) &&
	    strncasecmp(word, "QUIT", sizeof(word)) == 0;
}

/* A closed connection will not bring the answer to anybody who could take it
 * for one, and one that is closed in our direction only looks the same. */
bool
throttle_is_there(void *dispatcher, uint32_t slot)
{
	const struct dispatcher *d = dispatcher;
	const struct session *s = &d->pool.session[slot];

	if (!drip_has_ended(s))
		return true;
	return !drip_is_lost(s) &&
	    has_said_all(s, is_question(&d->throttle[slot]));
}

/* ---- the MTA's answers ---- */

/* The MTA has not answered this client in time. */
static void
tell_slow(struct dispatcher *d, const struct session *s, uint64_t now)
{
	char client[ADDRESS_TEXT];
	struct record record;

	if (!journal_is_due(&d->next_backend_slow, now))
		return;
	address_print(&s->client, client);
	record_begin(&record, EVENT_BACKEND_SLOW,
	    "the MTA at %s does not answer %s in time; clients are told 451 "
	    "4.4.2",
	    d->mux.backend, client);
	record_field(&record, "TARPIT_CLIENT", "%s", client);
	record_field(&record, "TARPIT_CLIENT_PORT", "%u", s->port);
	journal_send(d->journal, &record);
}

/* What is said instead of the MTA's word. */
static const char *
no_word(struct dispatcher *d, const struct session *s, enum mux_result result,
    uint64_t now)
{
	throttle_of(d, s)->flags |= THROTTLE_FAILED;
	if (result != MUX_TIMED_OUT && result != MUX_SILENT)
		return no_mta;
	tell_slow(d, s, now);
	return no_answer;
}

/* The others were answered, and this one was not: it is its doing. */
static enum session_state
say_no_word(struct dispatcher *d, struct session *s, enum mux_result result,
    uint64_t now)
{
	const char *text = no_word(d, s, result, now);

	if (result == MUX_TIMED_OUT &&
	    esmtp_note_error(&throttle_of(d, s)->esmtp, ESMTP_ERROR))
		return throttle_cut(d, s, esmtp_too_many_errors, now);
	return throttle_say(d, s, text, now);
}

/* What the MTA has refused, for good or for now, counts. */
static enum session_state
say_refusal(struct dispatcher *d, struct session *s, const char *reply,
    size_t len, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	if (esmtp_note_error(
		&t->esmtp, reply[0] == '5' ? ESMTP_ERROR : ESMTP_DEFERRAL))
		return throttle_cut(d, s, esmtp_too_many_errors, now);
	t->flags |= THROTTLE_MTA_SAYS;
	return throttle_say_n(d, s, reply, len, SESSION_T_COMMAND, now);
}

/* A sender that is not by the book, in the MTA's words. */
static enum session_state
answer_sender(struct dispatcher *d, struct session *s, enum mux_result result,
    const char *reply, size_t len, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool said = result == MUX_SAID;

	t->flags &= (uint16_t)~THROTTLE_ASKS_SENDER;
	if (!said || reply[0] != '2')
		throttle_end_transaction(d, t, false);
	if (!said)
		return say_no_word(d, s, result, now);
	if (reply[0] == '2') {
		t->flags |= THROTTLE_MTA_SAYS;
		return throttle_say_n(d, s, reply, len, SESSION_T_COMMAND, now);
	}
	throttle_slow_down(
	    d, t, reply[0] == '5' ? DELAY_REFUSED : DELAY_DEFERRED);
	return say_refusal(d, s, reply, len, now);
}

static enum session_state
answer_recipient(struct dispatcher *d, struct session *s,
    enum mux_result result, const char *reply, size_t len, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool said = result == MUX_SAID;
	bool accepted = said && reply[0] == '2';
	const char *candidate;
	size_t n;

	if (accepted) {
		candidate = intern_get(&d->strings, t->candidate, &n);
		if (!add_recipient(t, candidate, n))
			return throttle_close(s, OUTCOME_FAILED);
	}
	throttle_release(d, &t->candidate);
	if (!said)
		return say_no_word(d, s, result, now);
	note_recipient(d, s, reply[0]);
	if (!accepted)
		return say_refusal(d, s, reply, len, now);
	t->flags |= THROTTLE_MTA_SAYS;
	return throttle_say_n(d, s, reply, len, SESSION_T_COMMAND, now);
}

/* Nobody knows whether the MTA has the message. */
static void
tell_unsure(struct dispatcher *d, const struct session *s, uint64_t now)
{
	char client[ADDRESS_TEXT];
	struct record record;

	d->mux.unsure++;
	if (!journal_is_due(&d->next_unsure, now))
		return;
	address_print(&s->client, client);
	record_begin(&record, EVENT_MESSAGE_UNSURE,
	    "the MTA has the end of a message of %s, and has not answered; it "
	    "may be sent again",
	    client);
	record_field(&record, "TARPIT_CLIENT", "%s", client);
	record_field(&record, "TARPIT_CLIENT_PORT", "%u", s->port);
	journal_send(d->journal, &record);
}

/* Patience was for so many messages. */
static void
be_patient_anew(struct dispatcher *d, struct session *s)
{
	struct throttle *t = throttle_of(d, s);
	int64_t max = d->config->max_messages;

	if (max == 0 || t->messages % max != 0)
		return;
	if (s->rate != 0)
		s->rate = t->first_rate;
	throttle_slow_down(d, t, d->config->max_dialogue_delay / USEC_PER_MSEC);
	d->n_anew++;
}

/* The answer to the end of the message is the one that must not be slow: who
 * leaves before it has come sends the message again.  Its friction was before
 * the dot went to the MTA. */
static enum session_state
answer_message(struct dispatcher *d, struct session *s, enum mux_result result,
    const char *reply, size_t len, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	bool said = result == MUX_SAID;
	bool taken = said && reply[0] == '2';

	throttle_end_transaction(d, t, taken);
	if (taken) {
		count(&t->messages);
		t->earned = dispatcher_msec(d, now);
		be_patient_anew(d, s);
		if (!throttle_is_there(d, pool_slot(&d->pool, s)))
			count(&t->unheard);
	}
	/* In the MTA's words, even if it is the last one. */
	if (said && reply[0] == '5' &&
	    esmtp_note_error(&t->esmtp, ESMTP_ERROR)) {
		t->flags |= THROTTLE_CUT;
		d->n_cut++;
		s->flags |= SESSION_CLOSE_AFTER;
	}
	if (said) {
		t->flags |= THROTTLE_MTA_SAYS;
	} else {
		reply = no_word(d, s, result, now);
		len = strlen(reply);
	}
	t->flags |= THROTTLE_LAST_WORD;
	return throttle_say_within(d, s, reply, len, 0, SESSION_T_COMMAND, now);
}

/* To what it was asked about. */
static enum session_state
answer(struct dispatcher *d, struct session *s, enum mux_result result,
    const char *reply, size_t len, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	if (result == MUX_UNSURE)
		tell_unsure(d, s, now);
	if (result == MUX_GONE)
		return throttle_leave(t, s);
	if ((t->flags & THROTTLE_ASKS_SENDER) != 0)
		return answer_sender(d, s, result, reply, len, now);
	if (t->candidate != INTERN_NONE)
		return answer_recipient(d, s, result, reply, len, now);
	return answer_message(d, s, result, reply, len, now);
}

void
throttle_answer(void *dispatcher, uint32_t slot, enum mux_result result,
    const char *reply, size_t len, uint64_t now)
{
	struct dispatcher *d = dispatcher;
	struct session *s = &d->pool.session[slot];

	assert(s->state == SESSION_T_WAITING);
	session_go_on(d, s, answer(d, s, result, reply, len, now), now);
}

bool
throttle_is_committed(const struct dispatcher *d, const struct session *s)
{
	const struct throttle *t = throttle_find(d, s);

	if (t == NULL)
		return false;
	if (s->state == SESSION_T_SENDING)
		return (t->flags & THROTTLE_LAST_WORD) != 0;
	return s->state == SESSION_T_WAITING &&
	    mux_is_committed(&d->mux, pool_slot(&d->pool, s));
}

enum session_state
throttle_give_up(struct dispatcher *d, struct session *s)
{
	struct throttle *t = throttle_of(d, s);

	t->flags |= THROTTLE_FAILED;
	if (s->state == SESSION_T_WAITING)
		tell_unsure(d, s, loop_now(d->loop));
	return throttle_leave(t, s);
}

/* It has to be there, and there have to be a connection and an answer in time.
 * A message that goes out is not cut off. */
enum session_state
throttle_visit_waiting(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	uint32_t slot = pool_slot(&d->pool, s);

	if (mux_is_committed(&d->mux, slot))
		return SESSION_T_WAITING;
	if (!throttle_is_there(d, slot)) {
		mux_cancel(&d->mux, slot, now);
		return throttle_leave(t, s);
	}
	if (mux_is_queued(&d->mux, slot) && session_is_due(d, s, now)) {
		mux_cancel(&d->mux, slot, now);
		return answer(d, s, MUX_FAILED, NULL, 0, now);
	}
	if (mux_is_asking(&d->mux, slot) &&
	    (int32_t)(dispatcher_msec(d, now) - t->answer_by) >= 0)
		return answer(
		    d, s, mux_give_up(&d->mux, slot, now), NULL, 0, now);
	return SESSION_T_WAITING;
}
