#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Starting one inetd-style MTA: the client's socket as descriptors 0 and 1,
 * standard error ours, nothing else open, signals as a fresh process expects
 * them, and the environment that tcpserver, inetd and systemd made customary.
 */

#include <sys/types.h>

#include "bin/common/util.h"
#include "bin/tarpit-handoff/message.h"

/* Splits COMMAND at blanks; there is no quoting.  A NULL-terminated vector to
 * be freed in one piece, or NULL if there is no memory. */
char **spawn_split(const char *command);

/* ENVIRON without what was meant for us alone (LISTEN_*, NOTIFY_SOCKET,
 * WATCHDOG_*) and without what spawn_mta() sets.  Borrows the strings; freed
 * in one piece; NULL if there is no memory. */
char **spawn_base_env(char *const *env);

/* Starts ARGV for the session that *M tells of, whose socket is CLIENT (still
 * the caller's).  0 and *RET_PID once the program runs, or -errno: what fork
 * or exec said; nothing runs then and nothing has been written to CLIENT. */
int spawn_mta(char *const *argv, char *const *base_env, const struct message *m,
    int client, pid_t *ret_pid) MUST_CHECK;
