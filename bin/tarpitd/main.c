/* SPDX-License-Identifier: ISC */
/* tarpitd: start, adopt the sockets, run. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bin/common/fd.h"
#include "bin/common/notify.h"
#include "bin/common/program.h"
#include "bin/tarpitd/config.h"
#include "bin/tarpitd/control.h"
#include "bin/tarpitd/dispatcher.h"
#include "bin/tarpitd/record.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/settings.h"
#include "bin/tarpitd/starttls.h"

/* Connections that the kernel queues on sockets of our own; systemd's and
 * inetd's have theirs. */
enum { BACKLOG = 4096, CONTROL_BACKLOG = 16, CONTROL_MODE = 0660 };

/* FileDescriptorName= of the control socket. */
static const char control_name[] = "control";

static struct journal journal;
static struct program_call call;
static struct dispatcher dispatcher;
static struct control control;
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

/* Sockets for tarpitctl are not for clients: they go behind the others.  How
 * many others there are; dies if there are none. */
static size_t
set_control_apart(struct listen_socket *sockets, size_t n)
{
	size_t others = 0;

	for (size_t i = 0; i < n; i++) {
		struct listen_socket s = sockets[i];

		if (strcmp(s.name, control_name) == 0)
			continue;
		sockets[i] = sockets[others];
		sockets[others++] = s;
	}
	if (others == 0)
		program_die(&tarpitd_program, EXIT_OPERATOR, 0,
		    "a control socket, but no socket to serve: is "
		    "tarpitd.socket enabled?");
	return others;
}

/* --control PATH, behind the N sockets that there are. */
static size_t
open_control(const char *path, struct listen_socket *sockets, size_t n)
{
	int r;

	if (path == NULL || n == LISTEN_MAX)
		return n;
	r = listen_open_unix(path, CONTROL_MODE, CONTROL_BACKLOG, &sockets[n]);
	if (r < 0)
		program_die(
		    &tarpitd_program, EXIT_TEMPORARY, r, "--control %s", path);
	return n + 1;
}

static void
close_control(
    const char *path, struct listen_socket *sockets, size_t from, size_t n)
{
	control_fini(&control);
	for (size_t i = from; i < n; i++) {
		if (sockets[i].origin == LISTEN_OPENED)
			unlink(path);
		fd_close(&sockets[i].fd);
	}
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
	starttls_review(&dispatcher, loop_now(loop));
	notify_send("READY=1");
	r = loop_run(loop);
	dispatcher_conclude(&dispatcher);
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
	r = dispatcher.pool.live == 0 ? 0 : loop_run(loop);
	dispatcher_conclude(&dispatcher);
	if (r < 0)
		program_die(&tarpitd_program, EXIT_TEMPORARY, r, "epoll");
}

/* What there is one of for each slot lies far apart and is touched here and
 * there: with pages of 2 MB, where the kernel gives them to everybody, a held
 * session took 40 % more memory. */
static void
refuse_huge_pages(void)
{
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

/* Dies if it has an error, unless somebody else holds the port open. */
static struct config *
load_config(const struct config *args)
{
	struct option_error error;
	struct config *c = settings_load(&dispatcher.settings, &error);
	bool own = args->n_listen + args->n_listen_proxy > 0;

	if (c == NULL && (call.check_only || own || !listen_is_started_with()))
		program_die_config(&tarpitd_program, &error);
	if (!call.check_only)
		journal_init(&journal, tarpitd_program.name);
	if (c == NULL)
		c = settings_load_instead(&dispatcher.settings, &error);
	if (c == NULL)
		program_die(
		    &tarpitd_program, EXIT_TEMPORARY, -ENOMEM, "starting");
	return c;
}

int
main(int argc, char **argv)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT, 0 };
	static struct config args;
	struct listen_socket sockets[LISTEN_MAX];
	struct config *config;
	struct loop *loop;
	size_t n, n_all;
	bool single;
	int r;

	program_parse(&tarpitd_program, argc, argv, &args, &call);
	program_check_as_service(&tarpitd_program, &call);
	refuse_huge_pages();
	dispatcher.settings =
	    (struct settings){ .call = &call, .journal = &journal };
	config = load_config(&args);
	if (call.check_only) {
		config_fini(config);
		free(config);
		settings_fini();
		return 0;
	}
	n_all = find_sockets(&args, sockets);
	n = set_control_apart(sockets, n_all);
	n_all = open_control(args.control, sockets, n_all);
	single = sockets[0].origin == LISTEN_INETD_NOWAIT;
	r = loop_new(&loop);
	if (r == 0)
		r = loop_signals(loop, signals, on_signal, &dispatcher);
	if (r == 0)
		r = dispatcher_init(&dispatcher, loop, &journal, config,
		    sockets, single ? 0 : n);
	if (r == 0)
		r = control_init(&control, &dispatcher, sockets + n, n_all - n);
	if (r < 0)
		program_die(&tarpitd_program, EXIT_TEMPORARY, r, "starting");
	if (single)
		run_single(loop, sockets[0].fd);
	else
		run(loop);
	close_control(args.control, sockets, n, n_all);
	dispatcher_fini(&dispatcher);
	loop_free(loop);
	journal_fini(&journal);
	settings_fini();
	return 0;
}
