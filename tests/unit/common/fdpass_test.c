/* SPDX-License-Identifier: ISC */
#include "bin/common/fdpass.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include "bin/common/fd.h"
#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"

/* A pipe goes over SOCK; what is written to it afterwards proves that it is
 * the same pipe. */
struct fixture {
	int sock[2], pipe[2];
};

static struct fixture
fixture_new(void)
{
	struct fixture f;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f.sock) == 0);
	CHECK(pipe2(f.pipe, O_CLOEXEC) == 0);
	return f;
}

static void
fixture_close(struct fixture *f)
{
	for (int i = 0; i < 2; i++) {
		fd_close(&f->sock[i]);
		fd_close(&f->pipe[i]);
	}
}

/* Sends N copies of FD in one message, which fdpass_send() never does. */
static void
send_several(int sock, int fd, size_t n)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} control = { .room = { 0 } };
	char byte = 'x';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	CHECK(n <= 8);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(int));
	CHECK_INT(sendmsg(sock, &msg, 0), 1);
}

static void
passes_a_descriptor_with_bytes(void)
{
	struct fixture f = fixture_new();
	AUTO_FD got = -1;
	char buf[16] = "";

	CHECK_INT(fdpass_send(f.sock[0], f.pipe[1], "hello", 5), 5);
	fd_close(&f.pipe[1]);
	CHECK_INT(fdpass_recv(f.sock[1], buf, sizeof(buf) - 1, &got), 5);
	CHECK_STR(buf, "hello");
	CHECK(got >= 0);
	CHECK_INT(fcntl(got, F_GETFD), FD_CLOEXEC);
	CHECK_INT(write(got, "through", 7), 7);
	CHECK_INT(read(f.pipe[0], buf, sizeof(buf)), 7);
	fixture_close(&f);
}

static void
receives_bytes_without_descriptor(void)
{
	struct fixture f = fixture_new();
	char buf[16];
	int got = 99;

	CHECK_INT(write(f.sock[0], "plain", 5), 5);
	CHECK_INT(fdpass_recv(f.sock[1], buf, sizeof(buf), &got), 5);
	CHECK_INT(got, -1);
	fixture_close(&f);
}

/* The descriptor comes with the first bytes of its message, the rest without
 * one. */
static void
short_reads_get_it_once(void)
{
	struct fixture f = fixture_new();
	AUTO_FD first = -1;
	char buf[4];
	int second = 99;

	CHECK_INT(fdpass_send(f.sock[0], f.pipe[1], "abcdef", 6), 6);
	CHECK_INT(fdpass_recv(f.sock[1], buf, 3, &first), 3);
	CHECK(first >= 0);
	CHECK_INT(fdpass_recv(f.sock[1], buf, 3, &second), 3);
	CHECK_INT(second, -1);
	fixture_close(&f);
}

static void
nothing_there_is_eagain(void)
{
	struct fixture f = fixture_new();
	char buf[16];
	int got = 99;

	CHECK_INT(fdpass_recv(f.sock[1], buf, sizeof(buf), &got), -EAGAIN);
	CHECK_INT(got, 99);
	fixture_close(&f);
}

static void
end_of_file_is_zero(void)
{
	struct fixture f = fixture_new();
	char buf[16];
	int got = 99;

	fd_close(&f.sock[0]);
	CHECK_INT(fdpass_recv(f.sock[1], buf, sizeof(buf), &got), 0);
	CHECK_INT(got, -1);
	fixture_close(&f);
}

static void
sending_no_bytes_is_an_error(void)
{
	struct fixture f = fixture_new();

	CHECK_INT(fdpass_send(f.sock[0], f.pipe[1], "", 0), -EINVAL);
	fixture_close(&f);
}

/* And no SIGPIPE, which would end this program. */
static void
closed_peer_is_epipe(void)
{
	struct fixture f = fixture_new();

	fd_close(&f.sock[1]);
	CHECK_INT(fdpass_send(f.sock[0], f.pipe[1], "x", 1), -EPIPE);
	fixture_close(&f);
}

static void
full_peer_is_eagain_and_keeps_it(void)
{
	struct fixture f = fixture_new();
	char block[65536] = { 0 };
	ssize_t n = 0;

	for (int i = 0; i < 1000 && n >= 0; i++)
		n = fdpass_send(f.sock[0], f.pipe[1], block, sizeof(block));
	CHECK_INT(n, -EAGAIN);
	CHECK(fcntl(f.pipe[1], F_GETFD) >= 0);
	fixture_close(&f);
}

static void
check_several_refused(size_t n)
{
	struct fixture f = fixture_new();
	int before = descriptors_open();
	char buf[16];
	int got = 99;

	send_several(f.sock[0], f.pipe[1], n);
	CHECK_INT(fdpass_recv(f.sock[1], buf, sizeof(buf), &got), -EBADMSG);
	CHECK_INT(got, 99);
	CHECK_INT(descriptors_open(), before);
	fixture_close(&f);
}

static void
several_descriptors_are_refused(void)
{
	check_several_refused(2);
}

/* More than the control buffer holds: the kernel cuts the message. */
static void
truncated_control_is_refused(void)
{
	check_several_refused(3);
	check_several_refused(8);
}

/* Out of descriptors, the kernel drops what came and marks the message cut:
 * that must not look like a message without a descriptor. */
static void
no_room_for_it_is_noticed(void)
{
	struct fixture f = fixture_new();
	struct rlimit limit, none = { .rlim_cur = 3, .rlim_max = 3 };
	char buf[16];
	int got = 99;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	CHECK_INT(fdpass_send(f.sock[0], f.pipe[1], "x", 1), 1);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_INT(fdpass_recv(f.sock[1], buf, sizeof(buf), &got), -EBADMSG);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fixture_close(&f);
}

static const struct check_case cases[] = {
	CASE(passes_a_descriptor_with_bytes),
	CASE(receives_bytes_without_descriptor),
	CASE(short_reads_get_it_once),
	CASE(nothing_there_is_eagain),
	CASE(end_of_file_is_zero),
	CASE(sending_no_bytes_is_an_error),
	CASE(closed_peer_is_epipe),
	CASE(full_peer_is_eagain_and_keeps_it),
	CASE(several_descriptors_are_refused),
	CASE(truncated_control_is_refused),
	CASE(no_room_for_it_is_noticed),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
