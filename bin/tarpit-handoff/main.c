/* SPDX-License-Identifier: ISC */
/* tarpit-handoff: passed sessions in, an inetd-style MTA for each. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/common/journal.h"
#include "bin/common/listen.h"
#include "bin/common/loop.h"
#include "bin/common/notify.h"
#include "bin/common/program.h"
#include "bin/common/watchdog.h"
#include "bin/tarpit-handoff/config.h"
#include "bin/tarpit-handoff/server.h"
#include "bin/tarpit-handoff/spawn.h"

/* Not more often than this is the service manager told new counts. */
#define STATUS_INTERVAL USEC_PER_SEC

/* tarpitd is in the group that systemd or the administrator gives it. */
enum { SOCKET_MODE = 0660 };

struct handoff {
	struct program_call call;
	struct config_args args;
	struct config config;
	struct journal journal;
	struct loop *loop;
	struct server *server;
	struct listen_socket sockets[LISTEN_MAX];
	size_t n_sockets;
	char **env;
	struct timer status;
	struct watchdog watchdog;
	struct server_counts told; /* what STATUS= said last */
};

static int
set_listen(void *config, const char *value, char *why, size_t size)
{
	struct config_args *args = config;

	(void)why;
	(void)size;
	args->listen = value;
	return 0;
}

static int
set_max(void *config, const char *value, char *why, size_t size)
{
	struct config_args *args = config;
	struct option_error error;
	struct config scratch = { 0 };
	int r = option_set(
	    &config_options, "Handoff", "Max", value, &scratch, &error);

	if (r < 0)
		snprintf(why, size, "%s", error.text);
	else
		args->max = scratch.max;
	return r;
}

static const struct program_arg program_args[] = {
	{ "listen", "PATH", "open this unix socket", set_listen },
	{ "max", "N", "MTA processes at a time; over Max=", set_max },
};

static const struct program program = {
	.name = "tarpit-handoff",
	.summary = "Runs an inetd-style MTA for each session that is passed.",
	.usage = "[--listen PATH] [--max N] [-- COMMAND [ARGUMENT]...]",
	.config_path = SYSCONFDIR "/tarpit/tarpit-handoff.conf",
	.unit = "tarpit-handoff.service",
	.user = "tarpit-handoff",
	.options = &config_options,
	.args = program_args,
	.n_args = ARRAY_SIZE(program_args),
	.takes_operands = true,
};

/* ---- settings ---- */

static int
load_config(
    const struct handoff *h, struct config *ret, struct option_error *ret_error)
{
	struct config config = { 0 };
	int r = program_load(&program, &h->call, &config, ret_error);

	if (r == 0)
		r = config_complete(&config, &h->args, ret_error);
	if (r < 0) {
		config_fini(&config);
		return r;
	}
	*ret = config;
	return 0;
}

static struct server_config
server_config(const struct handoff *h, const struct config *config)
{
	return (struct server_config){
		.max = (size_t)config->max,
		.read_timeout = config->read_timeout,
		.early_exit = config->early_exit,
		.argv = config->command,
		.env = h->env,
	};
}

/* systemd's Backlog= and our own first guess alike give way to Queue=:
 * listen(2) may be called again. */
static void
set_queue(const struct handoff *h, int64_t queue)
{
	for (size_t i = 0; i < h->n_sockets; i++)
		(void)listen(h->sockets[i].fd, (int)queue);
}

static void
reload(struct handoff *h)
{
	struct config config;
	struct option_error error = { 0 };
	struct server_config settings;

	if (load_config(h, &config, &error) < 0) {
		program_tell_config_error(&h->journal, &error);
		return;
	}
	settings = server_config(h, &config);
	if (server_configure(h->server, &settings) < 0) {
		config_fini(&config);
		option_say(&error, "out of memory");
		program_tell_config_error(&h->journal, &error);
		return;
	}
	config_fini(&h->config);
	h->config = config;
	program_keep_config(&program, &h->call);
	set_queue(h, config.queue);
	journal_event(&h->journal, EVENT_RELOADED,
	    "The configuration was read again: at most %zu of %s", settings.max,
	    settings.argv[0]);
}

/* ---- telling the service manager ---- */

static void
tell_status(struct handoff *h, uint64_t now)
{
	struct server_counts c = server_counts(h->server);

	notify_sendf("STATUS=%zu of %zu MTAs run; %llu sessions taken, %llu "
		     "failed, %llu withdrawn",
	    c.running, (size_t)h->config.max, (unsigned long long)c.taken,
	    (unsigned long long)c.failed, (unsigned long long)c.withdrawn);
	h->told = c;
	loop_arm(h->loop, &h->status, now + STATUS_INTERVAL);
}

static bool
has_news(const struct handoff *h)
{
	struct server_counts c = server_counts(h->server);

	return c.running != h->told.running || c.taken != h->told.taken ||
	    c.failed != h->told.failed || c.withdrawn != h->told.withdrawn;
}

/* The timer runs for an interval after each message; news that came meanwhile
 * are told at its end, later ones at once. */
static void
on_status(struct timer *t, uint64_t now)
{
	struct handoff *h = CONTAINER_OF(t, struct handoff, status);

	if (has_news(h))
		tell_status(h, now);
}

static bool
after_batch(void *arg, uint64_t now)
{
	struct handoff *h = arg;

	if (!timer_is_armed(&h->status) && has_news(h))
		tell_status(h, now);
	return false;
}

/* ---- life ---- */

static void
on_signal(void *arg, int signal)
{
	struct handoff *h = arg;

	if (signal == SIGCHLD) {
		server_reap(h->server, loop_now(h->loop));
	} else if (signal == SIGHUP) {
		notify_send("RELOADING=1");
		reload(h);
		notify_send("READY=1");
	} else {
		loop_stop(h->loop);
	}
}

/* Descriptors 0 to 2 must be taken, or a client's socket would become one of
 * them and spawning would close it over itself. */
static void
fill_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void
find_sockets(struct handoff *h)
{
	int n, r;

	n = listen_adopt(h->sockets);
	if (n < 0)
		program_die(&program, EXIT_OPERATOR, n, "inherited sockets");
	if (n > 0 && h->sockets[0].origin == LISTEN_INETD_NOWAIT)
		program_die(&program, EXIT_OPERATOR, 0,
		    "descriptor 0 is no listening socket");
	h->n_sockets = (size_t)n;
	if (h->args.listen != NULL && n == 0) {
		r = listen_open_unix(h->args.listen, SOCKET_MODE,
		    (int)h->config.queue, &h->sockets[0]);
		if (r < 0)
			program_die(&program, EXIT_OPERATOR, r, "--listen %s",
			    h->args.listen);
		h->n_sockets = 1;
	}
	if (h->n_sockets == 0)
		program_die(&program, EXIT_OPERATOR, 0,
		    "no socket to listen on: start tarpit-handoff.socket, or "
		    "give --listen PATH");
	set_queue(h, h->config.queue);
}

static void
start(struct handoff *h)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT, 0 };
	struct server_config settings = server_config(h, &h->config);
	int fds[LISTEN_MAX];
	int r;

	for (size_t i = 0; i < h->n_sockets; i++)
		fds[i] = h->sockets[i].fd;
	r = loop_new(&h->loop);
	if (r == 0)
		r = loop_signals(h->loop, signals, on_signal, h);
	if (r == 0)
		r = server_new(h->loop, &h->journal, &settings, fds,
		    h->n_sockets, &h->server);
	if (r < 0)
		program_die(&program, EXIT_TEMPORARY, r, "cannot start");
	h->status.on_timer = on_status;
	loop_set_after_batch(h->loop, after_batch, h);
}

/* An MTA that is not there now may be once its package has been upgraded:
 * said, not fatal. */
static void
check_command(struct handoff *h)
{
	const char *path = h->config.command[0];

	if (access(path, X_OK) < 0)
		journal_event(&h->journal, EVENT_SPAWN_ERROR,
		    "MTA %s cannot be run as yet: %s", path, strerror(errno));
}

static int
run(struct handoff *h)
{
	int r;

	check_command(h);
	journal_event(&h->journal, EVENT_STARTED,
	    "Taking sessions: at most %lld of %s", (long long)h->config.max,
	    h->config.command[0]);
	notify_send("READY=1");
	tell_status(h, loop_now(h->loop));
	watchdog_init(&h->watchdog, h->loop);
	r = loop_run(h->loop);
	notify_send("STOPPING=1");
	journal_event(&h->journal, EVENT_STOPPED,
	    "Stopped; %zu MTAs go on with their sessions",
	    server_counts(h->server).running);
	return r;
}

/* The running MTAs are nobody's children then; they need no parent. */
static void
finish(struct handoff *h)
{
	server_free(h->server);
	for (size_t i = 0; i < h->n_sockets; i++) {
		if (h->sockets[i].origin == LISTEN_OPENED)
			unlink(h->args.listen);
		fd_close(&h->sockets[i].fd);
	}
	loop_free(h->loop);
	journal_fini(&h->journal);
	config_fini(&h->config);
	free(h->env);
}

/* With an error in its files, and a socket that systemd holds open, by the last
 * that had none; dies otherwise. */
static void
load_config_anyhow(struct handoff *h)
{
	struct option_error error, other;
	int r = load_config(h, &h->config, &error);

	if (r < 0 && (h->call.check_only || !listen_is_started_with()))
		program_die_config(&program, &error);
	if (h->call.check_only)
		return;
	journal_init(&h->journal, program.name);
	if (r == 0) {
		program_keep_config(&program, &h->call);
		return;
	}
	h->call.source = PROGRAM_LAST_GOOD;
	if (load_config(h, &h->config, &other) < 0)
		program_die_config(&program, &error);
	h->call.source = PROGRAM_AS_WRITTEN;
	program_tell_start_error(&h->journal, &error, PROGRAM_LAST_GOOD, NULL);
}

int
main(int argc, char **argv)
{
	static struct handoff h;
	int r;

	fill_stdio();
	program_parse(&program, argc, argv, &h.args, &h.call);
	program_check_as_service(&program, &h.call);
	h.args.command = argv + h.call.first_operand;
	load_config_anyhow(&h);
	if (h.call.check_only)
		return EXIT_SUCCESS;
	find_sockets(&h);
	h.env = spawn_base_env(environ);
	if (h.env == NULL)
		program_die(&program, EXIT_TEMPORARY, -ENOMEM, "cannot start");
	start(&h);
	r = run(&h);
	finish(&h);
	if (r < 0)
		program_die(&program, EXIT_TEMPORARY, r, "event loop");
	return EXIT_SUCCESS;
}
