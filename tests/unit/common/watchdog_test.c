/* SPDX-License-Identifier: ISC */
#include "bin/common/watchdog.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "tests/helpers/scratch.h"

static struct loop *loop;
static struct watchdog watchdog;

static int
listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CHECK(strlen(path) < sizeof(a.sun_path));
	strcpy(a.sun_path, path);
	CHECK_INT(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static void
it_is_alive_again_and_again(void)
{
	AUTO_FREE char *path = scratch_path("notify");
	AUTO_FD fd = listen_at(path);
	uint64_t deadline = clock_now() + 20 * USEC_PER_SEC;
	char buf[64];
	int heard = 0;

	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "20000", 1);
	CHECK_INT(loop_new(&loop), 0);
	watchdog_init(&watchdog, loop);
	CHECK(watchdog.interval > 0 && watchdog.interval <= 10000);
	while (heard < 3 && clock_now() < deadline) {
		ssize_t n;

		CHECK_INT(loop_run_once(loop, clock_now() + 10000), 0);
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			continue;
		CHECK_INT(n, strlen("WATCHDOG=1"));
		CHECK(memcmp(buf, "WATCHDOG=1", (size_t)n) == 0);
		/* The next one is half the time away, not at once. */
		CHECK(timer_is_armed(&watchdog.timer));
		CHECK(watchdog.timer.when >= loop_now(loop));
		heard++;
	}
	CHECK_INT(heard, 3);
	watchdog_fini(&watchdog);
	CHECK(!timer_is_armed(&watchdog.timer));
	loop = loop_free(loop);
}

static void
without_one_there_is_nothing_to_do(void)
{
	unsetenv("WATCHDOG_USEC");
	CHECK_INT(loop_new(&loop), 0);
	watchdog_init(&watchdog, loop);
	CHECK(!timer_is_armed(&watchdog.timer));
	watchdog_fini(&watchdog);
	loop = loop_free(loop);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(it_is_alive_again_and_again),
		CASE(without_one_there_is_nothing_to_do),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
