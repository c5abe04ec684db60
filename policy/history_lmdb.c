/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "policy/history_lmdb.h"

enum {
	/* A leaf page holds a record in some 45 bytes, is two thirds full after
	 * random insertions, and is there twice while a transaction copies it;
	 * the file only grows to what is used. */
	BYTES_PER_RECORD = 192,
	MAP_MIN = 16 << 20,
	LOCK_SIZE = 16 << 10, /* of its lock file: some 250 readers */
};

struct history_lmdb {
	MDB_env *env;
	MDB_dbi dbi;
	bool read_only; /* there is no thread */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	struct history_record *batch; /* NULL: nothing to do */
	size_t n;
	int error;
	bool stop;
};

/* LMDB has errors of its own beside those of the system. */
static int
to_errno(int r)
{
	if (r > 0)
		return -r;
	switch (r) {
	case 0:
		return 0;
	case MDB_MAP_FULL:
		return -ENOSPC;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return -EBADMSG;
	case MDB_VERSION_MISMATCH:
		return -EPROTONOSUPPORT;
	default: /* the library's numbers are no enum */
		return -EIO;
	}
}

/*
 * The thread
 */

static int
write_record(MDB_txn *txn, MDB_dbi dbi, const struct history_record *rec)
{
	uint8_t k[HISTORY_KEY_SIZE], v[HISTORY_VALUE_SIZE];
	MDB_val key = { sizeof(k), k }, value = { sizeof(v), v };
	int r;

	history_encode(rec, k, v);
	if (!history_is_empty(rec))
		return mdb_put(txn, dbi, &key, &value, 0);
	r = mdb_del(txn, dbi, &key, NULL);
	return r == MDB_NOTFOUND ? 0 : r;
}

static int
write_batch(struct history_lmdb *s)
{
	MDB_txn *txn;
	int r = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (r != 0)
		return to_errno(r);
	for (size_t i = 0; i < s->n && r == 0; i++)
		r = write_record(txn, s->dbi, &s->batch[i]);
	if (r == 0)
		r = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	return to_errno(r);
}

/* Until the next try, or until it is to stop. */
static void
wait_a_second(struct history_lmdb *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	while (
	    !s->stop && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
		continue;
}

static void *
run_thread(void *arg)
{
	struct history_lmdb *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		int r;

		while (!s->batch && !s->stop)
			pthread_cond_wait(&s->wake, &s->lock);
		if (!s->batch)
			break;
		/* The batch is ours alone until it is NULL again. */
		pthread_mutex_unlock(&s->lock);
		r = write_batch(s);
		pthread_mutex_lock(&s->lock);
		s->error = r;
		if (r == 0 || s->stop) {
			free(s->batch);
			s->batch = NULL;
		} else {
			wait_a_second(s);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int
start_thread(struct history_lmdb *s)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int r;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&s->thread, NULL, run_thread, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0) {
		pthread_cond_destroy(&s->wake);
		pthread_mutex_destroy(&s->lock);
	}
	return -r;
}

static void
stop_thread(struct history_lmdb *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
}

/*
 * Opening
 */

/* LMDB maps its file and trusts it: of one that is shorter than it says, the
 * missing pages would kill us with SIGBUS. */
static int
check_size(MDB_env *env)
{
	mdb_filehandle_t fd;
	MDB_envinfo info;
	struct stat st;
	long page = sysconf(_SC_PAGESIZE);

	if (mdb_env_info(env, &info) != 0 || mdb_env_get_fd(env, &fd) != 0 ||
	    fstat(fd, &st) < 0)
		return -EIO;
	if ((uint64_t)st.st_size < (info.me_last_pgno + 1) * (uint64_t)page)
		return -EBADMSG;
	return 0;
}

static int
open_database(struct history_lmdb *s)
{
	MDB_txn *txn;
	int r =
	    mdb_txn_begin(s->env, NULL, s->read_only ? MDB_RDONLY : 0, &txn);

	if (r != 0)
		return to_errno(r);
	r = mdb_dbi_open(txn, NULL, 0, &s->dbi);
	if (r == 0)
		r = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	return to_errno(r);
}

static int
open_env(struct history_lmdb *s, const char *dir, size_t max)
{
	size_t map = max * BYTES_PER_RECORD;
	int dead, r = mdb_env_create(&s->env);

	if (r != 0)
		return to_errno(r);
	r = mdb_env_set_mapsize(s->env, map < MAP_MIN ? MAP_MIN : map);
	if (r == 0)
		r = mdb_env_open(s->env, dir,
		    MDB_NOTLS | MDB_NORDAHEAD |
			(s->read_only ? MDB_RDONLY : 0U),
		    0600);
	if (r == 0)
		/* Readers that were killed would keep old pages in use. */
		r = mdb_reader_check(s->env, &dead);
	if (r != 0)
		return to_errno(r);
	r = check_size(s->env);
	return r == 0 ? open_database(s) : r;
}

/* LMDB makes its lock file with a hole for contents, maps it and writes to it:
 * on a full disk that is SIGBUS.  So the room is taken before. */
static int
take_lock_room(const char *dir)
{
	char path[PATH_MAX];
	AUTO_FD fd = -1;

	if ((size_t)snprintf(path, sizeof(path), "%s/lock.mdb", dir) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	return -posix_fallocate(fd, 0, LOCK_SIZE);
}

/* A data file of none or one of its two first pages is what a full disk left of
 * one that was to be made; there is nothing in it, and LMDB calls it damaged.
 * Part of a page is another kind of damage, and is said. */
static void
remove_stub(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/data.mdb", dir) >=
	    sizeof(path))
		return;
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_size == 0 || st.st_size == sysconf(_SC_PAGESIZE)))
		(void)unlink(path);
}

/* What the operator is told of it. */
static const char *
describe(int r)
{
	if (r == -EBADMSG)
		return "data.mdb in it is damaged; remove it to start anew";
	if (r == -EPROTONOSUPPORT)
		return "data.mdb in it is of another version of LMDB; remove "
		       "it to start anew";
	return strerror(-r);
}

int
history_lmdb_open(const char *dir, size_t max, bool read_only,
    struct history_lmdb **ret, char *why, size_t size)
{
	struct history_lmdb *s;
	int r = 0;

	if (!read_only && mkdir(dir, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0 && !read_only) {
		remove_stub(dir);
		r = take_lock_room(dir);
	}
	if (r < 0) {
		snprintf(why, size, "%s", strerror(-r));
		return r;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->read_only = read_only;
	r = open_env(s, dir, max);
	if (r == 0 && !read_only)
		r = start_thread(s);
	if (r == 0) {
		*ret = s;
		return 0;
	}
	snprintf(why, size, "%s", describe(r));
	mdb_env_close(s->env);
	free(s);
	return r;
}

struct history_lmdb *
history_lmdb_free(struct history_lmdb *s)
{
	if (!s)
		return NULL;
	if (!s->read_only)
		stop_thread(s);
	mdb_env_close(s->env);
	free(s);
	return NULL;
}

/*
 * Use
 */

static int
load_all(MDB_cursor *cursor,
    void (*each)(void *arg, const struct history_record *), void *arg,
    size_t *ret_bad)
{
	MDB_val key, value;
	size_t bad = 0;
	int r;

	while ((r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		struct history_record rec;

		if (history_decode(key.mv_data, key.mv_size, value.mv_data,
			value.mv_size, &rec) < 0)
			bad++;
		else
			each(arg, &rec);
	}
	*ret_bad = bad;
	return r == MDB_NOTFOUND ? 0 : to_errno(r);
}

int
history_lmdb_load(struct history_lmdb *s,
    void (*each)(void *arg, const struct history_record *), void *arg,
    size_t *ret_bad)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int r = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (r != 0)
		return to_errno(r);
	r = mdb_cursor_open(txn, s->dbi, &cursor);
	if (r == 0) {
		r = load_all(cursor, each, arg, ret_bad);
		mdb_cursor_close(cursor);
	} else {
		r = to_errno(r);
	}
	mdb_txn_abort(txn);
	return r;
}

bool
history_lmdb_is_busy(struct history_lmdb *s)
{
	bool busy;

	pthread_mutex_lock(&s->lock);
	busy = s->batch != NULL;
	pthread_mutex_unlock(&s->lock);
	return busy;
}

void
history_lmdb_write(
    struct history_lmdb *s, struct history_record *batch, size_t n)
{
	pthread_mutex_lock(&s->lock);
	assert(!s->batch);
	s->batch = batch;
	s->n = n;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

int
history_lmdb_error(struct history_lmdb *s)
{
	int error;

	pthread_mutex_lock(&s->lock);
	error = s->error;
	pthread_mutex_unlock(&s->lock);
	return error;
}
