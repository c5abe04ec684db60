#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * TLS on a client's socket, server side, TLS 1.2 and 1.3: the certificate, and
 * sessions that are small while they are only held.  The only user of OpenSSL.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "bin/common/util.h"

struct tls;         /* a certificate and its key */
struct tls_session; /* one client's connection */

/* ---- the certificate ---- */

/* What is read once, here: names of PEM files, separated by blanks, with one
 * certificate and key for each kind of key (RSA, ECDSA), and the certificates
 * above them, in any order.  The client's choice decides which is used.  KEY
 * may be the same.  MIN_1_3: TLS 1.2 is refused, too. */
struct tls_files {
	const char *chain, *key;
	bool min_1_3;
};

/* 0; or -EINVAL, with one of the two strings in *RET_FILE and what is
 * wrong with it in WHY; or -ENOMEM. */
int tls_new(const struct tls_files *, struct tls **ret_tls,
    const char **ret_file, char *why, size_t size) MUST_CHECK;
/* Sessions go on with the certificate that they began with.  NULL. */
struct tls *tls_free(struct tls *);

/* How many certificates it has; of number I its file and kind ("RSA"), and
 * whether NOW (wall clock) is outside its validity. */
size_t tls_count(const struct tls *);
const char *tls_file(const struct tls *, size_t i);
const char *tls_kind(const struct tls *, size_t i);
bool tls_is_expired(const struct tls *, size_t i, time_t now);
/* When the first of them ends; Unix seconds. */
time_t tls_expiry(const struct tls *);
/* Its ends as "2026-01-31 23:59:59 UTC". */
enum { TLS_DATE_SIZE = 32 };
void tls_print_dates(const struct tls *, size_t i, char from[TLS_DATE_SIZE],
    char until[TLS_DATE_SIZE]);

/* ---- a session ---- */

/* A session on FD, which stays the caller's.  0 or -ENOMEM. */
int tls_session_new(
    struct tls *, int fd, struct tls_session **ret_session) MUST_CHECK;
/* Says goodbye (close_notify) if the handshake was completed.  NULL. */
struct tls_session *tls_session_free(struct tls_session *);

/* Goes on with the handshake as far as the client's bytes go; what it costs
 * is the signature: 0.4 ms with ECDSA P-256, 1.1 ms with RSA 2048.  0 when it
 * is complete, -EAGAIN, or -EPROTO (see tls_session_error). */
int tls_handshake(struct tls_session *) MUST_CHECK;

/* Takes N of the SIZE bytes over and returns N; what the socket has no room
 * for is kept and sent by a later call of any of these functions, and until
 * then nothing more is taken: -EAGAIN.  -ENOTCONN before the handshake is
 * complete, -EPROTO or another -errno when the connection is broken. */
ssize_t tls_send(struct tls_session *, const char *buf, size_t size);

/* At most so many bytes are read ahead, and shown at once.  A call reads a
 * bounded number of records, and a client that sends many in a row without data
 * (key updates, empty ones, a handshake in crumbs) is given up: the session is
 * broken. */
enum { TLS_AHEAD_MAX = 2048 };

/* What the client has said and nobody has taken: copies up to SIZE bytes; 0
 * for nothing now, -EPIPE if it has ended, -EPROTO if it is broken. */
ssize_t tls_peek(struct tls_session *, char *buf, size_t size) MUST_CHECK;
void tls_take(struct tls_session *, size_t n);
/* The client has sent more than the last call has read: nothing else may tell
 * of it again. */
bool tls_is_behind(const struct tls_session *);
/* Nothing more will come: a close_notify, an end without one, an error. */
bool tls_has_ended(struct tls_session *);

/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384", or "" before the handshake is
 * complete; static strings. */
const char *tls_session_version(const struct tls_session *);
const char *tls_session_cipher(const struct tls_session *);
/* Why the session is broken, in OpenSSL's words, or NULL; static. */
const char *tls_session_error(const struct tls_session *);
/* Is it broken by what one side has said (no version or cipher in common, a
 * certificate that the client does not like), not because it went away? */
bool tls_session_disagreed(const struct tls_session *);
