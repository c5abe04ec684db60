/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bin/common/fd.h"

enum {
	FIRST_ROOM = 1024,
	/* Larger messages go to a file whatever memory there is. */
	MEMORY_PER_MESSAGE = 1 << 20,
};

/* Files of memory never make us wait for a disk, or for another machine. */
bool
spool_is_prompt(const char *directory)
{
	struct statfs fs;

	return statfs(directory, &fs) == 0 &&
	    (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static int
open_unnamed(const char *directory)
{
	char path[4096];
	int fd;

	if (directory == NULL) {
		fd = memfd_create("message", MFD_CLOEXEC);
		return fd >= 0 ? fd : -errno;
	}
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd >= 0 ? fd : -errno;
	/* Not every file system has O_TMPFILE. */
	if (snprintf(path, sizeof(path), "%s/tarpitd.XXXXXX", directory) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(path);
	return fd;
}

/* Room for LEN more bytes in memory; false if it has to be a file. */
static bool
make_room(struct spool_store *store, struct spool *s, size_t len)
{
	uint64_t room = s->room > 0 ? s->room : FIRST_ROOM;
	char *data;

	if (s->size + len <= s->room)
		return true;
	while (room < s->size + len)
		room *= 2;
	if (room > MEMORY_PER_MESSAGE ||
	    store->memory_used - s->room + room > store->memory_max)
		return false;
	data = realloc(s->data, room);
	if (data == NULL)
		return false;
	s->data = data;
	store->memory_used += room - s->room;
	s->room = room;
	return true;
}

static void
free_memory(struct spool_store *store, struct spool *s)
{
	free(s->data);
	s->data = NULL;
	store->memory_used -= s->room;
	s->room = 0;
}

static int
write_file(int fd, const char *data, uint64_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);

		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOSPC;
		data += n;
		len -= (uint64_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static int
move_to_file(struct spool_store *store, struct spool *s)
{
	AUTO_FD fd = open_unnamed(store->directory);
	int r;

	if (fd < 0)
		return fd;
	r = write_file(fd, s->data, s->size, 0);
	if (r < 0)
		return r;
	free_memory(store, s);
	store->file_used += s->size;
	store->files++;
	s->file = fd_take(&fd) + 1;
	return 0;
}

uint64_t
spool_used(const struct spool_store *store)
{
	return store->memory_used + store->file_used;
}

bool
spool_is_full(const struct spool_store *store, size_t len)
{
	return len > store->total_max ||
	    spool_used(store) > store->total_max - len;
}

int
spool_append(
    struct spool_store *store, struct spool *s, const void *data, size_t len)
{
	int r = 0;

	if (len == 0)
		return 0;
	if (spool_is_full(store, len))
		return -ENOSPC;
	if (s->file == 0 && make_room(store, s, len)) {
		memcpy(s->data + s->size, data, len);
		s->size += len;
		return 0;
	}
	if (s->file == 0)
		r = move_to_file(store, s);
	if (r == 0)
		r = write_file(s->file - 1, data, len, s->size);
	if (r < 0)
		return r;
	s->size += len;
	store->file_used += len;
	return 0;
}

ssize_t
spool_read(const struct spool *s, uint64_t at, void *buf, size_t len)
{
	ssize_t n;

	if (at >= s->size)
		return 0;
	if (len > s->size - at)
		len = (size_t)(s->size - at);
	if (s->file == 0) {
		memcpy(buf, s->data + at, len);
		return (ssize_t)len;
	}
	n = pread(s->file - 1, buf, len, (off_t)at);
	if (n < 0)
		return -errno;
	/* Shorter than what was written: the file is not ours any more. */
	return n > 0 ? n : -EIO;
}

void
spool_drop(struct spool_store *store, struct spool *s)
{
	int fd = s->file - 1;

	if (s->file != 0) {
		store->file_used -= s->size;
		store->files--;
		fd_close(&fd);
	}
	free_memory(store, s);
	memset(s, 0, sizeof(*s));
}
