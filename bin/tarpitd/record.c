/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpitd/address.h"
#include "bin/tarpitd/folding.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/starttls.h"
#include "bin/tarpitd/throttle.h"
#include "bin/tarpitd/tls.h"

/* Of a refusal so much is recorded. */
enum { REFUSAL_SIZE = 512 };

const char *
outcome_name(enum outcome outcome)
{
	static const char *const names[OUTCOME_COUNT] = {
		[OUTCOME_NONE] = "none",
		[OUTCOME_PASSED] = "passed",
		[OUTCOME_GRADUATED] = "graduated",
		[OUTCOME_ABANDONED] = "abandoned",
		[OUTCOME_DELIVERED] = "delivered",
		[OUTCOME_REFUSED] = "refused",
		[OUTCOME_SHED] = "shed",
		[OUTCOME_FAILED] = "failed",
	};

	return names[outcome];
}

/* "%s" is the client, "%.1f" how many seconds it was with us. */
static const char *
sentence(const struct dispatcher *d, const struct session *s)
{
	static const char *const sentences[OUTCOME_COUNT] = {
		[OUTCOME_NONE] = "%s ended after %.1f s",
		[OUTCOME_PASSED] = "%s was passed to the MTA after %.1f s",
		[OUTCOME_GRADUATED] =
		    "%s was patient and given to the MTA after %.1f s",
		[OUTCOME_ABANDONED] = "%s left after %.1f s",
		[OUTCOME_DELIVERED] = "%s delivered in %.1f s",
		[OUTCOME_REFUSED] = "%s was refused for %.1f s",
		[OUTCOME_SHED] = "%s was sent away after %.1f s",
		[OUTCOME_FAILED] = "%s found no MTA in %.1f s",
	};

	if (d->handoff.refusal != NULL)
		return "%s was refused by the MTA after %.1f s";
	return sentences[s->outcome];
}

/* What was done instead of what was decided. */
static const char *
remark(const struct session *s)
{
	if ((s->flags & SESSION_OBSERVED) != 0)
		return ", only observed";
	if (s->override == OVERRIDE_RELEASE)
		return ", released by an operator";
	if (s->override == OVERRIDE_HOLD)
		return ", held by an operator";
	if (s->lane == s->verdict_lane)
		return "";
	return s->verdict_lane == LANE_THROTTLE && s->lane == LANE_SLOW
	    ? ", slowed instead of throttled"
	    : ", caught";
}

/* The limit for which the session ended, or "". */
static const char *
limit_name(const struct session *s)
{
	if (s->outcome != OUTCOME_SHED || s->out_reply == SMTP_OPERATOR)
		return "";
	if (s->out_reply == SMTP_TIMEOUT)
		return "limit:MaxThrottleTime";
	return s->out_reply == SMTP_SHUTDOWN ? "limit:shutdown"
					     : "limit:ReserveForPass";
}

static void
add_word(char *buf, size_t size, const char *word)
{
	size_t len = strlen(buf);

	if (*word != '\0')
		snprintf(
		    buf + len, size - len, "%s%s", len > 0 ? " " : "", word);
}

void
record_reason(
    const struct dispatcher *d, const struct session *s, char *buf, size_t size)
{
	const struct verdict_text *v = verdict_text(&d->strings, s->verdict);
	const char *over = session_limit_name(s);
	char limit[40];

	snprintf(buf, size, "%s", v != NULL ? v->reason : "");
	if ((s->flags & SESSION_PREGREET) != 0 &&
	    strstr(buf, "behaviour:pregreet") == NULL)
		add_word(buf, size, "behaviour:pregreet");
	if (proxied_is_unknown(&d->proxied, s))
		add_word(buf, size, "proxy:unknown");
	if (s->override == OVERRIDE_RELEASE)
		add_word(buf, size, "operator:release");
	if (s->override == OVERRIDE_HOLD)
		add_word(buf, size, "operator:hold");
	if (throttle_is_cut(d, s))
		add_word(buf, size, "limit:errors");
	if (throttle_is_too_slow(d, s))
		add_word(buf, size, "limit:MinBodyRate");
	if (over != NULL)
		snprintf(limit, sizeof(limit), "limit:%s", over);
	add_word(buf, size, over != NULL ? limit : limit_name(s));
}

static void
add_verdict(struct record *r, const struct dispatcher *d,
    const struct session *s, const char *reason)
{
	const struct verdict_text *v = verdict_text(&d->strings, s->verdict);

	record_field(r, "TARPIT_LANE", "%s", lane_name((enum lane)s->lane));
	record_field(
	    r, "TARPIT_VERDICT", "%s", lane_name((enum lane)s->verdict_lane));
	record_field(r, "TARPIT_SCORE", "%d", v != NULL ? v->score : 0);
	record_field(r, "TARPIT_RATE", "%" PRIu32, s->rate);
	record_field(r, "TARPIT_REASON", "%s", reason);
	record_field(r, "TARPIT_COUNTRY", "%s", v != NULL ? v->country : "");
	if (v != NULL && v->asn != 0)
		record_field(r, "TARPIT_ASN", "%" PRIu32, v->asn);
	else
		record_field(r, "TARPIT_ASN", "%s", "");
}

static void
add_dialogue(
    struct record *r, const struct dispatcher *d, const struct session *s)
{
	size_t len, helo_len;
	const char *words = intern_get(&d->words, s->words, &len);

	if (words == NULL) {
		words = "";
		len = 1;
	}
	helo_len = strnlen(words, len);
	record_field(r, "TARPIT_BYTES_IN", "%" PRIu32, s->bytes_in);
	record_field(r, "TARPIT_BYTES_OUT", "%" PRIu32, s->bytes_out);
	record_field(r, "TARPIT_HELO", "%.*s", (int)helo_len, words);
	record_field(r, "TARPIT_SENDER", "%.*s", (int)(len - helo_len - 1),
	    words + helo_len + 1);
	record_field(r, "TARPIT_RECIPIENTS", "%u", s->recipients);
}

static void
add_tls(struct record *r, const struct dispatcher *d, const struct session *s)
{
	const char *error = starttls_error(d, s);

	record_field(r, "TARPIT_TLS", "%s",
	    s->tls != NULL ? tls_session_version(s->tls) : "");
	record_field(r, "TARPIT_TLS_CIPHER", "%s",
	    s->tls != NULL ? tls_session_cipher(s->tls) : "");
	if (error != NULL)
		record_field(r, "TARPIT_TLS_ERROR", "%s", error);
}

/* A reply in one line. */
static void
print_reply(const char *reply, size_t len, char *buf, size_t size)
{
	size_t n = 0;

	while (len > 0 && (reply[len - 1] == '\n' || reply[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len && n + 1 < size; i++)
		if (reply[i] != '\r')
			buf[n++] = reply[i] == '\n' ? ' ' : reply[i];
	buf[n] = '\0';
}

/* The last refusal that it has heard, and whether it was ours or the MTA's. */
static void
add_refusal(
    struct record *r, const struct dispatcher *d, const struct session *s)
{
	const struct texts *texts = d->texts.generation[s->texts];
	const char *reply = texts->reply[s->refusal].text;
	size_t len = texts->reply[s->refusal].len;
	bool by_mta = false;
	char text[REFUSAL_SIZE];

	if (s->refusal == SMTP_GREETING)
		reply = throttle_refusal(d, s, &len, &by_mta);
	if (d->handoff.refusal != NULL) {
		reply = d->handoff.refusal;
		len = d->handoff.refusal_len;
		by_mta = true;
	}
	if (reply == NULL)
		return;
	print_reply(reply, len, text, sizeof(text));
	record_field(r, "TARPIT_REFUSAL", "%s", text);
	record_field(r, "TARPIT_REFUSED_BY", "%s", by_mta ? "mta" : "tarpit");
}

/* Why the rate is not the one that was decided on. */
static void
print_pace(const struct throttle *t, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	if (t->good > 0)
		n += (size_t)snprintf(
		    buf + n, size - n, " recipient-accepted*%u", t->good);
	if (t->bad > 0)
		n += (size_t)snprintf(
		    buf + n, size - n, " recipient-refused*%u", t->bad);
	if ((t->flags & THROTTLE_PATIENT) != 0)
		snprintf(buf + n, size - n, " patient");
}

/* Of the lane throttle only, once its dialogue has begun. */
static void
add_messages(
    struct record *r, const struct dispatcher *d, const struct session *s)
{
	const struct throttle *t = throttle_find(d, s);
	char pace[96];

	if (t == NULL)
		return;
	print_pace(t, pace, sizeof(pace));
	record_field(r, "TARPIT_DELIVERED", "%u", t->messages);
	record_field(r, "TARPIT_UNHEARD", "%u", t->unheard);
	record_field(r, "TARPIT_PACE", "%s", pace[0] == ' ' ? pace + 1 : pace);
}

#pragma GCC diagnostic push
/* The sentences are a table of ours, all with the same two arguments. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
print_what(const struct dispatcher *d, const struct session *s,
    const char *client, double seconds, char *buf, size_t size)
{
	snprintf(buf, size, sentence(d, s), client, seconds);
}
#pragma GCC diagnostic pop

void
record_session(struct dispatcher *d, const struct session *s, uint64_t now)
{
	const struct in6_addr *proxy = proxied_by(&d->proxied, s);
	uint64_t held = dispatcher_msec(d, now) - s->accepted;
	char client[ADDRESS_TEXT], what[160], reason[RECORD_REASON_SIZE];
	struct record r;

	address_print(&s->client, client);
	record_reason(d, s, reason, sizeof(reason));
	print_what(d, s, client, (double)held / 1000, what, sizeof(what));
	record_begin(&r, EVENT_SESSION, "%s (%s%s%s%s)", what,
	    lane_name((enum lane)s->lane), remark(s),
	    *reason != '\0' ? ": " : "", reason);
	record_field(
	    &r, "TARPIT_SESSION", "%" PRIx64 "-%" PRIx32, d->epoch, s->number);
	record_field(&r, "TARPIT_CLIENT", "%s", client);
	record_field(&r, "TARPIT_CLIENT_PORT", "%u", s->port);
	if (proxy != NULL)
		record_field(
		    &r, "TARPIT_PROXY", "%s", address_print(proxy, client));
	record_field(
	    &r, "TARPIT_OUTCOME", "%s", outcome_name((enum outcome)s->outcome));
	record_field(&r, "TARPIT_MODE", "%s",
	    (s->flags & SESSION_OBSERVED) != 0 ? "observe" : "enforce");
	add_verdict(&r, d, s, reason);
	record_field(&r, "TARPIT_HELD_USEC", "%" PRIu64, held * USEC_PER_MSEC);
	add_dialogue(&r, d, s);
	add_tls(&r, d, s);
	add_refusal(&r, d, s);
	add_messages(&r, d, s);
	journal_send(d->journal, &r);
}

/* "192.0.2.7", "192.0.2.0/24", or whoever. */
static void
print_whose(const struct fold *f, char *buf, size_t size)
{
	bool ipv4 = IN6_IS_ADDR_V4MAPPED(&f->prefix);
	char text[ADDRESS_TEXT];

	address_print(&f->prefix, text);
	if (f->prefix_len == 0)
		snprintf(buf, size, "all");
	else if (ipv4 && f->prefix_len == 32)
		snprintf(buf, size, "%s", text);
	else
		snprintf(buf, size, "%s/%u", text, f->prefix_len);
}

/* The fields that every record of a session has; times and bytes are those of
 * one, on average. */
static void
add_fold(struct record *r, const struct dispatcher *d, const struct fold *f,
    const char *whose)
{
	char client[ADDRESS_TEXT];

	record_field(
	    r, "TARPIT_SESSION", "%" PRIx64 "-%" PRIx32, d->epoch, f->number);
	record_field(r, "TARPIT_SESSIONS", "%" PRIu64, f->n);
	record_field(r, "TARPIT_FOLDED", "%s", whose);
	record_field(
	    r, "TARPIT_CLIENT", "%s", address_print(&f->client, client));
	record_field(r, "TARPIT_CLIENT_PORT", "0");
	record_field(
	    r, "TARPIT_OUTCOME", "%s", outcome_name((enum outcome)f->outcome));
	record_field(
	    r, "TARPIT_MODE", "%s", f->observed ? "observe" : "enforce");
	record_field(r, "TARPIT_LANE", "%s", lane_name((enum lane)f->lane));
	record_field(
	    r, "TARPIT_VERDICT", "%s", lane_name((enum lane)f->verdict_lane));
	record_field(r, "TARPIT_SCORE", "%d", f->score);
	record_field(r, "TARPIT_RATE", "%" PRIu32, f->rate);
	record_field(r, "TARPIT_REASON", "%s", f->reason);
	record_field(r, "TARPIT_COUNTRY", "%s", f->country);
	if (f->asn != 0)
		record_field(r, "TARPIT_ASN", "%" PRIu32, f->asn);
	else
		record_field(r, "TARPIT_ASN", "%s", "");
	record_field(
	    r, "TARPIT_HELD_USEC", "%" PRIu64, f->held / f->n * USEC_PER_MSEC);
	record_field(r, "TARPIT_BYTES_IN", "%" PRIu64, f->bytes_in / f->n);
	record_field(r, "TARPIT_BYTES_OUT", "%" PRIu64, f->bytes_out / f->n);
	record_field(r, "TARPIT_HELO", "%s", "");
	record_field(r, "TARPIT_SENDER", "%s", "");
	record_field(r, "TARPIT_RECIPIENTS", "0");
	record_field(r, "TARPIT_TLS", "%s", "");
	record_field(r, "TARPIT_TLS_CIPHER", "%s", "");
}

void
record_fold(struct dispatcher *d, const struct fold *f, uint64_t span)
{
	char whose[ADDRESS_TEXT + 8];
	struct record r;

	print_whose(f, whose, sizeof(whose));
	record_begin(&r, EVENT_SESSION,
	    "and %" PRIu64 " more of %s in %" PRIu64 " s: %s (%s%s%s)", f->n,
	    whose, span / USEC_PER_SEC, outcome_name((enum outcome)f->outcome),
	    lane_name((enum lane)f->lane), f->reason[0] != '\0' ? ": " : "",
	    f->reason);
	add_fold(&r, d, f, whose);
	journal_send(d->journal, &r);
}

/* Sessions that were passed on or graduated, and go through us still. */
static size_t
print_relay(const struct relay *r, char *buf, size_t size)
{
	int n;

	if (r->n == 0 && r->to_mta == 0)
		return 0;
	n = snprintf(buf, size,
	    "; relayed: %" PRIu32 " sessions, %" PRIu64
	    " KB to the MTA, %" PRIu64 " KB from it",
	    r->n, r->to_mta / 1024, r->to_clients / 1024);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static void
print_backend(const struct mux *m, char *buf, size_t size)
{
	if (m->address_len == 0 || size == 0)
		return;
	snprintf(buf, size,
	    "; MTA: %" PRIu32 " connections, %" PRIu32 " free, %" PRIu32
	    " busy, %" PRIu32 " queued, longest wait %" PRIu64 " ms%s",
	    m->n, m->n_idle, m->n - m->n_idle, m->queue.n_waiting,
	    m->longest_wait / USEC_PER_MSEC, m->down ? ", down" : "");
}

void
record_counts(const struct dispatcher *d, char *buf, size_t size)
{
	uint64_t n[OUTCOME_COUNT];
	uint32_t held = d->pool.held.n;
	int len;

	for (int i = 0; i < OUTCOME_COUNT; i++)
		n[i] = tally_outcome(&d->tally.total, (enum outcome)i);
	len = snprintf(buf, size,
	    "%" PRIu32 " sessions: %" PRIu32 " asking, %" PRIu32
	    " slow, %" PRIu32 " held, %" PRIu32 " to the MTA; ended: %" PRIu64
	    " passed, %" PRIu64 " graduated, %" PRIu64 " delivered, %" PRIu64
	    " abandoned, %" PRIu64 " refused, %" PRIu64 " shed, %" PRIu64
	    " failed; longest stall %.1f ms",
	    d->pool.live, d->pool.asking.n, d->n_slowed - held, held,
	    d->handoff.n_waiting + d->handoff.n_offered + d->handoff.n_taken,
	    n[OUTCOME_PASSED], n[OUTCOME_GRADUATED], n[OUTCOME_DELIVERED],
	    n[OUTCOME_ABANDONED], n[OUTCOME_REFUSED], n[OUTCOME_SHED],
	    n[OUTCOME_FAILED],
	    (double)d->longest_stall / (double)USEC_PER_MSEC);

	if (len <= 0 || (size_t)len >= size)
		return;
	len += (int)print_relay(&d->relay, buf + len, size - (size_t)len);
	print_backend(&d->mux, buf + len, size - (size_t)len);
}
