#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Connections that a proxy makes for its clients: the wait for the header that
 * says for whom, before which nothing else may happen, and what it said.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/tarpitd/pool.h"
#include "bin/tarpitd/proxy.h"

/* FileDescriptorName= of the sockets that take such connections only. */
#define PROXIED_LISTENER "smtp-proxy"

struct proxied_place;

/* Why a connection was not served. */
enum proxied_refusal {
	PROXIED_UNTRUSTED, /* not in ProxyTrusted= */
	PROXIED_LATE,      /* no whole header in time */
	PROXIED_NO_HEADER, /* something else */
	PROXIED_TOO_LARGE,
	PROXIED_UNREADABLE,
	PROXIED_UNKNOWN, /* nobody's address, and ProxyUnknown=refuse */
	PROXIED_NOT_REFUSED
};

struct proxied {
	struct loop *loop;
	struct journal *journal;
	struct pool *pool;
	bool pass_unknown; /* may who is of unknown address go on? */
	/* The header of S, or NULL: none has come, and S is to be closed
	 * (see proxied_why()). */
	void (*on_header)(void *arg, struct session *s,
	    const struct proxy_header *header, uint64_t now);
	void *arg;

	struct proxied_place *place; /* one a slot, touched as far as used */
	/* Of each kind: usec; see journal_is_due(). */
	uint64_t next_refusal[PROXIED_NOT_REFUSED];
	uint64_t refused; /* connections, counter */
};

/* What the caller sets stands above the empty line.  0 or -errno. */
int proxied_init(struct proxied *) MUST_CHECK;
void proxied_fini(struct proxied *);

/* The memory of slots that nobody has is given back (see pool_trim()). */
void proxied_trim(struct proxied *, uint32_t from, uint32_t to);

/* Waits for the header of S, a connection from PEER; on_header() is called
 * once, later.  0 or -errno. */
int proxied_start(struct proxied *, struct session *s,
    const struct sockaddr_storage *peer, uint64_t now) MUST_CHECK;
/* S ends. */
void proxied_forget(struct proxied *, const struct session *s);

/* Says why a connection from PEER is closed, which has sent LEN bytes at DATA;
 * each kind now and then, as that may happen very often. */
void proxied_refuse(struct proxied *, const struct in6_addr *peer,
    enum proxied_refusal why, const char *data, size_t len, uint64_t now);
/* Of S, which is to be closed; PROXIED_NOT_REFUSED: the proxy went away. */
enum proxied_refusal proxied_why(
    const struct proxied *, const struct session *s);

/* The proxy's address, or NULL for a client that has come by itself. */
const struct in6_addr *proxied_by(
    const struct proxied *, const struct session *s);
/* There is no client, or none yet: the proxy's health check, say. */
bool proxied_has_no_client(const struct proxied *, const struct session *s);
/* There is one, of unknown address. */
bool proxied_is_unknown(const struct proxied *, const struct session *s);

/* The address that the client of S has connected to: the proxy's word, or the
 * socket's own address; false, :: and 0 if there is none.  The first argument
 * may be NULL: no proxies. */
bool proxied_server(const struct proxied *, const struct session *s,
    struct in6_addr *ret, in_port_t *ret_port);
