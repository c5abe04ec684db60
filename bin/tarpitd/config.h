#pragma once
/* SPDX-License-Identifier: ISC */
/* The options of tarpitd: tarpitd.conf(5) and the command line. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "bin/common/program.h"

enum mode { MODE_ENFORCE, MODE_OBSERVE };
enum policy_failure { POLICY_FAILURE_PASS, POLICY_FAILURE_SLOW };
/* Which sessions have a record of their own. */
enum log_choice { LOG_ALL, LOG_SLOWED, LOG_SUMMARY };

/* Where clean and patient sessions go. */
enum handoff_kind { HANDOFF_POSTFIX, HANDOFF_INETD };

struct handoff_target {
	enum handoff_kind kind;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* "10%" of the descriptors, or so many. */
struct share {
	uint32_t count, percent;
};

enum { CONFIG_LISTEN_MAX = 16 };

struct config {
	char *host_name;
	int mode; /* enum mode */
	int log;  /* enum log_choice */
	int workers;
	int64_t max_sessions; /* 0: what RLIMIT_NOFILE allows */
	struct share reserve;
	int64_t max_per_client; /* 0: no limit */
	char *policy;
	uint64_t policy_timeout;
	int policy_failure; /* enum policy_failure */
	struct handoff_target handoff;
	uint64_t handoff_timeout;
	char *hold_reply;
	uint64_t hold_greeting;
	uint64_t max_patience;
	uint64_t command_timeout;
	uint64_t stop_timeout;
	char *backend;
	int64_t backend_connections;
	uint64_t backend_timeout;
	uint64_t max_reply_time, max_dialogue_delay, max_body_delay;
	uint64_t max_message_size;
	int64_t max_recipients;
	char *spool_directory;
	uint64_t spool_memory, spool_max;
	char *tls_certificate, *tls_key;
	/* The command line. */
	const char *listen[CONFIG_LISTEN_MAX];
	size_t n_listen;
	const char *control; /* NULL: systemd's socket, if it passes one */
};

extern const struct program tarpitd_program;

/* The host's fully qualified name as a string of the caller's, for an empty
 * HostName=; its bare name if there is no other.  May ask a resolver: call it
 * before the loop runs.  NULL if out of memory. */
char *config_host_name(void);

void config_fini(struct config *);
