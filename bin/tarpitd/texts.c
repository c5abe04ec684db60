/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/texts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
texts_free(struct texts *t)
{
	if (t == NULL)
		return;
	for (int i = 0; i < SMTP_REPLY_COUNT; i++)
		free(t->reply[i].text);
	free(t);
}

static int
render(struct texts *t, enum smtp_reply reply, const char *host_name,
    const char *hold_reply)
{
	const char *format = smtp_reply_format(reply);
	int n;

	if (format == NULL) {
		n = asprintf(&t->reply[reply].text, "%s\r\n", hold_reply);
	} else {
/* The formats are a table of ours, each with one %s at the most. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		n = asprintf(&t->reply[reply].text, format, host_name);
#pragma GCC diagnostic pop
	}
	if (n < 0) {
		t->reply[reply].text = NULL;
		return -ENOMEM;
	}
	t->reply[reply].len = (uint16_t)n;
	return 0;
}

static struct texts *
texts_new(const char *host_name, const char *hold_reply)
{
	struct texts *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	greeting_init(&t->greeting, host_name);
	for (int i = 0; i < SMTP_REPLY_COUNT; i++)
		if (render(t, (enum smtp_reply)i, host_name, hold_reply) < 0) {
			texts_free(t);
			return NULL;
		}
	return t;
}

static int
find_unused(const struct texts_store *store)
{
	for (int i = 0; i < TEXTS_GENERATIONS; i++)
		if (store->generation[i] == NULL)
			return i;
	return -EBUSY;
}

/* A generation that is neither current nor held goes. */
static void
drop_unused(struct texts_store *store, uint8_t generation)
{
	if (generation == store->current || store->references[generation] > 0)
		return;
	texts_free(store->generation[generation]);
	store->generation[generation] = NULL;
}

int
texts_renew(
    struct texts_store *store, const char *host_name, const char *hold_reply)
{
	int unused = find_unused(store);
	uint8_t old = store->current;

	if (unused < 0)
		return unused;
	store->generation[unused] = texts_new(host_name, hold_reply);
	if (store->generation[unused] == NULL)
		return -ENOMEM;
	store->current = (uint8_t)unused;
	drop_unused(store, old);
	return 0;
}

void
texts_fini(struct texts_store *store)
{
	for (int i = 0; i < TEXTS_GENERATIONS; i++)
		texts_free(store->generation[i]);
	memset(store, 0, sizeof(*store));
}

uint8_t
texts_hold(struct texts_store *store)
{
	store->references[store->current]++;
	return store->current;
}

void
texts_release(struct texts_store *store, uint8_t generation)
{
	store->references[generation]--;
	drop_unused(store, generation);
}
