/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-handoff/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "tests/helpers/check.h"

static const struct message session = { "192.0.2.1", "40000", "2001:db8::1",
	"25" };

/* What COMMAND, run by sh for `session`, prints to its client. */
static void
run(const char *command, char *const *env, char *buf, size_t size)
{
	static char sh[] = "/bin/sh", option[] = "-c";
	char *const argv[] = { sh, option, (char *)(uintptr_t)command, NULL };
	int pair[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	CHECK_INT(socketpair(AF_UNIX,
		      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	CHECK_INT(spawn_mta(argv, env, &session, pair[1], &pid), 0);
	close(pair[1]);
	CHECK_INT(fd_set_nonblocking(pair[0], false), 0);
	while ((n = read(pair[0], buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(pair[0]);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}

static void
splits_at_blanks(void)
{
	char **argv = spawn_split(" /usr/sbin/exim4\t -bs  -odq ");

	CHECK_STR(argv[0], "/usr/sbin/exim4");
	CHECK_STR(argv[1], "-bs");
	CHECK_STR(argv[2], "-odq");
	CHECK(argv[3] == NULL);
	free(argv);
	/* As many words as can be in a text. */
	argv = spawn_split("a b c d e");
	CHECK_STR(argv[4], "e");
	CHECK(argv[5] == NULL);
	free(argv);
}

static void
splits_nothing(void)
{
	char **argv = spawn_split("");

	CHECK(argv[0] == NULL);
	free(argv);
	argv = spawn_split(" \t ");
	CHECK(argv[0] == NULL);
	free(argv);
}

static void
environment_is_cleaned(void)
{
	char **env = spawn_split(
	    "PATH=/bin LISTEN_FDS=1 LISTEN_PID=2 NOTIFY_SOCKET=/x "
	    "WATCHDOG_USEC=1 REMOTE_ADDR=203.0.113.9 TCPREMOTEINFO=root "
	    "PROTO=UNIX PROTOCOL=kept");
	char **base = spawn_base_env(env);

	CHECK_STR(base[0], "PATH=/bin");
	CHECK_STR(base[1], "PROTOCOL=kept");
	CHECK(base[2] == NULL);
	free(base);
	free(env);
}

static void
environment_tells_the_session(void)
{
	static char kept[] = "KEPT=yes";
	char *const env[] = { kept, NULL };
	char buf[1024];

	run("echo $KEPT $PROTO $TCPREMOTEIP $TCPREMOTEPORT $TCPLOCALIP "
	    "$TCPLOCALPORT $REMOTE_ADDR $REMOTE_PORT",
	    env, buf, sizeof(buf));
	CHECK_STR(
	    buf, "yes TCP 192.0.2.1 40000 2001:db8::1 25 192.0.2.1 40000\n");
}

static void
only_three_descriptors(void)
{
	char *const env[] = { NULL };
	char buf[1024];
	/* One that nobody made close-on-exec. */
	int leak = open("/dev/null", O_RDONLY);

	CHECK(leak > 2);
	run("for i in 0 1 2 3 4 5 6 7 8 9; do "
	    "[ ! -e /proc/$$/fd/$i ] || printf $i; done",
	    env, buf, sizeof(buf));
	CHECK_STR(buf, "012");
	close(leak);
}

static void
socket_is_blocking(void)
{
	char *const env[] = { NULL };
	char buf[1024];

	/* flags are octal; 04000 is O_NONBLOCK */
	run("while read -r k v; do [ $k != flags: ] || "
	    "echo $((v & 04000)); done < /proc/$$/fdinfo/0",
	    env, buf, sizeof(buf));
	CHECK_STR(buf, "0\n");
}

static void
signals_are_fresh(void)
{
	char *const env[] = { NULL };
	char buf[1024];
	unsigned long long blocked, ignored;
	sigset_t all;

	sigfillset(&all);
	CHECK_INT(sigprocmask(SIG_BLOCK, &all, NULL), 0);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	run("exec /bin/grep -E '^Sig(Blk|Ign)' /proc/self/status", env, buf,
	    sizeof(buf));
	CHECK_INT(
	    sscanf(buf, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	CHECK_INT(blocked, 0);
	/* 32 and 33 are glibc's own, which it leaves ignored. */
	CHECK_INT(ignored & ~(3ULL << 31), 0);
}

static void
exec_failure_is_told(void)
{
	static const char *const wrong[] = { "/nonexistent/mta", "/etc/passwd",
		"/" };
	static const int errors[] = { -ENOENT, -EACCES, -EACCES };
	char *const env[] = { NULL };
	int pair[2];
	pid_t pid;

	CHECK_INT(socketpair(AF_UNIX,
		      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char *const argv[] = { (char *)(uintptr_t)wrong[i], NULL };

		CHECK_INT(
		    spawn_mta(argv, env, &session, pair[1], &pid), errors[i]);
		/* The dispatcher's loop must not find it blocking. */
		CHECK((fcntl(pair[1], F_GETFL) & O_NONBLOCK) != 0);
		CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	}
	close(pair[0]);
	close(pair[1]);
}

/* Of sizes at which malloc() has nothing to spare. */
static void
environment_has_room(void)
{
	static char var[] = "A=b";
	char *env[32] = { NULL };

	for (size_t n = 0; n < 30; n++) {
		char **base = spawn_base_env(env);

		CHECK(malloc_usable_size(base) >= (n + 1) * sizeof(*base));
		for (size_t i = 0; i < n; i++)
			CHECK(base[i] == var);
		CHECK(base[n] == NULL);
		free(base);
		env[n] = var;
	}
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(splits_at_blanks),
		CASE(splits_nothing),
		CASE(environment_is_cleaned),
		CASE(environment_tells_the_session),
		CASE(only_three_descriptors),
		CASE(socket_is_blocking),
		CASE(signals_are_fresh),
		CASE(exec_failure_is_told),
		CASE(environment_has_room),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
