/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-handoff/watch.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/fd.h"
#include "bin/common/tcp_state.h"

bool
watch_prepare(struct watch *w, int client)
{
	struct tcp_state state;

	*w = (struct watch){ .client = -1, .dispatcher = -1 };
	if (tcp_state_read(client, &state) < 0 ||
	    tcp_state_heard(client, &w->heard) < 0)
		return false;
	w->written = state.written;
	return true;
}

void
watch_begin(struct watch *w, int client, int dispatcher)
{
	w->client = client;
	w->dispatcher = dispatcher;
}

static bool
has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0;
}

enum watch_news
watch_look(const struct watch *w)
{
	struct tcp_state state;

	if (tcp_state_read(w->client, &state) < 0 ||
	    state.written != w->written)
		return WATCH_SPOKE;
	if (!state.is_open)
		return WATCH_LEFT;
	return has_hung_up(w->dispatcher) ? WATCH_ALONE : WATCH_SILENT;
}

void
watch_served(struct watch *w)
{
	fd_close(&w->client);
	fd_close(&w->dispatcher);
}

bool
watch_has_client(const struct watch *w)
{
	struct tcp_state state;

	return tcp_state_read(w->client, &state) == 0 && state.is_open;
}

bool
watch_has_listened(const struct watch *w)
{
	uint64_t heard;

	return tcp_state_heard(w->client, &heard) < 0 || heard != w->heard;
}

static void
say(int fd, const char *text)
{
	/* Both sockets have room for a line, or their owners are beyond help. */
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
watch_failed(struct watch *w, const char *host)
{
	char reply[512];

	if (watch_look(w) == WATCH_SILENT) {
		snprintf(reply, sizeof(reply),
		    "421 4.3.0 %s Mail service failed, try again later\r\n",
		    host);
		say(w->client, reply);
	}
	/* Whoever else has the socket can say nothing more. */
	(void)shutdown(w->client, SHUT_RDWR);
	say(w->dispatcher, "result=failed\n\n");
	watch_served(w);
}
