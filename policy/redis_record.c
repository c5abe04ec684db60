/* SPDX-License-Identifier: ISC */
#include "policy/redis_record.h"

#include <stdio.h>
#include <string.h>

#include "policy/history_text.h"

/* HSET, the key, and a field and a value of each kind. */
enum { WORDS_MAX = 2 + 2 * HISTORY_KIND_COUNT };

static struct redis_value
word(const char *text)
{
	return (struct redis_value){ text, strlen(text) };
}

bool
redis_record_get(struct redis_link *link, const struct history_key *key,
    redis_on_answer *on_answer, void *arg)
{
	char text[HISTORY_KEY_TEXT_MAX];
	struct redis_value words[2 + HISTORY_KIND_COUNT] = { word("HMGET"),
		word(history_format_key(key, text)) };

	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++)
		words[2 + i] = word(history_field(key->scope, i));
	return redis_link_send(link, on_answer, arg, ARRAY_SIZE(words), words);
}

bool
redis_record_read(const struct redis_answer *answer, enum history_scope scope,
    uint32_t now, struct history_record *ret)
{
	bool good = true;

	*ret = (struct history_record){ .scope = (uint8_t)scope };
	for (size_t i = 0; i < answer->n && i < HISTORY_KIND_COUNT; i++) {
		const struct redis_value *v = &answer->value[i];

		if (v->text &&
		    history_parse_value(
			v->text, v->len, (enum history_kind)i, now, ret) < 0)
			good = false;
	}
	return good;
}

static bool
kind_differs(
    const struct history_record *a, const struct history_record *b, size_t kind)
{
	return a->amount[kind] != b->amount[kind] ||
	    a->when[kind] != b->when[kind];
}

bool
redis_record_differs(
    const struct history_record *rec, const struct history_record *there)
{
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		if (kind_differs(rec, there, i))
			return true;
	}
	return false;
}

bool
redis_record_put(struct redis_link *link, const struct history_key *key,
    const struct history_record *rec, const struct history_record *there,
    redis_on_answer *on_answer, void *arg)
{
	char name[HISTORY_KEY_TEXT_MAX];
	char text[HISTORY_KIND_COUNT][HISTORY_VALUE_TEXT_MAX];
	struct redis_value words[WORDS_MAX] = { word("HSET"),
		word(history_format_key(key, name)) };
	size_t n = 2;

	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		if (!kind_differs(rec, there, i))
			continue;
		words[n++] = word(history_field(key->scope, i));
		words[n++] = word(
		    history_format_value(rec, (enum history_kind)i, text[i]));
	}
	return redis_link_send(link, on_answer, arg, n, words);
}

bool
redis_record_expire(struct redis_link *link, const struct history_key *key,
    uint32_t seconds, redis_on_answer *on_answer, void *arg)
{
	char name[HISTORY_KEY_TEXT_MAX], ttl[16];

	snprintf(ttl, sizeof(ttl), "%u", seconds);
	return redis_link_send(link, on_answer, arg, 3,
	    (struct redis_value[]){ word("EXPIRE"),
		word(history_format_key(key, name)), word(ttl) });
}

bool
redis_record_delete(struct redis_link *link, const struct history_key *key,
    redis_on_answer *on_answer, void *arg)
{
	char name[HISTORY_KEY_TEXT_MAX];

	return redis_link_send(link, on_answer, arg, 2,
	    (struct redis_value[]){
		word("DEL"), word(history_format_key(key, name)) });
}
