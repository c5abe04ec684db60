/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/fd.h"

int
link_open(struct link *l, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	*l = (struct link){ .fd = -1, .msec = LINK_MSEC };
	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	r = linebuf_init(&l->in, (size_t)4 * ATTRS_MAX);
	if (r == 0)
		l->fd = fd_take(&fd);
	return r;
}

int
link_open_policy(struct link *l, const char *socket, const char **ret_path)
{
	int r;

	*ret_path = socket ? socket : "/run/tarpit/explain";
	r = link_open(l, *ret_path);
	/* An older installation has no such door, and its users may be root. */
	if (r < 0 && !socket) {
		struct link other;
		int again = link_open(&other, "/run/tarpit/policy");

		if (again == 0 || r == -ENOENT) {
			*ret_path = "/run/tarpit/policy";
			*l = other;
			return again;
		}
	}
	return r;
}

void
link_close(struct link *l)
{
	fd_close(&l->fd);
	linebuf_fini(&l->in);
}

int
link_ask(struct link *l, const char *question, size_t len)
{
	while (len > 0) {
		ssize_t n = send(l->fd, question, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		question += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
fill(struct link *l)
{
	struct pollfd ready = { .fd = l->fd, .events = POLLIN };
	ssize_t n;
	int r;

	do
		r = poll(&ready, 1, l->msec);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r == 0 ? -ETIMEDOUT : -errno;
	n = linebuf_fill(&l->in, l->fd);
	if (n == 0)
		return -ECONNRESET;
	return n < 0 ? (int)n : 0;
}

int
link_read(struct link *l, struct message *ret)
{
	size_t len;
	int r;

	linebuf_consume(&l->in, l->used);
	l->used = 0;
	while ((r = attrs_find_end(linebuf_data(&l->in), linebuf_len(&l->in),
		    &len)) == -EAGAIN) {
		r = fill(l);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	l->used = len;
	*ret = (struct message){ linebuf_data(&l->in), len };
	return 0;
}

struct attr
message_find(const struct message *m, const char *name)
{
	const char *pos = m->data, *end = m->data + m->len;
	struct attr a;

	while (attrs_next(&pos, end, &a) > 0) {
		if (attr_is(&a, name))
			return a;
	}
	return (struct attr){ .value = "" };
}

const char *
message_text(const struct message *m, const char *name, char *buf, size_t size)
{
	struct attr a = message_find(m, name);

	snprintf(buf, size, "%.*s", (int)a.value_len, a.value);
	return buf;
}

int64_t
message_number(const struct message *m, const char *name)
{
	struct attr a = message_find(m, name);
	int64_t n;

	return attr_int(&a, INT64_MIN, INT64_MAX, &n) == 0 ? n : 0;
}
