#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A connection to one of our daemons: questions and answers as name=value
 * messages.  Waits for nothing longer than `msec`, LINK_MSEC unless changed.
 */

#include <stdint.h>

#include "bin/common/attrs.h"
#include "bin/common/linebuf.h"

enum { LINK_MSEC = 10000 };

struct link {
	int fd; /* -1: closed */
	int msec;
	struct linebuf in;
	size_t used; /* of the message that was read last */
};

/* One message.  Valid until the next one is read from its link. */
struct message {
	const char *data;
	size_t len;
};

/* Connects to the socket at PATH.  0, or -errno: -ENOENT and -ECONNREFUSED if
 * nobody is there, -EACCES, -ENOMEM. */
int link_open(struct link *, const char *path) MUST_CHECK;
/* Connects to the policy service: at SOCKET, or (NULL) by the door of the group
 * tarpit, or else by the dispatcher's.  *RET_PATH is the one that was tried
 * last. */
int link_open_policy(
    struct link *, const char *socket, const char **ret_path) MUST_CHECK;
void link_close(struct link *);

/* Sends a whole question, its empty line included.  0 or -errno. */
int link_ask(struct link *, const char *question, size_t len) MUST_CHECK;

/* Reads the next message.  0, or -errno: -ETIMEDOUT, -ECONNRESET (it closed
 * the connection), -EMSGSIZE. */
int link_read(struct link *, struct message *ret) MUST_CHECK;

/* The value of NAME; one that is not there is empty. */
struct attr message_find(const struct message *, const char *name);
/* The same as a string, cut to SIZE. */
const char *message_text(
    const struct message *, const char *name, char *buf, size_t size);
/* The same as a number; what is no number is 0. */
int64_t message_number(const struct message *, const char *name);
