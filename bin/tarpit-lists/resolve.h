#pragma once
/* SPDX-License-Identifier: ISC */
/* Questions to the DNS, one after the other.  The only user of libresolv. */

#include <netinet/in.h>
#include <stddef.h>

#include "bin/common/util.h"

enum {
	RESOLVE_TEXT_MAX = 4096, /* bytes of one TXT record, put together */
};

struct resolver;

/* SERVER is ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; "" stands for those of
 * resolv.conf.  0, -EINVAL (no such address), -ENOMEM, -EIO. */
int resolver_new(const char *server, struct resolver **ret) MUST_CHECK;
struct resolver *resolver_free(struct resolver *);

/* Each of these calls ON_ANSWER for every record of its type at NAME.  0,
 * -ENOENT (no such name, or none of these records), -EAGAIN (no answer, or a
 * server's failure), -EBADMSG (an answer that cannot be read), or what
 * ON_ANSWER returned. */
/* Only of those that begin with PREFIX, in any case: what else stands there may
 * be as it likes. */
int resolver_txt(struct resolver *, const char *name, const char *prefix,
    int (*on_answer)(void *arg, const char *text), void *arg) MUST_CHECK;
int resolver_mx(struct resolver *, const char *name,
    int (*on_answer)(void *arg, const char *host), void *arg) MUST_CHECK;
/* Addresses of both families; IPv4 as IPv4-mapped. */
int resolver_addresses(struct resolver *, const char *name,
    int (*on_answer)(void *arg, const struct in6_addr *), void *arg) MUST_CHECK;
