/* SPDX-License-Identifier: ISC */
#include "bin/common/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bin/common/fd.h"

/* LOG_MAIL of syslog.h, which would bring syslog() and its static state. */
enum { FACILITY_MAIL = 2 << 3 };

enum { SNDBUF = 8 << 20 };

static const char native_path[] = "/run/systemd/journal/socket";
static const char syslog_path[] = "/dev/log";

static const struct {
	const char *name, *id;
	int priority;
} events[] = {
#define EVENT(name, id, priority, ...) [EVENT_##name] = { #name, id, priority },
#include "bin/common/events.def"
#undef EVENT
};

/* Text that is cut, never overrun; the last byte is kept for the caller. */
struct text {
	char *buf;
	size_t size, len;
};

const char *
event_id(enum event event)
{
	return events[event].id;
}

int
event_priority(enum event event)
{
	return events[event].priority;
}

const char *
event_name(enum event event)
{
	return events[event].name;
}

/* Whether stderr is the stream that the service manager opened for us: only
 * then is its journal the one to talk to. */
static bool
is_journal_stream(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;

	return stream != NULL &&
	    sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &dev, &ino) == 2 &&
	    dev == st->st_dev && ino == st->st_ino;
}

/* Standard error without waiting.  O_NONBLOCK on the descriptor that we were
 * given would hit everyone who shares it, so a pipe or a terminal is opened
 * anew; where that is refused poll() has to do, which leaves a race with
 * other writers of the same pipe. */
static int
open_stderr(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDERR_FILENO, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		fd = open("/proc/self/fd/2",
		    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : STDERR_FILENO;
}

void
journal_init_target(struct journal *j, const char *program,
    enum journal_target target, const char *path)
{
	*j = (struct journal){
		.target = target,
		.fd = -1,
		.address.sun_family = AF_UNIX,
		.program = program,
		.max_priority = 7,
	};
	if (target == JOURNAL_STDERR)
		j->fd = open_stderr();
	if (target == JOURNAL_STDERR || target == JOURNAL_NOWHERE)
		return;
	if (path == NULL)
		path = target == JOURNAL_NATIVE ? native_path : syslog_path;
	snprintf(j->address.sun_path, sizeof(j->address.sun_path), "%s", path);
	/* Never connected: the receiver may be restarted under us. */
	j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* As much as the kernel lets us have (net.core.wmem_max, doubled):
	 * the usual size is 90 records, which is 50 ms at 2,000 a second. */
	(void)setsockopt(
	    j->fd, SOL_SOCKET, SO_SNDBUF, &(int){ SNDBUF }, sizeof(int));
}

void
journal_init(struct journal *j, const char *program)
{
	enum journal_target target = JOURNAL_NOWHERE;
	struct stat st;
	bool is_open = fstat(STDERR_FILENO, &st) == 0;

	if (is_open && is_journal_stream(&st))
		target = JOURNAL_NATIVE;
	else if (is_open && !S_ISSOCK(st.st_mode))
		target = JOURNAL_STDERR;
	else if (access(syslog_path, W_OK) == 0)
		target = JOURNAL_SYSLOG;
	journal_init_target(j, program, target, NULL);
}

void
journal_fini(struct journal *j)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };

	if (j->target != JOURNAL_NOWHERE)
		for (int msec = 0;
		     msec < JOURNAL_FINI_WAIT && !journal_tell_drops(j);
		     msec += 10)
			(void)nanosleep(&pause, NULL);
	if (j->fd != STDERR_FILENO)
		fd_close(&j->fd);
	*j = (struct journal){ .target = JOURNAL_NOWHERE, .fd = -1 };
}

/* The length of the UTF-8 sequence at S (N > 0 bytes) if it may be shown to a
 * human, else 0: not for controls (C1 too: CSI is one byte on some
 * terminals), overlong forms, surrogates and what is beyond Unicode. */
static size_t
printable_utf8(const unsigned char *s, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (len == 1)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] < 0xc0 || s[0] > 0xf7 || len > n)
		return 0;
	c = s[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c < 0xa0 || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

static void
sanitize(char *s, size_t len)
{
	size_t step;

	for (size_t i = 0; i < len; i += step) {
		step = printable_utf8((unsigned char *)s + i, len - i);
		if (step == 0) {
			s[i] = '?';
			step = 1;
		}
	}
}

/* Appends "NAME=value LF"; false if it did not fit and nothing was added,
 * unless CUT: then the value is shortened. */
static bool add_field(struct record *, bool cut, const char *name,
    const char *format, va_list) __attribute__((format(printf, 4, 0)));

static bool
add_field(struct record *r, bool cut, const char *name, const char *format,
    va_list ap)
{
	size_t room = sizeof(r->buf) - r->len, name_len = strlen(name);
	char *p = r->buf + r->len;
	size_t value_len;
	int n;

	if (room < name_len + 2)
		return false;
	room -= name_len + 1; /* for the value and its LF (NUL for now) */
	n = vsnprintf(p + name_len + 1, room, format, ap);
	if (n < 0)
		n = 0; /* an unprintable wide character; the field stays */
	if ((size_t)n >= room && !cut)
		return false;
	value_len = (size_t)n < room ? (size_t)n : room - 1;
	memcpy(p, name, name_len);
	p[name_len] = '=';
	sanitize(p + name_len + 1, value_len);
	p[name_len + 1 + value_len] = '\n';
	r->len += name_len + value_len + 2;
	return (size_t)n < room;
}

static void begin(struct record *, enum event, const char *format, va_list)
    __attribute__((format(printf, 3, 0)));

static void
begin(struct record *r, enum event event, const char *format, va_list ap)
{
	r->event = event;
	r->len = 0;
	r->truncated = !add_field(r, true, "MESSAGE", format, ap);
}

void
record_begin(struct record *r, enum event event, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	begin(r, event, format, ap);
	va_end(ap);
}

void
record_field(struct record *r, const char *name, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (!add_field(r, false, name, format, ap))
		r->truncated = true;
	va_end(ap);
}

static char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void
text_put(struct text *t, const char *s, size_t len)
{
	if (len > t->size - t->len)
		len = t->size - t->len;
	memcpy(t->buf + t->len, s, len);
	t->len += len;
}

static void
text_put_lower(struct text *t, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_put(t, &(char){ to_lower(s[i]) }, 1);
}

/* The value, in quotes if what reads the line could not tell its end. */
static void
text_put_value(struct text *t, const char *s, size_t len)
{
	bool quote = len == 0;

	for (size_t i = 0; i < len && !quote; i++)
		quote = strchr(" \"\\=", s[i]) != NULL;
	if (!quote) {
		text_put(t, s, len);
		return;
	}
	text_put(t, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			text_put(t, "\\", 1);
		text_put(t, s + i, 1);
	}
	text_put(t, "\"", 1);
}

/* Appends " name=value" for the journal field at FIELD, or takes it back and
 * says false when it does not fit. */
static bool
text_put_field(struct text *t, const char *field, const char *lf)
{
	static const char prefix[] = "TARPIT_";
	const char *equals = memchr(field, '=', (size_t)(lf - field));
	size_t before = t->len;

	if (strncmp(field, prefix, sizeof(prefix) - 1) == 0)
		field += sizeof(prefix) - 1;
	text_put(t, " ", 1);
	text_put_lower(t, field, (size_t)(equals - field));
	text_put(t, "=", 1);
	text_put_value(t, equals + 1, (size_t)(lf - equals - 1));
	if (t->len < t->size)
		return true;
	t->len = before;
	return false;
}

/* One line of text, LF included: the message, then key=value. */
static void
text_put_record(struct text *t, const struct record *r)
{
	static const char cut[] = " truncated=1";
	const char *end = r->buf + r->len;
	const char *message = r->buf + sizeof("MESSAGE=") - 1;
	const char *lf = memchr(message, '\n', (size_t)(end - message));
	const char *name = event_name(r->event);
	bool truncated = r->truncated;

	t->size -= sizeof(cut); /* whose NUL makes room for the LF */
	text_put(t, message, (size_t)(lf - message));
	text_put(t, " event=", 7);
	text_put_lower(t, name, strlen(name));
	truncated |= t->len == t->size;
	for (const char *field = lf + 1; field < end; field = lf + 1) {
		lf = memchr(field, '\n', (size_t)(end - field));
		truncated |= !text_put_field(t, field, lf);
	}
	t->size += sizeof(cut);
	if (truncated)
		text_put(t, cut, sizeof(cut) - 1);
	text_put(t, "\n", 1);
}

static bool
send_datagram(const struct journal *j, struct iovec *iov, size_t n)
{
	struct msghdr m = {
		/* sendmsg() does not write there. */
		.msg_name = (void *)(uintptr_t)&j->address,
		.msg_namelen = sizeof(j->address),
		.msg_iov = iov,
		.msg_iovlen = n,
	};

	/* sd_journal_send() would wait for a stopped journald.  No error is
	 * worth more than a drop: the next record tries again. */
	return sendmsg(j->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static bool
send_native(const struct journal *j, const struct record *r)
{
	static const char truncated[] = "TARPIT_TRUNCATED=1\n";
	char buf[512];
	struct text t = { .buf = buf, .size = sizeof(buf) };
	const char *name = event_name(r->event);
	struct iovec iov[3] = {
		{ .iov_base = buf },
		{ (void *)(uintptr_t)r->buf, r->len },
		{ (void *)(uintptr_t)truncated, sizeof(truncated) - 1 },
	};

	t.len = (size_t)snprintf(buf, sizeof(buf),
	    "PRIORITY=%d\nMESSAGE_ID=%s\nSYSLOG_IDENTIFIER=%.128s\n"
	    "TARPIT_EVENT=",
	    event_priority(r->event), event_id(r->event), j->program);
	text_put_lower(&t, name, strlen(name));
	text_put(&t, "\n", 1);
	iov[0].iov_len = t.len;
	return send_datagram(j, iov, r->truncated ? 3 : 2);
}

static bool
send_syslog(const struct journal *j, const struct record *r)
{
	char buf[PIPE_BUF];
	struct text t = { .buf = buf, .size = sizeof(buf) };
	struct iovec iov = { .iov_base = buf };

	t.len = (size_t)snprintf(buf, sizeof(buf),
	    "<%d>%.128s[%ld]: ", FACILITY_MAIL | event_priority(r->event),
	    j->program, (long)getpid());
	text_put_record(&t, r);
	iov.iov_len = t.len - 1; /* a datagram needs no LF */
	return send_datagram(j, &iov, 1);
}

/* A pipe that polls writable has a free page, so that a line of at most
 * PIPE_BUF bytes goes whole and at once. */
static bool
send_stderr(const struct journal *j, const struct record *r)
{
	char buf[PIPE_BUF];
	struct text t = { .buf = buf, .size = sizeof(buf) };
	struct pollfd p = { .fd = j->fd, .events = POLLOUT };

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0)
		return false;
	t.len = (size_t)snprintf(buf, sizeof(buf), "%.128s: ", j->program);
	text_put_record(&t, r);
	return write(j->fd, buf, t.len) >= 0;
}

static bool
send_record(const struct journal *j, const struct record *r)
{
	switch (j->target) {
	case JOURNAL_NATIVE:
		return send_native(j, r);
	case JOURNAL_STDERR:
		return send_stderr(j, r);
	case JOURNAL_SYSLOG:
		return send_syslog(j, r);
	case JOURNAL_NOWHERE:
		return false;
	}
	return false;
}

bool
journal_tell_drops(struct journal *j)
{
	uint64_t n = j->dropped - j->reported;
	struct record r;

	if (n == 0)
		return true;
	record_begin(&r, EVENT_DROPPED,
	    "%" PRIu64 " records were dropped because the journal did not "
	    "keep up",
	    n);
	record_field(&r, "TARPIT_DROPPED", "%" PRIu64, n);
	if (!send_record(j, &r))
		return false;
	j->reported += n;
	return true;
}

void
journal_send(struct journal *j, const struct record *r)
{
	int saved = errno;

	if (event_priority(r->event) > j->max_priority)
		return;
	if (journal_tell_drops(j) && send_record(j, r))
		j->sent++;
	else
		j->dropped++;
	errno = saved;
}

bool
journal_is_due(uint64_t *next, uint64_t now)
{
	if (now < *next)
		return false;
	*next = now + JOURNAL_PAUSE;
	return true;
}

bool
journal_flaps(struct journal_flap *f, bool bad, uint64_t now)
{
	if (f->told_bad == bad || (bad && !journal_is_due(&f->next, now)))
		return false;
	f->told_bad = bad;
	return true;
}

void
journal_event(struct journal *j, enum event event, const char *format, ...)
{
	struct record r;
	va_list ap;

	va_start(ap, format);
	begin(&r, event, format, ap);
	va_end(ap);
	journal_send(j, &r);
}
