/* SPDX-License-Identifier: ISC */
/* A session's way to the MTA, which has only so many places (guests.h). */
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/session_internal.h"

/* A score as low as this says that something good is known of the client:
 * more than that nothing bad is, or that it has a name. */
enum { KNOWN_SCORE = -40 };

/* Known ones, and those of the host itself, are not counted: no crowd is to be
 * able to keep them out. */
static bool
is_counted(const struct dispatcher *d, const struct session *s)
{
	const struct verdict_text *v = verdict_text(&d->strings, s->verdict);

	if (v != NULL && v->score <= KNOWN_SCORE)
		return false;
	return s->override != OVERRIDE_RELEASE &&
	    !own_has(&d->own, &d->config->own, &s->client) &&
	    !proxied_has_no_client(&d->proxied, s) &&
	    !proxied_is_unknown(&d->proxied, s);
}

static bool
is_graduate(const struct session *s)
{
	return s->lane != LANE_PASS && (s->flags & SESSION_OBSERVED) == 0;
}

static void
tell(struct dispatcher *d, const struct session *s, enum client_width width,
    uint64_t now)
{
	const struct guests *g = &d->guests;
	char text[ADDRESS_TEXT], network[ADDRESS_TEXT + 8];
	struct in6_addr prefix;
	unsigned int len;
	struct record r;
	uint32_t n = g->n_graduates;

	if (!journal_is_due(&d->guests.tell_at, now))
		return;
	snprintf(network, sizeof(network), "patient strangers");
	if (width < CLIENT_WIDTHS &&
	    clients_prefix(&s->client, width, &prefix, &len)) {
		address_print(&prefix, text);
		snprintf(network, sizeof(network), "%s/%u", text, len);
		n = clients_count(&g->clients, &s->client, width);
	}
	address_print(&s->client, text);
	record_begin(&r, EVENT_HANDOFF_LIMIT,
	    "the MTA has %u sessions of %s, and %u in all of the %u that it "
	    "has places for (HandoffSessions=): more wait in their greeting, "
	    "then hear 421",
	    n, network, g->n, guests_places(g));
	record_field(&r, "TARPIT_CLIENT", "%s", text);
	if (width < CLIENT_WIDTHS)
		record_field(&r, "TARPIT_NETWORK", "%s", network);
	journal_send(d->journal, &r);
}

bool
session_may_graduate(struct dispatcher *d, struct session *s, uint64_t now)
{
	enum client_width width;

	if (!is_counted(d, s) ||
	    guests_may_graduate(&d->guests, &s->client, now, &width))
		return true;
	if ((s->flags & SESSION_OVER_MTA) == 0) {
		s->flags |= SESSION_OVER_MTA;
		d->guests.delayed++;
		tell(d, s, width, now);
	}
	return false;
}

void
session_note_guest(struct dispatcher *d, const struct session *s, uint64_t now)
{
	if (is_counted(d, s))
		guests_enter(
		    &d->guests, s->fd, &s->client, is_graduate(s), now);
}
