#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * An MTA in the test's own loop: it answers each command as the script says and
 * remembers what it has heard.  It does not care in what order commands come,
 * so a test of it says what is to happen, not how.
 */

#include <arpa/inet.h>
#include <strings.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/common/loop.h"
#include "tests/helpers/check.h"

enum { MTA_CONNECTIONS = 16, MTA_HEARD = 65536 };

/* The reply to each command that begins with VERB ("." is the end of data);
 * NULL: silence, "": it closes the connection. */
struct mta_line {
	const char *verb, *reply;
};

struct mta_connection {
	struct loop_io io;
	char line[4096];
	size_t len;
	bool in_body;
};

static struct {
	struct loop *loop;
	struct loop_io listener;
	struct mta_connection connection[MTA_CONNECTIONS];
	struct mta_line script[8]; /* before the usual one */
	const char *greeting;
	bool by_bytes; /* a reply is one write a byte */
	char heard[MTA_HEARD];
	size_t n_heard;
	int n_connected;
} mta;

static const struct mta_line mta_usual[] = {
	{ "XCLIENT", "220 mta.test\r\n" },
	{ "EHLO", "250-mta.test\r\n250-XCLIENT NAME ADDR PORT\r\n250 DSN\r\n" },
	{ "HELO", "250 mta.test\r\n" },
	{ "MAIL", "250 2.1.0 Ok\r\n" },
	{ "RCPT", "250 2.1.5 Ok\r\n" },
	{ "DATA", "354 Go on\r\n" },
	{ ".", "250 2.0.0 Ok: queued\r\n" },
	{ "RSET", "250 2.0.0 Ok\r\n" },
	{ "QUIT", "221 2.0.0 Bye\r\n" },
};

static inline void
mta_turn(void)
{
	CHECK_INT(loop_run_once(mta.loop, clock_now() + USEC_PER_SEC / 100), 0);
}

/* A hang is found; time decides nothing. */
#define MTA_TURN_UNTIL(condition)                                 \
	do {                                                      \
		uint64_t limit = clock_now() + 60 * USEC_PER_SEC; \
		while (!(condition)) {                            \
			CHECK(clock_now() < limit);               \
			mta_turn();                               \
		}                                                 \
	} while (0)

static inline void
mta_close(struct mta_connection *c)
{
	loop_remove(mta.loop, &c->io);
	fd_close(&c->io.fd);
}

static inline void
mta_say(struct mta_connection *c, const char *text)
{
	size_t len = strlen(text), step = mta.by_bytes ? 1 : len;

	for (size_t at = 0; at < len; at += step) {
		CHECK_INT(send(c->io.fd, text + at, step, MSG_NOSIGNAL), step);
		/* Its reader sees each piece alone. */
		if (mta.by_bytes)
			usleep(200);
	}
}

static inline const char *
mta_find_reply(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(mta.script); i++)
		if (mta.script[i].verb != NULL &&
		    strncasecmp(line, mta.script[i].verb,
			strlen(mta.script[i].verb)) == 0)
			return mta.script[i].reply;
	for (size_t i = 0; i < ARRAY_SIZE(mta_usual); i++)
		if (strncasecmp(line, mta_usual[i].verb,
			strlen(mta_usual[i].verb)) == 0)
			return mta_usual[i].reply;
	return "500 5.5.2 What?\r\n";
}

static inline void
mta_hear(struct mta_connection *c)
{
	const char *reply;

	CHECK(mta.n_heard + c->len + 1 < sizeof(mta.heard));
	memcpy(mta.heard + mta.n_heard, c->line, c->len);
	mta.n_heard += c->len;
	mta.heard[mta.n_heard] = '\0';
	if (c->in_body && strcmp(c->line, ".\r\n") != 0)
		return;
	reply = mta_find_reply(c->line);
	c->in_body = !c->in_body && reply != NULL && reply[0] == '3';
	if (reply != NULL && *reply == '\0')
		mta_close(c);
	else if (reply != NULL)
		mta_say(c, reply);
}

static inline void
mta_on_data(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct mta_connection *c = CONTAINER_OF(io, struct mta_connection, io);
	char data[4096];
	ssize_t n = recv(io->fd, data, sizeof(data), MSG_DONTWAIT);

	(void)events;
	(void)now;
	if (n <= 0) {
		mta_close(c);
		return;
	}
	for (ssize_t i = 0; i < n && io->fd >= 0; i++) {
		CHECK(c->len + 2 < sizeof(c->line));
		c->line[c->len++] = data[i];
		c->line[c->len] = '\0';
		if (data[i] != '\n')
			continue;
		mta_hear(c);
		c->len = 0;
	}
}

static inline void
mta_on_connect(struct loop_io *io, uint32_t events, uint64_t now)
{
	int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC);
	struct mta_connection *c = mta.connection;

	(void)events;
	(void)now;
	CHECK(fd >= 0);
	while (c->io.fd >= 0)
		CHECK(++c < mta.connection + MTA_CONNECTIONS);
	*c = (struct mta_connection){ .io = {
					  .fd = fd, .on_event = mta_on_data } };
	CHECK_INT(loop_add(mta.loop, &c->io, EPOLLIN), 0);
	mta.n_connected++;
	mta_say(c, mta.greeting);
}

/* It listens on 127.0.0.1, at ADDRESS. */
static inline void
mta_begin(struct loop *loop, struct sockaddr_in *ret_address)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&mta, 0, sizeof(mta));
	mta.loop = loop;
	mta.greeting = "220 mta.test ESMTP\r\n";
	for (int i = 0; i < MTA_CONNECTIONS; i++)
		mta.connection[i].io.fd = -1;
	CHECK_INT(bind(fd, (struct sockaddr *)&in, len), 0);
	CHECK_INT(listen(fd, 64), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	mta.listener = (struct loop_io){ .fd = fd, .on_event = mta_on_connect };
	CHECK_INT(loop_add(loop, &mta.listener, EPOLLIN), 0);
	*ret_address = in;
}

static inline void
mta_end(void)
{
	for (int i = 0; i < MTA_CONNECTIONS; i++)
		if (mta.connection[i].io.fd >= 0)
			mta_close(&mta.connection[i]);
	loop_remove(mta.loop, &mta.listener);
	fd_close(&mta.listener.fd);
}

/* From now on, until it is NULL's turn: what is usual. */
static inline void
mta_answer(const char *verb, const char *reply)
{
	size_t i = 0;

	while (mta.script[i].verb != NULL && strcmp(mta.script[i].verb, verb))
		CHECK(++i < ARRAY_SIZE(mta.script));
	mta.script[i] = (struct mta_line){ verb, reply };
}

static inline bool
mta_has_heard(const char *text)
{
	return strstr(mta.heard, text) != NULL;
}

/* What it owes those who asked in silence. */
static inline void
mta_say_to_all(const char *text)
{
	for (int i = 0; i < MTA_CONNECTIONS; i++)
		if (mta.connection[i].io.fd >= 0)
			mta_say(&mta.connection[i], text);
}
