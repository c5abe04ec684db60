/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "policy/watch.h"

static bool
is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
watch_changed(struct watch *w, const char *path)
{
	struct watch now = { .seen = true };
	struct stat st;
	bool same;

	if (stat(path, &st) < 0) {
		now.error = errno;
	} else {
		now.dev = st.st_dev;
		now.ino = st.st_ino;
		now.size = st.st_size;
		now.mtime = st.st_mtim;
		/* A chmod that makes the file readable changes only this. */
		now.ctime = st.st_ctim;
	}
	same = w->seen && w->error == now.error && w->dev == now.dev &&
	    w->ino == now.ino && w->size == now.size &&
	    is_same_time(&w->mtime, &now.mtime) &&
	    is_same_time(&w->ctime, &now.ctime);
	*w = now;
	return !same;
}
