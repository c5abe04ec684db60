/* SPDX-License-Identifier: ISC */
/* What a policy service may answer: any bytes, to three sessions that wait, in
 * portions.  Nobody is answered who did not ask, every verdict is within its
 * ranges, and the connection is closed or used on. */
#include "bin/tarpitd/ask.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/attrs.h"
#include "tests/helpers/fuzz.h"

enum { SESSIONS = 3 };

static struct loop *loop;
static struct journal journal;
static struct pool pool;
static char path[64];
static int listener;
static int answers[SESSIONS + 1];

static void
check_verdict(const struct verdict *v)
{
	REQUIRE(v->lane < LANE_COUNT);
	REQUIRE(v->score >= -SCORE_MAX && v->score <= SCORE_MAX);
	REQUIRE(v->rate <= 1000000 && v->patience <= 86400 && v->ttl <= 86400);
	REQUIRE(strlen(v->country) == 0 || strlen(v->country) == 2);
	REQUIRE(strlen(v->reason) == v->reason_len);
	for (const char *p = v->reason; *p != '\0'; p++)
		REQUIRE(*p >= ' ' && *p <= '~');
}

static void
on_answer(void *arg, struct session *s, const struct verdict *v, uint64_t now)
{
	uint32_t slot = pool_slot(&pool, s);

	(void)arg;
	(void)now;
	REQUIRE(slot >= 1 && slot <= SESSIONS);
	REQUIRE(s->state == SESSION_ASKING || v != NULL);
	if (v != NULL)
		check_verdict(v);
	if (s->state == SESSION_ASKING)
		pool_remove(&pool, &pool.asking, s);
	s->state = SESSION_COMMAND;
	answers[slot]++;
}

static void
remove_socket(void)
{
	unlink(path);
}

static void
init(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(path, sizeof(path), "/tmp/ask_fuzz.%ld", (long)getpid());
	atexit(remove_socket);
	strcpy(sun.sun_path, path);
	unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(listener >= 0);
	REQUIRE(bind(listener, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	REQUIRE(listen(listener, 8) == 0);
	REQUIRE(loop_new(&loop) == 0);
	REQUIRE(pool_init(&pool, SESSIONS) == 0);
	for (int i = 1; i <= SESSIONS; i++)
		REQUIRE(pool_take(&pool) == (uint32_t)i);
	journal_init_target(&journal, "fuzz", JOURNAL_NOWHERE, NULL);
}

/* All three ask again; their numbers are what the corpus answers to. */
static void
reset_sessions(void)
{
	memset(&pool.asking, 0, sizeof(pool.asking));
	memset(answers, 0, sizeof(answers));
	for (uint32_t i = 1; i <= SESSIONS; i++) {
		struct session *s = &pool.session[i];

		memset(s, 0, sizeof(*s));
		s->fd = -1;
		s->number = i;
		s->state = SESSION_ASKING;
		pool_append(&pool, &pool.asking, s);
	}
}

static void
run_loop(void)
{
	REQUIRE(loop_run_once(loop, 0) == 0);
}

/* Sends as far as the service is listened to. */
static void
speak(struct ask *a, int fd, const uint8_t *data, size_t size)
{
	/* The first byte says how much comes at a time. */
	size_t portion = 1 + data[0] * (size_t)64;

	data++;
	size--;
	while (size > 0 && a->io.fd >= 0) {
		size_t n = size < portion ? size : portion;
		ssize_t sent = send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		run_loop();
		data += sent;
		size -= (size_t)sent;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ask a = { .loop = loop,
		.journal = &journal,
		.pool = &pool,
		.path = path,
		.timeout = 3600 * USEC_PER_SEC,
		.on_answer = on_answer };
	AUTO_FD fd = -1;

	if (size < 2)
		return 0;
	if (loop == NULL) {
		init();
		a.loop = loop;
	}
	reset_sessions();
	REQUIRE(ask_init(&a) == 0);
	while (a.io.fd < 0)
		REQUIRE(loop_run_once(loop, USEC_NEVER) == 0);
	fd = accept(listener, NULL, NULL);
	REQUIRE(fd >= 0);
	speak(&a, fd, data, size);
	REQUIRE(linebuf_len(&a.in) <= ATTRS_MAX);
	REQUIRE(a.io.fd >= 0 || timer_is_armed(&a.reconnect));
	ask_fini(&a);
	return 0;
}
