#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Certificates and keys from PEM files, in any order and number: each key finds
 * its certificate, and that the ones above it.  Part of tls.h, for tls.c.
 */

#include <openssl/ssl.h>
#include <time.h>

#include "bin/common/util.h"

struct tls_files;

/* One for each kind of key (RSA, ECDSA, ...). */
enum { TLS_PAIRS_MAX = 8 };

struct tls_pair {
	char *file;       /* owned */
	const char *kind; /* "RSA" */
	time_t not_before, not_after;
};

struct tls_pairs {
	struct tls_pair pair[TLS_PAIRS_MAX];
	size_t n;
};

/* Loads all pairs into CONTEXT.  0, or -EINVAL with files->chain or files->key
 * in *RET_FILE and what is wrong with it in WHY.  RET_PAIRS is to be given to
 * tls_pairs_fini() in any case; all zero is an empty one. */
int tls_files_load(SSL_CTX *context, const struct tls_files *,
    struct tls_pairs *ret_pairs, const char **ret_file, char *why,
    size_t size) MUST_CHECK;
void tls_pairs_fini(struct tls_pairs *);
