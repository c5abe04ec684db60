#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Messages that are coming in, until the MTA has them: in memory as far as
 * there is any for all of them together, then in files without a name, which
 * end with the process, and are memory as well: the loop waits for no disk.
 * Nothing here is ever acknowledged, so nothing has to be safe on disk.  Who may
 * have how much of it: room.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bin/common/util.h"

/* What all messages share. */
struct spool_store {
	const char *directory; /* SpoolDirectory=; borrowed; NULL: memfds */
	uint64_t memory_max, total_max;  /* SpoolMemory=, SpoolMax= */
	uint64_t memory_used, file_used; /* bytes */
	uint32_t files;                  /* open ones */
};

/* One message.  All zero is an empty one. */
struct spool {
	char *data;    /* NULL: empty, or in a file */
	uint64_t room; /* of `data` */
	uint64_t size;
	int file; /* descriptor + 1; 0: in memory */
};

/* Whether DIRECTORY is on a tmpfs: no other is to be used in a loop. */
bool spool_is_prompt(const char *directory);

/* Bytes, of all messages. */
uint64_t spool_used(const struct spool_store *);

/* Whether SpoolMax= has no room for LEN bytes more. */
bool spool_is_full(const struct spool_store *, size_t len);

/* 0, -ENOSPC (SpoolMax=, or the disk is full), -ENOMEM, or what the file said;
 * after -ENOSPC it may be tried again once there is room, after another error the
 * message is of no use but to be dropped. */
int spool_append(struct spool_store *, struct spool *, const void *data,
    size_t len) MUST_CHECK;

/* Up to LEN bytes from AT on, 0 at the end, or -errno. */
ssize_t spool_read(
    const struct spool *, uint64_t at, void *buf, size_t len) MUST_CHECK;

void spool_drop(struct spool_store *, struct spool *);
