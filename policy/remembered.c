/* SPDX-License-Identifier: ISC */
#include "policy/remembered.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/redis_url.h"

/* A second looks at so much of the table for what has faded. */
enum { SWEEP_SHARE = 4096 };

static uint32_t
wall_clock(void)
{
	return (uint32_t)time(NULL);
}

static void
end(struct remembered *h)
{
	if (h->store)
		h->store = h->ops->free(h->store);
	history_table_free(h->memory.table);
	h->memory.table = NULL;
}

struct remembered *
remembered_unref(struct remembered *h)
{
	if (!h || --h->refs > 0)
		return NULL;
	if (h->has_thread)
		pthread_join(h->thread, NULL);
	else
		end(h);
	free(h->path);
	free(h);
	return NULL;
}

struct remembered *
remembered_ref(struct remembered *h)
{
	h->refs++;
	return h;
}

static void
on_reap(struct timer *t, uint64_t now)
{
	(void)now;
	remembered_unref(CONTAINER_OF(t, struct remembered, reaper));
}

void
remembered_unref_later(struct remembered *h)
{
	if (h->refs > 1)
		h->refs--;
	else
		loop_arm(h->memory.loop, &h->reaper, 0);
}

static void *
run_end(void *arg)
{
	struct remembered *h = arg;

	end(h);
	atomic_store(&h->has_ended, true);
	return NULL;
}

void
remembered_leave(struct remembered *h, struct remembered **list)
{
	sigset_t all, before;

	if (!h->ops->leave) {
		remembered_unref(h);
		return;
	}
	h->ops->leave(h->store);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	h->has_thread = pthread_create(&h->thread, NULL, run_end, h) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!h->has_thread)
		run_end(h);
	h->next = *list;
	*list = h;
}

void
remembered_reap(struct remembered **list, bool wait)
{
	struct remembered *h;

	while ((h = *list)) {
		if (!wait && !atomic_load(&h->has_ended)) {
			list = &h->next;
			continue;
		}
		*list = h->next;
		remembered_unref(h);
	}
}

bool
remembered_is_leaving(const struct remembered *list, const char *path)
{
	while (list && strcmp(list->path, path) != 0)
		list = list->next;
	return list != NULL;
}

void
remembered_use(struct remembered *h, const struct history_memory *from)
{
	h->memory.fading = from->fading;
	h->memory.cache_time = from->cache_time;
	h->memory.timeout = from->timeout;
}

struct remembered *
remembered_new(const struct history_memory *settings, const struct rules *rules)
{
	struct remembered *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->refs = 1;
	h->memory = *settings;
	h->path = strdup(rules->history);
	h->ops = redis_url_is(rules->history) ? &history_redis : &history_disk;
	h->reaper.on_timer = on_reap;
	if (h->path &&
	    history_table_new((size_t)rules->history_max, &h->memory.table) ==
		0)
		h->store = h->ops->new (&h->memory, h->path);
	return h->store ? h : remembered_unref(h);
}

static void
forget(void *arg, const struct history_record *rec)
{
	struct remembered *h = arg;

	h->ops->gone(h->store, rec);
}

bool
remembered_refresh(struct remembered *h, struct source_note *note)
{
	struct history_memory *m = &h->memory;
	bool told;

	m->now = wall_clock();
	told = h->ops->refresh(h->store, note);
	history_table_sweep(m->table, &m->fading,
	    history_table_size(m->table) / SWEEP_SHARE + 1, m->now, forget, h);
	note->has_data = true;
	snprintf(note->file, sizeof(note->file), "%s", m->place);
	return told;
}

/* The record of KEY, new if need be. */
static struct history_record *
make_record(struct remembered *h, const struct history_key *key)
{
	struct history_memory *m = &h->memory;
	struct history_record gone, *rec;

	rec = history_table_put(m->table, &m->fading, key, &gone);
	if (gone.scope != HISTORY_NOBODY)
		h->ops->gone(h->store, &gone);
	return rec;
}

static void
note_change(struct remembered *h, struct history_record *rec, bool changed)
{
	if (changed)
		h->ops->changed(h->store, rec);
}

void
remembered_add(
    struct remembered *h, const struct history_key *key, enum history_kind kind)
{
	struct history_record *rec = make_record(h, key);

	note_change(
	    h, rec, history_add(rec, &h->memory.fading, kind, h->memory.now));
}

void
remembered_net_add(
    struct remembered *h, const struct history_key *key, uint8_t host)
{
	struct history_record *rec = make_record(h, key);

	note_change(h, rec, history_net_add(rec, host, h->memory.now));
}

void
remembered_net_catch(struct remembered *h, const struct history_key *key)
{
	struct history_record *rec = make_record(h, key);

	note_change(h, rec, history_net_catch(rec, h->memory.now));
}
