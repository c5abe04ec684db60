/* SPDX-License-Identifier: ISC */
/* tarpitd: start, adopt the sockets, run. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bin/common/fd.h"
#include "bin/common/notify.h"
#include "bin/common/program.h"
#include "bin/tarpitd/config.h"
#include "bin/tarpitd/dispatcher.h"
#include "bin/tarpitd/record.h"
#include "bin/tarpitd/session.h"

/* Connections that the kernel queues on sockets of our own; systemd's and
 * inetd's have theirs. */
enum { BACKLOG = 4096 };

static struct journal journal;
static struct program_call call;
static struct dispatcher dispatcher;
/* For an empty HostName=; kept, since a reload must not wait for a resolver. */
static char *own_name;

/* A configuration with the host's name filled in; NULL and *ERROR set if it
 * cannot be had. */
static struct config *
load_config(struct option_error *error)
{
	struct config *c = calloc(1, sizeof(*c));

	memset(error, 0, sizeof(*error));
	if (c == NULL)
		return NULL;
	if (program_load(&tarpitd_program, &call, c, error) < 0) {
		config_fini(c);
		free(c);
		return NULL;
	}
	if (c->host_name[0] == '\0' && own_name == NULL)
		own_name = config_host_name();
	if (c->host_name[0] == '\0' && own_name != NULL) {
		char *copy = strdup(own_name);

		/* Without memory it stays empty; it is never NULL. */
		if (copy != NULL) {
			free(c->host_name);
			c->host_name = copy;
		}
	}
	return c;
}

static struct config *
reload_config(void)
{
	struct option_error error;
	struct config *c = load_config(&error);

	if (c == NULL)
		journal_event(&journal, EVENT_CONFIG_ERROR,
		    "%s:%d: %s; the old configuration stands", error.file,
		    error.line, error.text);
	return c;
}

static void
on_signal(void *arg, int signal)
{
	if (signal == SIGHUP)
		dispatcher_reload(arg);
	else
		dispatcher_stop(arg);
}

static void
open_listener(const char *option, const char *where, struct listen_socket *ret)
{
	int r = listen_open_tcp(where, BACKLOG, ret);

	if (r == -EINVAL)
		program_die(&tarpitd_program, EXIT_OPERATOR, 0,
		    "--%s %s: not of the form ADDRESS:PORT", option, where);
	if (r < 0)
		program_die(&tarpitd_program, EXIT_TEMPORARY, r, "--%s %s",
		    option, where);
}

static size_t
open_listeners(const struct config *args, struct listen_socket *sockets)
{
	size_t n = 0;

	for (size_t i = 0; i < args->n_listen; i++)
		open_listener("listen", args->listen[i], &sockets[n++]);
	for (size_t i = 0; i < args->n_listen_proxy; i++) {
		open_listener(
		    "listen-proxy", args->listen_proxy[i], &sockets[n]);
		strcpy(sockets[n++].name, PROXIED_LISTENER);
	}
	return n;
}

/* From the command line, or whoever started us; dies if there are none. */
static size_t
find_sockets(const struct config *args, struct listen_socket *sockets)
{
	int n;

	if (args->n_listen + args->n_listen_proxy > 0)
		return open_listeners(args, sockets);
	n = listen_adopt(sockets);
	if (n < 0)
		program_die(&tarpitd_program, EXIT_OPERATOR, n,
		    "the sockets that systemd passed");
	if (n == 0)
		program_die(&tarpitd_program, EXIT_OPERATOR, 0,
		    "no socket to serve: expected systemd's (LISTEN_FDS), a "
		    "socket of inetd's as descriptor 0, or "
		    "--listen ADDRESS:PORT");
	return (size_t)n;
}

static void
run(struct loop *loop)
{
	char counts[RECORD_COUNTS_SIZE];
	int r;

	journal_event(&journal, EVENT_STARTED,
	    "serving on %zu sockets, up to %u sessions, %u of them slowed%s",
	    dispatcher.n_sockets, dispatcher.max_sessions,
	    dispatcher.max_slowed,
	    dispatcher.config->mode == MODE_OBSERVE ? ", only observing" : "");
	notify_send("READY=1");
	r = loop_run(loop);
	record_counts(&dispatcher, counts, sizeof(counts));
	if (r < 0)
		program_die(&tarpitd_program, EXIT_TEMPORARY, r, "epoll");
	journal_event(&journal, EVENT_STOPPED, "%s", counts);
}

/* inetd's nowait mode: the one session that is descriptor 0. */
static void
run_single(struct loop *loop, int fd)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	int r;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return; /* it has left already */
	session_begin(&dispatcher, fd, &peer, loop_now(loop));
	dispatcher.single = true;
	if (dispatcher.pool.live == 0)
		return;
	r = loop_run(loop);
	if (r < 0)
		program_die(&tarpitd_program, EXIT_TEMPORARY, r, "epoll");
}

int
main(int argc, char **argv)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT, 0 };
	static struct config args;
	struct listen_socket sockets[LISTEN_MAX];
	struct option_error error;
	struct config *config;
	struct loop *loop;
	size_t n;
	bool single;
	int r;

	program_parse(&tarpitd_program, argc, argv, &args, &call);
	config = load_config(&error);
	if (config == NULL)
		program_die_config(&tarpitd_program, &error);
	if (call.check_only) {
		config_fini(config);
		free(config);
		free(own_name);
		return 0;
	}
	journal_init(&journal, tarpitd_program.name);
	n = find_sockets(&args, sockets);
	single = sockets[0].origin == LISTEN_INETD_NOWAIT;
	r = loop_new(&loop);
	if (r == 0)
		r = loop_signals(loop, signals, on_signal, &dispatcher);
	dispatcher.reload = reload_config;
	if (r == 0)
		r = dispatcher_init(&dispatcher, loop, &journal, config,
		    sockets, single ? 0 : n);
	if (r < 0)
		program_die(&tarpitd_program, EXIT_TEMPORARY, r, "starting");
	if (single)
		run_single(loop, sockets[0].fd);
	else
		run(loop);
	dispatcher_fini(&dispatcher);
	loop_free(loop);
	journal_fini(&journal);
	free(own_name);
	return 0;
}
