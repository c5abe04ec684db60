/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bin/common/program.h"
#include "bin/tarpitd/address.h"
#include "bin/tarpitd/record.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle.h"
#include "bin/tarpitd/tls.h"
#include "bin/tarpitd/words.h"

static void
put(struct attrs_out *out, const char *name, uint64_t value)
{
	attrs_put_int(out, name, (int64_t)value);
}

/* ---- the counts ---- */

/* Most of the 28 never happen. */
static void
put_sums(struct attrs_out *out, const char *ended, const char *held,
    const struct tally_sums *sums)
{
	char name[64];

	for (int l = 0; l < LANE_COUNT; l++)
		for (int o = 0; o < OUTCOME_COUNT; o++) {
			const struct tally_cell *cell = &sums->ended[l][o];
			const char *outcome = outcome_name((enum outcome)o);

			if (cell->sessions == 0)
				continue;
			snprintf(name, sizeof(name), "%s.%s.%s", ended,
			    lane_name((enum lane)l), outcome);
			put(out, name, cell->sessions);
			snprintf(name, sizeof(name), "%s.%s.%s", held,
			    lane_name((enum lane)l), outcome);
			put(out, name, cell->held);
		}
}

/* "NAME.500000=3": how many were at most so many usec, those of the buckets
 * before included; the last is "NAME.inf". */
static void
put_histogram(struct attrs_out *out, const char *what,
    const struct histogram *h, const struct histogram_scale *scale)
{
	uint64_t n = 0;
	char name[64];

	for (size_t i = 0; i < scale->n; i++) {
		n += h->count[i];
		snprintf(
		    name, sizeof(name), "%s.%" PRIu64, what, scale->bound[i]);
		put(out, name, n);
	}
	snprintf(name, sizeof(name), "%s.inf", what);
	put(out, name, n + h->count[scale->n]);
	snprintf(name, sizeof(name), "%s.sum", what);
	put(out, name, h->sum);
}

static void
put_sessions(const struct dispatcher *d, struct attrs_out *out)
{
	put(out, "live.all", d->pool.live);
	put(out, "live.asking", d->pool.asking.n);
	put(out, "live.slow", d->in_lane[LANE_SLOW]);
	put(out, "live.throttle", d->in_lane[LANE_THROTTLE]);
	put(out, "live.hold", d->in_lane[LANE_HOLD]);
	put(out, "live.handoff", handoff_unserved(&d->handoff));
	put(out, "max_sessions", d->max_sessions);
	attrs_put(out, "limit.by", d->bounded_by);
	put(out, "limit.session_bytes", MEMORY_PER_SESSION);
	put(out, "max_slowed", d->max_slowed);
	put(out, "max_throttled", d->max_throttled);
	put(out, "shed.held", d->shed[SHED_HELD]);
	put(out, "shed.throttled", d->shed[SHED_THROTTLED]);
	put(out, "shed.newcomers", d->shed[SHED_NEWCOMER]);
	put(out, "shed.over_time", d->shed[SHED_OVER_TIME]);
	put(out, "limited.client", d->limited[CLIENT_HOST]);
	put(out, "limited.network", d->limited[CLIENT_NETWORK]);
	put(out, "limited.site", d->limited[CLIENT_SITE]);
}

static void
put_ended(struct dispatcher *d, uint64_t wall, struct attrs_out *out)
{
	char name[64];

	put_sums(out, "ended", "held_ms", &d->tally.total);
	put_sums(out, "today", "today_held_ms", tally_today(&d->tally, wall));
	put(out, "bytes_in", d->tally.total.bytes_in);
	put(out, "bytes_out", d->tally.total.bytes_out);
	for (int l = 0; l < LANE_COUNT; l++) {
		snprintf(
		    name, sizeof(name), "stay.%s", lane_name((enum lane)l));
		put_histogram(out, name, &d->tally.stay[l], &histogram_stay);
	}
}

static const char *
handoff_state(const struct handoff *h)
{
	if (h->down)
		return "down";
	if (h->in_row > 0)
		return "unserved";
	return h->taken > 0 ? "up" : "untried";
}

/* As Handoff= has it. */
static void
put_target(const struct handoff_target *target, struct attrs_out *out)
{
	char text[sizeof(target->path) + 16];

	snprintf(text, sizeof(text), "%s%s", handoff_prefix(target->kind),
	    target->path);
	attrs_put(out, "handoff.target", text);
}

static void
put_handoff(const struct handoff *h, struct attrs_out *out)
{
	put_target(h->target, out);
	attrs_put(out, "handoff.state", handoff_state(h));
	put(out, "handoff.up", !h->down);
	put(out, "handoff.waiting", h->n_waiting);
	put(out, "handoff.offered", h->n_offered);
	put(out, "handoff.taken", h->taken);
	put(out, "handoff.returned", h->returned);
	put(out, "handoff.unserved", h->unserved);
	put(out, "handoff.unserved_in_row", h->in_row);
	put_histogram(out, "latency", &h->latency, &histogram_latency);
}

static void
put_guests(const struct guests *g, struct attrs_out *out)
{
	put(out, "guests.known", !g->is_blind);
	put(out, "guests.places", guests_places(g));
	put(out, "guests.all", g->n);
	put(out, "guests.graduates", g->n_graduates);
	put(out, "guests.delayed", g->delayed);
	put(out, "guests.refused", g->refused);
}

static void
put_relay(const struct dispatcher *d, struct attrs_out *out)
{
	put(out, "relay.configured", d->config->handoff.kind == HANDOFF_PROXY);
	put(out, "relay.sessions", d->relay.n);
	put(out, "relay.to_mta", d->relay.to_mta);
	put(out, "relay.to_clients", d->relay.to_clients);
}

static void
put_backend(const struct mux *m, struct attrs_out *out)
{
	put(out, "backend.configured", m->address_len != 0);
	put(out, "backend.up", !m->down && !m->unusable);
	put(out, "backend.connections", m->n);
	put(out, "backend.max", m->max);
	put(out, "backend.free", m->n_idle);
	put(out, "backend.queued", m->queue.n_waiting);
	put(out, "backend.longest_wait_us", m->longest_wait);
	put(out, "backend.opened", m->opened);
	put(out, "backend.asked", m->asked);
	put(out, "backend.lost", m->lost);
	put(out, "backend.timed_out", m->timed_out);
	put(out, "backend.blamed", m->queue.n_blamed);
	put(out, "backend.unsure", m->unsure);
}

static void
put_throttle(const struct dispatcher *d, struct attrs_out *out)
{
	put(out, "throttle.cut", d->n_cut);
	put(out, "throttle.anew", d->n_anew);
	put(out, "throttle.too_slow", d->n_too_slow);
	put(out, "spool.used", spool_used(&d->spool));
	put(out, "spool.max", d->spool.total_max);
	put(out, "spool.messages", d->room.n);
	put(out, "spool.full", d->n_spool_full);
	put(out, "spool.refused", d->room.refused);
	put(out, "spool.expelled", d->room.expelled);
}

static void
put_policy(const struct dispatcher *d, struct attrs_out *out)
{
	const struct ask *a = &d->ask;

	put(out, "policy.up", a->healthy);
	put(out, "policy.asked", a->asked);
	put(out, "policy.answered", a->answered);
	put(out, "policy.timed_out", a->timed_out);
	put(out, "policy.garbage", a->garbage);
	put(out, "policy.shared", a->shared);
	put(out, "policy.forgotten", a->forgotten);
	put(out, "policy.overloaded", a->overloaded);
	put(out, "policy.lost", a->lost);
	put(out, "policy.cache_hits", d->tally.cache_hits);
}

/* 0: there is no certificate. */
static uint64_t
expiry_of(const struct tls *tls)
{
	return tls == NULL ? 0 : (uint64_t)tls_expiry(tls);
}

static void
put_troubles(const struct dispatcher *d, struct attrs_out *out)
{
	uint64_t pauses = 0;

	for (size_t i = 0; i < d->n_sockets; i++)
		pauses += d->acceptor[i].pauses;
	put(out, "records.sent", d->journal->sent);
	put(out, "records.dropped", d->journal->dropped);
	put(out, "records.folded", d->folding.folded);
	put(out, "records.names_cut", d->n_names_cut);
	put(out, "accept_pauses", pauses);
	put(out, "probes", d->tally.probes);
	put(out, "tls.expires", expiry_of(d->config->tls));
	put(out, "tls.handshakes", d->starttls.n_active);
	put(out, "tls.held", d->starttls.n_held);
	put(out, "tls.held_max", d->max_tls_held);
	put(out, "tls.refused", d->starttls.refused);
	put(out, "ticks_late", d->sweep.late);
	put(out, "longest_stall_us", d->longest_stall);
	put(out, "overrides", d->operator.overrides.n);
}

static void
put_settings(const struct settings_trouble *t, struct attrs_out *out)
{
	static const char *const sources[] = {
		[PROGRAM_AS_WRITTEN] = "as-written",
		[PROGRAM_LAST_GOOD] = "last-good",
		[PROGRAM_VALID_PART] = "valid-part",
	};

	attrs_put(out, "config.source", sources[t->source]);
	put(out, "config.refused", t->at != 0);
	put(out, "config.refused_at", t->at);
	attrs_put(out, "config.error", t->text);
	attrs_put(out, "config.tls_error", t->tls);
}

void
describe_status(struct dispatcher *d, uint64_t now, struct attrs_out *out)
{
	uint64_t wall = (uint64_t)time(NULL);

	attrs_put(out, "version", program_version());
	put(out, "pid", (uint64_t)getpid());
	put(out, "started", d->started);
	put(out, "uptime_ms", (now - d->epoch) / USEC_PER_MSEC);
	attrs_put(out, "mode",
	    d->config->mode == MODE_OBSERVE ? "observe" : "enforce");
	put(out, "stopping", d->stopping);
	put_settings(&d->settings.trouble, out);
	put_sessions(d, out);
	put_ended(d, wall, out);
	put_handoff(&d->handoff, out);
	put_guests(&d->guests, out);
	put_relay(d, out);
	put_backend(&d->mux, out);
	put_throttle(d, out);
	put_policy(d, out);
	put_troubles(d, out);
}

/* ---- one session ---- */

/* Words of a client's: any byte but LF may come, and a NUL would spoil the
 * message. */
static void
put_words(struct attrs_out *out, const char *name, const char *s, size_t len)
{
	char clean[WORD_MAX];

	if (len > sizeof(clean))
		len = sizeof(clean);
	for (size_t i = 0; i < len; i++)
		clean[i] = s[i] == '\0' || s[i] == '\n' ? '?' : s[i];
	attrs_put_n(out, name, clean, len);
}

static void
put_dialogue(
    const struct dispatcher *d, const struct session *s, struct attrs_out *out)
{
	const struct throttle *t = throttle_find(d, s);
	char reason[RECORD_REASON_SIZE];
	size_t len, helo_len;
	const char *words = intern_get(&d->words, s->words, &len);

	record_reason(d, s, reason, sizeof(reason));
	attrs_put(out, "reason", reason);
	put(out, "recipients", s->recipients);
	if (words != NULL) {
		helo_len = strnlen(words, len);
		put_words(out, "helo", words, helo_len);
		put_words(
		    out, "sender", words + helo_len + 1, len - helo_len - 1);
	}
	if (t != NULL)
		put(out, "delivered", t->messages);
}

static void
put_verdict(
    const struct dispatcher *d, const struct session *s, struct attrs_out *out)
{
	const struct verdict_text *v = verdict_text(&d->strings, s->verdict);

	if (v == NULL)
		return; /* not decided yet */
	attrs_put_int(out, "score", v->score);
	attrs_put(out, "country", v->country);
	put(out, "asn", v->asn);
}

void
describe_session(const struct dispatcher *d, const struct session *s, bool all,
    uint64_t now, struct attrs_out *out)
{
	char client[ADDRESS_TEXT];

	put(out, "slot", pool_slot(&d->pool, s));
	put(out, "number", s->number);
	attrs_put(out, "client", address_print(&s->client, client));
	put(out, "port", s->port);
	attrs_put(out, "lane", lane_name((enum lane)s->lane));
	attrs_put(out, "verdict", lane_name((enum lane)s->verdict_lane));
	attrs_put(out, "state", session_state_name(s));
	put(out, "rate", s->rate);
	put(out, "held_ms", dispatcher_msec(d, now) - s->accepted);
	put(out, "bytes_in", s->bytes_in);
	put(out, "bytes_out", s->bytes_out);
	attrs_put(
	    out, "override", override_name((enum override_kind)s->override));
	put_verdict(d, s, out);
	if (all)
		put_dialogue(d, s, out);
}

void
describe_override(const struct override *o, uint64_t now, struct attrs_out *out)
{
	char network[CIDR_STRLEN];

	attrs_put(out, "network", cidr_format(&o->network, network));
	attrs_put(out, "override", override_name(o->kind));
	put(out, "seconds",
	    o->until > now ? (o->until - now) / USEC_PER_SEC : 0);
	put(out, "sessions", o->sessions);
	attrs_put(out, "by", o->by);
}

void
describe_client(struct dispatcher *d, const struct in6_addr *client,
    uint64_t now, struct attrs_out *out)
{
	const struct verdict *known = answer_cache_get(d->answers, client, now);
	const struct override *o =
	    overrides_find(&d->operator.overrides, client, now);

	attrs_put(out, "mode",
	    d->config->mode == MODE_OBSERVE ? "observe" : "enforce");
	put(out, "own", own_has(&d->own, &d->config->own, client));
	put(out, "can_throttle", session_can_be_throttled(d));
	if (known != NULL) {
		attrs_put(out, "known.lane", lane_name(known->lane));
		attrs_put_int(out, "known.score", known->score);
	}
	if (o != NULL)
		describe_override(o, now, out);
}
