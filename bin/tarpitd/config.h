#pragma once
/* SPDX-License-Identifier: ISC */
/* The options of tarpitd: tarpitd.conf(5) and the command line. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "bin/common/program.h"
#include "bin/tarpitd/clients.h"
#include "bin/tarpitd/networks.h"
#include "bin/tarpitd/own.h"

enum mode { MODE_ENFORCE, MODE_OBSERVE };
enum tls_min_version { TLS_MIN_1_2, TLS_MIN_1_3 };
enum policy_failure { POLICY_FAILURE_PASS, POLICY_FAILURE_SLOW };
/* How the MTA of the throttle lane is told who its client is. */
enum backend_identity { BACKEND_XCLIENT, BACKEND_PROXY };
/* What becomes of a client that its proxy does not name. */
enum proxy_unknown { PROXY_UNKNOWN_REFUSE, PROXY_UNKNOWN_PASS };
/* What a bare LF in a message is: a line end, or a reason to refuse it. */
enum bare_newline { BARE_NEWLINE_NORMALIZE, BARE_NEWLINE_REJECT };
/* Which sessions have a record of their own. */
enum log_choice { LOG_ALL, LOG_SLOWED, LOG_SUMMARY };

/* Where clean and patient sessions go. */
enum handoff_kind { HANDOFF_POSTFIX, HANDOFF_INETD, HANDOFF_PROXY };

struct handoff_target {
	enum handoff_kind kind;
	/* For HANDOFF_PROXY the address as it was written. */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct sockaddr_storage address; /* HANDOFF_PROXY */
	socklen_t address_len;
};

/* "10%" of the descriptors, or so many. */
struct share {
	uint32_t count, percent;
};

enum { CONFIG_LISTEN_MAX = 16 };

/* "auto" in place of a number. */
enum { CONFIG_AUTO = -1 };

struct tls;

struct config {
	char *host_name;
	int mode; /* enum mode */
	int log;  /* enum log_choice */
	int workers;
	int64_t max_sessions; /* 0: what descriptors and memory allow */
	struct share reserve, max_throttled;
	int64_t max_per_client;     /* 0: no limit */
	int64_t max_per_network;    /* the same; CONFIG_AUTO */
	int64_t max_per_site;       /* the same; CONFIG_AUTO */
	int64_t records_per_client; /* a minute; 0: no limit */
	char *policy;
	uint64_t policy_timeout;
	int policy_failure; /* enum policy_failure */
	struct handoff_target handoff;
	uint64_t handoff_timeout;
	int64_t handoff_sessions; /* 0: no limit */
	struct networks proxy_trusted;
	int proxy_unknown; /* enum proxy_unknown */
	struct own_choice own;
	char *hold_reply;
	uint64_t hold_greeting;
	uint64_t max_patience;
	uint64_t command_timeout;
	uint64_t stop_timeout, stop_commit_timeout;
	char *backend;
	int backend_identity; /* enum backend_identity */
	int64_t backend_connections, backend_per_client;
	uint64_t backend_timeout;
	uint64_t max_reply_time, max_dialogue_delay, max_body_delay;
	uint64_t max_throttle_time; /* 0: no limit */
	uint64_t max_message_size;
	int64_t min_body_rate; /* bytes per second; 0: none */
	int64_t max_recipients, max_messages;
	int bare_newline; /* enum bare_newline */
	char *spool_directory;
	uint64_t spool_memory, spool_max;
	uint64_t hold_names;
	char *tls_certificate, *tls_key;
	/* Where Key= stands; 0: in no file. */
	char tls_key_file[sizeof(((struct option_error *)0)->file)];
	int tls_key_line;
	int tls_min_version; /* enum tls_min_version */
	uint64_t handshake_timeout;
	int64_t max_handshakes, max_tls_held;
	struct tls *tls; /* what those files held; NULL: no TLS */
	/* The command line. */
	const char *listen[CONFIG_LISTEN_MAX];
	size_t n_listen;
	const char *listen_proxy[CONFIG_LISTEN_MAX];
	size_t n_listen_proxy;
	const char *control; /* NULL: systemd's socket, if it passes one */
};

extern const struct program tarpitd_program;

/* The host's fully qualified name as a string of the caller's, for an empty
 * HostName=; its bare name if there is no other.  May ask a resolver: call it
 * before the loop runs.  NULL if out of memory. */
char *config_host_name(void);

/* Reads the certificate and its key: 0, or -errno and what is wrong in
 * RET_ERROR; a key alone is wrong. */
int config_read_certificate(
    struct config *, struct option_error *ret_error) MUST_CHECK;

/* Certificate=none: not to have TLS was a decision. */
bool config_has_no_tls(const struct config *);

/* The limits for a client and the networks around it. */
struct client_limits config_client_limits(const struct config *);

void config_fini(struct config *);

/* "postfix:", as in Handoff=. */
const char *handoff_prefix(enum handoff_kind);
