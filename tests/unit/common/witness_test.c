/* SPDX-License-Identifier: ISC */
#include "bin/common/witness.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bin/common/loop.h"
#include "tests/helpers/check.h"

static bool gone[WITNESS_MAX];
static int n_gone;

static void
on_gone(void *arg, uint32_t number)
{
	CHECK(arg == gone && number < WITNESS_MAX && !gone[number]);
	gone[number] = true;
	n_gone++;
}

static struct witness witness = { .on_gone = on_gone, .arg = gone };

/* On a slow machine a slice may not last for all. */
static void
look(void)
{
	int r;

	do {
		struct slice slice = slice_begin(LOOP_SLICE);

		r = witness_look(&witness, &slice);
		CHECK(r >= 0);
	} while (r == 0);
}

static int
new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	return fd;
}

static void
sees_who_is_gone_and_no_other(void)
{
	enum { N = 300 };
	int kept[N];

	for (uint32_t i = 0; i < N; i++) {
		uint32_t number;
		int fd = new_socket();

		CHECK_INT(witness_add(&witness, fd, &number), 0);
		CHECK_INT(number, i);
		kept[i] = dup(fd);
		close(fd);
	}
	look();
	CHECK_INT(n_gone, 0);
	CHECK_INT(witness.n, N);
	for (int i = 0; i < N; i += 3)
		close(kept[i]);
	look();
	CHECK_INT(n_gone, N / 3);
	CHECK_INT(witness.n, N - N / 3);
	for (int i = 0; i < N; i++)
		CHECK_INT(gone[i], i % 3 == 0);
	witness_fini(&witness);
}

/* The other end hears of the last one that closes, not of us. */
static void
holds_nothing_open(void)
{
	uint32_t number;
	int pair[2];
	char byte;

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_INT(witness_add(&witness, pair[0], &number), 0);
	close(pair[0]);
	CHECK_INT(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
	look();
	CHECK(gone[number]);
	close(pair[1]);
	witness_fini(&witness);
}

/* Its number is another's once it is gone, though the other is the same
 * descriptor to us. */
static void
sees_through_other_processes(void)
{
	uint32_t number, again;
	int fd = new_socket(), until[2];
	pid_t child;
	char byte;

	CHECK_INT(pipe(until), 0);
	child = fork();
	if (child == 0) {
		close(until[1]);
		_exit(read(until[0], &byte, 1) == 0 ? 0 : 1);
	}
	CHECK_INT(witness_add(&witness, fd, &number), 0);
	close(fd);
	CHECK_INT(new_socket(), fd);
	CHECK_INT(witness_add(&witness, fd, &again), 0);
	CHECK(again != number);
	look();
	CHECK_INT(n_gone, 0);
	close(until[1]);
	CHECK_INT(waitpid(child, NULL, 0), child);
	look();
	CHECK_INT(n_gone, 1);
	CHECK(gone[number]);
	close(fd);
	close(until[0]);
	witness_fini(&witness);
}

static void
is_full_at_its_limit(void)
{
	struct rlimit limit;
	uint32_t number;
	int fd[WITNESS_MAX];

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < WITNESS_MAX; i++) {
		fd[i] = new_socket();
		CHECK_INT(witness_add(&witness, fd[i], &number), 0);
	}
	CHECK_INT(witness_add(&witness, 0, &number), -ENOSPC);
	close(fd[700]);
	look();
	CHECK_INT(n_gone, 1);
	gone[700] = false;
	fd[700] = new_socket();
	CHECK_INT(witness_add(&witness, fd[700], &number), 0);
	CHECK_INT(number, 700);
	for (int i = 0; i < WITNESS_MAX; i++)
		close(fd[i]);
	look();
	CHECK_INT(witness.n, 0);
	witness_fini(&witness);
}

static const struct check_case cases[] = {
	CASE(sees_who_is_gone_and_no_other),
	CASE(holds_nothing_open),
	CASE(sees_through_other_processes),
	CASE(is_full_at_its_limit),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
