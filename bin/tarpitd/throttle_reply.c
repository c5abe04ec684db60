/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle_internal.h"

/* ---- pace ---- */

bool
throttle_is_free(const struct throttle *t, const struct session *s)
{
	return s->rate == 0 || t->delay_left == 0;
}

/* Of a session that is slowed at all; see sweep.h. */
enum { MSEC_BETWEEN_VISITS = 250 };

/* Whatever is slowed waits for a visit: the many short replies of a message with
 * many recipients take much longer than their bytes. */
void
throttle_spend(struct throttle *t, uint64_t msec)
{
	msec += MSEC_BETWEEN_VISITS - 1;
	msec -= msec % MSEC_BETWEEN_VISITS;
	t->delay_left -= msec < t->delay_left ? (uint32_t)msec : t->delay_left;
	if (t->delay_left == 0)
		t->flags |= THROTTLE_PATIENT;
}

void
throttle_slow_down(
    const struct dispatcher *d, struct throttle *t, uint64_t msec)
{
	t->delay_left = (uint32_t)smaller(t->delay_left + msec,
	    d->config->max_dialogue_delay / USEC_PER_MSEC);
}

uint64_t
throttle_delay(const struct throttle *t, const struct session *s, size_t len,
    uint64_t limit)
{
	if (throttle_is_free(t, s))
		return 0;
	return smaller(
	    smaller(lane_duration(s->rate, len), limit), t->delay_left);
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

void
throttle_watch(struct dispatcher *d, struct throttle *t, struct session *s)
{
	if ((t->flags & THROTTLE_WATCHED) != 0)
		return;
	t->io =
	    (struct loop_io){ .fd = s->fd, .bulk = true, .on_event = on_ready };
	/* Without it the sweep's visits have to do. */
	if (loop_add(d->loop, &t->io, WATCHED_EVENTS | EPOLLET) == 0)
		t->flags |= THROTTLE_WATCHED;
}

/* An edge of our own. */
void
throttle_come_again(struct dispatcher *d, struct throttle *t)
{
	if ((t->flags & THROTTLE_WATCHED) == 0 ||
	    loop_modify(d->loop, &t->io, WATCHED_EVENTS | EPOLLET) == 0)
		return;
	loop_remove(d->loop, &t->io);
	t->flags &= (uint16_t)~THROTTLE_WATCHED;
}

void
throttle_visit_soon(struct dispatcher *d, const struct session *s)
{
	if (s->lane == LANE_THROTTLE)
		throttle_come_again(d, throttle_of(d, s));
}

/* ---- saying something ---- */

enum session_state
throttle_close(struct session *s, enum outcome otherwise)
{
	s->outcome = (uint8_t)otherwise;
	return SESSION_CLOSED;
}

/* How it ends when the client leaves. */
enum session_state
throttle_leave(const struct throttle *t, struct session *s)
{
	if (t->messages > 0)
		return throttle_close(s, OUTCOME_DELIVERED);
	if ((t->flags & THROTTLE_CUT) != 0)
		return throttle_close(s, OUTCOME_REFUSED);
	if ((t->flags & THROTTLE_FAILED) != 0)
		return throttle_close(s, OUTCOME_FAILED);
	if ((s->flags & SESSION_REFUSED) != 0)
		return throttle_close(s, OUTCOME_REFUSED);
	return throttle_close(s, OUTCOME_ABANDONED);
}

/* Who leaves after one has not lost patience. */
static void
note_refusal(struct dispatcher *d, struct throttle *t, struct session *s,
    const char *text, size_t len)
{
	bool by_mta = (t->flags & THROTTLE_MTA_SAYS) != 0;

	t->flags &= (uint16_t)~THROTTLE_MTA_SAYS;
	if (text[0] != '4' && text[0] != '5')
		return;
	s->flags |= SESSION_REFUSED;
	throttle_release(d, &t->refused);
	t->refused = intern_put(&d->strings, text, len);
	t->flags &= (uint16_t)~THROTTLE_REFUSED_BY_MTA;
	if (by_mta)
		t->flags |= THROTTLE_REFUSED_BY_MTA;
}

/* Begins a reply that may take LIMIT msec, and goes on with NEXT. */
enum session_state
throttle_say_within(struct dispatcher *d, struct session *s, const char *text,
    size_t len, uint64_t limit, enum session_state next, uint64_t now)
{
	struct throttle *t = throttle_of(d, s);
	uint64_t msec = throttle_delay(t, s, len, limit);

	t->out = intern_put(&d->strings, text, len);
	if (t->out == INTERN_NONE)
		return throttle_close(s, OUTCOME_FAILED);
	note_refusal(d, t, s, text, len);
	t->out_rate = msec > 0 ? (uint32_t)((len * 1000 + msec - 1) / msec) : 0;
	throttle_spend(t, msec);
	t->next = (uint8_t)next;
	s->out_len = (uint16_t)len;
	s->out_sent = 0;
	s->out_from = dispatcher_msec(d, now);
	s->deadline = session_timeout(d, now + msec * USEC_PER_MSEC);
	return SESSION_T_SENDING;
}

/* A reply within what is left of MaxReplyTime= since the client began to wait
 * for it. */
enum session_state
throttle_say_n(struct dispatcher *d, struct session *s, const char *text,
    size_t len, enum session_state next, uint64_t now)
{
	uint64_t limit = d->config->max_reply_time / USEC_PER_MSEC;
	uint32_t waited = dispatcher_msec(d, now) - s->in_from;

	return throttle_say_within(
	    d, s, text, len, waited < limit ? limit - waited : 0, next, now);
}

enum session_state
throttle_say(
    struct dispatcher *d, struct session *s, const char *text, uint64_t now)
{
	return throttle_say_n(d, s, text, strlen(text), SESSION_T_COMMAND, now);
}

enum session_state
throttle_say_last(struct dispatcher *d, struct session *s,
    enum smtp_reply reply, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];

	s->flags |= SESSION_CLOSE_AFTER;
	s->in_from = dispatcher_msec(d, now);
	return throttle_say_n(d, s, texts->reply[reply].text,
	    texts->reply[reply].len, SESSION_T_COMMAND, now);
}

enum session_state
throttle_cut(
    struct dispatcher *d, struct session *s, const char *reply, uint64_t now)
{
	throttle_of(d, s)->flags |= THROTTLE_CUT;
	d->n_cut++;
	s->flags |= SESSION_CLOSE_AFTER;
	return throttle_say(d, s, reply, now);
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

	if (throttle_is_free(t, s))
		throttle_watch(d, t, s);
	if ((s->flags & SESSION_STARTTLS) != 0)
		drip_discard(s);
	if (drip_text(s, text, t->out_rate, dispatcher_msec(d, now)) < 0)
		return throttle_leave(t, s);
	if (s->out_sent < s->out_len)
		return session_is_due(d, s, now) ? throttle_leave(t, s)
						 : SESSION_T_SENDING;
	intern_release(&d->strings, t->out);
	t->out = INTERN_NONE;
	t->flags &= (uint16_t)~THROTTLE_LAST_WORD;
	if ((s->flags & SESSION_CLOSE_AFTER) != 0)
		return throttle_leave(t, s);
	s->flags &= (uint16_t)~SESSION_INPUT;
	s->deadline = session_timeout(d, now);
	return (enum session_state)t->next;
}

enum session_state
throttle_keep_waiting(struct dispatcher *d, struct session *s, uint64_t now)
{
	uint16_t flags = s->flags;
	enum session_state next;

	if (!session_is_due(d, s, now))
		return (enum session_state)s->state;
	next = throttle_say_last(d, s, SMTP_TIMEOUT, now);
	/* Silence is its own doing, unless it had heard one before. */
	if ((flags & SESSION_REFUSED) == 0)
		s->flags &= (uint16_t)~SESSION_REFUSED;
	return next;
}
