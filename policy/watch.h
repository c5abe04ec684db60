#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Has a data file changed?  By stat() once a second: inotify would miss what
 * happens on a network file system, behind a symbolic link that is turned
 * elsewhere, or in a directory that is itself replaced.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What told one version of a file from another when last looked at. */
struct watch {
	bool seen; /* looked at before */
	int error; /* of stat(); the rest is zero then */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

/* True at first and whenever PATH is not what it was: another file, another
 * content, gone, or back. */
bool watch_changed(struct watch *, const char *path);
