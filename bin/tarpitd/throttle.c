/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/throttle.h"

#include <string.h>

#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/sockbuf.h"
#include "bin/tarpitd/starttls.h"
#include "bin/tarpitd/throttle_internal.h"
#include "bin/tarpitd/tls.h"
#include "bin/tarpitd/words.h"

/* RFC 5321 gives a client five minutes, and so do we while there is room; one
 * that has something to say needs none of them. */
enum { STALE_MSEC = 60000 };

const struct throttle *
throttle_find(const struct dispatcher *d, const struct session *s)
{
	const struct throttle *t = throttle_of(d, s);

	return s->lane == LANE_THROTTLE && t->d != NULL ? t : NULL;
}

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
	t->earned = s->accepted;
	t->first_rate = s->rate;
	t->delay_left = waited < delay ? (uint32_t)(delay - waited) : 0;
	return throttle_say_within(d, s, texts->reply[SMTP_GREETING].text,
	    texts->reply[SMTP_GREETING].len,
	    waited < patience ? patience - waited : 0, SESSION_T_COMMAND, now);
}

void
throttle_end(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	/* Not its lane now, but whether it ever began. */
	if (t->d == NULL)
		return;
	mux_cancel(&d->mux, pool_slot(&d->pool, s), now);
	if ((t->flags & THROTTLE_WATCHED) != 0)
		loop_remove(d->loop, &t->io);
	throttle_forget(d, t);
	throttle_release(d, &t->out);
	throttle_release(d, &t->refused);
	t->d = NULL;
}

const char *
throttle_refusal(const struct dispatcher *d, const struct session *s,
    size_t *ret_len, bool *ret_by_mta)
{
	const struct throttle *t = throttle_find(d, s);

	if (t == NULL || t->refused == INTERN_NONE)
		return NULL;
	*ret_by_mta = (t->flags & THROTTLE_REFUSED_BY_MTA) != 0;
	return intern_get(&d->strings, t->refused, ret_len);
}

/* RFC 3207, 4.2: what was said before the handshake is forgotten; the words
 * are left to the record. */
enum session_state
throttle_go_on(
    struct dispatcher *d, struct session *s, bool secured, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	if (!secured) {
		starttls_note_failure(s);
		return throttle_leave(t, s);
	}
	throttle_end_transaction(d, t, false);
	t->esmtp.memory = 0;
	s->flags &= (uint16_t)~SESSION_INPUT;
	s->deadline = session_timeout(d, now);
	return SESSION_T_COMMAND;
}

/* We turn chunks into DATA and answer commands in order, however they come. */
struct esmtp_limits
throttle_limits(const struct dispatcher *d, const struct session *s)
{
	const struct esmtp_limits *mta = &d->mux.offers;
	struct esmtp_limits limits = { .size = mta->size,
		.room = d->config->max_message_size,
		.recipients = (uint32_t)d->config->max_recipients };

	limits.offers = ESMTP_CHUNKING | ESMTP_PIPELINING;
	limits.offers |= mta->offers &
	    (ESMTP_SIZE | ESMTP_8BITMIME | ESMTP_ENHANCED | ESMTP_UTF8 |
		ESMTP_DSN);
	limits.secure = s->tls != NULL;
	if (starttls_is_offered(d, s))
		limits.offers |= ESMTP_STARTTLS;
	return limits;
}

static enum session_state
say_hello(struct dispatcher *d, struct session *s,
    const struct esmtp_step *step, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	struct esmtp_limits limits = throttle_limits(d, s);
	char text[1024];
	size_t len;

	throttle_forget(d, t);
	(void)words_remember(&d->words, &s->words, step->argument,
	    step->argument_len, NULL, 0, WORDS_UNBOUNDED);
	len = esmtp_print_hello(
	    &t->esmtp, &limits, d->config->host_name, text, sizeof(text));
	return throttle_say_n(d, s, text, len, SESSION_T_COMMAND, now);
}

/* A real sender's line is never that slow, even a modem's. */
enum { BODY_RATE_MIN = 1024 };

/* Nothing has come of it for MSEC: no command, or hardly anything of a body, its
 * chunks together, since we do not slow it any more.  What the client waits for
 * at the moment is not its fault. */
static bool
is_stale(const struct dispatcher *d, const struct session *s, uint32_t msec,
    uint64_t now)
{
	const struct throttle *t = throttle_of(d, s);
	bool in_body = (t->flags & THROTTLE_IN_BODY) != 0;
	int32_t since = (int32_t)(dispatcher_msec(d, now) -
	    (in_body ? t->body_until : s->in_from));

	if (s->state == SESSION_T_WAITING || since < (int32_t)msec)
		return false;
	return !in_body ||
	    t->body_taken < (uint64_t)since * BODY_RATE_MIN / 1000;
}

bool
throttle_is_over_time(
    const struct dispatcher *d, const struct session *s, uint64_t now)
{
	uint32_t limit =
	    (uint32_t)(d->config->max_throttle_time / USEC_PER_MSEC);
	const struct throttle *t = throttle_find(d, s);

	/* The other states have limits of their own. */
	if (t == NULL || limit == 0 ||
	    dispatcher_msec(d, now) - t->earned < limit)
		return false;
	if (s->state == SESSION_T_BODY || (t->flags & THROTTLE_IN_BODY) != 0)
		return is_stale(d, s, STALE_MSEC, now);
	return s->state != SESSION_T_WAITING;
}

enum throttle_worth
throttle_worth(
    const struct dispatcher *d, const struct session *s, uint64_t now)
{
	const struct throttle *t = throttle_find(d, s);

	if (t == NULL)
		return THROTTLE_NEW;
	if (s->state == SESSION_T_WAITING)
		return THROTTLE_WORTHY;
	if (t->messages == 0 && t->sender == INTERN_NONE)
		return THROTTLE_IDLE;
	if (is_stale(d, s, STALE_MSEC, now))
		return THROTTLE_STALE;
	return t->messages == 0 ? THROTTLE_BUSY : THROTTLE_WORTHY;
}

void
throttle_hurry(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);

	t->delay_left = 0;
	t->out_rate = 0;
	t->body_until = dispatcher_msec(d, now);
	session_visit(d, s, now);
}

static enum session_state
begin_tls(
    struct dispatcher *d, struct session *s, const char *ready, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];

	if (starttls_prepare(d, s) < 0)
		return throttle_say(
		    d, s, texts->reply[SMTP_NO_TLS_NOW].text, now);
	/* Not slowed: nothing is gained by it, and programs expect the reply
	 * in one piece (openssl s_client takes the rest of a piece for TLS). */
	return throttle_say_within(
	    d, s, ready, strlen(ready), 0, SESSION_HANDSHAKE, now);
}

static enum session_state
run_line(struct dispatcher *d, struct session *s, const char *line, size_t len,
    uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	struct esmtp_limits limits = throttle_limits(d, s);
	struct esmtp_step step = esmtp_line(&t->esmtp, &limits, line, len);

	switch (step.action) {
	case ESMTP_HELLO:
		return say_hello(d, s, &step, now);
	case ESMTP_MAIL:
		return throttle_remember_sender(d, s, &step, now);
	case ESMTP_RCPT:
		return throttle_ask_recipient(d, s, &step, now);
	case ESMTP_DATA:
		return throttle_run_data(d, s, &step, now);
	case ESMTP_BDAT:
		return throttle_run_chunk(d, s, &step, now);
	case ESMTP_SECURE:
		return begin_tls(d, s, step.reply, now);
	case ESMTP_FORGET:
		throttle_forget(d, t);
		break;
	case ESMTP_CLOSE:
		if (step.reply[0] == '4')
			return throttle_cut(d, s, step.reply, now);
		s->flags |= SESSION_CLOSE_AFTER;
		break;
	case ESMTP_SAY:
		break;
	}
	return throttle_say(d, s, step.reply, now);
}

/* Half of MaxReplyTime= is for the reply. */
static uint64_t
command_delay(const struct dispatcher *d, const struct throttle *t,
    const struct session *s, size_t len)
{
	return throttle_delay(
	    t, s, len, d->config->max_reply_time / USEC_PER_MSEC / 2);
}

/* Are the N bytes of a line all that there will ever be?  The rest may have come
 * after them, and the end after that. */
static bool
has_left_off(const struct session *s, ssize_t n)
{
	char line[ESMTP_LINE_MAX];

	return drip_has_ended(s) && drip_peek(s, line, sizeof(line)) == n;
}

/* The rest of a line may not fit into the smallest buffer.  It is not made small
 * again behind the line: what is on its way already would be dropped, and be
 * sent again after a second. */
static void
widen(struct throttle *t, const struct session *s)
{
	if ((t->flags & THROTTLE_WIDE) != 0)
		return;
	t->flags |= THROTTLE_WIDE;
	if (throttle_is_free(t, s))
		sockbuf_restore(s->fd);
	else
		sockbuf_fit_line(s->fd);
}

/* The process is to end, and has waited for the answer that the client has just
 * heard. */
static enum session_state
shut_down(struct dispatcher *d, struct session *s)
{
	const struct texts *texts = d->texts.generation[s->texts];

	s->out_reply = SMTP_SHUTDOWN;
	(void)drip_send(s, texts->reply[SMTP_SHUTDOWN].text,
	    texts->reply[SMTP_SHUTDOWN].len);
	return throttle_close(s, OUTCOME_SHED);
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

	if (d->stopping)
		return shut_down(d, s);
	if (throttle_is_free(t, s))
		throttle_watch(d, t, s);
	if (n < 0)
		return throttle_leave(t, s);
	if (n == 0)
		return throttle_keep_waiting(d, s, now);
	if ((s->flags & SESSION_INPUT) == 0) {
		s->flags |= SESSION_INPUT;
		s->in_from = msec;
	}
	lf = memchr(line, '\n', (size_t)n);
	if (lf == NULL && n == (ssize_t)sizeof(line)) {
		t->body_taken = 0;
		return SESSION_T_SKIPPING;
	}
	if (lf == NULL && has_left_off(s, n))
		return throttle_leave(t, s);
	if (lf == NULL) {
		widen(t, s);
		if (s->tls != NULL && tls_is_behind(s->tls))
			throttle_come_again(d, t);
		return throttle_keep_waiting(d, s, now);
	}
	len = (size_t)(lf + 1 - line);
	delay = command_delay(d, t, s, len);
	if (msec - s->in_from < delay)
		return SESSION_T_COMMAND;
	throttle_spend(t, delay);
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
		return throttle_leave(t, s);
	if (n == 0)
		return throttle_keep_waiting(d, s, now);
	lf = memchr(line, '\n', (size_t)n);
	if (lf != NULL)
		n = lf + 1 - line;
	drip_take(s, (size_t)n);
	t->body_taken += (uint32_t)n;
	if (lf == NULL && t->body_taken <= THROTTLE_SKIP_MAX) {
		throttle_come_again(d, t);
		return SESSION_T_SKIPPING;
	}
	if (lf == NULL || esmtp_note_error(&t->esmtp, ESMTP_ERROR))
		return throttle_cut(d, s, esmtp_too_many_errors, now);
	return throttle_say(d, s, esmtp_line_too_long, now);
}
