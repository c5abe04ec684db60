/* SPDX-License-Identifier: ISC */
#include "policy/loader.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "policy/watch.h"

/* Weaker than anything that answers questions, on a machine with one CPU. */
enum { NICE = 19 };

struct loader {
	const struct loader_kind *kind;
	const void *arg;
	struct watch watch;
	pthread_t thread;
	bool has_thread;
	bool is_loading; /* as opposed to discarding */
	atomic_bool is_done;
	/* The thread's until it is done. */
	char path[PATH_MAX];
	void *data;
	int result;
	char why[200];
};

struct loader *
loader_new(const struct loader_kind *kind, const void *arg)
{
	struct loader *l = calloc(1, sizeof(*l));

	if (l) {
		l->kind = kind;
		l->arg = arg;
	}
	return l;
}

static void
join(struct loader *l)
{
	if (l->has_thread)
		pthread_join(l->thread, NULL);
	l->has_thread = false;
}

struct loader *
loader_free(struct loader *l)
{
	if (l) {
		join(l);
		if (l->is_loading && l->result == 0)
			l->kind->free(l->data);
		free(l);
	}
	return NULL;
}

static void *
run(void *arg)
{
	struct loader *l = arg;

	/* Of this thread alone, on Linux.  A sandbox may forbid it; then it is
	 * as strong as the rest. */
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	if (l->is_loading)
		l->result = l->kind->load(
		    l->arg, l->path, &l->data, l->why, sizeof(l->why));
	else
		l->kind->free(l->data);
	atomic_store(&l->is_done, true);
	return NULL;
}

static void
start_thread(struct loader *l)
{
	sigset_t all, before;

	atomic_store(&l->is_done, false);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	l->has_thread = pthread_create(&l->thread, NULL, run, l) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!l->has_thread)
		run(l);
}

static bool
is_busy(const struct loader *l)
{
	return l->is_loading || (l->has_thread && !atomic_load(&l->is_done));
}

static void
start_loading(struct loader *l, const char *path)
{
	join(l);
	snprintf(l->path, sizeof(l->path), "%s", path);
	l->data = NULL;
	l->why[0] = '\0';
	l->is_loading = true;
	start_thread(l);
}

/* Hands over what was started, if it has finished. */
static bool
take(struct loader *l, int *ret_result, void **ret_data, char *why, size_t size)
{
	if (!l->is_loading || !atomic_load(&l->is_done))
		return false;
	join(l);
	l->is_loading = false;
	*ret_result = l->result;
	*ret_data = l->data;
	snprintf(why, size, "%s", l->why);
	return true;
}

bool
loader_poll(struct loader *l, const char *path, int *ret_result,
    void **ret_data, char *why, size_t size)
{
	bool is_first = !l->watch.seen;

	if (take(l, ret_result, ret_data, why, size))
		return true;
	if (is_busy(l) || !watch_changed(&l->watch, path))
		return false;
	if (is_first)
		*ret_result = l->kind->load(l->arg, path, ret_data, why, size);
	else
		start_loading(l, path);
	return is_first;
}

void
loader_discard(struct loader *l, void *data)
{
	if (!data)
		return;
	assert(!is_busy(l));
	join(l);
	l->data = data;
	start_thread(l);
}
