/* SPDX-License-Identifier: ISC */
/* All records are in memory; a thread writes those that change to disk. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/history_lmdb.h"
#include "policy/history_queue.h"
#include "policy/history_store.h"

enum {
	/* Records a transaction: looking them up takes some 0.2 ms, in which
	 * questions wait. */
	BATCH = 4096,
	RETRY_SECONDS = 5,
};

/* Half of the second that a crash may cost; the disk has the other half. */
#define WRITE_DELAY  (500 * USEC_PER_MSEC)
#define WRITE_PERIOD (5 * USEC_PER_MSEC)

struct history_store {
	struct history_memory *memory;
	char *dir;
	struct history_lmdb *db; /* NULL: none could be opened */
	uint32_t next_open;
	int told_error; /* of writing */
	char told_why[128];
	struct timer write;
	struct history_queue queue;
};

/*
 * Writing
 */

/* REC is to be written, or removed if it is no longer in the table then. */
static bool
mark(struct history_store *s, const struct history_record *rec)
{
	struct history_key key = { rec->bits, (enum history_scope)rec->scope };
	struct loop *loop = s->memory->loop;

	if (!s->db || rec->dirty || !history_queue_push(&s->queue, &key))
		return false;
	if (loop && !timer_is_armed(&s->write))
		loop_arm(loop, &s->write, loop_now(loop) + WRITE_DELAY);
	return true;
}

static void
disk_changed(struct history_store *s, struct history_record *rec)
{
	if (mark(s, rec))
		rec->dirty = true;
}

static void
disk_gone(struct history_store *s, const struct history_record *rec)
{
	mark(s, rec);
}

/* Hands over as much as makes a batch.  False: not now. */
static bool
write_pending(struct history_store *s)
{
	size_t n = history_queue_len(&s->queue);
	struct history_record *batch;
	struct history_key key;

	if (n > BATCH)
		n = BATCH;
	if (n == 0 || history_lmdb_is_busy(s->db))
		return false;
	batch = calloc(n, sizeof(*batch));
	if (!batch)
		return false;
	for (size_t i = 0; i < n && history_queue_pop(&s->queue, &key); i++) {
		struct history_record *rec =
		    history_table_find(s->memory->table, &key);

		batch[i].bits = key.bits;
		batch[i].scope = (uint8_t)key.scope;
		if (rec) {
			rec->dirty = false;
			batch[i] = *rec;
		}
	}
	history_lmdb_write(s->db, batch, n);
	return true;
}

static void
on_write(struct timer *t, uint64_t now)
{
	struct history_store *s = CONTAINER_OF(t, struct history_store, write);

	write_pending(s);
	if (history_queue_len(&s->queue) > 0)
		loop_arm(s->memory->loop, t, now + WRITE_PERIOD);
}

/*
 * Opening
 */

static void
disk_leave(struct history_store *s)
{
	if (s->memory->loop)
		loop_cancel(s->memory->loop, &s->write);
	s->memory->loop = NULL;
}

static struct history_store *
disk_free(struct history_store *s)
{
	if (!s)
		return NULL;
	disk_leave(s);
	/* The end is no crash: all is written, unless that fails. */
	while (s->db && history_queue_len(&s->queue) > 0 &&
	    history_lmdb_error(s->db) == 0) {
		if (!write_pending(s))
			nanosleep(
			    &(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	history_lmdb_free(s->db);
	history_queue_fini(&s->queue);
	free(s->dir);
	free(s);
	return NULL;
}

static struct history_store *
disk_new(struct history_memory *memory, const char *place)
{
	struct history_store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->memory = memory;
	s->write.on_timer = on_write;
	s->dir = strdup(place);
	if (!s->dir)
		return disk_free(s);
	snprintf(memory->place, sizeof(memory->place), "%s", place);
	return s;
}

/* Puts a record that was read into the table. */
static void
restore(void *arg, const struct history_record *rec)
{
	struct history_store *s = arg;
	struct history_memory *m = s->memory;
	struct history_key key = { rec->bits, (enum history_scope)rec->scope };
	struct history_record read = *rec, gone, *place;

	history_correct(&read, m->now);
	if (history_expires(&read, &m->fading) <= m->now) {
		mark(s, &read);
		return;
	}
	place = history_table_put(m->table, &m->fading, &key, &gone);
	history_merge(place, &read, &m->fading);
	if (gone.scope != HISTORY_NOBODY)
		mark(s, &gone);
}

/* Of what was learned before it could be opened. */
static void
mark_again(void *arg, struct history_record *rec)
{
	disk_changed(arg, rec);
}

static void
open_database(struct history_store *s, struct source_note *note)
{
	struct history_table *table = s->memory->table;
	char why[sizeof(s->told_why)] = "";
	bool late = history_table_used(table) > 0;
	size_t bad = 0;
	int r = history_lmdb_open(s->dir, history_table_size(table),
	    s->memory->read_only, &s->db, why, sizeof(why));

	if (r == 0)
		r = history_lmdb_load(s->db, restore, s, &bad);
	if (r == 0 && late)
		history_table_walk(table, mark_again, s);
	/* What is only read has been read: nothing will be written. */
	if (s->memory->read_only) {
		s->db = history_lmdb_free(s->db);
		history_queue_fini(&s->queue);
		s->next_open = UINT32_MAX;
	}
	note->failed = r < 0;
	if (r < 0)
		snprintf(note->text, sizeof(note->text), "%s%s",
		    *why ? why : strerror(-r),
		    s->memory->read_only
			? ""
			: "; clients are remembered until the service ends");
	else
		snprintf(note->text, sizeof(note->text),
		    "%zu records of at most %zu; %zu could not be read",
		    history_table_used(table), history_table_size(table), bad);
}

static bool
try_open(struct history_store *s, struct source_note *note)
{
	uint32_t now = s->memory->now;

	if (s->db || now < s->next_open)
		return false;
	s->next_open = now + RETRY_SECONDS;
	open_database(s, note);
	if (note->failed && strcmp(s->told_why, note->text) == 0)
		return false;
	snprintf(s->told_why, sizeof(s->told_why), "%.*s",
	    (int)sizeof(s->told_why) - 1, note->text);
	return true;
}

/* Each change between writing and not writing is told once. */
static bool
check_writing(struct history_store *s, struct source_note *note)
{
	int error = s->db ? history_lmdb_error(s->db) : 0;

	if (error == s->told_error)
		return false;
	s->told_error = error;
	note->failed = error != 0;
	if (error != 0)
		snprintf(note->text, sizeof(note->text),
		    "cannot write: %s; trying each second", strerror(-error));
	else
		snprintf(note->text, sizeof(note->text), "written again");
	return true;
}

static bool
disk_refresh(struct history_store *s, struct source_note *note)
{
	return try_open(s, note) || check_writing(s, note);
}

const struct history_store_ops history_disk = {
	.new = disk_new,
	.free = disk_free,
	.leave = disk_leave,
	.refresh = disk_refresh,
	.changed = disk_changed,
	.gone = disk_gone,
};
