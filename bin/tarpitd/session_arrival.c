/* SPDX-License-Identifier: ISC */
/* A session's way from accept to the lane that was decided. */
#include <string.h>

#include "bin/common/fd.h"
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/drip.h"
#include "bin/tarpitd/session_internal.h"
#include "bin/tarpitd/shedding.h"

/* Without having said anything. */
static bool
has_left(const struct session *s)
{
	char byte;

	return drip_peek(s, &byte, 1) < 0;
}

/* Sends the session into the lane that was decided. */
static void
take_lane(
    struct dispatcher *d, struct session *s, uint32_t patience, uint64_t now)
{
	if (d->config->mode == MODE_OBSERVE)
		s->flags |= SESSION_OBSERVED;
	if (s->lane == LANE_PASS || (s->flags & SESSION_OBSERVED) != 0) {
		session_enter(d, s, SESSION_HANDOFF, now);
		return;
	}
	if (has_left(s)) {
		session_close_as(d, s, OUTCOME_ABANDONED, now);
		return;
	}
	if (!shedding_make_room(d, s, now)) {
		session_dismiss(d, s, OUTCOME_SHED, SMTP_OVERLOAD, now);
		return;
	}
	if (s->lane == LANE_HOLD)
		session_begin_hold(d, s, now);
	else
		session_begin_slow(d, s, patience, now);
}

/* What stands for the answer that did not come. */
static void
set_default(const struct dispatcher *d, struct verdict *v)
{
	static const char reason[] = "policy:unanswered";

	memset(v, 0, sizeof(*v));
	if (d->config->policy_failure == POLICY_FAILURE_SLOW) {
		v->lane = LANE_SLOW;
		/* The mildest that policy.conf ships with. */
		v->rate = 100;
		v->patience = 6;
	}
	memcpy(v->reason, reason, sizeof(reason));
	v->reason_len = sizeof(reason) - 1;
}

static void
set_verdict(struct dispatcher *d, struct session *s, const struct verdict *v)
{
	uint32_t number = verdict_intern(&d->strings, v);

	intern_release(&d->strings, s->verdict);
	s->verdict = number;
}

/* The second answer, after an early talker was caught: it stays in hold, but
 * the rate and the reason are the policy's. */
static void
reconsider(struct dispatcher *d, struct session *s, const struct verdict *v,
    uint64_t now)
{
	set_verdict(d, s, v);
	/* One that would pass it has no rate for a held session. */
	if (v->rate != 0)
		drip_set_rate(s, v->rate, dispatcher_msec(d, now));
	session_set_cadence(d, s);
}

bool
session_can_be_throttled(const struct dispatcher *d)
{
	return mux_is_usable(&d->mux) && starttls_permits_throttle(d);
}

/* Into the lane that V decides, or its substitute. */
static void
decide(struct dispatcher *d, struct session *s, const struct verdict *v,
    uint64_t now)
{
	set_verdict(d, s, v);
	s->verdict_lane = (uint8_t)v->lane;
	s->lane = (uint8_t)v->lane;
	if (v->lane == LANE_THROTTLE && !session_can_be_throttled(d))
		s->lane = LANE_SLOW;
	s->rate = v->lane == LANE_PASS ? 0 : v->rate;
	operator_overrule(d, s, now);
	take_lane(d, s, v->patience, now);
}

/* Only here is an answer put where others find it: what is found there must
 * not begin its time anew, or who comes often enough is never asked about. */
void
session_decide(
    void *dispatcher, struct session *s, const struct verdict *v, uint64_t now)
{
	struct dispatcher *d = dispatcher;
	struct verdict unanswered;

	if (s->state != SESSION_ASKING) {
		/* A second answer, or a late first one. */
		if (v != NULL && session_is_slowed(s) &&
		    (s->flags & SESSION_PREGREET) != 0)
			reconsider(d, s, v, now);
		return;
	}
	if (v != NULL) {
		/* Who is held stays, and need not be known when it comes back:
		 * thousands of such answers would be most of our memory. */
		if (v->lane != LANE_HOLD)
			answer_cache_put(d->answers, &s->client, v, now);
	} else {
		set_default(d, &unanswered);
		v = &unanswered;
	}
	decide(d, s, v, now);
}

void
session_gone(void *dispatcher, struct session *s, uint64_t now)
{
	session_close_as(dispatcher, s, OUTCOME_ABANDONED, now);
}

/* Own networks: as whoever has nothing against it.  An operator's order counts
 * all the same. */
static void
admit_own(struct dispatcher *d, struct session *s, uint64_t now)
{
	static const char reason[] = "own-network";
	struct verdict v = { .lane = LANE_PASS,
		.reason_len = sizeof(reason) - 1 };

	memcpy(v.reason, reason, sizeof(reason));
	decide(d, s, &v, now);
}

/* Asks, or decides by an answer that still holds. */
static void
ask(struct dispatcher *d, struct session *s, uint64_t now)
{
	const struct verdict *known =
	    answer_cache_get(d->answers, &s->client, now);

	s->deadline = dispatcher_msec(d, now + d->config->policy_timeout);
	session_enter(d, s, SESSION_ASKING, now);
	if (known != NULL) {
		d->tally.cache_hits++;
		decide(d, s, known, now);
		return;
	}
	switch (ask_question(&d->ask, s, now)) {
	case ASK_WAITS:
		break;
	case ASK_AWAY:
		session_decide(d, s, NULL, now);
		break;
	case ASK_FULL:
		decide(d, s, &ask_overloaded, now);
		break;
	}
}

/* ---- limits per client ---- */

static const struct {
	const char *option;
	uint16_t flag; /* enum session_flag */
} widths[CLIENT_WIDTHS] = {
	[CLIENT_HOST] = { "MaxPerClient", SESSION_OVER_LIMIT },
	[CLIENT_NETWORK] = { "MaxPerNetwork", SESSION_OVER_NETWORK },
	[CLIENT_SITE] = { "MaxPerSite", SESSION_OVER_SITE },
};

const char *
session_limit_name(const struct session *s)
{
	for (size_t w = 0; w < CLIENT_WIDTHS; w++)
		if ((s->flags & widths[w].flag) != 0)
			return widths[w].option;
	return (s->flags & SESSION_OVER_MTA) != 0 ? "HandoffSessions" : NULL;
}

/* The refused ones have records of their own, but who reads thousands of them
 * wants to know whose they are. */
static void
tell_limit(struct dispatcher *d, const struct session *s,
    enum client_width width, uint64_t now)
{
	char text[ADDRESS_TEXT];
	struct in6_addr prefix;
	unsigned int len;
	struct record r;

	if (!journal_is_due(&d->next_limited[width], now) ||
	    !clients_prefix(&s->client, width, &prefix, &len))
		return;
	address_print(&prefix, text);
	record_begin(&r, EVENT_CLIENT_LIMIT,
	    "%s/%u has %u sessions, which are all that %s= allows: %s", text,
	    len, d->limits.max[width], widths[width].option,
	    d->config->mode == MODE_ENFORCE ? "more are told 421"
					    : "more would be told 421");
	record_field(&r, "TARPIT_LIMIT", "%s", widths[width].option);
	record_field(&r, "TARPIT_NETWORK", "%s/%u", text, len);
	journal_send(d->journal, &r);
}

/* Whether there is one session too many of the client or of a network around
 * it. */
static bool
is_one_too_many(struct dispatcher *d, struct session *s, uint64_t now)
{
	enum client_width width =
	    clients_exceeds(&d->clients, &s->client, &d->limits);

	if (width == CLIENT_WIDTHS)
		return false;
	s->flags |= widths[width].flag;
	d->limited[width]++;
	tell_limit(d, s, width, now);
	return true;
}

static struct session *
take_slot(struct dispatcher *d, int fd, const struct sockaddr_storage *peer,
    uint64_t now)
{
	uint32_t slot = pool_take(&d->pool);
	struct session *s;

	if (slot == POOL_NONE) {
		/* The spare slots are in use, too: too early to say why. */
		fd_close(&fd);
		return NULL;
	}
	s = &d->pool.session[slot];
	s->fd = fd;
	s->number = ++d->number;
	address_from_socket(peer, &s->client, &s->port);
	s->accepted = dispatcher_msec(d, now);
	s->texts = texts_hold(&d->texts);
	return s;
}

/* The client is known now. */
static void
admit(struct dispatcher *d, struct session *s, uint64_t now)
{
	s->flags |= SESSION_COUNTED;
	clients_add(&d->clients, &s->client, 1);
	if (own_has(&d->own, &d->config->own, &s->client)) {
		admit_own(d, s, now);
		return;
	}
	/* Whoever only observes turns nobody away. */
	if (is_one_too_many(d, s, now) && d->config->mode == MODE_ENFORCE) {
		session_dismiss(d, s, OUTCOME_SHED, SMTP_MANY_CLIENTS, now);
	} else {
		ask(d, s, now);
	}
}

void
session_begin(struct dispatcher *d, int fd, const struct sockaddr_storage *peer,
    uint64_t now)
{
	struct session *s = take_slot(d, fd, peer, now);

	if (s != NULL)
		admit(d, s, now);
}

void
session_begin_proxied(struct dispatcher *d, int fd,
    const struct sockaddr_storage *peer, uint64_t now)
{
	struct session *s = take_slot(d, fd, peer, now);

	if (s == NULL)
		return;
	session_enter(d, s, SESSION_PROXIED, now);
	if (proxied_start(&d->proxied, s, peer, now) < 0)
		session_close_as(d, s, OUTCOME_FAILED, now);
}

static void
set_client(struct session *s, const struct proxy_header *header)
{
	s->client = header->client;
	s->port = header->client_port;
}

/* There is no client; a person behind a load balancer that sends its header only
 * when the client has spoken is told so. */
static void
send_away(struct dispatcher *d, struct session *s, uint64_t now)
{
	enum proxied_refusal why = proxied_why(&d->proxied, s);

	if (why == PROXIED_LATE)
		session_dismiss(d, s, OUTCOME_SHED, SMTP_PROXY_LATE, now);
	else if (why == PROXIED_UNKNOWN)
		session_dismiss(d, s, OUTCOME_SHED, SMTP_PROXY_UNKNOWN, now);
	else
		session_close_as(d, s, OUTCOME_ABANDONED, now);
}

/* Who has no address (0.0.0.0 stands for it) cannot be asked about, nor counted:
 * its session goes where PolicyFailure= says, and the MTA gets no address that
 * it might trust.  A health check is to see the MTA's greeting whatever the
 * policy. */
void
session_set_client(void *dispatcher, struct session *s,
    const struct proxy_header *header, uint64_t now)
{
	struct dispatcher *d = dispatcher;

	if (header == NULL) {
		send_away(d, s, now);
		return;
	}
	switch (header->subject) {
	case PROXY_CLIENT:
		set_client(s, header);
		admit(d, s, now);
		return;
	case PROXY_UNKNOWN:
		set_client(s, header);
		session_enter(d, s, SESSION_ASKING, now);
		session_decide(d, s, NULL, now);
		return;
	case PROXY_LOCAL:
		session_enter(d, s, SESSION_HANDOFF, now);
		return;
	}
}
