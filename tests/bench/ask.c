/* SPDX-License-Identifier: ISC */
/*
 * load ask PATH SECONDS ADDRESSES: asks the policy service at the unix socket
 * PATH about the addresses in the file, one a line, over and over, as tarpitd
 * asks, with WINDOW questions under way.  Prints answers per second.
 */

#include "tests/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "tests/bench/questions.h"

enum {
	/* Sent at once. */
	BURST = 64,
	/* The most that are under way: what the two sides' being woken up takes
	 * is then shared by so many.  With 256, half a millisecond between two
	 * cores, which virtual machines need, held all up: 190,000 a second of
	 * a service that was idle for 60 % of the time.  Their answers fit into
	 * what the service keeps for a peer that does not read (256 KiB), so
	 * that neither side can wait for the other. */
	WINDOW = 1024,
};

static void
send_burst(int fd, const struct questions *q, size_t burst)
{
	size_t at = q->start[burst * BURST];
	size_t end = q->start[(burst + 1) * BURST];

	while (at < end) {
		ssize_t n = send(fd, q->text + at, end - at, MSG_NOSIGNAL);

		if (n < 0)
			load_die(errno, "send");
		at += (size_t)n;
	}
}

/* Reads once: the number of answers that ended in what came. */
static unsigned int
read_answers(int fd, bool *was_lf)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	unsigned int answers = 0;

	if (n <= 0)
		load_die(n < 0 ? errno : 0, "the policy service hung up");
	for (ssize_t i = 0; i < n; i++) {
		bool is_lf = buf[i] == '\n';

		answers += is_lf && *was_lf;
		*was_lf = is_lf;
	}
	return answers;
}

static double
ask_for(int fd, const struct questions *q, uint64_t usec)
{
	uint64_t began = clock_now(), now = began;
	uint64_t asked = 0, answered = 0;
	size_t bursts = q->n / BURST;
	bool was_lf = false;

	for (size_t burst = 0; now < began + usec; now = clock_now()) {
		for (; asked - answered + BURST <= WINDOW; asked += BURST)
			send_burst(fd, q, burst++ % bursts);
		answered += read_answers(fd, &was_lf);
	}
	return (double)answered * USEC_PER_SEC / (double)(now - began);
}

int
ask_main(int argc, char **argv)
{
	unsigned int seconds;
	struct questions q;
	int fd;

	if (argc != 3)
		load_die(0, "ask takes PATH SECONDS ADDRESSES");
	seconds = load_number(argv[1], 3600);
	q = questions_read(argv[2]);
	if (q.n < BURST)
		load_die(0, "%s: fewer than %d addresses", argv[2], (int)BURST);
	fd = questions_connect(argv[0]);
	printf("asked rate=%.0f\n", ask_for(fd, &q, seconds * USEC_PER_SEC));
	close(fd);
	questions_free(&q);
	return 0;
}
