#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Structured records, never blocking: journald's native protocol when this is
 * a service under it, else one line of key=value text on standard error, else
 * (standard error is a client's socket, as under inetd) syslog.  When the
 * receiver does not keep up, records are dropped and counted.  The only user
 * of the journal's socket.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "bin/common/util.h"

/* Every kind of record: EVENT_SESSION, ... from events.def. */
enum event {
#define EVENT(name, ...) EVENT_##name,
#include "bin/common/events.def"
#undef EVENT
	EVENT_COUNT
};

enum journal_target {
	JOURNAL_NATIVE, /* /run/systemd/journal/socket */
	JOURNAL_STDERR, /* key=value text */
	JOURNAL_SYSLOG, /* /dev/log, RFC 3164 */
	JOURNAL_NOWHERE,
};

struct journal {
	enum journal_target target;
	int fd;
	struct sockaddr_un address; /* of the datagram targets */
	const char *program;        /* SYSLOG_IDENTIFIER; borrowed */
	int max_priority;       /* less urgent records are not sent; 7: none */
	uint64_t sent, dropped; /* records, reports of drops not counted */
	uint64_t reported; /* of `dropped`, how many a record has told of */
};

/* Chooses the target: JOURNAL_STREAM names stderr -> native; stderr is open
 * and not a socket -> stderr; /dev/log -> syslog; else nowhere.  Cannot
 * fail. */
void journal_init(struct journal *, const char *program);
/* The same with the target given, and the PATH of its socket (NULL: the usual
 * one). */
void journal_init_target(struct journal *, const char *program,
    enum journal_target target, const char *path);
/* Waits up to JOURNAL_FINI_WAIT for the receiver if it has not yet been told
 * of dropped records: then nobody is kept waiting any more. */
enum { JOURNAL_FINI_WAIT = 200 }; /* msec */
void journal_fini(struct journal *);

/* One record being built.  Fields past its room are left out and the record
 * then says TARPIT_TRUNCATED=1. */
struct record {
	enum event event;
	size_t len;
	bool truncated;
	char buf[4096];
};

/* Starts a record with its MESSAGE: one human sentence. */
void record_begin(struct record *, enum event, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Adds a field; NAME as in the journal: "TARPIT_CLIENT".  Control characters
 * and what is not UTF-8 are replaced by '?' in the value: it may come from a
 * hostile peer, and goes to somebody's terminal. */
void record_field(struct record *, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Sends the record.  Never blocks, never fails visibly.  After a drop, the
 * first record that gets through is preceded by one EVENT_DROPPED with the
 * count. */
void journal_send(struct journal *, const struct record *);

/* Whether what may come many times a second, such as a limit that is reached,
 * is to have a record at NOW (usec): once in JOURNAL_PAUSE.  *NEXT, 0 at
 * first, is when it may have the next one. */
bool journal_is_due(uint64_t *next, uint64_t now);
#define JOURNAL_PAUSE (60 * USEC_PER_SEC)

/* The same of what is well or bad, and may be made to alternate by others: an
 * MTA whose queue a crowd fills.  To be asked whenever either is found; true if
 * that is to have a record.  BAD has one once in JOURNAL_PAUSE, later if it is
 * found again; and it is well again has one if that it was bad had. */
struct journal_flap {
	bool told_bad;
	uint64_t next;
};
bool journal_flaps(struct journal_flap *, bool bad, uint64_t now);

/* Sends the EVENT_DROPPED that is due, if one is, without waiting for another
 * record.  False if that was dropped as well. */
bool journal_tell_drops(struct journal *);

/* record_begin() and journal_send() in one, for events without fields. */
void journal_event(struct journal *, enum event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* MESSAGE_ID of an event as 32 hex digits, its priority (0..7), and its name
 * as in events.def ("POLICY_DOWN"; TARPIT_EVENT has it in lower case). */
const char *event_id(enum event);
int event_priority(enum event);
const char *event_name(enum event);
