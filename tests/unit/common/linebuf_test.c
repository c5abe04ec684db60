/* SPDX-License-Identifier: ISC */
#include "bin/common/linebuf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "tests/helpers/check.h"

static void
open_pipe(int *ret_in, int *ret_out)
{
	int fds[2];

	CHECK_INT(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	*ret_in = fds[0];
	*ret_out = fds[1];
}

static void
put(int fd, const char *s)
{
	CHECK_INT(write(fd, s, strlen(s)), strlen(s));
}

static void
check_data(const struct linebuf *b, const char *expected)
{
	CHECK_INT(linebuf_len(b), strlen(expected));
	CHECK(memcmp(linebuf_data(b), expected, strlen(expected)) == 0);
}

static void
pieces_become_one(void)
{
	AUTO_FD in = -1;
	AUTO_FD out = -1;
	struct linebuf b;

	open_pipe(&in, &out);
	CHECK_INT(linebuf_init(&b, 16), 0);
	check_data(&b, "");
	put(out, "ab");
	CHECK_INT(linebuf_fill(&b, in), 2);
	put(out, "cd");
	CHECK_INT(linebuf_fill(&b, in), 2);
	check_data(&b, "abcd");
	linebuf_consume(&b, 3);
	check_data(&b, "d");
	linebuf_fini(&b);
}

static void
nothing_yet_and_end_of_file(void)
{
	AUTO_FD in = -1;
	AUTO_FD out = -1;
	char room[4];
	struct linebuf b;

	open_pipe(&in, &out);
	linebuf_init_fixed(&b, room, sizeof(room));
	CHECK_INT(linebuf_fill(&b, in), -EAGAIN);
	put(out, "x");
	fd_close(&out);
	CHECK_INT(linebuf_fill(&b, in), 1);
	CHECK_INT(linebuf_fill(&b, in), 0);
	check_data(&b, "x"); /* what came before the end is still there */
	CHECK_INT(linebuf_fill(&b, -1), -EBADF);
	linebuf_fini(&b);
}

static void
full_is_an_error_that_reads_nothing(void)
{
	AUTO_FD in = -1;
	AUTO_FD out = -1;
	char room[4];
	struct linebuf b;

	open_pipe(&in, &out);
	linebuf_init_fixed(&b, room, sizeof(room));
	put(out, "abcdef");
	CHECK_INT(linebuf_fill(&b, in), 4);
	CHECK_INT(linebuf_fill(&b, in), -ENOBUFS);
	check_data(&b, "abcd");
	/* Consuming one byte makes room for one. */
	linebuf_consume(&b, 1);
	CHECK_INT(linebuf_fill(&b, in), 1);
	check_data(&b, "bcde");
	linebuf_consume(&b, 4);
	CHECK_INT(linebuf_fill(&b, in), 1);
	check_data(&b, "f");
}

static void
never_a_short_room_while_half_is_free(void)
{
	AUTO_FD in = -1;
	AUTO_FD out = -1;
	char room[8];
	struct linebuf b;

	open_pipe(&in, &out);
	linebuf_init_fixed(&b, room, sizeof(room));
	put(out, "abcdefg");
	CHECK_INT(linebuf_fill(&b, in), 7);
	linebuf_consume(&b, 6);
	/* Not just into the one byte behind the "g". */
	put(out, "hijklmn");
	CHECK_INT(linebuf_fill(&b, in), 7);
	check_data(&b, "ghijklmn");
}

/* Ten thousand messages of all lengths through a buffer of 64 bytes, read in
 * whatever pieces the pipe gives. */
static void
a_long_stream_stays_whole(void)
{
	AUTO_FD in = -1;
	AUTO_FD out = -1;
	unsigned char next_in = 0, next_out = 0;
	size_t seen = 0;
	struct linebuf b;

	open_pipe(&in, &out);
	CHECK_INT(linebuf_init(&b, 64), 0);
	for (size_t i = 0; i < 10000; i++) {
		size_t take;

		for (size_t n = i % 61; n > 0; n--, next_in++)
			CHECK_INT(write(out, &next_in, 1), 1);
		if (linebuf_fill(&b, in) < 0)
			CHECK(i % 61 == 0 || linebuf_len(&b) == 64);
		take = linebuf_len(&b) - linebuf_len(&b) * (i % 3) / 7;
		for (size_t k = 0; k < take; k++)
			CHECK_INT(
			    (unsigned char)linebuf_data(&b)[k], next_out++);
		linebuf_consume(&b, take);
		seen += take;
	}
	CHECK(seen > 200000);
	linebuf_fini(&b);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(pieces_become_one),
		CASE(nothing_yet_and_end_of_file),
		CASE(full_is_an_error_that_reads_nothing),
		CASE(never_a_short_room_while_half_is_free),
		CASE(a_long_stream_stays_whole),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
