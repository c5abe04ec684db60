/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/hold.h"

#include <string.h>
#include <strings.h>

#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/starttls.h"
#include "bin/tarpitd/words.h"

/* Of one, at the most: what intern.c reckons for two of WORD_MAX. */
enum { THROTTLED_WORDS = 2 * WORD_MAX + 64 };

enum outcome
hold_outcome(const struct session *s)
{
	return (s->flags & SESSION_REFUSED) != 0 ? OUTCOME_REFUSED
						 : OUTCOME_ABANDONED;
}

static enum session_state
end(struct session *s)
{
	s->outcome = (uint8_t)hold_outcome(s);
	return SESSION_CLOSED;
}

/* Who leaves after one has not lost patience; only silence is its own doing. */
static void
note_refusal(struct session *s, enum smtp_reply reply)
{
	if (!smtp_reply_is_refusal(reply))
		return;
	s->refusal = (uint8_t)reply;
	if (reply != SMTP_TIMEOUT)
		s->flags |= SESSION_REFUSED;
}

enum session_state
hold_say(const struct dispatcher *d, struct session *s, enum smtp_reply reply,
    uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	uint64_t takes;

	note_refusal(s, reply);
	s->out_reply = (uint8_t)reply;
	s->out_len = texts->reply[reply].len;
	s->out_sent = 0;
	s->out_from = dispatcher_msec(d, now);
	takes = lane_duration(s->rate, s->out_len) * USEC_PER_MSEC;
	s->deadline = session_timeout(d, now + takes);
	return SESSION_SENDING;
}

static enum session_state
await_command(const struct dispatcher *d, struct session *s, uint64_t now)
{
	s->flags &= (uint16_t) ~(SESSION_PROMPT | SESSION_INPUT);
	s->deadline = session_timeout(d, now);
	return SESSION_COMMAND;
}

enum session_state
hold_visit_sending(struct dispatcher *d, struct session *s, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];

	if ((s->flags & SESSION_STARTTLS) != 0)
		drip_discard(s);
	if (drip_out(s, texts, dispatcher_msec(d, now)) < 0)
		return end(s);
	if (s->out_sent < s->out_len)
		/* It does not read; RFC 5321 asks for no more patience. */
		return session_is_due(d, s, now) ? end(s) : SESSION_SENDING;
	if ((s->flags & SESSION_CLOSE_AFTER) != 0)
		return end(s);
	if ((s->flags & SESSION_STARTTLS) != 0)
		return SESSION_HANDSHAKE;
	return await_command(d, s, now);
}

enum session_state
hold_go_on(
    const struct dispatcher *d, struct session *s, bool secured, uint64_t now)
{
	s->memory = 0;
	if (secured)
		return await_command(d, s, now);
	starttls_note_failure(s);
	return end(s);
}

/* The dialogue's memory for the next line, with what there is of TLS. */
static uint8_t
recall(const struct dispatcher *d, const struct session *s)
{
	uint8_t memory =
	    s->memory & (uint8_t) ~(SMTP_TLS_OFFERED | SMTP_TLS_ACTIVE);

	if (s->tls != NULL)
		return memory | SMTP_TLS_ACTIVE;
	return starttls_is_offered(d, s) ? memory | SMTP_TLS_OFFERED : memory;
}

/* The reply is not slowed: nothing is gained by it, and programs expect it in
 * one piece (openssl s_client takes the rest of a piece for TLS).  What was
 * injected behind the command is dropped before it. */
static enum session_state
begin_tls(struct dispatcher *d, struct session *s, enum smtp_reply ready,
    uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	enum session_state next = hold_say(d, s, ready, now);
	ssize_t n;

	drip_discard(s);
	n = drip_send(s, texts->reply[ready].text, texts->reply[ready].len);
	if (n > 0)
		s->out_sent = (uint16_t)n;
	return s->out_sent == s->out_len ? SESSION_HANDSHAKE : next;
}

/* What it calls itself and its sender, for the record: within HoldNames=,
 * besides what throttled sessions have, which the MTA will be told. */
static void
remember(struct dispatcher *d, struct session *s, const struct smtp_result *r,
    uint64_t now)
{
	size_t most = d->config->hold_names +
	    (size_t)d->in_lane[LANE_THROTTLE] * THROTTLED_WORDS;
	struct record record;

	if (words_remember(&d->words, &s->words, r->helo, r->helo_len,
		r->sender, r->sender_len, most))
		return;
	d->n_names_cut++;
	if (!journal_is_due(&d->next_names_cut, now))
		return;
	record_begin(&record, EVENT_NAMES_CUT,
	    "HoldNames= is used up by %u names of held sessions: of more the "
	    "records have a part, or none",
	    d->words.used);
	record_field(&record, "TARPIT_LIMIT", "HoldNames=");
	journal_send(d->journal, &record);
}

/* Runs the line of LEN bytes, which has been paid for. */
static enum session_state
run_line(struct dispatcher *d, struct session *s, const char *line, size_t len,
    uint64_t now)
{
	struct smtp_result r = smtp_line(recall(d, s), line, len);

	drip_take(s, len);
	s->memory = r.memory;
	remember(d, s, &r, now);
	if (r.recipient && s->recipients < UINT16_MAX)
		s->recipients++;
	if (r.close)
		s->flags |= SESSION_CLOSE_AFTER;
	if (r.prompt)
		s->flags |= SESSION_PROMPT;
	if (r.starttls && starttls_prepare(d, s) == 0)
		return begin_tls(d, s, r.reply, now);
	if (r.starttls)
		r.reply = SMTP_NO_TLS_NOW;
	return hold_say(d, s, r.reply, now);
}

/* Nothing has come, or not enough: how long is that to go on? */
static enum session_state
keep_waiting(const struct dispatcher *d, struct session *s, uint64_t now)
{
	if (!session_is_due(d, s, now))
		return (enum session_state)s->state;
	s->flags |= SESSION_CLOSE_AFTER;
	return hold_say(d, s, SMTP_TIMEOUT, now);
}

/* Answered at once, however slow the rest.  Only RSET itself: with whatever
 * begins like it a client could push 1,000 bytes a reply. */
static bool
is_reset(const char *line, size_t len)
{
	static const char reset[] = "RSET\r\n";

	return len == sizeof(reset) - 1 && strncasecmp(line, reset, len) == 0;
}

enum session_state
hold_visit_command(struct dispatcher *d, struct session *s, uint64_t now)
{
	char line[SMTP_LINE_MAX];
	ssize_t n = drip_peek(s, line, sizeof(line));
	uint32_t msec = dispatcher_msec(d, now);
	const char *lf;
	size_t len;

	if (n < 0)
		return end(s);
	if (n == 0)
		return keep_waiting(d, s, now);
	if ((s->flags & SESSION_INPUT) == 0) {
		s->flags |= SESSION_INPUT;
		s->in_from = msec;
	}
	lf = memchr(line, '\n', (size_t)n);
	if (lf == NULL && n == (ssize_t)sizeof(line)) {
		s->deadline = session_timeout(d, now);
		return SESSION_SKIPPING;
	}
	if (lf == NULL)
		/* Half a line hides the end of the stream from peeking. */
		return drip_has_ended(s) ? end(s) : keep_waiting(d, s, now);
	len = (size_t)(lf + 1 - line);
	if (!is_reset(line, len) && !drip_is_paid(s, len, msec))
		return SESSION_COMMAND;
	return run_line(d, s, line, len, now);
}

enum session_state
hold_visit_skipping(struct dispatcher *d, struct session *s, uint64_t now)
{
	char line[SMTP_LINE_MAX];
	ssize_t n = drip_peek(s, line, sizeof(line));
	uint32_t msec = dispatcher_msec(d, now);
	size_t allowed = lane_allowance(s->rate, msec - s->in_from);
	const char *lf;

	if (n < 0)
		return end(s);
	if (n == 0)
		return keep_waiting(d, s, now);
	if (allowed == 0)
		return SESSION_SKIPPING;
	lf = memchr(line, '\n', (size_t)n);
	/* Nobody is there to be told that the line was too long: what is left
	 * of it would keep the slot for minutes. */
	if (lf == NULL && drip_has_ended(s))
		return end(s);
	if (lf != NULL)
		n = lf + 1 - line;
	if (allowed < (size_t)n) {
		lf = NULL;
		n = (ssize_t)allowed;
	}
	drip_take(s, (size_t)n);
	s->in_from = msec;
	s->deadline = session_timeout(d, now);
	if (lf == NULL)
		return SESSION_SKIPPING;
	return hold_say(d, s, SMTP_LINE_TOO_LONG, now);
}
