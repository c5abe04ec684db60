/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/drip.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/tarpitd/tls.h"

/* A reply that must not take long goes no slower than this, so that even a
 * rate of 1 answers RSET in the 20 s that Postfix gives it. */
enum { PROMPT_RATE = 5 };

static uint32_t
out_rate(const struct session *s)
{
	if ((s->flags & SESSION_PROMPT) != 0 && s->rate != 0 &&
	    s->rate < PROMPT_RATE)
		return PROMPT_RATE;
	return s->rate;
}

/* What is being sent, from position AT on. */
static size_t
copy_out(const struct session *s, const struct texts *t, size_t at, char *buf,
    size_t size)
{
	size_t left = s->out_len - at;

	if (s->state == SESSION_GREETING)
		return greeting_copy(&t->greeting, s->out_len, at, buf, size);
	assert(s->state == SESSION_SENDING);
	if (size > left)
		size = left;
	memcpy(buf, t->reply[s->out_reply].text + at, size);
	return size;
}

ssize_t
drip_send(struct session *s, const char *buf, size_t size)
{
	ssize_t n;

	if (s->tls != NULL) {
		n = tls_send(s->tls, buf, size);
	} else {
		n = send(s->fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			n = -errno;
	}
	if (n < 0)
		return n;
	s->bytes_out += (uint32_t)n;
	return n;
}

/* The time at which position 0 would have been sent at this pace. */
static void
rebase(struct session *s, uint32_t rate, uint32_t now)
{
	s->out_from = now - (uint32_t)lane_duration(rate, s->out_sent);
}

/* Nothing that is wrong with this client: no room in its buffer, or no memory
 * for anybody's.  The next visit tries again. */
static bool
is_passing(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

/* N bytes of what is being sent; 1 if the client took them, 0 if it does not
 * read, or -errno. */
static int
push(struct session *s, const char *buf, size_t n, uint32_t rate, uint32_t now)
{
	ssize_t sent = drip_send(s, buf, n);

	if (sent < 0 && is_passing((int)-sent)) {
		rebase(s, rate, now);
		return 0;
	}
	if (sent < 0)
		return (int)sent;
	s->out_sent = (uint16_t)(s->out_sent + sent);
	return 1;
}

static size_t
allowance(const struct session *s, uint32_t rate, uint32_t now)
{
	size_t allowed = lane_allowance(rate, now - s->out_from);

	return allowed < s->out_len ? allowed : s->out_len;
}

int
drip_out(struct session *s, const struct texts *t, uint32_t now)
{
	uint32_t rate = out_rate(s);
	size_t allowed = allowance(s, rate, now);
	char buf[512];
	int r = 1;

	while (r > 0 && s->out_sent < allowed) {
		size_t n = allowed - s->out_sent;

		n = copy_out(
		    s, t, s->out_sent, buf, n < sizeof(buf) ? n : sizeof(buf));
		r = push(s, buf, n, rate, now);
	}
	return r < 0 ? r : 0;
}

int
drip_text(struct session *s, const char *text, uint32_t rate, uint32_t now)
{
	size_t allowed = allowance(s, rate, now);
	int r = 1;

	while (r > 0 && s->out_sent < allowed)
		r = push(
		    s, text + s->out_sent, allowed - s->out_sent, rate, now);
	return r < 0 ? r : 0;
}

size_t
drip_rest_of_line(
    const struct session *s, const struct texts *t, char *buf, size_t size)
{
	size_t end = s->out_len;

	if (s->out_sent == 0 || s->out_sent >= s->out_len)
		return 0;
	if (s->state == SESSION_GREETING)
		/* Of the line of the last byte: at a line's end, nothing. */
		end = greeting_line_end(
		    &t->greeting, s->out_len, s->out_sent - 1U);
	if (size > end - s->out_sent)
		size = end - s->out_sent;
	return copy_out(s, t, s->out_sent, buf, size);
}

void
drip_set_rate(struct session *s, uint32_t rate, uint32_t now)
{
	s->rate = rate;
	rebase(s, out_rate(s), now);
}

ssize_t
drip_peek(const struct session *s, char *buf, size_t size)
{
	ssize_t n;

	if (s->tls != NULL)
		return tls_peek(s->tls, buf, size);
	n = recv(s->fd, buf, size, MSG_PEEK | MSG_DONTWAIT);
	if (n > 0)
		return n;
	if (n == 0)
		return -EPIPE;
	return errno == EAGAIN ? 0 : -errno;
}

bool
drip_has_ended(const struct session *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLRDHUP };

	return poll(&pfd, 1, 0) > 0 ||
	    (s->tls != NULL && tls_has_ended(s->tls));
}

bool
drip_is_lost(const struct session *s)
{
	struct pollfd pfd = { .fd = s->fd };

	return poll(&pfd, 1, 0) > 0; /* POLLHUP or POLLERR */
}

void
drip_take(struct session *s, size_t n)
{
	UNINITIALIZED char buf[4096];

	s->bytes_in += (uint32_t)n;
	if (s->tls != NULL) {
		tls_take(s->tls, n);
		return;
	}
	while (n > 0) {
		ssize_t taken = recv(s->fd, buf,
		    n < sizeof(buf) ? n : sizeof(buf), MSG_DONTWAIT);

		if (taken <= 0)
			return; /* the next peek tells why */
		n -= (size_t)taken;
	}
}

void
drip_discard(struct session *s)
{
	/* TCP throws bytes away without copying them. */
	ssize_t n = recv(s->fd, NULL, INT_MAX, MSG_TRUNC | MSG_DONTWAIT);

	if (n > 0)
		s->bytes_in += (uint32_t)n;
}

bool
drip_is_paid(const struct session *s, size_t n, uint32_t now)
{
	return lane_allowance(s->rate, now - s->in_from) >= n;
}
