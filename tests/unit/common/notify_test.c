/* SPDX-License-Identifier: ISC */
#include "bin/common/notify.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/fd.h"
#include "tests/helpers/check.h"

/* A service manager's socket in the abstract namespace, which leaves no file
 * behind; NOTIFY_SOCKET names it. */
static int
manager_open(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char name[64];
	int len = snprintf(name, sizeof(name), "@tarpit-notify-%d", getpid());
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	memcpy(sun.sun_path + 1, name + 1, (size_t)len - 1);
	CHECK_INT(bind(fd, (struct sockaddr *)&sun,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  (size_t)len)),
	    0);
	CHECK_INT(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

/* The next message, or "" if there is none. */
static const char *
manager_read(int fd, char *buf, size_t size)
{
	ssize_t len = recv(fd, buf, size - 1, MSG_DONTWAIT);

	buf[len < 0 ? 0 : len] = '\0';
	return buf;
}

static void
reaches_an_abstract_socket(void)
{
	AUTO_FD manager = manager_open();
	char buf[1024];

	notify_send("READY=1\nSTATUS=fine");
	CHECK_STR(
	    manager_read(manager, buf, sizeof(buf)), "READY=1\nSTATUS=fine");
}

static void
reaches_a_socket_file(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	AUTO_FD manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char dir[] = "/tmp/notify-test-XXXXXX";
	char buf[1024];

	CHECK(mkdtemp(dir) != NULL);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", dir);
	CHECK_INT(bind(manager, (struct sockaddr *)&sun, sizeof(sun)), 0);
	setenv("NOTIFY_SOCKET", sun.sun_path, 1);
	notify_send("READY=1");
	unlink(sun.sun_path);
	rmdir(dir);
	CHECK_STR(manager_read(manager, buf, sizeof(buf)), "READY=1");
}

static void
formats(void)
{
	AUTO_FD manager = manager_open();
	char buf[1024];

	notify_sendf("STATUS=%d held, %s", 3, "no more");
	CHECK_STR(
	    manager_read(manager, buf, sizeof(buf)), "STATUS=3 held, no more");
}

static void
long_messages_are_cut(void)
{
	AUTO_FD manager = manager_open();
	char buf[4096];

	notify_sendf("STATUS=%2000s", "");
	CHECK_INT(strlen(manager_read(manager, buf, sizeof(buf))), 511);
}

static int
lowest_free_fd(void)
{
	AUTO_FD fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd;
}

/* Whatever NOTIFY_SOCKET says, it is the service manager's business and never
 * ours to fail for. */
static void
nobody_there_is_harmless(void)
{
	char too_long[300];
	int before = lowest_free_fd();

	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[0] = '/';
	too_long[sizeof(too_long) - 1] = '\0';
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	notify_send("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify_send("READY=1");
	setenv("NOTIFY_SOCKET", too_long, 1);
	notify_send("READY=1");
	CHECK_INT(lowest_free_fd(), before); /* nothing leaked */
}

/* Its queue holds a few hundred at most; the alarm ends us if one waits. */
static void
busy_manager_does_not_block(void)
{
	AUTO_FD manager = manager_open();
	char buf[1024];
	int taken = 0;

	alarm(10);
	for (int i = 0; i < 10000; i++)
		notify_sendf("STATUS=%d", i);
	alarm(0);
	while (*manager_read(manager, buf, sizeof(buf)) != '\0')
		taken++;
	CHECK(taken > 0 && taken < 10000);
	notify_send("STATUS=again");
	CHECK_STR(manager_read(manager, buf, sizeof(buf)), "STATUS=again");
}

static void
set_watchdog(const char *usec, const char *pid)
{
	CHECK_INT(setenv("WATCHDOG_USEC", usec, 1), 0);
	CHECK_INT(setenv("WATCHDOG_PID", pid, 1), 0);
}

static void
watchdog_at_half_its_time(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	set_watchdog("30000000", pid);
	CHECK_INT(notify_watchdog_interval(), 15 * USEC_PER_SEC);
}

static void
no_watchdog_is_zero(void)
{
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	CHECK_INT(notify_watchdog_interval(), 0);
	set_watchdog("30000000", "1"); /* not meant for this process */
	CHECK_INT(notify_watchdog_interval(), 0);
	set_watchdog("soon", "1");
	CHECK_INT(notify_watchdog_interval(), 0);
}

static const struct check_case cases[] = {
	CASE(reaches_an_abstract_socket),
	CASE(reaches_a_socket_file),
	CASE(formats),
	CASE(long_messages_are_cut),
	CASE(nobody_there_is_harmless),
	CASE(busy_manager_does_not_block),
	CASE(watchdog_at_half_its_time),
	CASE(no_watchdog_is_zero),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
