#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Where a Redis or Valkey server is:
 * redis://[[USER]:PASSWORD@]HOST[:PORT][/DB] or, the same, ?db=DB, and
 * redis+unix://[[USER]:PASSWORD@]/PATH[?db=DB]; valkey for redis, too.  HOST is
 * a name, an IPv4 address or [an IPv6 one]; user and password may have %XX
 * escapes (RFC 3986, 2.1), and a password may have @, / and ? as they are.
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

enum { REDIS_PORT = 6379, REDIS_DB_MAX = 65535 };

struct redis_url {
	char user[64], password[256]; /* "": none */
	char host[254];               /* "": a unix socket */
	char path[108];
	uint16_t port, db;
};

/* Whether a URL is meant, be it one of ours or not. */
bool redis_url_is(const char *text);

/* 0, or -EINVAL with the reason, static, in *RET_WHY; it
 * quotes nothing. */
int redis_url_parse(
    const char *text, struct redis_url *ret, const char **ret_why) MUST_CHECK;

/* The URL without its secret, for people. */
const char *redis_url_format(const struct redis_url *, char *buf, size_t size);
