/* SPDX-License-Identifier: ISC */
/* tarpit-policyd: the policy service. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/common/journal.h"
#include "bin/common/listen.h"
#include "bin/common/loop.h"
#include "bin/common/notify.h"
#include "bin/common/program.h"
#include "bin/common/watchdog.h"
#include "bin/tarpit-policyd/server.h"
#include "policy/policy.h"
#include "policy/rules.h"

enum { SOCKET_MODE = 0660, BACKLOG = 64 };

/* How often data files are looked at, and the status is told. */
#define TICK (1 * USEC_PER_SEC)

struct policyd {
	struct program_call call;
	const char *listen; /* --listen; NULL: systemd's sockets */
	struct journal journal;
	struct loop *loop;
	struct policy *policy;
	struct server *server;
	struct listen_socket sockets[LISTEN_MAX];
	size_t n_sockets;
	struct timer tick;
	struct watchdog watchdog;
	struct server_counts told; /* what the status says */
	struct mismatch mismatch;  /* what the last look has found */
};

static int
set_listen(void *config, const char *value, char *why, size_t size)
{
	struct policyd *d = config;

	if (*value == '\0' || strlen(value) > 107) {
		snprintf(why, size, "not a path of at most 107 bytes");
		return -EINVAL;
	}
	d->listen = value;
	return 0;
}

static const struct program_arg args[] = {
	{ "listen", "PATH", "listen on this unix socket", set_listen },
};

static const struct program program = {
	.name = "tarpit-policyd",
	.summary = "Decides how much each client of a mail server is worth "
		   "trusting.",
	.usage = "[--listen PATH]",
	.config_path = SYSCONFDIR "/tarpit/policy.conf",
	.unit = "tarpit-policyd.service",
	.user = "tarpit-policy",
	.options = &rules_table,
	.args = args,
	.n_args = ARRAY_SIZE(args),
};

/* 0, or -errno with *RET_ERROR filled and nothing to free. */
static int
load_rules(
    struct policyd *d, struct rules *rules, struct option_error *ret_error)
{
	int r = program_load(&program, &d->call, rules, ret_error);

	if (r == 0) {
		snprintf(ret_error->file, sizeof(ret_error->file), "%s",
		    d->call.config_path);
		r = rules_check(rules, ret_error);
	}
	if (r < 0)
		rules_fini(rules);
	return r;
}

/*
 * Data files
 */

static void
tell_note(void *arg, const char *source, const struct source_note *note)
{
	struct policyd *d = arg;
	struct record record;

	if (note->is_server)
		record_begin(&record,
		    note->failed ? EVENT_HISTORY_DOWN : EVENT_HISTORY_UP,
		    "The history on %s: %s", note->file, note->text);
	else if (note->is_warning)
		record_begin(&record, EVENT_DATA_WARNING, "Using %s, but %s",
		    note->file, note->text);
	else if (!note->failed)
		record_begin(&record, EVENT_DATA_LOADED, "Loaded %s: %s",
		    note->file, note->text);
	else
		record_begin(&record, EVENT_DATA_ERROR,
		    "Cannot use %s: %s; going on %s", note->file, note->text,
		    note->has_data ? "with what was loaded before"
				   : "without it");
	record_field(&record, "TARPIT_SOURCE", "%s", source);
	record_field(&record, "TARPIT_FILE", "%s", note->file);
	journal_send(&d->journal, &record);
}

static void
tell_status(struct policyd *d)
{
	struct server_counts now = server_counts(d->server);

	if (memcmp(&now, &d->told, sizeof(now)) == 0)
		return;
	d->told = now;
	notify_sendf("STATUS=%zu connections, %llu answers, %llu outcomes, "
		     "%llu bad questions",
	    now.connections, (unsigned long long)now.answers,
	    (unsigned long long)now.outcomes, (unsigned long long)now.errors);
}

/* Once for each configuration, and again when it has become more. */
static void
tell_mismatch(struct policyd *d)
{
	struct mismatch was = d->mismatch;
	struct record record;

	policy_mismatch(d->policy, &d->mismatch);
	if (d->mismatch.n == 0 || d->mismatch.n < was.n ||
	    strcmp(d->mismatch.text, was.text) == 0)
		return;
	record_begin(&record, EVENT_DATA_WARNING,
	    "Using %s, but this has no effect: %s", d->call.config_path,
	    d->mismatch.text);
	record_field(&record, "TARPIT_SOURCE", "weights");
	record_field(&record, "TARPIT_FILE", "%s", d->call.config_path);
	journal_send(&d->journal, &record);
}

static void
on_tick(struct timer *t, uint64_t now)
{
	struct policyd *d = CONTAINER_OF(t, struct policyd, tick);

	policy_refresh(d->policy, tell_note, d);
	tell_mismatch(d);
	tell_status(d);
	(void)journal_tell_drops(&d->journal);
	loop_arm(d->loop, t, now + TICK);
}

/*
 * Configuration
 */

static void
tell_policy(struct policyd *d, enum event event, const char *text)
{
	struct record record;

	record_begin(&record, event, "%s", text);
	record_field(&record, "TARPIT_FILE", "%s", d->call.config_path);
	journal_send(&d->journal, &record);
}

static void
reload(struct policyd *d)
{
	struct option_error error = { 0 };
	struct policy *policy;
	struct rules rules;
	int r = load_rules(d, &rules, &error);

	if (r < 0) {
		program_tell_config_error(&d->journal, &error);
		return;
	}
	r = policy_new(&rules, d->loop, d->policy, &policy);
	if (r < 0) {
		rules_fini(&rules);
		snprintf(error.text, sizeof(error.text), "%s", strerror(-r));
		program_tell_config_error(&d->journal, &error);
		return;
	}
	/* Before it is used: no question may meet it without its data. */
	policy_refresh(policy, tell_note, d);
	server_set_policy(d->server, policy);
	policy_unref(d->policy);
	d->policy = policy;
	d->mismatch = (struct mismatch){ 0 };
	tell_mismatch(d);
	program_keep_config(&program, &d->call);
	tell_policy(d, EVENT_RELOADED, "Configuration read again");
}

static void
on_signal(void *arg, int signal)
{
	struct policyd *d = arg;

	if (signal != SIGHUP) {
		loop_stop(d->loop);
		return;
	}
	notify_sendf("RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)clock_now());
	reload(d);
	notify_send("READY=1");
}

/*
 * Start and end
 */

static void
find_sockets(struct policyd *d)
{
	int n, r;

	n = listen_adopt(d->sockets);
	if (n < 0)
		program_die(&program, EXIT_OPERATOR, n, "inherited sockets");
	if (n > 0 && d->sockets[0].origin == LISTEN_INETD_NOWAIT)
		program_die(&program, EXIT_OPERATOR, 0,
		    "descriptor 0 is no listening socket");
	if (n == 0 && d->listen) {
		r = listen_open_unix(
		    d->listen, SOCKET_MODE, BACKLOG, &d->sockets[0]);
		if (r < 0)
			program_die(&program, EXIT_OPERATOR, r, "--listen %s",
			    d->listen);
		n = 1;
	}
	if (n == 0)
		program_die(&program, EXIT_OPERATOR, 0,
		    "no socket to listen on: start tarpit-policyd.socket, or "
		    "give --listen PATH");
	d->n_sockets = (size_t)n;
}

/* Only what the unit names so, or what is the only one, is taken for the socket
 * that the dispatcher alone can open. */
static enum door_role
find_role(const struct policyd *d, const struct listen_socket *s)
{
	static const struct {
		const char *name; /* FileDescriptorName= */
		enum door_role role;
	} names[] = {
		{ "policy", DOOR_TEACHES },
		{ "tarpit-policyd.socket", DOOR_TEACHES },
		{ "explain", DOOR_EXPLAINS },
		{ "tarpit-explain.socket", DOOR_EXPLAINS },
	};
	bool unnamed = *s->name == '\0' || strcmp(s->name, "unknown") == 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(s->name, names[i].name) == 0)
			return names[i].role;
	}
	return s->origin != LISTEN_SYSTEMD || (unnamed && d->n_sockets == 1)
	    ? DOOR_TEACHES
	    : DOOR_ASKS;
}

static void
start(struct policyd *d, struct rules *rules)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT, 0 };
	struct server_door doors[LISTEN_MAX];
	int r;

	for (size_t i = 0; i < d->n_sockets; i++)
		doors[i] = (struct server_door){ d->sockets[i].fd,
			find_role(d, &d->sockets[i]) };
	r = loop_new(&d->loop);
	if (r == 0)
		r = loop_signals(d->loop, signals, on_signal, d);
	if (r == 0)
		r = policy_new(rules, d->loop, NULL, &d->policy);
	if (r == 0)
		r = server_new(d->loop, &d->journal, d->policy, doors,
		    d->n_sockets, &d->server);
	if (r < 0)
		program_die(&program, EXIT_TEMPORARY, r, "cannot start");
	d->tick.on_timer = on_tick;
}

static int
run(struct policyd *d)
{
	int r;

	/* Data is there, as far as it will be, before the first question. */
	on_tick(&d->tick, loop_now(d->loop));
	watchdog_init(&d->watchdog, d->loop);
	tell_policy(d, EVENT_STARTED, "Answering questions");
	notify_send("READY=1");
	r = loop_run(d->loop);
	notify_send("STOPPING=1");
	journal_event(&d->journal, EVENT_STOPPED, "Stopped after %llu answers",
	    (unsigned long long)server_counts(d->server).answers);
	return r;
}

static void
finish(struct policyd *d)
{
	server_free(d->server);
	policy_unref(d->policy);
	for (size_t i = 0; i < d->n_sockets; i++) {
		if (d->sockets[i].origin == LISTEN_OPENED)
			unlink(d->listen);
		fd_close(&d->sockets[i].fd);
	}
	loop_free(d->loop);
	journal_fini(&d->journal);
}

/* With an error in its files, and a socket that systemd holds open, by those
 * that had none, or what is valid of these: a service that is not there would
 * let everybody pass.  Dies otherwise. */
static void
load_rules_anyhow(struct policyd *d, struct rules *rules)
{
	static const enum program_source sources[] = { PROGRAM_LAST_GOOD,
		PROGRAM_VALID_PART };
	struct option_error error = { 0 }, other = { 0 };
	int r = load_rules(d, rules, &error);

	if (r < 0 && (d->call.check_only || !listen_is_started_with()))
		program_die_config(&program, &error);
	if (d->call.check_only)
		return;
	journal_init(&d->journal, program.name);
	if (r == 0)
		program_keep_config(&program, &d->call);
	for (size_t i = 0; i < ARRAY_SIZE(sources) && r < 0; i++) {
		*rules = (struct rules){ 0 };
		d->call.source = sources[i];
		r = load_rules(d, rules, &other);
		if (r == 0)
			program_tell_start_error(
			    &d->journal, &error, sources[i], NULL);
	}
	if (r < 0)
		program_die_config(&program, &error);
	d->call.source = PROGRAM_AS_WRITTEN;
}

int
main(int argc, char **argv)
{
	static struct policyd d;
	struct rules rules;
	int r;

	program_parse(&program, argc, argv, &d, &d.call);
	program_check_as_service(&program, &d.call);
	load_rules_anyhow(&d, &rules);
	if (d.call.check_only) {
		if (rules.patient_weight != 0)
			fprintf(stderr,
			    "%s: [Weights] history.patient= has no effect any "
			    "more: see policy.conf(5)\n",
			    d.call.config_path);
		rules_fini(&rules);
		return EXIT_SUCCESS;
	}
	find_sockets(&d);
	start(&d, &rules);
	r = run(&d);
	finish(&d);
	if (r < 0)
		program_die(&program, EXIT_TEMPORARY, r, "event loop");
	return EXIT_SUCCESS;
}
