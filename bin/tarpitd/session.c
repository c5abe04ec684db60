/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/session.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/hold.h"
#include "bin/tarpitd/record.h"
#include "bin/tarpitd/session_internal.h"
#include "bin/tarpitd/starttls.h"
#include "bin/tarpitd/throttle.h"

/* Msec: who stays longer without a word has not only looked. */
enum { PROBE_MAX = 2000 };

/* What is not to wait for the next visit: commands that a throttled client has
 * sent ahead are answered for as long as a slice lasts. */
static bool
is_prompt(const struct session *s)
{
	return s->lane == LANE_THROTTLE || s->state == SESSION_HANDSHAKE;
}

/* What a state is.  The states that are slowed are visited; a handler returns
 * the next state, and only session_enter() makes it so. */
static const struct {
	const char *name;
	bool slowed;
	enum session_state (*on_visit)(
	    struct dispatcher *, struct session *, uint64_t now);
} states[SESSION_STATE_COUNT] = {
	[SESSION_FREE] = { "free", false, NULL },
	[SESSION_PROXIED] = { "proxied", false, NULL },
	[SESSION_ASKING] = { "asking", false, NULL },
	[SESSION_GREETING] = { "greeting", true, session_visit_greeting },
	[SESSION_HANDOFF] = { "handoff", false, NULL },
	[SESSION_SENDING] = { "sending", true, hold_visit_sending },
	[SESSION_COMMAND] = { "command", true, hold_visit_command },
	[SESSION_SKIPPING] = { "skipping", true, hold_visit_skipping },
	[SESSION_T_SENDING] = { "t-sending", true, throttle_visit_sending },
	[SESSION_T_COMMAND] = { "t-command", true, throttle_visit_command },
	[SESSION_T_SKIPPING] = { "t-skipping", true, throttle_visit_skipping },
	[SESSION_T_BODY] = { "t-body", true, throttle_visit_body },
	[SESSION_T_WAITING] = { "t-waiting", true, throttle_visit_waiting },
	[SESSION_HANDSHAKE] = { "handshake", true, starttls_visit },
	[SESSION_CLOSED] = { "closed", false, NULL },
};

const char *
session_state_name(const struct session *s)
{
	return states[s->state].name;
}

bool
session_is_slowed(const struct session *s)
{
	return states[s->state].slowed;
}

/* Tells the sweep; after every change of state or rate. */
void
session_set_cadence(struct dispatcher *d, const struct session *s)
{
	enum cadence cadence = CADENCE_NONE;

	if (session_is_slowed(s))
		cadence = lane_is_quick(s->rate) ? CADENCE_QUICK : CADENCE_SLOW;
	d->pool.cadence[pool_slot(&d->pool, s)] = (uint8_t)cadence;
}

/* A close with unread input becomes a reset, which may overtake the last words
 * that we have sent; a client that goes on talking gets it all the same. */
static void
drain(int fd)
{
	char buf[4096];

	(void)recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
}

/* Log=: a client that went to the MTA at once, or left before it could, was
 * not slowed; one that we turned away is worth a record all the same. */
static bool
is_recorded(const struct dispatcher *d, const struct session *s)
{
	switch ((enum log_choice)d->config->log) {
	case LOG_ALL:
		return true;
	case LOG_SLOWED:
		return s->lane != LANE_PASS || s->outcome == OUTCOME_SHED ||
		    s->outcome == OUTCOME_FAILED;
	case LOG_SUMMARY:
		return false;
	}
	return true;
}

/* A look whether the port is open (nc -z, a load balancer's check): it came, said
 * nothing, was told nothing, and went.  Who does so gains nothing by it. */
static bool
is_probe(const struct session *s, enum session_state was, uint32_t held)
{
	return s->outcome == OUTCOME_ABANDONED && s->bytes_out == 0 &&
	    s->bytes_in == 0 && (s->flags & SESSION_PREGREET) == 0 &&
	    was != SESSION_HANDOFF && held < PROBE_MAX;
}

/* What the policy service may learn from.  Nobody was asked about an own
 * network, or an address that is not known; and who left while it waited for the MTA was not impatient with us. */
static bool
is_lesson(
    const struct dispatcher *d, const struct session *s, enum session_state was)
{
	return !own_has(&d->own, &d->config->own, &s->client) &&
	    !proxied_is_unknown(&d->proxied, s) &&
	    !(s->outcome == OUTCOME_ABANDONED && was == SESSION_HANDOFF);
}

/* Without a client there is nobody to tell of: a proxy's health check has no
 * record, no history, and no place in the counts. */
static void
account(struct dispatcher *d, struct session *s, enum session_state was,
    uint64_t now)
{
	uint32_t held = dispatcher_msec(d, now) - s->accepted;

	if (proxied_has_no_client(&d->proxied, s))
		return;
	if (is_probe(s, was, held)) {
		d->tally.probes++;
		return;
	}
	if (is_recorded(d, s) && !folding_takes(d, s, held, now))
		record_session(d, s, now);
	tally_add(&d->tally, s, held, (uint64_t)time(NULL));
	if (is_lesson(d, s, was))
		ask_report(&d->ask, s,
		    throttle_is_cut(d, s)
			? "expelled"
			: outcome_name((enum outcome)s->outcome),
		    held);
}

static void
finish(struct dispatcher *d, struct session *s, enum session_state was,
    uint64_t now)
{
	account(d, s, was, now);
	throttle_end(d, s, now);
	proxied_forget(&d->proxied, s);
	/* The MTA shares the socket: what is in it now is the MTA's. */
	if (s->outcome != OUTCOME_PASSED && s->outcome != OUTCOME_GRADUATED)
		drain(s->fd);
	starttls_end(d, s);
	fd_close(&s->fd);
	if ((s->flags & SESSION_COUNTED) != 0)
		clients_remove(&d->clients, &s->client, 1);
	texts_release(&d->texts, s->texts);
	intern_release(&d->strings, s->verdict);
	intern_release(&d->words, s->words);
	s->age_next = d->closed;
	d->closed = pool_slot(&d->pool, s);
	dispatcher_note_end(d);
}

static void
leave(struct dispatcher *d, struct session *s)
{
	if (s->state == SESSION_ASKING) {
		pool_remove(&d->pool, &d->pool.asking, s);
		ask_leave(&d->ask, s);
	}
	if (states[s->state].slowed) {
		d->n_slowed--;
		d->in_lane[s->lane]--;
		pool_remove(
		    &d->pool, pool_lane(&d->pool, (enum lane)s->lane), s);
	}
}

static void
arrive(struct dispatcher *d, struct session *s, enum session_state was,
    uint64_t now)
{
	if (states[s->state].slowed) {
		d->n_slowed++;
		d->in_lane[s->lane]++;
		pool_append(
		    &d->pool, pool_lane(&d->pool, (enum lane)s->lane), s);
	}
	if (s->state == SESSION_ASKING)
		pool_append(&d->pool, &d->pool.asking, s);
	if (s->state == SESSION_HANDOFF) {
		session_note_guest(d, s, now);
		handoff_start(&d->handoff, s, now);
	}
	if (s->state == SESSION_CLOSED)
		finish(d, s, was, now);
}

/* The only assignment to .state.  Moves between two slowed states keep the
 * session's place among those of its lane. */
void
session_enter(struct dispatcher *d, struct session *s, enum session_state next,
    uint64_t now)
{
	enum session_state was = (enum session_state)s->state;

	if (next == s->state)
		return;
	if (states[s->state].slowed && states[next].slowed) {
		s->state = (uint8_t)next;
		return;
	}
	leave(d, s);
	s->state = (uint8_t)next;
	session_set_cadence(d, s);
	arrive(d, s, was, now);
}

void
session_close_as(
    struct dispatcher *d, struct session *s, enum outcome outcome, uint64_t now)
{
	s->outcome = (uint8_t)outcome;
	session_enter(d, s, SESSION_CLOSED, now);
}

void
session_dismiss(struct dispatcher *d, struct session *s, enum outcome outcome,
    enum smtp_reply reply, uint64_t now)
{
	const struct texts *texts = d->texts.generation[s->texts];
	char buf[1024];
	size_t n = 0;

	if (s->state == SESSION_GREETING || s->state == SESSION_SENDING)
		n = drip_rest_of_line(s, texts, buf, sizeof(buf) / 2);
	if (s->state == SESSION_T_SENDING)
		n = throttle_rest_of_line(d, s, buf, sizeof(buf) / 2);
	memcpy(buf + n, texts->reply[reply].text, texts->reply[reply].len);
	n += texts->reply[reply].len;
	s->out_reply = s->refusal = (uint8_t)reply;
	(void)drip_send(s, buf, n);
	if (s->state == SESSION_HANDOFF) {
		handoff_cancel(&d->handoff, s);
		/* The MTA may have the descriptor in its backlog: for the
		 * client the connection has to end now. */
		(void)shutdown(s->fd, SHUT_RDWR);
	}
	session_close_as(d, s, outcome, now);
}

bool
session_is_with_mta(const struct dispatcher *d, const struct session *s)
{
	if (s->state == SESSION_HANDOFF)
		return handoff_is_passed(&d->handoff, s);
	return throttle_is_committed(d, s);
}

void
session_leave_to_mta(struct dispatcher *d, struct session *s, uint64_t now)
{
	if (s->state != SESSION_HANDOFF) {
		session_enter(d, s, throttle_give_up(d, s), now);
		return;
	}
	/* In the MTA's backlog the descriptor outlives us. */
	handoff_cancel(&d->handoff, s);
	session_handed_off(d, s, HANDOFF_TAKEN, now);
}

void
session_change_lane(struct dispatcher *d, struct session *s, enum lane lane)
{
	d->in_lane[s->lane]--;
	d->in_lane[lane]++;
	pool_remove(&d->pool, pool_lane(&d->pool, (enum lane)s->lane), s);
	s->lane = (uint8_t)lane;
	pool_append(&d->pool, pool_lane(&d->pool, lane), s);
}

/* True if the state that it has come to is not to wait. */
static bool
visit_once(struct dispatcher *d, struct session *s, uint64_t now)
{
	uint8_t was = s->state;

	session_enter(d, s, states[was].on_visit(d, s, now), now);
	return is_prompt(s) && s->state != was && states[s->state].slowed;
}

void
session_visit(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct slice slice = { 0 };

	if (throttle_is_over_time(d, s, now)) {
		d->shed[SHED_OVER_TIME]++;
		session_dismiss(d, s, OUTCOME_SHED, SMTP_TIMEOUT, now);
		return;
	}
	while (visit_once(d, s, now)) {
		if (slice.until == 0)
			slice = slice_begin(LOOP_SLICE);
		else if (slice_is_over(&slice)) {
			throttle_visit_soon(d, s);
			break;
		}
	}
	session_set_cadence(d, s); /* its rate may be another now */
}

void
session_go_on(struct dispatcher *d, struct session *s, enum session_state next,
    uint64_t now)
{
	session_enter(d, s, next, now);
	if (states[next].slowed)
		session_visit(d, s, now);
}

void
session_handed_off(void *dispatcher, struct session *s,
    enum handoff_result result, uint64_t now)
{
	struct dispatcher *d = dispatcher;
	bool slowed =
	    (s->flags & SESSION_OBSERVED) == 0 && s->lane != LANE_PASS;

	switch (result) {
	case HANDOFF_TAKEN:
		session_close_as(
		    d, s, slowed ? OUTCOME_GRADUATED : OUTCOME_PASSED, now);
		return;
	case HANDOFF_GONE:
		session_close_as(d, s, OUTCOME_ABANDONED, now);
		return;
	case HANDOFF_TIMED_OUT:
	case HANDOFF_SILENT:
		session_dismiss(d, s, OUTCOME_FAILED, SMTP_NO_MTA, now);
		return;
	case HANDOFF_FAILED:
	case HANDOFF_REFUSED:
		session_close_as(d, s, OUTCOME_FAILED, now);
		return;
	}
}

void
session_reap(struct dispatcher *d)
{
	while (d->closed != POOL_NONE) {
		uint32_t slot = d->closed;

		d->closed = d->pool.session[slot].age_next;
		pool_give_back(&d->pool, slot);
	}
}
