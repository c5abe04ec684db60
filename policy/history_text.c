/* SPDX-License-Identifier: ISC */
#include "policy/history_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "data/cidr.h"

const char *
history_field(enum history_scope scope, size_t kind)
{
	static const char *const host[HISTORY_KIND_COUNT] = {
		[HISTORY_PATIENT] = "patient",
		[HISTORY_ABANDONED] = "abandoned",
		[HISTORY_PREGREET] = "pregreet",
		[HISTORY_SEEN] = "seen",
	};
	static const char *const net[HISTORY_KIND_COUNT] = {
		"host1",
		"host2",
		"host3",
		[HISTORY_CAUGHT] = "caught",
	};

	return (history_is_net(scope) ? net : host)[kind];
}

const char *
history_format_key(const struct history_key *key, char *buf)
{
	char text[CIDR_STRLEN];
	struct cidr net = history_key_prefix(key);

	if (key->scope == HISTORY_V4_HOST)
		cidr_format_addr(&net.addr, text);
	else
		cidr_format(&net, text);
	snprintf(buf, HISTORY_KEY_TEXT_MAX, "tarpit:%s", text);
	return buf;
}

const char *
history_format_value(
    const struct history_record *rec, enum history_kind kind, char *buf)
{
	snprintf(buf, HISTORY_VALUE_TEXT_MAX, "%u %u", rec->when[kind],
	    rec->amount[kind]);
	return buf;
}

int
history_parse_value(const char *text, size_t len, enum history_kind kind,
    uint32_t now, struct history_record *rec)
{
	const char *blank = memchr(text, ' ', len);
	size_t before = blank ? (size_t)(blank - text) : len;
	bool net = history_is_net((enum history_scope)rec->scope);
	int64_t when, amount;

	if (!blank || decimal_parse(text, before, 0, UINT32_MAX, &when) < 0 ||
	    decimal_parse(blank + 1, len - before - 1, 0,
		net ? UINT8_MAX : HISTORY_AMOUNT_MAX, &amount) < 0)
		return -EBADMSG;
	rec->when[kind] = when < now ? (uint32_t)when : now;
	rec->amount[kind] = (uint8_t)amount;
	return 0;
}
