/* SPDX-License-Identifier: ISC */
/*
 * load pace PATH SECONDS ADDRESSES RATE: asks the policy service at the unix
 * socket PATH RATE questions a second, each at its time whether or not those
 * before have been answered, and tells how long the answers took from when
 * their questions were due: who is late in asking says so in his figures.
 */

#include "tests/bench/load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bin/common/attrs.h"
#include "bin/common/clock.h"
#include "tests/bench/questions.h"

/* How long the last answers are waited for. */
#define PATIENCE (5 * USEC_PER_SEC)

struct pace {
	int fd;
	const struct questions *q;
	uint64_t began;
	double interval; /* usec from one question to the next */
	size_t n, asked, answered, unanswered;
	size_t sent;         /* bytes */
	struct samples took; /* usec */
	size_t len;
	char buf[4 * ATTRS_MAX];
};

static uint64_t
due(const struct pace *p, size_t number)
{
	return p->began + (uint64_t)((double)number * p->interval);
}

/* All that are due, in one write; what the service does not take yet goes with
 * the next. */
static void
send_due(struct pace *p, uint64_t now)
{
	size_t end;
	ssize_t n;

	while (p->asked < p->n && due(p, p->asked) <= now)
		p->asked++;
	end = p->q->start[p->asked];
	if (p->sent == end)
		return;
	n = send(p->fd, p->q->text + p->sent, end - p->sent,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		load_die(errno, "send");
	if (n > 0)
		p->sent += (size_t)n;
}

static void
take_answer(struct pace *p, const char *msg, size_t len, uint64_t now)
{
	static const char unanswered[] = "dns.unanswered";
	const char *end = msg + len;
	struct attr a;

	while (attrs_next(&msg, end, &a) > 0) {
		if (attr_is(&a, "instance"))
			samples_add(&p->took,
			    (double)now -
				(double)due(p, strtoul(a.value, NULL, 16)));
		else if (attr_is(&a, "reason"))
			p->unanswered +=
			    memmem(a.value, a.value_len, unanswered,
				sizeof(unanswered) - 1) != NULL;
	}
	p->answered++;
}

static void
read_answers(struct pace *p)
{
	ssize_t n =
	    recv(p->fd, p->buf + p->len, sizeof(p->buf) - p->len, MSG_DONTWAIT);
	uint64_t now = clock_now();
	size_t at = 0, len;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		load_die(n < 0 ? errno : 0, "the policy service hung up");
	p->len += (size_t)n;
	while (attrs_find_end(p->buf + at, p->len - at, &len) == 0) {
		take_answer(p, p->buf + at, len, now);
		at += len;
	}
	p->len -= at;
	memmove(p->buf, p->buf + at, p->len);
}

/* Sleeps until a question is due or an answer is there. */
static void
wait_for_either(const struct pace *p, uint64_t end, uint64_t now)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };
	uint64_t next = p->asked < p->n ? due(p, p->asked) : end, usec;
	struct timespec ts;

	if (p->sent < p->q->start[p->asked])
		fd.events |= POLLOUT;
	usec = next > now ? next - now : 0;
	ts = (struct timespec){ .tv_sec = (time_t)(usec / USEC_PER_SEC),
		.tv_nsec = (long)(usec % USEC_PER_SEC) * 1000 };
	if (ppoll(&fd, 1, &ts, NULL) < 0)
		load_die(errno, "ppoll");
}

static void
run(struct pace *p)
{
	uint64_t end, now;

	/* By default the kernel may round a sleep up by 50 usec. */
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	p->began = clock_now();
	end = due(p, p->n) + PATIENCE;
	do {
		now = clock_now();
		send_due(p, now);
		read_answers(p);
		wait_for_either(p, end, now);
	} while (p->answered < p->n && now < end);
}

int
pace_main(int argc, char **argv)
{
	static struct pace p;
	struct questions q;
	unsigned int rate;

	if (argc != 4)
		load_die(0, "pace takes PATH SECONDS ADDRESSES RATE");
	rate = load_number(argv[3], 1000000);
	q = questions_read(argv[2]);
	p.n = (size_t)rate * load_number(argv[1], 3600);
	if (p.n > q.n)
		load_die(0, "%s: fewer than %zu addresses", argv[2], p.n);
	p.q = &q;
	p.interval = (double)USEC_PER_SEC / rate;
	p.fd = questions_connect(argv[0]);
	run(&p);
	printf("paced asked=%zu answered=%zu unanswered=%zu median=%.0f "
	       "p99=%.0f max=%.0f\n",
	    p.asked, p.answered, p.unanswered, samples_at(&p.took, 0.5),
	    samples_at(&p.took, 0.99), samples_at(&p.took, 1));
	close(p.fd);
	questions_free(&q);
	free(p.took.value);
	return 0;
}
