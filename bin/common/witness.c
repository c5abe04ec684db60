/* SPDX-License-Identifier: ISC */
#include "bin/common/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bin/common/fd.h"

/* A line has 80 bytes: "tfd: 4 events: 0 data: 1a  pos:0 ino:e129e4 sdev:9". */
enum { LINE_ROOM = 160 };

static bool
is_used(const struct witness *w, uint32_t set, uint32_t i)
{
	return (w->used[set][i / 64] >> i % 64 & 1) != 0;
}

static void
set_used(struct witness *w, uint32_t set, uint32_t i, bool used)
{
	uint64_t bit = UINT64_C(1) << i % 64;

	if (used)
		w->used[set][i / 64] |= bit;
	else
		w->used[set][i / 64] &= ~bit;
}

void
witness_fini(struct witness *w)
{
	for (uint32_t set = 0; set < WITNESS_SETS; set++) {
		int fd = w->set[set] - 1;

		fd_close(&fd);
		w->set[set] = 0;
	}
	memset(w->used, 0, sizeof(w->used));
	w->n = 0;
}

/* The lowest free number, so that there are as few sets as need be. */
static bool
find_free(const struct witness *w, uint32_t *ret_set, uint32_t *ret_i)
{
	for (uint32_t set = 0; set < WITNESS_SETS; set++)
		for (uint32_t i = 0; i < WITNESS_SET / 64; i++) {
			uint64_t unused = ~w->used[set][i];

			if (unused == 0)
				continue;
			*ret_set = set;
			*ret_i = 64 * i + (uint32_t)__builtin_ctzll(unused);
			return true;
		}
	return false;
}

int
witness_add(struct witness *w, int fd, uint32_t *ret_number)
{
	struct epoll_event event = { .events = 0 };
	uint32_t set, i;

	if (!find_free(w, &set, &i))
		return -ENOSPC;
	if (w->set[set] == 0) {
		int fresh = epoll_create1(EPOLL_CLOEXEC);

		if (fresh < 0)
			return -errno;
		w->set[set] = fresh + 1;
	}
	event.data.u64 = i;
	if (epoll_ctl(w->set[set] - 1, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	set_used(w, set, i, true);
	w->n++;
	*ret_number = set * WITNESS_SET + i;
	return 0;
}

/* The list of one set: its length, or -errno. */
static ssize_t
read_list(int set, char *buf, size_t size)
{
	char path[64];
	size_t len = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", set);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size - 1);
	if (n < 0)
		n = -errno;
	else
		n = len < size - 1 ? (ssize_t)len : -EMSGSIZE;
	fd_close(&fd);
	buf[len] = '\0';
	return n;
}

static int
look_at(struct witness *w, uint32_t set)
{
	static const char mark[] = "data:";
	UNINITIALIZED char buf[WITNESS_SET * LINE_ROOM];
	uint64_t open[WITNESS_SET / 64] = { 0 };
	ssize_t n = read_list(w->set[set] - 1, buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	for (const char *p = buf; (p = strstr(p, mark)) != NULL;) {
		uint64_t i;

		p += sizeof(mark) - 1;
		i = strtoull(p, NULL, 16);
		if (i < WITNESS_SET)
			open[i / 64] |= UINT64_C(1) << i % 64;
	}
	for (uint32_t i = 0; i < WITNESS_SET; i++) {
		if (!is_used(w, set, i) || (open[i / 64] >> i % 64 & 1) != 0)
			continue;
		set_used(w, set, i, false);
		w->n--;
		w->on_gone(w->arg, set * WITNESS_SET + i);
	}
	for (uint32_t i = 0; i < WITNESS_SET / 64; i++)
		w->counted += (uint32_t)__builtin_popcountll(w->used[set][i]);
	return 0;
}

static bool
is_empty(const struct witness *w, uint32_t set)
{
	for (uint32_t i = 0; i < WITNESS_SET / 64; i++)
		if (w->used[set][i] != 0)
			return false;
	return true;
}

int
witness_look(struct witness *w, const struct slice *slice)
{
	bool looked = false;

	for (; w->next < WITNESS_SETS; w->next++) {
		int r;

		if (is_empty(w, w->next))
			continue;
		if (looked && slice_is_over(slice))
			return 0;
		r = look_at(w, w->next);
		if (r < 0)
			return r;
		looked = true;
	}
	w->seen = w->counted;
	w->counted = w->next = 0;
	return 1;
}
