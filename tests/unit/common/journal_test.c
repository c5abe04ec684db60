/* SPDX-License-Identifier: ISC */
#include "bin/common/journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

/* A receiver in journald's place, which never waits. */
static int
listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CHECK(fd >= 0);
	CHECK(strlen(path) < sizeof(a.sun_path));
	strcpy(a.sun_path, path);
	CHECK_INT(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* The next datagram (or what a pipe holds), or "" if there is none. */
static const char *
receive(int fd)
{
	static char buf[16384];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	CHECK(n >= 0 || errno == EAGAIN);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void
make_session(struct record *r)
{
	record_begin(r, EVENT_SESSION, "%s held for %d s", "192.0.2.1", 17);
	record_field(r, "TARPIT_CLIENT", "%s", "192.0.2.1");
	record_field(r, "TARPIT_REASON", "%s", "list.drop+100 country.CN+15");
	record_field(r, "TARPIT_HELO", "%s", "");
	record_field(r, "TARPIT_SCORE", "%d", 115);
}

/* Standard error is a pipe until end_capture(); reads from the result. */
static int saved_stderr = -1;

static int
begin_capture(void)
{
	int fds[2];

	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	CHECK_INT(fd_set_nonblocking(fds[0], true), 0);
	CHECK_INT(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	return fds[0];
}

static void
end_capture(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
}

static void
native_fields(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	AUTO_FD fd = listen_at(path);
	struct journal j;
	struct record r;

	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, path);
	make_session(&r);
	journal_send(&j, &r);
	CHECK_STR(receive(fd),
	    "PRIORITY=6\n"
	    "MESSAGE_ID=4f0d2f7c9a3e4a51b8c6d5e0719f2a10\n"
	    "SYSLOG_IDENTIFIER=tarpitd\n"
	    "TARPIT_EVENT=session\n"
	    "MESSAGE=192.0.2.1 held for 17 s\n"
	    "TARPIT_CLIENT=192.0.2.1\n"
	    "TARPIT_REASON=list.drop+100 country.CN+15\n"
	    "TARPIT_HELO=\n"
	    "TARPIT_SCORE=115\n");
	CHECK_STR(receive(fd), "");
	CHECK_INT(j.sent, 1);
	CHECK_INT(j.dropped, 0);
	journal_fini(&j);
}

static void
event_without_fields(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	AUTO_FD fd = listen_at(path);
	struct journal j;

	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, path);
	journal_event(&j, EVENT_POLICY_DOWN, "no answer for %d s", 3);
	CHECK_STR(receive(fd),
	    "PRIORITY=4\n"
	    "MESSAGE_ID=1e6c9b02f8a74d35b4c1e7d96f30a816\n"
	    "SYSLOG_IDENTIFIER=tarpitd\n"
	    "TARPIT_EVENT=policy_down\n"
	    "MESSAGE=no answer for 3 s\n");
	journal_fini(&j);
}

static void
check_value(const char *value, const char *expected)
{
	char line[256];
	struct record r;

	record_begin(&r, EVENT_SESSION, "%s", value);
	record_field(&r, "X", "%s", value);
	snprintf(line, sizeof(line), "MESSAGE=%s\nX=%s\n", expected, expected);
	CHECK_INT(r.len, strlen(line));
	CHECK(memcmp(r.buf, line, r.len) == 0);
	CHECK(!r.truncated);
}

static void
hostile_bytes_become_question_marks(void)
{
	/* Controls: a forged field, a terminal's escape. */
	check_value("a\nMESSAGE=forged", "a?MESSAGE=forged");
	check_value("\r\t\x1b[2J\x7f", "???[2J?");
	/* C1 controls, raw and as UTF-8. */
	check_value("a\x9b"
		    "2J",
	    "a?2J");
	check_value("a\xc2\x9b"
		    "2J",
	    "a??2J");
	/* UTF-8 that is none: alone, cut short, overlong, surrogate, above
	 * Unicode. */
	check_value("\x80", "?");
	check_value("\xff\xfe", "??");
	check_value("\xc3", "?");
	check_value("\xe2\x82", "??");
	check_value("\xc0\xaf", "??");
	check_value("\xe0\x80\xaf", "???");
	check_value("\xed\xa0\x80", "???");
	check_value("\xf4\x90\x80\x80", "????");
	check_value("\xf8\x88\x80\x80\x80", "?????");
}

static void
readable_utf8_is_kept(void)
{
	check_value("\xc2\xa0", "\xc2\xa0");
	check_value("postma\xc3\xaetre", "postma\xc3\xaetre");
	check_value("\xe2\x82\xac\xed\x9f\xbf", "\xe2\x82\xac\xed\x9f\xbf");
	check_value("\xf0\x9f\x90\x8c\xf4\x8f\xbf\xbf",
	    "\xf0\x9f\x90\x8c\xf4\x8f\xbf\xbf");
}

static void
field_that_does_not_fit_is_left_out(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	AUTO_FD fd = listen_at(path);
	struct journal j;
	struct record r;
	size_t before, room;
	const char *got;

	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, path);
	make_session(&r);
	before = r.len;
	room = sizeof(r.buf) - r.len - strlen("LONG=\n");
	record_field(&r, "LONG", "%0*d", (int)room + 1, 0);
	CHECK(r.truncated);
	CHECK_INT(r.len, before);
	record_field(&r, "SHORT", "1"); /* what fits still gets in */
	CHECK_INT(r.len, before + strlen("SHORT=1\n"));
	journal_send(&j, &r);
	got = receive(fd);
	CHECK_STR(strstr(got, "SHORT="), "SHORT=1\nTARPIT_TRUNCATED=1\n");

	make_session(&r);
	record_field(&r, "LONG", "%0*d", (int)room, 0);
	CHECK(!r.truncated);
	CHECK_INT(r.len, sizeof(r.buf));
	record_field(&r, "MORE", "%s", "");
	CHECK(r.truncated);
	CHECK_INT(r.len, sizeof(r.buf));
	journal_send(&j, &r);
	CHECK(strlen(receive(fd)) > sizeof(r.buf));
	journal_fini(&j);
}

static void
message_that_does_not_fit_is_cut(void)
{
	struct record r;

	record_begin(&r, EVENT_SESSION, "%05000d", 0);
	CHECK(r.truncated);
	CHECK_INT(r.len, sizeof(r.buf));
	CHECK(memcmp(r.buf, "MESSAGE=000", 11) == 0);
	CHECK_INT(r.buf[r.len - 1], '\n');
}

/* Sends until the first drop; how many went before. */
static uint64_t
fill(struct journal *j)
{
	for (int i = 0; i < 100000 && j->dropped == 0; i++)
		journal_event(j, EVENT_STARTED, "number %d", i);
	CHECK_INT(j->dropped, 1);
	CHECK(j->sent > 0);
	return j->sent;
}

static void
full_queue_drops_and_tells_later(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	AUTO_FD fd = listen_at(path);
	struct journal j;
	uint64_t sent;
	const char *got;

	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, path);
	sent = fill(&j); /* would hang here if it could wait */
	journal_event(&j, EVENT_STARTED, "and two");
	journal_event(&j, EVENT_STARTED, "and three");
	CHECK_INT(j.dropped, 3);
	CHECK_INT(j.sent, sent);
	for (uint64_t i = 0; i < sent; i++)
		CHECK(strstr(receive(fd), "MESSAGE=number ") != NULL);
	CHECK_STR(receive(fd), "");

	journal_event(&j, EVENT_STARTED, "back");
	got = receive(fd);
	CHECK(strstr(got, "MESSAGE_ID=5ad84c3be1f94d6c97e0b2f6318da515\n"));
	CHECK(strstr(got, "PRIORITY=4\n"));
	CHECK(strstr(got, "TARPIT_EVENT=dropped\n"));
	CHECK(strstr(got, "TARPIT_DROPPED=3\n"));
	CHECK(strstr(receive(fd), "MESSAGE=back\n"));
	CHECK_INT(j.sent, sent + 1);
	CHECK_INT(j.reported, 3);
	/* Told once. */
	journal_event(&j, EVENT_STARTED, "on");
	CHECK(strstr(receive(fd), "MESSAGE=on\n"));
	CHECK_STR(receive(fd), "");
	journal_fini(&j);
}

/* Room for one: the report takes it, and what it displaced is told of next. */
static void
report_may_take_the_last_room(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	AUTO_FD fd = listen_at(path);
	struct journal j;
	uint64_t sent;
	const char *got = "";

	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, path);
	sent = fill(&j);
	receive(fd);
	journal_event(&j, EVENT_STARTED, "displaced");
	CHECK_INT(j.sent, sent);
	CHECK_INT(j.dropped, 2);
	CHECK_INT(j.reported, 1);
	for (uint64_t i = 0; i < sent; i++)
		got = receive(fd);
	CHECK(strstr(got, "TARPIT_DROPPED=1\n"));
	journal_event(&j, EVENT_STARTED, "back");
	CHECK(strstr(receive(fd), "TARPIT_DROPPED=1\n"));
	CHECK(strstr(receive(fd), "MESSAGE=back\n"));
	CHECK_INT(j.reported, j.dropped);
	journal_fini(&j);
}

static void
receiver_that_comes_and_goes(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	AUTO_FD fd = -1;
	struct journal j;

	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, path);
	errno = EXDEV;
	journal_event(&j, EVENT_STARTED, "nobody there"); /* ENOENT */
	CHECK_INT(errno, EXDEV);
	CHECK_INT(j.dropped, 1);
	fd = listen_at(path);
	journal_event(&j, EVENT_STARTED, "one");
	CHECK(strstr(receive(fd), "TARPIT_DROPPED=1\n"));
	CHECK(strstr(receive(fd), "MESSAGE=one\n"));
	fd_close(&fd);
	journal_event(&j, EVENT_STARTED, "nobody there"); /* ECONNREFUSED */
	CHECK_INT(j.dropped, 2);
	CHECK_INT(unlink(path), 0);
	fd = listen_at(path);
	journal_event(&j, EVENT_STARTED, "two");
	CHECK(strstr(receive(fd), "TARPIT_DROPPED=1\n"));
	CHECK(strstr(receive(fd), "MESSAGE=two\n"));
	CHECK_INT(j.sent, 2);
	journal_fini(&j);
}

/* Nothing else is recorded for a while, or ever. */
static void
drops_are_told_of_without_another_record(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	AUTO_FD fd = -1;
	struct journal j;

	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, path);
	CHECK(journal_tell_drops(&j)); /* there are none */
	journal_event(&j, EVENT_STARTED, "nobody there");
	CHECK(!journal_tell_drops(&j));
	fd = listen_at(path);
	CHECK(journal_tell_drops(&j));
	CHECK(strstr(receive(fd), "TARPIT_DROPPED=1\n"));
	CHECK(journal_tell_drops(&j));
	CHECK_STR(receive(fd), "");
	journal_fini(&j);
}

static void
drops_are_told_of_at_the_end(void)
{
	AUTO_FREE char *path = scratch_path("socket");
	AUTO_FD fd = -1;
	struct journal j;
	uint64_t began;

	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, path);
	journal_event(&j, EVENT_STARTED, "nobody there");
	fd = listen_at(path);
	journal_fini(&j);
	CHECK(strstr(receive(fd), "TARPIT_DROPPED=1\n"));
	CHECK_STR(receive(fd), "");
	/* One that never comes back does not keep the program from ending. */
	journal_init_target(&j, "tarpitd", JOURNAL_NATIVE, "/nowhere");
	journal_event(&j, EVENT_STARTED, "nobody there");
	began = clock_now();
	journal_fini(&j);
	CHECK_INT(j.target, JOURNAL_NOWHERE);
	/* But it was given its time. */
	CHECK(clock_now() - began >= JOURNAL_FINI_WAIT * USEC_PER_MSEC);
}

static void
stderr_is_one_line(void)
{
	AUTO_FD fd = begin_capture();
	struct journal j;
	struct record r;
	const char *got;

	journal_init(&j, "tarpitd");
	make_session(&r);
	record_field(&r, "TARPIT_SENDER", "%s", "\"a\\b\"@c");
	record_field(&r, "OTHER_Field", "x=y");
	journal_send(&j, &r);
	got = receive(fd);
	end_capture();
	CHECK_INT(j.target, JOURNAL_STDERR);
	CHECK_STR(got,
	    "tarpitd: 192.0.2.1 held for 17 s event=session "
	    "client=192.0.2.1 reason=\"list.drop+100 country.CN+15\" "
	    "helo=\"\" score=115 sender=\"\\\"a\\\\b\\\"@c\" "
	    "other_field=\"x=y\"\n");
	CHECK_INT(j.sent, 1);
	journal_fini(&j);
}

static void
stderr_line_fits_a_pipe_write(void)
{
	char quotes[3001] = "";
	AUTO_FD fd = begin_capture();
	struct journal j;
	struct record r;
	const char *got;

	/* Each quote is doubled on the way, so the record fits and the line
	 * does not. */
	journal_init(&j, "tarpitd");
	record_begin(&r, EVENT_SESSION, "m");
	memset(quotes, '"', sizeof(quotes) - 1);
	record_field(&r, "TARPIT_HELO", "%s", quotes);
	record_field(&r, "TARPIT_SHORT", "1");
	journal_send(&j, &r);
	got = receive(fd);
	end_capture();
	CHECK(!r.truncated);
	CHECK_STR(got, "tarpitd: m event=session short=1 truncated=1\n");
	journal_fini(&j);

	fd_close(&fd);
	fd = begin_capture();
	journal_init(&j, "tarpitd");
	record_begin(&r, EVENT_SESSION, "%05000d", 0);
	journal_send(&j, &r);
	got = receive(fd);
	end_capture();
	CHECK_INT(strlen(got), PIPE_BUF);
	CHECK_STR(got + PIPE_BUF - 13, " truncated=1\n");
	journal_fini(&j);
}

static void
stderr_that_is_full_drops(void)
{
	AUTO_FD fd = begin_capture();
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	struct journal j;
	uint64_t lines = 0;
	const char *got;

	journal_init(&j, "tarpitd");
	fill(&j); /* would hang here if it could wait */
	CHECK_INT(fcntl(STDERR_FILENO, F_GETFL), flags);
	while (*(got = receive(fd)) != '\0')
		for (; (got = strchr(got, '\n')) != NULL; got++)
			lines++;
	journal_event(&j, EVENT_STARTED, "back");
	got = receive(fd);
	end_capture();
	CHECK_INT(lines + 1, j.sent); /* whole lines only */
	CHECK_STR(got,
	    "tarpitd: 1 records were dropped because the journal did not "
	    "keep up event=dropped dropped=1\n"
	    "tarpitd: back event=started\n");
	journal_fini(&j);
}

static void
stderr_in_a_file_is_appended_to(void)
{
	AUTO_FREE char *path = scratch_path("log");
	AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct journal j;

	close(begin_capture());
	CHECK_INT(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	fputs("before\n", stderr);
	journal_init(&j, "tarpitd");
	journal_event(&j, EVENT_STARTED, "m");
	fputs("after\n", stderr);
	end_capture();
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	CHECK_STR(receive(fd), "before\ntarpitd: m event=started\nafter\n");
	journal_fini(&j);
}

static void
syslog_datagram(void)
{
	AUTO_FREE char *path = scratch_path("log");
	AUTO_FD fd = listen_at(path);
	char expected[256];
	struct journal j;
	struct record r;

	journal_init_target(&j, "tarpitd", JOURNAL_SYSLOG, path);
	make_session(&r);
	journal_send(&j, &r);
	/* mail.info: facility 2, severity 6 */
	snprintf(expected, sizeof(expected),
	    "<22>tarpitd[%d]: 192.0.2.1 held for 17 s event=session "
	    "client=192.0.2.1 reason=\"list.drop+100 country.CN+15\" "
	    "helo=\"\" score=115",
	    (int)getpid());
	CHECK_STR(receive(fd), expected);
	journal_fini(&j);
}

static void
nowhere_is_no_crash(void)
{
	struct journal j;

	journal_init_target(&j, "tarpitd", JOURNAL_NOWHERE, NULL);
	journal_event(&j, EVENT_STARTED, "unheard");
	CHECK_INT(j.sent, 0);
	CHECK_INT(j.dropped, 1);
	journal_fini(&j);
	journal_fini(&j);
}

static enum journal_target
chosen(const char *journal_stream)
{
	enum journal_target target;
	struct journal j;

	if (journal_stream != NULL)
		setenv("JOURNAL_STREAM", journal_stream, 1);
	else
		unsetenv("JOURNAL_STREAM");
	journal_init(&j, "tarpitd");
	target = j.target;
	journal_fini(&j);
	return target;
}

static void
one_record_in_a_pause(void)
{
	uint64_t next = 0, began = 5;

	CHECK(journal_is_due(&next, began));
	CHECK(!journal_is_due(&next, began));
	CHECK(!journal_is_due(&next, began + JOURNAL_PAUSE - 1));
	CHECK(journal_is_due(&next, began + JOURNAL_PAUSE));
	CHECK(!journal_is_due(&next, began + JOURNAL_PAUSE + 1));
}

static void
what_alternates_has_a_pair_in_a_pause(void)
{
	struct journal_flap flap = { 0 };
	uint64_t now = 5;

	CHECK(!journal_flaps(&flap, false, now));
	CHECK(journal_flaps(&flap, true, now));
	CHECK(!journal_flaps(&flap, true, now + JOURNAL_PAUSE));
	CHECK(journal_flaps(&flap, false, now + JOURNAL_PAUSE));
	now += JOURNAL_PAUSE;
	CHECK(journal_flaps(&flap, true, now));
	CHECK(journal_flaps(&flap, false, now + 1));
	for (int i = 2; i < 100; i++)
		CHECK(!journal_flaps(&flap, i % 2 == 0, now + (uint64_t)i));
	/* It stays so, which is told of late. */
	CHECK(!journal_flaps(&flap, true, now + JOURNAL_PAUSE - 1));
	CHECK(journal_flaps(&flap, true, now + JOURNAL_PAUSE));
	CHECK(journal_flaps(&flap, false, now + JOURNAL_PAUSE + 1));
}

static void
init_chooses_by_what_stderr_is(void)
{
	enum journal_target no_stderr =
	    access("/dev/log", W_OK) == 0 ? JOURNAL_SYSLOG : JOURNAL_NOWHERE;
	AUTO_FD pipe_end = begin_capture();
	enum journal_target pipe, mine, socket, socket_mine, closed;
	char stream[64];
	struct stat st;
	int pair[2];

	pipe = chosen(NULL);
	CHECK_INT(chosen("garbage"), JOURNAL_STDERR);
	CHECK_INT(chosen("1:1"), JOURNAL_STDERR); /* inherited, not ours */
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	mine = chosen(stream);
	/* A client's socket, as under inetd; a journal's is one as well. */
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	dup2(pair[0], STDERR_FILENO);
	socket = chosen(NULL);
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	socket_mine = chosen(stream);
	close(STDERR_FILENO);
	closed = chosen(stream);
	end_capture();
	close(pair[0]);
	close(pair[1]);
	CHECK_INT(pipe, JOURNAL_STDERR);
	CHECK_INT(mine, JOURNAL_NATIVE);
	CHECK_INT(socket, no_stderr);
	CHECK_INT(socket_mine, JOURNAL_NATIVE);
	CHECK_INT(closed, no_stderr);
}

static void
event_table_is_sound(void)
{
	for (enum event e = 0; e < EVENT_COUNT; e++) {
		const char *id = event_id(e);

		CHECK_INT(strlen(id), 32);
		CHECK_INT(strspn(id, "0123456789abcdef"), 32);
		CHECK(event_priority(e) >= 0 && event_priority(e) <= 7);
		for (const char *p = event_name(e); *p != '\0'; p++)
			CHECK(isupper((unsigned char)*p) || *p == '_');
		for (enum event other = 0; other < e; other++) {
			CHECK(strcmp(event_id(other), id) != 0);
			CHECK(strcmp(event_name(other), event_name(e)) != 0);
		}
	}
	CHECK_STR(event_name(EVENT_POLICY_DOWN), "POLICY_DOWN");
}

/* Prints "ID NAME PRIORITY FIELD..." for each event, for the tests that walk
 * the table. */
static void
list_events(void)
{
	static const char *const fields[] = {
#define EVENT(name, id, priority, description, ...) "" __VA_ARGS__,
#include "bin/common/events.def"
#undef EVENT
	};

	for (enum event e = 0; e < EVENT_COUNT; e++)
		printf("%s %s %d %s\n", event_id(e), event_name(e),
		    event_priority(e), fields[e]);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(native_fields),
		CASE(event_without_fields),
		CASE(hostile_bytes_become_question_marks),
		CASE(readable_utf8_is_kept),
		CASE(field_that_does_not_fit_is_left_out),
		CASE(message_that_does_not_fit_is_cut),
		CASE(full_queue_drops_and_tells_later),
		CASE(report_may_take_the_last_room),
		CASE(receiver_that_comes_and_goes),
		CASE(drops_are_told_of_without_another_record),
		CASE(drops_are_told_of_at_the_end),
		CASE(stderr_is_one_line),
		CASE(stderr_line_fits_a_pipe_write),
		CASE(stderr_that_is_full_drops),
		CASE(stderr_in_a_file_is_appended_to),
		CASE(syslog_datagram),
		CASE(nowhere_is_no_crash),
		CASE(one_record_in_a_pause),
		CASE(what_alternates_has_a_pair_in_a_pause),
		CASE(init_chooses_by_what_stderr_is),
		CASE(event_table_is_sound),
		CASE(list_events),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
