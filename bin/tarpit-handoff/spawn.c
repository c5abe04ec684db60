/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-handoff/spawn.h"

#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/fd.h"

enum { N_VARS = 7, VAR_SIZE = sizeof "TCPREMOTEPORT=" + INET6_ADDRSTRLEN };

char **
spawn_split(const char *command)
{
	static const char blanks[] = " \t";
	size_t len = strlen(command), n = 0;
	/* A word takes at least two bytes of the text, its blank included. */
	size_t pointers = len / 2 + 2;
	char **argv = malloc(pointers * sizeof *argv + len + 1);
	char *text, *save, *word;

	if (argv == NULL)
		return NULL;
	text = memcpy(argv + pointers, command, len + 1);
	for (word = strtok_r(text, blanks, &save); word != NULL;
	     word = strtok_r(NULL, blanks, &save))
		argv[n++] = word;
	argv[n] = NULL;
	return argv;
}

static bool
is_inherited(const char *var)
{
	/* A name that ends in '=' has to match as a whole. */
	static const char *const ours[] = { "LISTEN_",
		"NOTIFY_SOCKET=", "WATCHDOG_", "PROTO=", "TCPREMOTE",
		"TCPLOCAL", "REMOTE_ADDR=", "REMOTE_PORT=" };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (strncmp(var, ours[i], strlen(ours[i])) == 0)
			return false;
	return true;
}

char **
spawn_base_env(char *const *env)
{
	size_t n = 0, kept = 0;
	char **base;

	while (env[n] != NULL)
		n++;
	base = malloc((n + 1) * sizeof *base);
	if (base == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (is_inherited(env[i]))
			base[kept++] = env[i];
	base[kept] = NULL;
	return base;
}

/* BASE_ENV and the session's own variables, which live in VARS. */
static char **
make_env(
    char *const *base_env, const struct message *m, char vars[N_VARS][VAR_SIZE])
{
	const char *const own[N_VARS][2] = {
		{ "PROTO", "TCP" },
		{ "TCPREMOTEIP", m->client_address },
		{ "TCPREMOTEPORT", m->client_port },
		{ "TCPLOCALIP", m->server_address },
		{ "TCPLOCALPORT", m->server_port },
		{ "REMOTE_ADDR", m->client_address },
		{ "REMOTE_PORT", m->client_port },
	};
	size_t n = 0;
	char **env;

	while (base_env[n] != NULL)
		n++;
	env = malloc((n + N_VARS + 1) * sizeof *env);
	if (env == NULL)
		return NULL;
	memcpy(env, base_env, n * sizeof *env);
	for (size_t i = 0; i < N_VARS; i++) {
		snprintf(vars[i], VAR_SIZE, "%s=%s", own[i][0], own[i][1]);
		env[n + i] = vars[i];
	}
	env[n + N_VARS] = NULL;
	return env;
}

/* Standard error stays ours: an MTA's complaints belong into the journal,
 * and sendmail's would otherwise reach the client as a reply. */
static int
set_descriptors(posix_spawn_file_actions_t *actions, int client)
{
	int r;

	r = posix_spawn_file_actions_adddup2(actions, client, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, client, 1);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, 3);
	return r;
}

/* The loop blocks and ignores signals; an MTA must not inherit that.  It does
 * stay in our process group: in a terminal, Ctrl-C then ends all of it, and
 * under systemd KillMode= decides. */
static int
set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setsigmask(attr, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (r == 0)
		r = posix_spawnattr_setflags(
		    attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return r;
}

/* posix_spawn() rather than fork(): glibc reports the exec's own error, so
 * that the dispatcher can be told; and no code of ours runs in the child. */
static int
spawn(char *const *argv, char *const *env, int client, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = set_descriptors(&actions, client);
		if (r == 0)
			r = set_signals(&attr);
		if (r == 0)
			r = posix_spawn(
			    ret_pid, argv[0], &actions, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int
spawn_mta(char *const *argv, char *const *base_env, const struct message *m,
    int client, pid_t *ret_pid)
{
	char vars[N_VARS][VAR_SIZE];
	AUTO_FREE char **env = make_env(base_env, m, vars);
	int r;

	if (env == NULL)
		return -ENOMEM;
	/* Exim, nullmailer and msmtpd take EAGAIN for the end of the session. */
	r = fd_set_nonblocking(client, false);
	if (r < 0)
		return r;
	r = spawn(argv, env, client, ret_pid);
	if (r < 0) {
		/* The dispatcher goes on with it, and may never block. */
		int undone = fd_set_nonblocking(client, true);

		return undone < 0 ? undone : r;
	}
	return 0;
}
