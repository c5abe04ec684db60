/* SPDX-License-Identifier: ISC */
#include "policy/redis_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/async.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/clock.h"
#include "policy/host_lookup.h"

enum { COMMAND_WORDS_MAX = 16 };

#define BACKOFF_MIN  (250 * USEC_PER_MSEC)
#define BACKOFF_MAX  (16 * USEC_PER_SEC)
#define LOOKUP_CHECK (20 * USEC_PER_MSEC)

struct redis_link {
	struct loop *loop;
	struct redis_url url;
	uint64_t timeout;
	void (*on_up)(void *);
	void *arg;
	redisAsyncContext *context; /* NULL: not connected, nor trying to */
	bool up;                    /* it has answered our greeting */
	bool hopeful;               /* nothing has failed yet */
	size_t greetings, open;     /* replies that are still to come */
	uint64_t heard;             /* when it last answered, or had to */
	uint64_t backoff;
	char why[128];
	struct host_lookup *lookup;
	size_t attempts;
	struct loop_io io;
	uint32_t events; /* 0: not watched */
	struct timer retry, silence;
};

/* One command under way. */
struct command {
	struct redis_link *link;
	redis_on_answer *on_answer;
	void *arg;
};

/*
 * hiredis on our loop
 */

static void
watch(struct redis_link *l, uint32_t events)
{
	int r = 0;

	if (events == l->events)
		return;
	if (events == 0)
		loop_remove(l->loop, &l->io);
	else if (l->events == 0)
		r = loop_add(l->loop, &l->io, events);
	else
		r = loop_modify(l->loop, &l->io, events);
	/* What is not watched is silent, and given up for that. */
	l->events = r < 0 ? 0 : events;
}

static void
add_read(void *arg)
{
	struct redis_link *l = arg;

	watch(l, l->events | EPOLLIN);
}

static void
del_read(void *arg)
{
	struct redis_link *l = arg;

	watch(l, l->events & ~(uint32_t)EPOLLIN);
}

static void
add_write(void *arg)
{
	struct redis_link *l = arg;

	watch(l, l->events | EPOLLOUT);
}

static void
del_write(void *arg)
{
	struct redis_link *l = arg;

	watch(l, l->events & ~(uint32_t)EPOLLOUT);
}

/*
 * Losing it
 */

/* It is not to be used any more; the caller frees the context, or hiredis
 * does. */
static void
lose(struct redis_link *l, const char *why)
{
	if (!l->context)
		return;
	l->context = NULL;
	l->up = l->hopeful = false;
	l->open = 0;
	snprintf(l->why, sizeof(l->why), "%s", why);
	loop_cancel(l->loop, &l->silence);
	loop_arm(l->loop, &l->retry, loop_now(l->loop) + l->backoff);
	l->backoff *= 2;
	if (l->backoff > BACKOFF_MAX)
		l->backoff = BACKOFF_MAX;
}

static void
give_up(struct redis_link *l, const char *why)
{
	redisAsyncContext *c = l->context;

	if (c) {
		lose(l, why);
		redisAsyncFree(c);
	}
}

/* The context is being freed, by whomever. */
static void
on_cleanup(void *arg)
{
	struct redis_link *l = arg;

	watch(l, 0);
	lose(l, "the server has closed the connection");
}

static void
on_silence(struct timer *t, uint64_t now)
{
	struct redis_link *l = CONTAINER_OF(t, struct redis_link, silence);
	char why[64];

	if (l->open == 0)
		return;
	if (now < l->heard + l->timeout) {
		loop_arm(l->loop, t, l->heard + l->timeout);
		return;
	}
	snprintf(why, sizeof(why), "no answer for %llu ms",
	    (unsigned long long)(l->timeout / USEC_PER_MSEC));
	give_up(l, why);
}

static void
expect_answer(struct redis_link *l)
{
	if (l->open++ > 0)
		return;
	l->heard = loop_now(l->loop);
	if (!timer_is_armed(&l->silence))
		loop_arm(l->loop, &l->silence, l->heard + l->timeout);
}

/* REPLY has come, or, being NULL, never will. */
static void
note_answer(
    struct redis_link *l, const redisAsyncContext *c, const redisReply *reply)
{
	if (c != l->context)
		return;
	if (!reply) {
		lose(l, c->err ? c->errstr : "the connection was lost");
		return;
	}
	l->open--;
	l->heard = loop_now(l->loop);
}

/*
 * Connecting
 */

/* Why our greeting was refused.  A server that does not know AUTH, or a proxy in
 * front of it, repeats what it was sent: "unknown command `AUTH`, with args
 * beginning with: `s3cret`". */
static const char *
refusal(const struct redis_link *l, const char *said)
{
	if (*l->url.password != '\0' &&
	    (strstr(said, l->url.password) || strstr(said, "beginning with")))
		return "it refuses AUTH, in words with the password in them";
	return said;
}

static void
on_greeting(redisAsyncContext *c, void *data, void *arg)
{
	struct redis_link *l = arg;
	redisReply *reply = data;

	note_answer(l, c, reply);
	if (c != l->context)
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		give_up(l, refusal(l, reply->str));
		return;
	}
	if (--l->greetings > 0)
		return;
	l->up = true;
	l->why[0] = '\0';
	l->backoff = BACKOFF_MIN;
	l->on_up(l->arg);
}

static void
greet(struct redis_link *l, int n, const char **word)
{
	if (redisAsyncCommandArgv(l->context, on_greeting, l, n, word, NULL) !=
	    REDIS_OK)
		return;
	l->greetings++;
	expect_answer(l);
}

/* Whatever is sent next is only looked at when these have been. */
static void
send_greetings(struct redis_link *l)
{
	const struct redis_url *url = &l->url;
	char db[8];

	l->greetings = 0;
	if (*url->user != '\0')
		greet(
		    l, 3, (const char *[]){ "AUTH", url->user, url->password });
	else if (*url->password != '\0')
		greet(l, 2, (const char *[]){ "AUTH", url->password });
	snprintf(db, sizeof(db), "%u", url->db);
	if (url->db != 0)
		greet(l, 2, (const char *[]){ "SELECT", db });
	greet(l, 1, (const char *[]){ "PING" });
}

static void
on_event(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct redis_link *l = CONTAINER_OF(io, struct redis_link, io);
	redisAsyncContext *c = l->context;

	(void)now;
	/* Either may free the context. */
	if (c && (events & ~(uint32_t)EPOLLOUT))
		redisAsyncHandleRead(c);
	if (c && c == l->context && (l->events & events & EPOLLOUT))
		redisAsyncHandleWrite(c);
}

static void
attach(struct redis_link *l, redisAsyncContext *c)
{
	l->context = c;
	if (!c || c->err) {
		lose(l, c ? c->errstr : strerror(ENOMEM));
		if (c)
			redisAsyncFree(c);
		return;
	}
	l->io = (struct loop_io){ .fd = c->c.fd, .on_event = on_event };
	c->ev.data = l;
	c->ev.addRead = add_read;
	c->ev.delRead = del_read;
	c->ev.addWrite = add_write;
	c->ev.delWrite = del_write;
	c->ev.cleanup = on_cleanup;
	send_greetings(l);
}

static bool
is_address(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1 ||
	    inet_pton(AF_INET6, host, &addr) == 1;
}

/* The name's addresses in turn, looked up anew each time: servers move. */
static void
dial_name(struct redis_link *l, uint64_t now)
{
	char address[INET6_ADDRSTRLEN];
	const char *why = "no memory to look up the name";
	int n = -ENOMEM;

	if (!l->lookup)
		l->lookup = host_lookup_start(l->url.host);
	if (l->lookup)
		n = host_lookup_poll(l->lookup, &why);
	if (n == -EAGAIN) {
		loop_arm(l->loop, &l->retry, now + LOOKUP_CHECK);
		return;
	}
	if (n > 0) {
		host_lookup_address(l->lookup, l->attempts++, address);
		attach(l, redisAsyncConnect(address, l->url.port));
	} else {
		l->hopeful = false;
		snprintf(l->why, sizeof(l->why), "%.80s: %s", l->url.host, why);
		loop_arm(l->loop, &l->retry, now + BACKOFF_MAX);
	}
	l->lookup = host_lookup_free(l->lookup);
}

static void
dial(struct redis_link *l, uint64_t now)
{
	if (*l->url.host == '\0')
		attach(l, redisAsyncConnectUnix(l->url.path));
	else if (is_address(l->url.host))
		attach(l, redisAsyncConnect(l->url.host, l->url.port));
	else
		dial_name(l, now);
}

static void
on_retry(struct timer *t, uint64_t now)
{
	dial(CONTAINER_OF(t, struct redis_link, retry), now);
}

int
redis_link_new(struct loop *loop, const struct redis_url *url, uint64_t timeout,
    void (*on_up)(void *arg), void *arg, struct redis_link **ret)
{
	struct redis_link *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->url = *url;
	l->timeout = timeout;
	l->on_up = on_up;
	l->arg = arg;
	l->hopeful = true;
	l->backoff = BACKOFF_MIN;
	l->retry.on_timer = on_retry;
	l->silence.on_timer = on_silence;
	*ret = l;
	dial(l, loop_now(loop));
	return 0;
}

struct redis_link *
redis_link_free(struct redis_link *l)
{
	if (!l)
		return NULL;
	give_up(l, "");
	loop_cancel(l->loop, &l->retry);
	host_lookup_free(l->lookup);
	free(l);
	return NULL;
}

/*
 * Use
 */

void
redis_link_set_timeout(struct redis_link *l, uint64_t timeout)
{
	l->timeout = timeout;
}

bool
redis_link_is_up(const struct redis_link *l)
{
	return l->up;
}

bool
redis_link_is_usable(const struct redis_link *l)
{
	return l->context && (l->up || l->hopeful);
}

const char *
redis_link_error(const struct redis_link *l)
{
	return l->why;
}

static struct redis_value
text_of(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING)
		return (struct redis_value){ 0 };
	return (struct redis_value){ reply->str, reply->len };
}

static void
on_reply(redisAsyncContext *c, void *data, void *arg)
{
	struct command *command = arg, copy = *command;
	redisReply *reply = data;
	struct redis_answer answer = { .result = REDIS_LOST };

	free(command);
	note_answer(copy.link, c, reply);
	if (reply && reply->type == REDIS_REPLY_ERROR) {
		answer.result = REDIS_REFUSED;
		answer.error = reply->str;
	} else if (reply) {
		answer.result = REDIS_ANSWERED;
		for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY &&
		     i < reply->elements && i < REDIS_LINK_VALUES_MAX;
		     i++)
			answer.value[answer.n++] = text_of(reply->element[i]);
	}
	copy.on_answer(copy.arg, &answer);
}

bool
redis_link_send(struct redis_link *l, redis_on_answer *on_answer, void *arg,
    size_t n, const struct redis_value *word)
{
	const char *text[COMMAND_WORDS_MAX];
	size_t len[COMMAND_WORDS_MAX];
	struct command *command;

	if (!redis_link_is_usable(l) || n > COMMAND_WORDS_MAX)
		return false;
	command = malloc(sizeof(*command));
	if (!command)
		return false;
	*command = (struct command){ l, on_answer, arg };
	for (size_t i = 0; i < n; i++) {
		text[i] = word[i].text;
		len[i] = word[i].len;
	}
	if (redisAsyncCommandArgv(
		l->context, on_reply, command, (int)n, text, len) != REDIS_OK) {
		free(command);
		return false;
	}
	expect_answer(l);
	return true;
}

bool
redis_link_wait(struct redis_link *l, uint64_t limit)
{
	struct pollfd ready = { .fd = l->io.fd, .events = POLLIN };
	uint64_t now = clock_now();

	if (!l->context || l->open == 0 || now >= limit)
		return false;
	if (l->events & EPOLLOUT)
		ready.events |= POLLOUT;
	if (poll(&ready, 1, (int)((limit - now) / USEC_PER_MSEC) + 1) <= 0)
		return false;
	/* The bits of poll() and epoll are the same ones. */
	on_event(&l->io, (uint32_t)ready.revents, now);
	return true;
}
