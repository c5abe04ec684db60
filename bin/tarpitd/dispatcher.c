/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/dispatcher.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/common/notify.h"
#include "bin/tarpitd/dispatcher_internal.h"
#include "bin/tarpitd/record.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle.h"

enum {
	/* Slots beyond the limit: sessions that are over stay in theirs until
	 * the batch has ended, and one over the limit is told so. */
	SPARE_SLOTS = 128,
	/* Of RLIMIT_NOFILE for what is no session: epoll, timers, the journal,
	 * the policy service, the control socket's clients; besides the
	 * listeners, and one in a hundred, which is for the hand-offs and
	 * connections that begin in one batch.  What there is of these
	 * counts as sessions do: see is_over_limit(). */
	OTHER_DESCRIPTORS = 16,
	/* What a small tarpit throttles at the least. */
	THROTTLED_LEAST = 4,
	/* Of memory for what is no session. */
	OTHER_MEMORY = 16 << 20,
	/* For relayed sessions whose MTA or client does not keep up; more of
	 * them cost a copy. */
	RELAY_PIPES = 256,
	/* Sessions at once that leave something worth looking for. */
	CROWD = 1000,
};

#define STATUS_INTERVAL USEC_PER_SEC

/* For the end itself, on a busy machine. */
#define STOP_MARGIN (10 * USEC_PER_SEC)

/* RFC 5321, 4.5.3.2.6: nobody is silent for longer than the 10 minutes of the
 * reply to the final dot. */
#define RELAY_IDLE   (660 * USEC_PER_SEC)
#define RELAY_LINGER (30 * USEC_PER_SEC)

/* The soft limit is the hard one: a session is a descriptor. */
static uint32_t
raise_descriptor_limit(void)
{
	struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 4000000 ? 4000000 : (uint32_t)limit.rlim_cur;
}

static uint32_t
share_of(uint32_t all, const struct share *share)
{
	return share->percent != 0
	    ? (uint32_t)((uint64_t)all * share->percent / 100)
	    : share->count;
}

static void
bound_sessions(struct dispatcher *d, uint64_t n, const char *by)
{
	if (n >= d->max_sessions)
		return;
	d->max_sessions = n > 0 ? (uint32_t)n : 1;
	d->bounded_by = by;
}

/* MaxSessions= as it is, if descriptors allow it, or as many as memory does. */
static void
set_limits(struct dispatcher *d)
{
	const struct config *c = d->config;
	uint64_t other = OTHER_MEMORY;
	uint32_t reserve;

	if (c->backend[0] != '\0')
		other += memory_spool(d->memory, c->spool_max);
	d->max_sessions = d->descriptors;
	d->bounded_by = "descriptors";
	if (c->max_sessions != 0)
		bound_sessions(d, (uint64_t)c->max_sessions, "MaxSessions=");
	else
		bound_sessions(
		    d, memory_sessions(d->memory, other), d->memory_bound);
	reserve = share_of(d->max_sessions, &c->reserve);
	d->max_slowed =
	    reserve < d->max_sessions ? d->max_sessions - reserve : 0;
	d->max_tls_held = c->max_tls_held != 0 ? (uint32_t)c->max_tls_held
					       : starttls_affordable(d->memory);
	d->max_throttled = share_of(d->max_slowed, &c->max_throttled);
	if (d->max_throttled < THROTTLED_LEAST)
		d->max_throttled = THROTTLED_LEAST;
	d->limits = config_client_limits(c);
	d->guests.places = (uint32_t)c->handoff_sessions;
}

void
dispatcher_note_end(struct dispatcher *d)
{
	if (d->single && d->relay.n == 0)
		loop_stop(d->loop);
}

/* An end in order is a 421, and the client comes again.  But a client whose
 * message or connection the MTA may have must hear nothing from us that the MTA
 * might contradict. */
static void
send_away(struct dispatcher *d, struct session *s, uint64_t now)
{
	enum farewell_phase phase = d->farewell.phase;

	if (s->state == SESSION_FREE || s->state == SESSION_CLOSED ||
	    (phase == FAREWELL_SLOWED && !session_is_slowed(s)))
		return;
	/* Whom the MTA has, and is to greet, is not sent away. */
	if (s->state == SESSION_HANDOFF &&
	    handoff_conclude(&d->handoff, s, now))
		return;
	if (!session_is_with_mta(d, s))
		session_dismiss(d, s, OUTCOME_SHED, SMTP_SHUTDOWN, now);
	else if (phase == FAREWELL_REST)
		session_leave_to_mta(d, s, now);
}

/* Goes on with sending sessions away: thousands, 30 us each.  True if there are
 * more. */
static bool
say_farewell(struct dispatcher *d, uint64_t now)
{
	struct farewell *f = &d->farewell;
	struct slice slice = slice_begin(LOOP_SLICE);

	while (f->slot != POOL_NONE && !slice_is_over(&slice)) {
		send_away(d, &d->pool.session[f->slot], now);
		f->slot = f->slot < d->pool.high ? f->slot + 1 : POOL_NONE;
	}
	if (f->slot == POOL_NONE && f->pair != 0)
		f->pair = f->phase == FAREWELL_REST
		    ? relay_end_some(&d->relay, f->pair, &slice)
		    : relay_wind_up(&d->relay, f->pair, &slice, now);
	return f->slot != POOL_NONE || f->pair != 0;
}

static bool
after_batch(void *arg, uint64_t now)
{
	struct dispatcher *d = arg;
	bool more = say_farewell(d, now);

	if (!more)
		more = sweep_run(&d->sweep, d->n_slowed > 0, now);

	/* Handshakes get what the sweep leaves. */
	if (!more)
		more = starttls_run(d, now);
	more |= mux_flush(&d->mux, now);
	ask_flush(&d->ask);
	session_reap(d);
	dispatcher_resume_accepting(d);
	if (d->stopping && d->pool.live == 0 && d->relay.n == 0)
		loop_stop(d->loop);
	return more;
}

/* A session's clock has 32 bits, 49.7 days. */
#define AGE_MAX (40 * 24 * 3600 * USEC_PER_SEC)

static void
visit(void *arg, struct session *s, uint64_t now)
{
	struct dispatcher *d = arg;

	if (dispatcher_msec(d, now) - s->accepted > AGE_MAX / USEC_PER_MSEC)
		session_dismiss(d, s, OUTCOME_REFUSED, SMTP_TIMEOUT, now);
	else
		session_visit(d, s, now);
}

/* How long the loop has kept its descriptors waiting, at the worst. */
static void
note_stall(struct dispatcher *d)
{
	uint64_t stall = loop_take_worst_batch(d->loop);

	if (stall > d->longest_stall)
		d->longest_stall = stall;
	summary_note_stall(&d->summary, stall);
}

/* What strings and messages of a crowd have left in the heap, once nobody is
 * there whom the milliseconds that it takes could keep waiting. */
static void
trim_heap(struct dispatcher *d)
{
	if (d->pool.live > d->most_live)
		d->most_live = d->pool.live;
	if (d->pool.live > 0 || d->most_live < CROWD)
		return;
	d->most_live = 0;
	(void)malloc_trim(0);
}

/* After a crowd has left the process is as small as before. */
static void
give_memory_back(struct dispatcher *d)
{
	uint32_t from, to;

	trim_heap(d);
	clients_trim(&d->clients);
	relay_trim(&d->relay);
	ask_trim(&d->ask);
	/* Handshakes' queue goes through the slots of some who have left. */
	if (d->starttls.others.first != POOL_NONE ||
	    d->starttls.held.first != POOL_NONE ||
	    !pool_trim(&d->pool, &from, &to))
		return;
	pool_discard(d->throttle, from, to, sizeof(*d->throttle));
	pool_discard(d->starttls.slot, from, to, sizeof(*d->starttls.slot));
	mux_trim(&d->mux, from, to);
	proxied_trim(&d->proxied, from, to);
	handoff_trim(&d->handoff, from, to);
}

/* At most once a second, and only what has changed. */
static void
on_status(struct timer *t, uint64_t now)
{
	struct dispatcher *d = CONTAINER_OF(t, struct dispatcher, status);
	char text[sizeof(d->status_shown)];

	note_stall(d);
	guests_look(&d->guests, handoff_unserved(&d->handoff), now);
	give_memory_back(d);
	/* No session may end for long, and nothing else be recorded. */
	(void)journal_tell_drops(d->journal);
	record_counts(d, text, sizeof(text));
	if (strcmp(text, d->status_shown) != 0) {
		notify_sendf("STATUS=%s%s",
		    d->settings.trouble.at != 0 ? "CONFIGURATION REFUSED; "
						: "",
		    text);
		memcpy(d->status_shown, text, sizeof(text));
	}
	loop_arm(d->loop, t, now + STATUS_INTERVAL);
}

/* SIGTERM's patience is over, the shorter one or the longer one: who is still
 * with us is told to come again, or is left to the MTA. */
static void
on_stop_timeout(struct timer *t, uint64_t now)
{
	struct dispatcher *d = CONTAINER_OF(t, struct dispatcher, stop);

	if (now < d->stop_until)
		loop_arm(d->loop, t, d->stop_until);
	d->farewell =
	    (struct farewell){ .phase = now < d->stop_until ? FAREWELL_ALL
							    : FAREWELL_REST,
		    .slot = 1,
		    .pair = 1 };
}

/* What was good enough for an older version is no reason not to serve. */
static void
set_spool_directory(struct dispatcher *d, const char *directory)
{
	struct record record;

	d->spool.directory = NULL;
	if (directory[0] == '\0')
		return;
	if (spool_is_prompt(directory)) {
		d->spool.directory = directory;
		return;
	}
	record_begin(&record, EVENT_SPOOL_IN_MEMORY,
	    "SpoolDirectory=%s is not on a tmpfs: a disk would make all "
	    "sessions wait, so messages stay in memory",
	    directory);
	record_field(&record, "TARPIT_FILE", "%s", directory);
	journal_send(d->journal, &record);
}

/* What the throttle lane has from the configuration. */
static void
set_backend(struct dispatcher *d, const struct config *c)
{
	d->mux.backend = c->backend;
	d->mux.host_name = c->host_name;
	d->mux.proxied = c->backend_identity == BACKEND_PROXY;
	d->mux.max = (uint32_t)c->backend_connections;
	d->mux.per_client = (uint32_t)c->backend_per_client;
	d->mux.timeout = c->backend_timeout;
	set_spool_directory(d, c->spool_directory);
	d->spool.memory_max = c->spool_memory;
	d->spool.total_max = memory_spool(d->memory, c->spool_max);
	d->room.message_max = c->max_message_size;
}

static int
init_throttle(struct dispatcher *d)
{
	d->throttle = pool_reserve(d->pool.capacity + 1, sizeof(*d->throttle));
	if (d->throttle == NULL)
		return -ENOMEM;
	d->mux = (struct mux){ .loop = d->loop,
		.journal = d->journal,
		.capacity = d->pool.capacity,
		.describe = throttle_describe,
		.is_there = throttle_is_there,
		.on_done = throttle_answer,
		.arg = d };
	d->room = (struct room){
		.store = &d->spool, .expel = throttle_expel, .arg = d
	};
	room_init(&d->room);
	set_backend(d, d->config);
	return mux_init(&d->mux);
}

static void
on_relay_end(void *arg)
{
	dispatcher_note_end(arg);
}

static int
init_relay(struct dispatcher *d)
{
	uint32_t pipes = d->descriptors / 8;

	d->relay = (struct relay){ .loop = d->loop,
		.capacity = d->descriptors,
		.max_pipes = pipes < RELAY_PIPES ? pipes : RELAY_PIPES,
		.idle = RELAY_IDLE,
		.linger = RELAY_LINGER,
		.on_end = on_relay_end,
		.clients = &d->clients,
		.arg = d };
	return relay_init(&d->relay);
}

/* An MTA that looks at the socket itself, as one that tarpit-handoff runs does,
 * would take the proxy for the client, and may trust it. */
static bool
passes_unknown(const struct config *c)
{
	return c->proxy_unknown == PROXY_UNKNOWN_PASS &&
	    c->handoff.kind != HANDOFF_INETD;
}

/* Without its addresses the host is known by loopback still. */
static void
read_own(struct dispatcher *d)
{
	int r = own_read(&d->own, d->sockets, d->n_sockets);
	struct record record;

	if (r == 0)
		return;
	record_begin(&record, EVENT_DATA_ERROR,
	    "the host's own addresses cannot be read: %s; of "
	    "OwnNetworks=auto only loopback is exempt",
	    strerror(-r));
	record_field(&record, "TARPIT_SOURCE", "%s", "addresses");
	record_field(&record, "TARPIT_FILE", "%s", "");
	journal_send(d->journal, &record);
}

static int
init_parts(struct dispatcher *d)
{
	const struct config *c = d->config;
	int r;

	d->proxied = (struct proxied){ .loop = d->loop,
		.journal = d->journal,
		.pool = &d->pool,
		.pass_unknown = passes_unknown(c),
		.on_header = session_set_client,
		.arg = d };
	d->ask = (struct ask){ .loop = d->loop,
		.journal = d->journal,
		.pool = &d->pool,
		.proxied = &d->proxied,
		.path = c->policy,
		.timeout = c->policy_timeout,
		.epoch = d->epoch,
		.on_answer = session_decide,
		.on_gone = session_gone,
		.arg = d };
	d->handoff = (struct handoff){ .loop = d->loop,
		.journal = d->journal,
		.pool = &d->pool,
		.proxied = &d->proxied,
		.relay = &d->relay,
		.target = &c->handoff,
		.timeout = c->handoff_timeout,
		.on_done = session_handed_off,
		.arg = d };
	d->sweep = (struct sweep){
		.loop = d->loop, .pool = &d->pool, .visit = visit, .arg = d
	};
	sweep_init(&d->sweep, d->epoch);
	d->summary = (struct summary){ .loop = d->loop,
		.journal = d->journal,
		.total = &d->tally.total,
		.wanted = c->log != LOG_ALL };
	summary_init(&d->summary);
	r = texts_renew(&d->texts, c->host_name, c->hold_reply);
	if (r == 0)
		r = intern_init(&d->strings);
	if (r == 0)
		r = intern_init(&d->words);
	if (r == 0)
		r = proxied_init(&d->proxied);
	if (r == 0)
		r = init_relay(d);
	if (r == 0)
		r = ask_init(&d->ask);
	if (r == 0)
		r = init_throttle(d);
	if (r == 0)
		r = folding_init(d);
	if (r == 0)
		r = starttls_init(d);
	if (r == 0)
		r = guests_init(&d->guests);
	return r < 0 ? r : handoff_init(&d->handoff);
}

int
dispatcher_init(struct dispatcher *d, struct loop *loop,
    struct journal *journal, struct config *config,
    const struct listen_socket *sockets, size_t n)
{
	uint32_t limit = raise_descriptor_limit();
	uint32_t others = OTHER_DESCRIPTORS + (uint32_t)n + limit / 100;
	int r;

	d->loop = loop;
	d->journal = journal;
	d->config = config;
	d->epoch = loop_now(loop);
	d->started = (uint64_t)time(NULL);
	d->descriptors = limit > others ? limit - others : 1;
	/* Once: what is available later is less by the sessions themselves. */
	d->memory = memory_limit("", d->memory_bound);
	set_limits(d);
	memcpy(d->sockets, sockets, n * sizeof(*sockets));
	d->n_sockets = n;
	d->answers = answer_cache_new();
	if (d->answers == NULL)
		return -ENOMEM;
	/* As many as descriptors allow: a reload may raise MaxSessions=, and
	 * what is not used costs no memory. */
	r = pool_init(&d->pool, d->descriptors + SPARE_SLOTS);
	/* Sessions and relayed ones are counted together. */
	if (r == 0)
		r = clients_init(
		    &d->clients, d->pool.capacity + d->descriptors);
	if (r == 0)
		r = init_parts(d);
	if (r == 0)
		r = dispatcher_init_sockets(d);
	if (r < 0)
		return r;
	read_own(d);
	loop_set_after_batch(loop, after_batch, d);
	d->status.on_timer = on_status;
	d->stop.on_timer = on_stop_timeout;
	operator_init(d);
	loop_arm(loop, &d->status, d->epoch);
	watchdog_init(&d->watchdog, loop);
	return 0;
}

void
dispatcher_conclude(struct dispatcher *d)
{
	note_stall(d);
	summary_flush(&d->summary, loop_now(d->loop));
	folding_flush(d, loop_now(d->loop));
}

void
dispatcher_fini(struct dispatcher *d)
{
	d->farewell =
	    (struct farewell){ .phase = FAREWELL_REST, .slot = 1, .pair = 1 };
	while (say_farewell(d, loop_now(d->loop)))
		session_reap(d);
	ask_flush(&d->ask);
	session_reap(d);
	for (size_t i = 0; i < d->n_sockets; i++) {
		acceptor_fini(&d->acceptor[i]);
		fd_close(&d->sockets[i].fd);
	}
	loop_set_after_batch(d->loop, NULL, NULL);
	loop_cancel(d->loop, &d->status);
	folding_flush(d, loop_now(d->loop));
	folding_fini(d);
	summary_fini(&d->summary);
	watchdog_fini(&d->watchdog);
	loop_cancel(d->loop, &d->stop);
	operator_fini(d);
	sweep_fini(&d->sweep);
	mux_fini(&d->mux);
	room_fini(&d->room);
	starttls_fini(d);
	pool_release(d->throttle, d->pool.capacity + 1, sizeof(*d->throttle));
	handoff_fini(&d->handoff);
	guests_fini(&d->guests);
	relay_fini(&d->relay);
	ask_fini(&d->ask);
	proxied_fini(&d->proxied);
	d->answers = answer_cache_free(d->answers);
	intern_fini(&d->strings);
	intern_fini(&d->words);
	texts_fini(&d->texts);
	clients_fini(&d->clients);
	pool_fini(&d->pool);
	own_fini(&d->own);
	config_fini(d->config);
	free(d->config);
}

/* What can change while sessions run does; they keep what they began with. */
static int
apply(struct dispatcher *d, struct config *fresh)
{
	struct config *old = d->config;
	int r = texts_renew(&d->texts, fresh->host_name, fresh->hold_reply);

	if (r < 0)
		return r;
	d->config = fresh;
	ask_set_path(&d->ask, fresh->policy);
	d->ask.timeout = fresh->policy_timeout;
	d->handoff.target = &fresh->handoff;
	d->handoff.timeout = fresh->handoff_timeout;
	/* What was not recorded one by one until now. */
	summary_flush(&d->summary, loop_now(d->loop));
	d->summary.wanted = fresh->log != LOG_ALL;
	set_backend(d, fresh);
	mux_reload(&d->mux, loop_now(d->loop));
	d->proxied.pass_unknown = passes_unknown(fresh);
	answer_cache_clear(d->answers);
	set_limits(d);
	read_own(d);
	config_fini(old);
	free(old);
	return 0;
}

void
dispatcher_reload(struct dispatcher *d)
{
	struct config *fresh;
	int r;

	if (d->stopping)
		return;
	notify_send("RELOADING=1");
	fresh = settings_reload(&d->settings);
	if (fresh != NULL) {
		r = apply(d, fresh);
		if (r == 0) {
			journal_event(d->journal, EVENT_RELOADED,
			    "the configuration was read again");
			starttls_review(d, loop_now(d->loop));
		} else {
			struct option_error error = { 0 };

			option_say(&error, "%s", strerror(-r));
			settings_refuse(&d->settings, &error);
			config_fini(fresh);
			free(fresh);
		}
	}
	notify_send("READY=1");
}

/* Who is on the way to the MTA gets there, if it can be soon, and who has sent
 * it a message hears the answer; the slowed ones would take too long. */
void
dispatcher_stop(struct dispatcher *d)
{
	uint64_t now = loop_now(d->loop);
	uint64_t patience = d->config->stop_timeout;

	if (d->stopping)
		return;
	d->stopping = true;
	d->stop_until = now + patience;
	if (d->config->stop_commit_timeout > patience)
		d->stop_until = now + d->config->stop_commit_timeout;
	/* Longer than TimeoutStopSec= has to be asked for. */
	notify_sendf("STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64,
	    d->stop_until - now + STOP_MARGIN);
	dispatcher_stop_accepting(d);
	d->farewell = (struct farewell){ .phase = FAREWELL_SLOWED, .slot = 1 };
	loop_arm(d->loop, &d->stop, now + patience);
}
