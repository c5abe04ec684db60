/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/room.h"

#include <errno.h>

/* Parts of SpoolMax=. */
enum { HOST_PART = 16, NETWORK_PART = 4 };

enum {
	/* Of many messages so many are looked at for one that gives way, the
	 * next ones the next time. */
	LOOKS = 256,
	/* So many give way at a time: that small ones were all that there is
	 * to be had does not make the loop wait. */
	EXPELLED_MAX = 16,
	/* How slow one is, is known after so many msec. */
	LEAST_AGE = 5000,
};

struct room_host {
	struct party party;         /* first; `used` is bytes */
	struct room_message *large; /* may be as large as any; NULL: none */
};

void
room_init(struct room *r)
{
	r->hosts = (struct parties){ .size = sizeof(struct room_host) };
}

void
room_fini(struct room *r)
{
	parties_fini(&r->hosts);
	r->ring = NULL;
}

/* ---- the ring ---- */

static void
enlist(struct room *r, struct room_message *m)
{
	r->n++;
	if (r->ring == NULL) {
		r->ring = m->next = m->prev = m;
		return;
	}
	m->next = r->ring;
	m->prev = r->ring->prev;
	m->prev->next = m->next->prev = m;
}

static void
strike_off(struct room *r, struct room_message *m)
{
	r->n--;
	m->prev->next = m->next;
	m->next->prev = m->prev;
	if (r->ring == m)
		r->ring = m->next != m ? m->next : NULL;
}

/* ---- parts ---- */

static uint64_t
host_part(const struct room *r)
{
	return r->store->total_max / HOST_PART;
}

static uint64_t
network_part(const struct room *r)
{
	return r->store->total_max / NETWORK_PART;
}

/* One message at least. */
static bool
is_network_full(const struct room *r, const struct party *network, size_t len)
{
	uint64_t part = network_part(r);

	if (part < r->message_max)
		part = r->message_max;
	return network->used + len > part;
}

/* All that it has but the one that may be large. */
static uint64_t
small_ones(const struct room_host *host)
{
	return host->party.used - (host->large != NULL ? host->large->size : 0);
}

/* What has no place among the small ones is the large one, if there is none. */
static bool
fits_host(const struct room *r, struct room_message *m, size_t len)
{
	struct room_host *host = m->host;

	if (host->large == m || small_ones(host) + len <= host_part(r))
		return true;
	if (host->large != NULL)
		return false;
	host->large = m;
	return true;
}

bool
room_is_used_up(const struct room *r, const struct in6_addr *client)
{
	const struct room_host *host =
	    (const struct room_host *)party_find(&r->hosts, client);

	return host != NULL && host->large != NULL &&
	    small_ones(host) >= host_part(r);
}

/* ---- who gives way ---- */

/* The higher the sooner; 0: not at all.  TOTAL is what there is of room. */
static uint64_t
blame(const struct room_message *m, uint64_t total, uint32_t now)
{
	const struct party *host = &m->host->party;
	int32_t age = (int32_t)(now - m->since);
	uint64_t n = 0;

	if (host->network->used > total / NETWORK_PART)
		n += UINT64_C(1) << 62;
	if (host->used > total / HOST_PART)
		n += UINT64_C(1) << 61;
	/* Msec for 1024 bytes: no more than 41 bits. */
	return age < LEAST_AGE ? n : n + (uint64_t)age * 1024 / (m->size + 1);
}

/* Who is more to blame than M, of NETWORK if that is not NULL. */
static struct room_message *
find_to_blame(struct room *r, const struct room_message *m,
    const struct party *network, uint64_t total, uint32_t now)
{
	uint64_t most = blame(m, total, now);
	struct room_message *found = NULL;

	for (uint32_t i = 0; i < r->n && i < LOOKS; i++) {
		struct room_message *other = r->ring;
		uint64_t n = 0;

		r->ring = other->next;
		if (!other->complete && other != m &&
		    (network == NULL || other->host->party.network == network))
			n = blame(other, total, now);
		if (n > most) {
			most = n;
			found = other;
		}
	}
	return found;
}

/* In NETWORK's part, or in the spool if that is NULL. */
static bool
make_room(struct room *r, const struct room_message *m,
    const struct party *network, size_t len, uint32_t now)
{
	int left = EXPELLED_MAX;

	while (network != NULL ? is_network_full(r, network, len)
			       : spool_is_full(r->store, len)) {
		struct room_message *other = left-- > 0
		    ? find_to_blame(r, m, network, r->store->total_max, now)
		    : NULL;

		if (other == NULL)
			return false;
		r->expelled++;
		r->expel(other, r->arg);
	}
	return true;
}

int
room_take(struct room *r, struct room_message *m, const struct in6_addr *client,
    size_t len, uint32_t now)
{
	if (m->host == NULL) {
		m->host = (struct room_host *)party_get(&r->hosts, client);
		if (m->host == NULL)
			return -ENOMEM;
		enlist(r, m);
	}
	if (!fits_host(r, m, len) ||
	    !make_room(r, m, m->host->party.network, len, now)) {
		r->refused++;
		return -EDQUOT;
	}
	if (!make_room(r, m, NULL, len, now))
		return -ENOSPC;
	m->size += len;
	party_use(&m->host->party, (int64_t)len);
	return 0;
}

/* There is as much room as is used. */
bool
room_make_way(struct room *r, const struct room_message *m, uint32_t now)
{
	struct room_message *other =
	    find_to_blame(r, m, NULL, spool_used(r->store), now);

	if (other == NULL)
		return false;
	r->expelled++;
	r->expel(other, r->arg);
	return true;
}

void
room_give_back(struct room *r, struct room_message *m)
{
	struct room_host *host = m->host;

	if (host != NULL) {
		strike_off(r, m);
		if (host->large == m)
			host->large = NULL;
		party_use(&host->party, -(int64_t)m->size);
		party_put(&r->hosts, &host->party);
	}
	*m = (struct room_message){ .since = m->since };
}
