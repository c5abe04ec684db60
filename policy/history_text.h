#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Records as a server keeps them, for redis-cli to read: the key
 * tarpit:192.0.2.7, tarpit:192.0.2.0/24, tarpit:2001:db8:0:1::/64 or
 * tarpit:2001:db8::/56 is a hash.  Of each kind that is known of a host its field
 * has "UNIXTIME SIXTEENTHS": when it was last, and how often.  Of a network, the
 * fields host1 to host3 have "UNIXTIME HOST", its number in the network, and
 * `caught` has "UNIXTIME 0".  Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "policy/history.h"

enum {
	HISTORY_KEY_TEXT_MAX = 64,
	HISTORY_VALUE_TEXT_MAX = 16,
};

/* "patient", "host1", ...: the field of a scope's place. */
const char *history_field(enum history_scope, size_t kind);

/* BUF, which has HISTORY_KEY_TEXT_MAX bytes. */
const char *history_format_key(const struct history_key *, char *buf);

/* BUF, which has HISTORY_VALUE_TEXT_MAX bytes. */
const char *history_format_value(
    const struct history_record *, enum history_kind kind, char *buf);

/* Reads what LEN bytes of TEXT say of KIND into REC.  A time after NOW was told
 * by a clock that is ahead and becomes NOW: else nothing could ever be newer.
 * 0 or -EBADMSG. */
int history_parse_value(const char *text, size_t len, enum history_kind kind,
    uint32_t now, struct history_record *rec) MUST_CHECK;
