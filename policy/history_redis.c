/* SPDX-License-Identifier: ISC */
/*
 * The records are on a server, where others change them as well; the table is a
 * cache of those that were asked for lately.  What changes here is merged with
 * what is there, so that whoever writes last takes nothing away.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/clock.h"
#include "policy/history_queue.h"
#include "policy/history_store.h"
#include "policy/history_text.h"
#include "policy/redis_link.h"
#include "policy/redis_record.h"

enum {
	/* Changes on their way at the same time; the server answers some
	 * hundred thousand commands a second. */
	WRITES_MAX = 512,
};

/* How long the end of the service waits for the server at most. */
#define END_MAX (2 * USEC_PER_SEC)

enum direction { READING, WRITING, DIRECTION_COUNT };

struct history_store {
	struct history_memory *memory;
	struct redis_link *link;
	/* Why the server refused the last command, by direction; "": it did
	 * not. */
	char refusal[DIRECTION_COUNT][96];
	bool retrying; /* after a refusal, a write is on its way */
	bool told, told_failed, told_garbage;
	uint64_t lost;    /* changes that nobody will ever write */
	uint64_t garbage; /* keys and values that are none of ours */
	char garbage_key[HISTORY_KEY_TEXT_MAX];
	size_t writes; /* records under way to the server */
	struct history_queue queue;
};

/* One record that is asked for. */
struct history_fetch {
	struct history_store *store;
	struct history_key key;
	bool writes;               /* it has changed here */
	bool sent;                 /* and that was sent */
	struct history_wait *wait; /* NULL: nobody waits */
};

/* Refusals of each direction end by themselves. */
static void
note_result(struct history_store *s, enum direction direction,
    const struct redis_answer *answer)
{
	char *refusal = s->refusal[direction];

	if (answer->result == REDIS_REFUSED)
		snprintf(
		    refusal, sizeof(s->refusal[0]), "%.95s", answer->error);
	else if (answer->result == REDIS_ANSWERED)
		refusal[0] = '\0';
}

static void
note_garbage(struct history_store *s, const struct history_key *key)
{
	if (s->garbage++ == 0)
		history_format_key(key, s->garbage_key);
}

/*
 * Writing: read, merge, write what has changed
 */

static void send_changes(struct history_store *);

static void
enqueue(struct history_store *s, struct history_record *rec)
{
	struct history_key key = { rec->bits, (enum history_scope)rec->scope };

	if (rec->dirty)
		return;
	rec->dirty = history_queue_push(&s->queue, &key);
	if (!rec->dirty)
		s->lost++;
}

/* The change did not arrive: it goes to the end of the queue.  If others have
 * taken its place meanwhile it is lost, and counted when the place was, unless
 * it was thought to be on its way. */
static void
write_again(struct history_fetch *f)
{
	struct history_store *s = f->store;
	struct history_record *rec =
	    history_table_find(s->memory->table, &f->key);

	if (rec) {
		rec->dirty = false;
		enqueue(s, rec);
	} else if (f->sent) {
		s->lost++;
	}
}

static void
end_write(struct history_fetch *f, bool written)
{
	struct history_store *s = f->store;

	s->retrying = false;
	s->writes--;
	if (!written)
		write_again(f);
	free(f);
	send_changes(s);
}

static void
on_written(void *arg, const struct redis_answer *answer)
{
	struct history_fetch *f = arg;

	note_result(f->store, WRITING, answer);
	end_write(f, answer->result == REDIS_ANSWERED);
}

/* What goes with a write: if only this fails the record stays for longer, or is
 * read as garbage again. */
static void
on_prepared(void *arg, const struct redis_answer *answer)
{
	struct history_store *s = arg;

	if (answer->result == REDIS_REFUSED)
		note_result(s, WRITING, answer);
}

/* Takes F over. */
static void
send_record(struct history_fetch *f, struct history_record *rec,
    const struct history_record *there)
{
	struct history_store *s = f->store;
	uint32_t now = s->memory->now;
	uint32_t expires = history_expires(rec, &s->memory->fading);

	rec->dirty = false;
	f->sent = true;
	if (!redis_record_differs(rec, there) || expires <= now) {
		end_write(f, true);
		return;
	}
	if (!redis_record_put(s->link, &f->key, rec, there, on_written, f)) {
		end_write(f, false);
		return;
	}
	/* If this cannot be sent, the former is not heard of either. */
	(void)!redis_record_expire(
	    s->link, &f->key, expires - now, on_prepared, s);
}

/*
 * Reading
 */

/* The table's record of KEY, merged with what is THERE. */
static struct history_record *
take_record(struct history_store *s, const struct history_key *key,
    const struct history_record *there)
{
	struct history_memory *m = s->memory;
	struct history_record gone, *rec;

	rec = history_table_put(m->table, &m->fading, key, &gone);
	s->lost += gone.scope != HISTORY_NOBODY && gone.dirty;
	history_merge(rec, there, &m->fading);
	rec->fetched = m->now;
	return rec;
}

static void
end_fetch(struct history_fetch *f, bool answered)
{
	struct history_wait *wait = f->wait;

	free(f);
	if (!wait)
		return;
	wait->fetch = NULL;
	wait->on_fetched(wait, answered);
}

static bool
is_wrong_type(const struct redis_answer *answer)
{
	return answer->result == REDIS_REFUSED &&
	    strncmp(answer->error, "WRONGTYPE", 9) == 0;
}

static void
on_fields(void *arg, const struct redis_answer *answer)
{
	struct history_fetch *f = arg;
	struct history_store *s = f->store;
	struct history_record there, *rec;
	bool garbage = is_wrong_type(answer);
	bool answered = answer->result == REDIS_ANSWERED || garbage;

	if (!garbage)
		note_result(s, READING, answer);
	if (!answered && f->writes) {
		/* Those that wait would hear the same. */
		note_result(s, WRITING, answer);
		end_write(f, false);
		return;
	}
	if (!answered) {
		end_fetch(f, false);
		return;
	}
	if (garbage)
		note_garbage(s, &f->key);
	/* Somebody has put something else under a key of ours. */
	if (garbage && f->writes)
		(void)!redis_record_delete(s->link, &f->key, on_prepared, s);
	if (!redis_record_read(answer, f->key.scope, s->memory->now, &there) &&
	    !garbage)
		note_garbage(s, &f->key);
	rec = take_record(s, &f->key, &there);
	if (f->writes)
		send_record(f, rec, &there);
	else
		end_fetch(f, true);
}

static struct history_fetch *
fetch_new(struct history_store *s, const struct history_key *key)
{
	struct history_fetch *f = calloc(1, sizeof(*f));

	if (f) {
		f->store = s;
		f->key = *key;
	}
	return f;
}

static bool
redis_knows(struct history_store *s, const struct history_key *key)
{
	const struct history_record *rec =
	    history_table_find(s->memory->table, key);

	return rec && s->memory->now - rec->fetched < s->memory->cache_time;
}

static bool
redis_fetch(struct history_store *s, const struct history_key *key,
    struct history_wait *wait)
{
	struct history_fetch *f = fetch_new(s, key);

	if (!f)
		return false;
	f->wait = wait;
	wait->fetch = f;
	if (redis_record_get(s->link, key, on_fields, f))
		return true;
	wait->fetch = NULL;
	free(f);
	return false;
}

/* The reply will come all the same. */
static void
redis_cancel(struct history_wait *wait)
{
	if (wait->fetch)
		wait->fetch->wait = NULL;
	wait->fetch = NULL;
}

/*
 * The queue of changes
 */

static bool
send_change(struct history_store *s, const struct history_key *key)
{
	struct history_fetch *f = fetch_new(s, key);

	if (!f)
		return false;
	f->writes = true;
	if (!redis_record_get(s->link, key, on_fields, f)) {
		free(f);
		return false;
	}
	s->writes++;
	return true;
}

/* While the server refuses them it is tried each second, by refresh(). */
static void
send_changes(struct history_store *s)
{
	struct history_key key;

	while (redis_link_is_up(s->link) && *s->refusal[WRITING] == '\0' &&
	    s->writes < WRITES_MAX && history_queue_pop(&s->queue, &key)) {
		struct history_record *rec =
		    history_table_find(s->memory->table, &key);

		/* Others have needed its place. */
		if (!rec || !rec->dirty)
			continue;
		if (!send_change(s, &key)) {
			rec->dirty = false;
			enqueue(s, rec);
			return;
		}
	}
}

static void
on_up(void *arg)
{
	send_changes(arg);
}

static void
redis_changed(struct history_store *s, struct history_record *rec)
{
	if (s->memory->read_only)
		return;
	enqueue(s, rec);
	send_changes(s);
}

/* The server forgets by itself. */
static void
redis_gone(struct history_store *s, const struct history_record *rec)
{
	s->lost += rec->dirty;
}

/*
 * Opening, each second, and the end
 */

static struct history_store *
redis_free(struct history_store *s)
{
	uint64_t limit = s->memory->timeout;

	if (limit > END_MAX)
		limit = END_MAX;
	limit += clock_now();
	while (s->link && (history_queue_len(&s->queue) > 0 || s->writes > 0) &&
	    redis_link_wait(s->link, limit))
		continue;
	redis_link_free(s->link);
	history_queue_fini(&s->queue);
	free(s);
	return NULL;
}

static struct history_store *
redis_new(struct history_memory *memory, const char *place)
{
	struct history_store *s = calloc(1, sizeof(*s));
	struct redis_url url;
	const char *why;

	if (!s)
		return NULL;
	s->memory = memory;
	/* The rules have been checked to have a URL here. */
	if (redis_url_parse(place, &url, &why) < 0)
		return redis_free(s);
	redis_url_format(&url, memory->place, sizeof(memory->place));
	if (redis_link_new(
		memory->loop, &url, memory->timeout, on_up, s, &s->link) < 0)
		return redis_free(s);
	return s;
}

static const char *
redis_why(const struct history_store *s)
{
	if (!redis_link_is_up(s->link))
		return redis_link_error(s->link);
	return s->refusal[READING];
}

/* What is wrong, in words; "": nothing. */
static const char *
find_problem(const struct history_store *s)
{
	const char *why = redis_why(s);

	return *why != '\0' ? why : s->refusal[WRITING];
}

/* Changes that were refused are tried again. */
static void
retry_changes(struct history_store *s)
{
	if (*s->refusal[WRITING] == '\0' || s->writes > 0)
		return;
	s->refusal[WRITING][0] = '\0';
	send_changes(s);
	s->retrying = s->writes > 0;
}

static bool
tell_garbage(struct history_store *s, struct source_note *note)
{
	if (s->garbage == 0 || s->told_garbage)
		return false;
	s->told_garbage = note->failed = true;
	snprintf(note->text, sizeof(note->text),
	    "its key %s holds what is no record of ours; such keys count for "
	    "nothing and are written over",
	    s->garbage_key);
	return true;
}

static void
print_use(const struct history_store *s, struct source_note *note)
{
	snprintf(note->text, sizeof(note->text),
	    "it is in use; %zu changes are on their way there, %llu were lost",
	    history_queue_len(&s->queue) + s->writes,
	    (unsigned long long)s->lost);
}

/* Each change between working and not is told once. */
static bool
tell_server(struct history_store *s, struct source_note *note)
{
	const char *why = find_problem(s);
	bool failed = *why != '\0';

	if (!failed && (!redis_link_is_up(s->link) || s->retrying))
		return false;
	if (s->told && s->told_failed == failed)
		return false;
	s->told = true;
	s->told_failed = note->failed = failed;
	note->is_server = true;
	if (failed)
		snprintf(note->text, sizeof(note->text),
		    "%s; it is tried again, and up to %d changes are kept for "
		    "it",
		    why, HISTORY_QUEUE_MAX);
	else
		print_use(s, note);
	return true;
}

static bool
redis_refresh(struct history_store *s, struct source_note *note)
{
	bool told = tell_server(s, note) || tell_garbage(s, note);

	redis_link_set_timeout(s->link, s->memory->timeout);
	retry_changes(s);
	return told;
}

const struct history_store_ops history_redis = {
	.new = redis_new,
	.free = redis_free,
	.refresh = redis_refresh,
	.changed = redis_changed,
	.gone = redis_gone,
	.knows = redis_knows,
	.fetch = redis_fetch,
	.cancel = redis_cancel,
	.why = redis_why,
};
