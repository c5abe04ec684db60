/* SPDX-License-Identifier: ISC */
#include "bin/common/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

#define FAR (clock_now() + 20 * USEC_PER_SEC)

/* --- opening ---------------------------------------------------------------*/

static struct listen_socket
open_tcp(const char *where)
{
	struct listen_socket s;

	CHECK_INT(listen_open_tcp(where, 128, &s), 0);
	CHECK_INT(s.origin, LISTEN_OPENED);
	CHECK_STR(s.name, "");
	return s;
}

static struct sockaddr_storage
address_of(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	CHECK_INT(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	return ss;
}

static unsigned int
port_of(int fd)
{
	struct sockaddr_storage ss = address_of(fd);

	return ntohs(ss.ss_family == AF_INET6
		? ((struct sockaddr_in6 *)&ss)->sin6_port
		: ((struct sockaddr_in *)&ss)->sin_port);
}

/* A client of the listening socket FD, connected as far as the kernel goes. */
static int
connect_to(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	int client;

	CHECK_INT(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	client = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(client >= 0);
	CHECK_INT(connect(client, (struct sockaddr *)&ss, len), 0);
	return client;
}

static void
check_flags(int fd)
{
	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

static void
tcp_ipv4(void)
{
	struct listen_socket s = open_tcp("127.0.0.1:0");
	struct sockaddr_storage ss = address_of(s.fd);
	AUTO_FD client = connect_to(s.fd);

	CHECK_INT(ss.ss_family, AF_INET);
	CHECK_INT(((struct sockaddr_in *)&ss)->sin_addr.s_addr,
	    htonl(INADDR_LOOPBACK));
	check_flags(s.fd);
	fd_close(&s.fd);
}

/* Side by side with IPv4 on the same port, which needs IPV6_V6ONLY. */
static void
tcp_ipv6_beside_ipv4(void)
{
	struct listen_socket six = open_tcp("[::1]:0"), any, four;
	struct sockaddr_storage ss = address_of(six.fd);
	AUTO_FD client = connect_to(six.fd);
	char where[64];

	CHECK_INT(ss.ss_family, AF_INET6);
	any = open_tcp("[::]:0");
	snprintf(where, sizeof(where), "127.0.0.1:%u", port_of(any.fd));
	four = open_tcp(where);
	fd_close(&six.fd);
	fd_close(&any.fd);
	fd_close(&four.fd);
}

static void
star_is_every_ipv4_address(void)
{
	struct listen_socket s = open_tcp("*:0");
	struct sockaddr_storage ss = address_of(s.fd);

	CHECK_INT(ss.ss_family, AF_INET);
	CHECK_INT(
	    ((struct sockaddr_in *)&ss)->sin_addr.s_addr, htonl(INADDR_ANY));
	fd_close(&s.fd);
}

static void
malformed_addresses_are_refused(void)
{
	static const char *const bad[] = { "", ":", ":25", "25", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:smtp", "127.0.0.1:25x", "::1:25",
		"[::1:25", "::1]:25", "[]:25", "[::1]", "[::1]25",
		"[::1]:", "localhost:25", "mx.example.org:25", "256.0.0.1:25",
		"1.2.3.4.5:25", "[127.0.0.1:25", "127.0.0.1:25:25",
		"/run/socket", "127.0.0.1 :25",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		":25" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct listen_socket s = { .fd = -1 };

		fprintf(stderr, "\"%s\"\n", bad[i]);
		CHECK_INT(listen_open_tcp(bad[i], 1, &s), -EINVAL);
		CHECK_INT(s.fd, -1);
	}
}

static void
port_out_of_range_is_refused(void)
{
	struct listen_socket s = { .fd = -1 };

	CHECK_INT(listen_open_tcp("127.0.0.1:65536", 1, &s), -EINVAL);
	CHECK_INT(listen_open_tcp("127.0.0.1:-1", 1, &s), -EINVAL);
	CHECK_INT(listen_open_tcp("127.0.0.1:99999999999", 1, &s), -EINVAL);
}

static void
taken_port_is_an_error(void)
{
	struct listen_socket s = open_tcp("127.0.0.1:0"), other = { .fd = -1 };
	char where[64];

	snprintf(where, sizeof(where), "127.0.0.1:%u", port_of(s.fd));
	CHECK_INT(listen_open_tcp(where, 1, &other), -EADDRINUSE);
	CHECK_INT(other.fd, -1);
	fd_close(&s.fd);
}

/* 192.0.2.0/24 is for documentation (RFC 5737): no machine has it. */
static void
foreign_address_is_an_error(void)
{
	struct listen_socket s;

	CHECK_INT(listen_open_tcp("192.0.2.1:0", 1, &s), -EADDRNOTAVAIL);
}

static void
unix_socket_has_its_mode(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	struct listen_socket s;
	struct stat st;
	mode_t before = umask(077);

	CHECK_INT(listen_open_unix(path, 0620, 128, &s), 0);
	CHECK_INT(umask(before), 077);
	CHECK_INT(stat(path, &st), 0);
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_INT(st.st_mode & 0777, 0620);
	check_flags(s.fd);
	fd_close(&s.fd);
}

static void
stale_unix_socket_is_replaced(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	struct listen_socket s;
	AUTO_FD client = -1;

	CHECK_INT(listen_open_unix(path, 0600, 128, &s), 0);
	fd_close(&s.fd);
	CHECK_INT(listen_open_unix(path, 0600, 128, &s), 0);
	client = connect_to(s.fd);
	fd_close(&s.fd);
}

static void
live_unix_socket_is_left_alone(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	struct listen_socket s, other = { .fd = -1 };
	AUTO_FD client = -1;

	CHECK_INT(listen_open_unix(path, 0600, 128, &s), 0);
	CHECK_INT(listen_open_unix(path, 0600, 128, &other), -EADDRINUSE);
	CHECK_INT(other.fd, -1);
	client = connect_to(s.fd);
	fd_close(&s.fd);
}

/* connect(2) to a file that is no socket says ECONNREFUSED as well. */
static void
other_files_are_left_alone(void)
{
	AUTO_FREE char *file = scratch_write("file", "precious", 8);
	AUTO_FREE char *link = scratch_path("link");
	struct listen_socket s;
	struct stat st;

	CHECK_INT(listen_open_unix(file, 0600, 128, &s), -EADDRINUSE);
	CHECK_INT(stat(file, &st), 0);
	CHECK_INT(st.st_size, 8);
	CHECK_INT(symlink(file, link), 0);
	CHECK_INT(listen_open_unix(link, 0600, 128, &s), -EADDRINUSE);
	CHECK_INT(lstat(link, &st), 0);
	CHECK(S_ISLNK(st.st_mode));
}

static void
unix_socket_errors(void)
{
	char too_long[200];
	struct listen_socket s;

	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	CHECK_INT(listen_open_unix(too_long, 0600, 1, &s), -ENAMETOOLONG);
	CHECK_INT(
	    listen_open_unix("/nonexistent/socket", 0600, 1, &s), -ENOENT);
}

/* --- adopting --------------------------------------------------------------*/

/* What the re-executed child found, in the words of the test. */
static int
adopting_child(const char *expected)
{
	struct listen_socket sockets[LISTEN_MAX];
	int n = listen_adopt(sockets);
	char found[512];
	int len = snprintf(found, sizeof(found), "%d", n);

	for (int i = 0; i < n; i++) {
		static const char *const origins[] = { "systemd", "wait",
			"nowait", "opened" };

		check_flags(sockets[i].fd);
		len += snprintf(found + len, sizeof(found) - (size_t)len,
		    " %d:%s:%s", sockets[i].fd, origins[sockets[i].origin],
		    sockets[i].name);
	}
	/* Not for the children of the children. */
	CHECK(getenv("LISTEN_FDS") == NULL);
	if (strcmp(found, expected) != 0) {
		fprintf(stderr, "found \"%s\"\n", found);
		return 1;
	}
	return 0;
}

/* Runs this program again as a service manager would, with FDS (N of them) as
 * descriptors from AT on; its exit status. */
static int
run_adopting(const int *fds, int n, int at, const char *expected)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		char text[16];

		for (int i = 0; i < n; i++)
			if (fds[i] == at + i)
				(void)fcntl(fds[i], F_SETFD, 0);
			else
				(void)dup2(fds[i], at + i);
		snprintf(text, sizeof(text), "%d", getpid());
		setenv("LISTEN_PID", text, 1);
		execl("/proc/self/exe", "listen_test", "--adopt", expected,
		    (char *)NULL);
		_exit(127);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Moved up, so that dup2() to 3 and so on overwrites none of them. */
static int
high_fd(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	CHECK(high >= 0);
	close(fd);
	return high;
}

static void
adopts_from_systemd(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	struct listen_socket u;
	int fds[2];

	CHECK_INT(listen_open_unix(path, 0600, 1, &u), 0);
	fds[0] = high_fd(open_tcp("127.0.0.1:0").fd);
	fds[1] = high_fd(u.fd);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "smtp:policy", 1);
	CHECK_INT(
	    run_adopting(fds, 2, 3, "2 3:systemd:smtp 4:systemd:policy"), 0);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

/* Accept=yes, ListenDatagram= and whatever else is no listening socket. */
static void
refuses_other_descriptors_from_systemd(void)
{
	char enotsock[16];
	int fds[1];

	snprintf(enotsock, sizeof(enotsock), "%d", -ENOTSOCK);
	setenv("LISTEN_FDS", "1", 1);
	fds[0] = high_fd(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_INT(run_adopting(fds, 1, 3, enotsock), 0);
	fd_close(&fds[0]);
	fds[0] = high_fd(open("/dev/null", O_RDWR));
	CHECK_INT(run_adopting(fds, 1, 3, enotsock), 0);
	fd_close(&fds[0]);
	fds[0] = high_fd(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_INT(run_adopting(fds, 1, 3, enotsock), 0);
	fd_close(&fds[0]);
}

static void
adopts_from_inetd_wait(void)
{
	int fds[1] = { high_fd(open_tcp("127.0.0.1:0").fd) };

	CHECK_INT(run_adopting(fds, 1, 0, "1 0:wait:"), 0);
	fd_close(&fds[0]);
}

static void
adopts_from_inetd_nowait(void)
{
	struct listen_socket s = open_tcp("127.0.0.1:0");
	AUTO_FD client = connect_to(s.fd);
	int fds[1] = { high_fd(accept4(s.fd, NULL, NULL, SOCK_CLOEXEC)) };

	CHECK_INT(run_adopting(fds, 1, 0, "1 0:nowait:"), 0);
	fd_close(&fds[0]);
	fd_close(&s.fd);
}

/* inetd gives the connection as 1 and 2 too; nothing that we print, here that
 * the expectation failed, may reach the client. */
static void
inetd_client_hears_nothing(void)
{
	struct listen_socket s = open_tcp("127.0.0.1:0");
	AUTO_FD client = connect_to(s.fd);
	int got = high_fd(accept4(s.fd, NULL, NULL, SOCK_CLOEXEC));
	int fds[3] = { got, got, got };
	char byte;

	CHECK_INT(run_adopting(fds, 3, 0, "something else"), 1);
	fd_close(&got);
	CHECK_INT(read(client, &byte, 1), 0);
	fd_close(&s.fd);
}

/* A terminal, a file, a pipe, a unix socket: started by hand. */
static void
other_stdin_is_not_inetd(void)
{
	int pair[2], fds[1] = { high_fd(open("/dev/null", O_RDWR)) };

	CHECK_INT(run_adopting(fds, 1, 0, "0"), 0);
	fd_close(&fds[0]);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds[0] = high_fd(pair[0]);
	CHECK_INT(run_adopting(fds, 1, 0, "0"), 0);
	fd_close(&fds[0]);
	fd_close(&pair[1]);
}

/* --- accepting -------------------------------------------------------------*/

struct fixture {
	struct acceptor acceptor;
	struct listen_socket listening;
	struct loop *loop;
	int accepted, fd; /* how many, and the last one */
	bool stops;       /* the handler calls acceptor_stop() */
	int pauses_told, resumes_told, error_told;
};

static void
on_accept(struct acceptor *a, int fd, const struct sockaddr_storage *peer,
    uint64_t now)
{
	struct fixture *f = CONTAINER_OF(a, struct fixture, acceptor);

	CHECK_INT(peer->ss_family, AF_INET);
	CHECK_INT(now, loop_now(f->loop));
	check_flags(fd);
	f->accepted++;
	fd_close(&f->fd);
	f->fd = fd;
	if (f->stops)
		acceptor_stop(a);
}

static void
on_pause(struct acceptor *a, int error)
{
	struct fixture *f = CONTAINER_OF(a, struct fixture, acceptor);

	if (error == 0) {
		f->resumes_told++;
		return;
	}
	f->pauses_told++;
	f->error_told = error;
}

static void
fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .fd = -1,
		.acceptor = { .on_accept = on_accept, .on_pause = on_pause } };
	f->listening = open_tcp("127.0.0.1:0");
	CHECK_INT(loop_new(&f->loop), 0);
	CHECK_INT(acceptor_init(&f->acceptor, f->loop, f->listening.fd), 0);
}

static void
fixture_fini(struct fixture *f)
{
	acceptor_fini(&f->acceptor);
	CHECK(!timer_is_armed(&f->acceptor.retry));
	loop_free(f->loop);
	fd_close(&f->listening.fd);
	fd_close(&f->fd);
}

static void
accepts_and_tells_the_peer(void)
{
	struct fixture f;
	AUTO_FD client = -1;
	struct sockaddr_storage theirs, ours;
	socklen_t len = sizeof(theirs);

	fixture_init(&f);
	client = connect_to(f.listening.fd);
	CHECK_INT(loop_run_once(f.loop, FAR), 0);
	CHECK_INT(f.accepted, 1);
	ours = address_of(client);
	CHECK_INT(getpeername(f.fd, (struct sockaddr *)&theirs, &len), 0);
	CHECK_INT(memcmp(&ours, &theirs, sizeof(struct sockaddr_in)), 0);
	fixture_fini(&f);
}

/* A burst is taken in portions, so that sessions are not kept waiting. */
static void
bursts_are_taken_in_portions(void)
{
	enum { BURST = 100 };
	struct fixture f;
	int clients[BURST], before;

	fixture_init(&f);
	for (int i = 0; i < BURST; i++)
		clients[i] = connect_to(f.listening.fd);
	CHECK_INT(loop_run_once(f.loop, FAR), 0);
	CHECK(f.accepted > 0 && f.accepted < BURST);
	do {
		before = f.accepted;
		CHECK_INT(loop_run_once(f.loop, clock_now()), 0);
	} while (f.accepted > before);
	CHECK_INT(f.accepted, BURST);
	for (int i = 0; i < BURST; i++)
		fd_close(&clients[i]);
	fixture_fini(&f);
}

static void
stopped_leaves_them_waiting(void)
{
	struct fixture f;
	AUTO_FD client = -1;

	fixture_init(&f);
	acceptor_stop(&f.acceptor);
	acceptor_stop(&f.acceptor);
	client = connect_to(f.listening.fd);
	CHECK_INT(loop_run_once(f.loop, clock_now()), 0);
	CHECK_INT(f.accepted, 0);
	acceptor_start(&f.acceptor);
	acceptor_start(&f.acceptor);
	CHECK_INT(loop_run_once(f.loop, FAR), 0);
	CHECK_INT(f.accepted, 1);
	fixture_fini(&f);
}

static void
handler_may_stop_it(void)
{
	struct fixture f;
	AUTO_FD one = -1;
	AUTO_FD two = -1;

	fixture_init(&f);
	f.stops = true;
	one = connect_to(f.listening.fd);
	two = connect_to(f.listening.fd);
	CHECK_INT(loop_run_once(f.loop, FAR), 0);
	CHECK_INT(loop_run_once(f.loop, clock_now()), 0);
	CHECK_INT(f.accepted, 1);
	acceptor_start(&f.acceptor);
	CHECK_INT(loop_run_once(f.loop, FAR), 0);
	CHECK_INT(f.accepted, 2);
	fixture_fini(&f);
}

/* Leaves this process no descriptor to accept with, and gives it back. */
static void
allow_descriptors(bool some)
{
	static struct rlimit limit;
	struct rlimit none;

	if (some) {
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
		return;
	}
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
}

/* Out of descriptors, with a client waiting: accepting rests on a timer, tells
 * of it once, and goes on by itself. */
static void
exhaustion_pauses_instead_of_spinning(void)
{
	struct fixture f;
	AUTO_FD client = -1;
	uint64_t until = clock_now() + 350 * USEC_PER_MSEC;
	int rounds = 0;

	fixture_init(&f);
	client = connect_to(f.listening.fd);
	allow_descriptors(false);
	/* A pause may just be over then: on to the next. */
	for (; clock_now() < until || (!f.acceptor.paused && rounds <= 30);
	     rounds++)
		CHECK_INT(loop_run_once(f.loop, until), 0);
	CHECK(f.acceptor.paused);
	CHECK(f.acceptor.pauses >= 1 && f.acceptor.pauses <= 4);
	CHECK(rounds <= 30);
	CHECK_INT(f.pauses_told, 1);
	CHECK_INT(f.error_told, -EMFILE);
	CHECK_INT(f.resumes_told, 0);

	allow_descriptors(true);
	for (until = FAR; f.accepted == 0 && clock_now() < until;)
		CHECK_INT(loop_run_once(f.loop, until), 0);
	CHECK_INT(f.accepted, 1);
	CHECK_INT(f.resumes_told, 1);
	CHECK_INT(f.pauses_told, 1);
	fixture_fini(&f);
}

/* One that is stopped while it pauses stays stopped when the pause is over. */
static void
stopped_while_paused_stays_stopped(void)
{
	struct fixture f;
	AUTO_FD client = -1;
	uint64_t until = FAR;

	fixture_init(&f);
	client = connect_to(f.listening.fd);
	allow_descriptors(false);
	CHECK_INT(loop_run_once(f.loop, FAR), 0);
	CHECK(f.acceptor.paused);
	allow_descriptors(true);
	acceptor_stop(&f.acceptor);
	while (f.acceptor.paused && clock_now() < until)
		CHECK_INT(loop_run_once(f.loop, until), 0);
	CHECK(!f.acceptor.paused);
	CHECK_INT(loop_run_once(f.loop, clock_now()), 0);
	CHECK_INT(f.accepted, 0);
	acceptor_start(&f.acceptor);
	CHECK_INT(loop_run_once(f.loop, FAR), 0);
	CHECK_INT(f.accepted, 1);
	fixture_fini(&f);
}

/* Started while it pauses, it waits for the end of the pause all the same. */
static void
started_while_paused_stays_paused(void)
{
	struct fixture f;
	AUTO_FD client = -1;

	fixture_init(&f);
	client = connect_to(f.listening.fd);
	allow_descriptors(false);
	CHECK_INT(loop_run_once(f.loop, FAR), 0);
	allow_descriptors(true);
	acceptor_stop(&f.acceptor);
	acceptor_start(&f.acceptor);
	CHECK(f.acceptor.paused);
	CHECK_INT(loop_run_once(f.loop, clock_now()), 0);
	CHECK_INT(f.accepted, 0);
	fixture_fini(&f); /* while paused: the timer must be gone, too */
}

static const struct check_case cases[] = {
	CASE(tcp_ipv4),
	CASE(tcp_ipv6_beside_ipv4),
	CASE(star_is_every_ipv4_address),
	CASE(malformed_addresses_are_refused),
	CASE(port_out_of_range_is_refused),
	CASE(taken_port_is_an_error),
	CASE(foreign_address_is_an_error),
	CASE(unix_socket_has_its_mode),
	CASE(stale_unix_socket_is_replaced),
	CASE(live_unix_socket_is_left_alone),
	CASE(other_files_are_left_alone),
	CASE(unix_socket_errors),
	CASE(adopts_from_systemd),
	CASE(refuses_other_descriptors_from_systemd),
	CASE(adopts_from_inetd_wait),
	CASE(adopts_from_inetd_nowait),
	CASE(inetd_client_hears_nothing),
	CASE(other_stdin_is_not_inetd),
	CASE(accepts_and_tells_the_peer),
	CASE(bursts_are_taken_in_portions),
	CASE(stopped_leaves_them_waiting),
	CASE(handler_may_stop_it),
	CASE(exhaustion_pauses_instead_of_spinning),
	CASE(stopped_while_paused_stays_stopped),
	CASE(started_while_paused_stays_paused),
};

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--adopt") == 0)
		return adopting_child(argv[2]);
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
