#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Loads a data file without holding up questions: opening and verifying takes
 * milliseconds a megabyte, and giving the old one's memory back takes some, too.
 * Both are done by a thread; whoever asks takes over the finished data when it
 * looks the next time.  No lock: the two never touch the same data at once.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"

/* What is loaded. */
struct loader_kind {
	/* Opens PATH.  0 with *RET_DATA, or -errno with the reason in WHY (SIZE
	 * bytes).  ARG is that of loader_new(); called from the thread. */
	int (*load)(const void *arg, const char *path, void **ret_data,
	    char *why, size_t size);
	void (*free)(void *data); /* NULL ok */
};

struct loader;

/* KIND and ARG outlive it.  NULL: no memory. */
struct loader *loader_new(const struct loader_kind *, const void *arg);
/* Waits for what is under way. */
struct loader *loader_free(struct loader *);

/* Looks whether PATH has changed.  True if there is news: *RET_RESULT is that of
 * `load`, and its data, now the caller's, and its reason are handed over.  The
 * first time it loads at once: at the start there is nobody to hold up, and the
 * first question must find the data.  Later it starts the thread, and a later
 * call has the news. */
bool loader_poll(struct loader *, const char *path, int *ret_result,
    void **ret_data, char *why, size_t size);

/* Frees DATA (NULL ok), which nobody uses any more, in the thread's time.  Only
 * right after loader_poll() had news. */
void loader_discard(struct loader *, void *data);
