/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-handoff/server.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/common/fdpass.h"
#include "bin/common/listen.h"
#include "bin/tarpit-handoff/message.h"
#include "bin/tarpit-handoff/spawn.h"
#include "bin/tarpit-handoff/watch.h"

enum {
	/* Connections whose message is not there yet.  They need no MTA, so
	 * that a silent one keeps nobody waiting; this many are enough. */
	PEERS_MAX = 64,
};

/* When to look again at a message that has come in part: being unread it
 * would wake a level-triggered loop all the time. */
#define PARTIAL_RETRY (20 * USEC_PER_MSEC)

/* How often MTAs that have not greeted are looked at.  A sound one greets 2 to
 * 9 ms after it was started, and one that fails has ended after 20 (measured:
 * Exim, sendmail): by then its exit status tells even if it wrote an excuse. */
#define WATCH_INTERVAL (25 * USEC_PER_MSEC)
#define WATCH_SETTLED  (2 * WATCH_INTERVAL)

/* A dispatcher's connection, until its message is complete. */
struct peer {
	TAILQ_ENTRY(peer) entry;
	struct server *server;
	struct loop_io io; /* owns io.fd */
	struct timer timer;
	uint64_t deadline;
};

struct listener {
	struct acceptor acceptor;
	struct server *server;
};

struct mta {
	pid_t pid;
	uint64_t started;
	uint64_t spoke; /* when that was seen; 0: not yet */
	char client[INET6_ADDRSTRLEN], client_port[6];
	struct watch watch;
};

struct server {
	struct loop *loop;
	struct journal *journal;
	struct server_config config;
	struct server_counts counts;
	struct listener *listeners;
	size_t n_listeners;
	TAILQ_HEAD(peers, peer) peers; /* oldest first */
	size_t n_peers;
	struct mta *mtas; /* counts.running of them, in any order */
	size_t mtas_size;
	size_t n_watched;   /* of the MTAs */
	struct timer watch; /* runs while there are any */
	char host[256];     /* our name, for clients */
	bool full;          /* peers and listeners are left alone */
	/* next record of its kind not before */
	uint64_t failure_at, full_at, garbage_at, pause_at;
	uint64_t garbage_untold;
	uint64_t failures_untold;
};

static void on_peer_readable(struct loop_io *, uint32_t events, uint64_t now);
static void on_peer_timer(struct timer *, uint64_t now);

/* ---- room: who is listened to while all MTAs are busy ---- */

static bool
is_full(const struct server *s)
{
	return s->counts.running >= s->config.max;
}

static void
update_acceptors(struct server *s)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		if (s->full || s->n_peers >= PEERS_MAX)
			acceptor_stop(&s->listeners[i].acceptor);
		else
			acceptor_start(&s->listeners[i].acceptor);
	}
}

static void
report_full(struct server *s, uint64_t now)
{
	if (!journal_is_due(&s->full_at, now))
		return;
	journal_event(s->journal, EVENT_MTA_FULL,
	    "All %zu MTA processes are busy; further sessions wait",
	    s->config.max);
}

/* Closes the peer's connection.  Whether it sees its end or a reset depends
 * on what has been read; see the header. */
static void
peer_close(struct peer *p)
{
	struct server *s = p->server;

	loop_cancel(s->loop, &p->timer);
	loop_remove(s->loop, &p->io);
	fd_close(&p->io.fd);
	TAILQ_REMOVE(&s->peers, p, entry);
	s->n_peers--;
	free(p);
	update_acceptors(s);
}

static void
peer_suspend(struct peer *p)
{
	loop_remove(p->server->loop, &p->io);
	loop_cancel(p->server->loop, &p->timer);
}

/* The peer was not listened to, so that its time begins anew. */
static void
peer_resume(struct peer *p, uint64_t now)
{
	p->deadline = now + p->server->config.read_timeout;
	loop_arm(p->server->loop, &p->timer, p->deadline);
	if (loop_add(p->server->loop, &p->io, EPOLLIN) < 0)
		peer_close(p);
}

/* Follows running and max into or out of the state of being full. */
static void
update_full(struct server *s, uint64_t now)
{
	struct peer *p, *next;
	bool was = s->full;

	s->full = is_full(s);
	if (s->full == was)
		return;
	for (p = TAILQ_FIRST(&s->peers); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (s->full)
			peer_suspend(p);
		else
			peer_resume(p, now);
	}
	update_acceptors(s);
	if (s->full)
		report_full(s, now);
}

/* ---- records ---- */

/* The record of a failed start or an early end, unless one was sent just
 * now; HOW is the end of the sentence. */
static void
report_failure(struct server *s, const char *client, const char *client_port,
    const char *how, uint64_t now)
{
	struct record record;

	if (!journal_is_due(&s->failure_at, now)) {
		s->failures_untold++;
		return;
	}
	record_begin(&record, EVENT_SPAWN_ERROR, "MTA %s for %s: %s",
	    s->config.argv[0], client, how);
	record_field(&record, "TARPIT_CLIENT", "%s", client);
	record_field(&record, "TARPIT_CLIENT_PORT", "%s", client_port);
	record_field(&record, "TARPIT_UNTOLD", "%llu",
	    (unsigned long long)s->failures_untold);
	s->failures_untold = 0;
	journal_send(s->journal, &record);
}

static void
report_garbage(struct server *s, int error)
{
	struct record record;

	s->counts.failed++;
	s->garbage_untold++;
	if (!journal_is_due(&s->garbage_at, loop_now(s->loop)))
		return;
	record_begin(&record, EVENT_QUESTION_ERROR,
	    "A hand-off cannot be read: %s", strerror(-error));
	record_field(&record, "TARPIT_ERRORS", "%llu",
	    (unsigned long long)s->garbage_untold);
	s->garbage_untold = 0;
	journal_send(s->journal, &record);
}

/* ---- one hand-off ---- */

/* Everything that has arrived, without reading it: the number of bytes, 0 at
 * the end of the file, or -errno.  With SO_PEEK_OFF, since a plain MSG_PEEK
 * never looks past the segment that carries the descriptor. */
static ssize_t
peek(int fd, char *buf, size_t size)
{
	const int from = 0;
	size_t len = 0;
	ssize_t n;

	if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &from, sizeof(from)) < 0)
		return -errno;
	while (len < size) {
		n = recv(fd, buf + len, size - len, MSG_PEEK | MSG_DONTWAIT);
		if (n < 0 && (errno != EAGAIN || len == 0))
			return -errno;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* The dispatcher has closed its end: it has taken the session back. */
static bool
is_withdrawn(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0;
}

/* The client has reset its connection: an MTA would only find that out.  One
 * that has merely ended its half is still served. */
static bool
is_gone(int client)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    info.tcpi_state == TCP_CLOSE;
}

/* Reads the first byte and the descriptor that came with it, which must be
 * that of a stream socket. */
static int
receive_client(int fd, int *ret_client)
{
	AUTO_FD client = -1;
	char first;
	int type;
	socklen_t len = sizeof(type);
	ssize_t n = fdpass_recv(fd, &first, 1, &client);

	if (n < 0)
		return (int)n;
	if (client < 0 ||
	    getsockopt(client, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    type != SOCK_STREAM)
		return -ENOTSOCK;
	*ret_client = fd_take(&client);
	return 0;
}

/* Reads what is left, so that the close that follows says "taken". */
static void
read_rest(int fd)
{
	char buf[MESSAGE_MAX];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
}

/* PEER and CLIENT are the MTA's watch's if there is to be one, and -1 then. */
static void
watch_mta(struct server *s, struct mta *mta, int *client, int *peer)
{
	if (s->config.early_exit == 0)
		return;
	mta->spoke = 0;
	watch_begin(&mta->watch, fd_take(client), fd_take(peer));
	if (s->n_watched++ == 0)
		loop_arm(
		    s->loop, &s->watch, loop_now(s->loop) + WATCH_INTERVAL);
}

static void
start_mta(struct server *s, const struct message *m, int *client, int *peer,
    uint64_t now)
{
	struct mta *mta = &s->mtas[s->counts.running];
	bool can_watch = watch_prepare(&mta->watch, *client);
	int r = spawn_mta(s->config.argv, s->config.env, m, *client, &mta->pid);

	if (r < 0) {
		s->counts.failed++;
		report_failure(
		    s, m->client_address, m->client_port, strerror(-r), now);
		return;
	}
	mta->started = now;
	memcpy(mta->client, m->client_address, sizeof(mta->client));
	memcpy(mta->client_port, m->client_port, sizeof(mta->client_port));
	s->counts.running++;
	s->counts.taken++;
	/* From now on a close says "taken", even that of a crash. */
	read_rest(*peer);
	if (can_watch)
		watch_mta(s, mta, client, peer);
}

/* The message is complete.  Closes the peer in any case. */
static void
peer_take(struct peer *p, const struct message *m, uint64_t now)
{
	struct server *s = p->server;
	AUTO_FD client = -1;
	int r;

	if (is_withdrawn(p->io.fd)) {
		s->counts.withdrawn++;
		peer_close(p);
		return;
	}
	r = receive_client(p->io.fd, &client);
	if (r < 0) {
		report_garbage(s, r);
	} else if (is_gone(client)) {
		s->counts.withdrawn++;
		read_rest(p->io.fd);
	} else {
		loop_remove(s->loop, &p->io);
		start_mta(s, m, &client, &p->io.fd, now);
	}
	peer_close(p);
	update_full(s, now);
}

static void
peer_look(struct peer *p, uint64_t now)
{
	char buf[MESSAGE_MAX];
	struct message m;
	ssize_t n = peek(p->io.fd, buf, sizeof(buf));
	int r;

	if (n == 0) {
		peer_close(p);
		return;
	}
	r = n < 0 ? (int)n : message_parse(buf, (size_t)n, &m);
	if (r == 0) {
		peer_take(p, &m, now);
	} else if (r != -EAGAIN) {
		report_garbage(p->server, r);
		peer_close(p);
	} else if (n > 0) {
		loop_remove(p->server->loop, &p->io);
		loop_arm(p->server->loop, &p->timer, now + PARTIAL_RETRY);
	}
}

static void
on_peer_readable(struct loop_io *io, uint32_t events, uint64_t now)
{
	(void)events;
	peer_look(CONTAINER_OF(io, struct peer, io), now);
}

/* The peer's time is up, or its message, of which a part was there, is to be
 * looked at again. */
static void
on_peer_timer(struct timer *t, uint64_t now)
{
	struct peer *p = CONTAINER_OF(t, struct peer, timer);

	if (now >= p->deadline) {
		report_garbage(p->server, -ETIMEDOUT);
		peer_close(p);
		return;
	}
	peer_look(p, now);
}

static void
on_accept(struct acceptor *a, int fd, const struct sockaddr_storage *from,
    uint64_t now)
{
	struct server *s = CONTAINER_OF(a, struct listener, acceptor)->server;
	struct peer *p = calloc(1, sizeof(*p));

	(void)from; /* unix sockets have no address worth knowing */
	if (p == NULL) {
		fd_close(&fd);
		return;
	}
	p->server = s;
	p->io = (struct loop_io){ .fd = fd, .on_event = on_peer_readable };
	p->timer.on_timer = on_peer_timer;
	TAILQ_INSERT_TAIL(&s->peers, p, entry);
	s->n_peers++;
	p->deadline = now + s->config.read_timeout;
	loop_arm(s->loop, &p->timer, p->deadline);
	if (loop_add(s->loop, &p->io, EPOLLIN) < 0) {
		peer_close(p);
		return;
	}
	update_acceptors(s);
	/* The message usually came with the connection. */
	peer_look(p, now);
}

static void
on_pause(struct acceptor *a, int error)
{
	struct server *s = CONTAINER_OF(a, struct listener, acceptor)->server;

	if (error < 0 && journal_is_due(&s->pause_at, loop_now(s->loop)))
		journal_event(s->journal, EVENT_ACCEPT_PAUSED,
		    "Hand-offs wait: %s", strerror(-error));
}

/* ---- the MTAs' ends ---- */

/* In words, what was wrong with how the MTA ended; false: nothing. */
static bool
describe_end(int status, bool early, char *how, size_t size)
{
	int code;

	if (WIFSIGNALED(status)) {
		snprintf(how, size, "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
		return true;
	}
	/* What shells and env(1) say of a command that cannot run; otherwise
	 * exit codes after a while are the MTA's own business: some tell of
	 * a client that hung up. */
	code = WEXITSTATUS(status);
	if (code != 126 && code != 127 && !(early && code != 0))
		return false;
	snprintf(how, size, "exited with status %d%s", code,
	    early ? " at once" : "");
	return true;
}

/* The same of one that is watched.  Many fail when a client hangs up, which is
 * none of their faults.  One that ends while the client is there, and has read
 * nothing of it, has only said that it will not serve it. */
static bool
describe_watched_end(const struct watch *w, int status, char *how, size_t size)
{
	bool wrong = describe_end(status, watch_has_client(w), how, size);

	if (watch_look(w) != WATCH_SILENT) {
		if (wrong || !watch_has_client(w) || watch_has_listened(w))
			return wrong;
		snprintf(how, size,
		    "exited with status 0 at once, and had only "
		    "greeted");
		return true;
	}
	if (!wrong)
		snprintf(how, size, "exited with status 0");
	strncat(how, ", and had not greeted", size - strlen(how) - 1);
	return true;
}

static void
stop_watching(struct server *s, struct mta *mta)
{
	watch_served(&mta->watch);
	if (--s->n_watched == 0)
		loop_cancel(s->loop, &s->watch);
}

static void
mta_ended(struct server *s, struct mta *mta, int status, uint64_t now)
{
	bool watched = mta->watch.client >= 0;
	char how[128];

	if (watched
		? describe_watched_end(&mta->watch, status, how, sizeof(how))
		: describe_end(status, false, how, sizeof(how))) {
		s->counts.failed++;
		if (watched)
			watch_failed(&mta->watch, s->host);
		report_failure(s, mta->client, mta->client_port, how, now);
	}
	if (watched)
		stop_watching(s, mta);
	*mta = s->mtas[--s->counts.running];
}

/* The MTA need not be watched any more: it works, or it is not for us to see
 * whether it does. */
static bool
is_settled(const struct server *s, struct mta *mta, uint64_t now)
{
	uint64_t age = now - mta->started;
	enum watch_news news = watch_look(&mta->watch);

	if (news == WATCH_SPOKE && mta->spoke == 0)
		mta->spoke = now;
	/* Before its end is seen, if that is to follow. */
	if (news == WATCH_SPOKE)
		return age >= WATCH_SETTLED &&
		    now - mta->spoke >= WATCH_INTERVAL;
	return news != WATCH_SILENT || age >= s->config.early_exit;
}

static void
on_watch(struct timer *t, uint64_t now)
{
	struct server *s = CONTAINER_OF(t, struct server, watch);

	/* Before one that has ended is taken for one that spoke. */
	server_reap(s, now);
	for (size_t i = 0; i < s->counts.running && s->n_watched > 0; i++) {
		struct mta *mta = &s->mtas[i];

		if (mta->watch.client >= 0 && is_settled(s, mta, now))
			stop_watching(s, mta);
	}
	if (s->n_watched > 0)
		loop_arm(s->loop, t, now + WATCH_INTERVAL);
}

void
server_reap(struct server *s, uint64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < s->counts.running; i++) {
			if (s->mtas[i].pid == pid) {
				mta_ended(s, &s->mtas[i], status, now);
				break;
			}
		}
	}
	update_full(s, now);
}

/* ---- life ---- */

static int
listen_on(struct server *s, const int *listeners, size_t n)
{
	s->listeners = calloc(n, sizeof(*s->listeners));
	if (s->listeners == NULL)
		return -ENOMEM;
	for (; s->n_listeners < n; s->n_listeners++) {
		struct listener *l = &s->listeners[s->n_listeners];
		int r;

		l->server = s;
		l->acceptor.on_accept = on_accept;
		l->acceptor.on_pause = on_pause;
		r = acceptor_init(
		    &l->acceptor, s->loop, listeners[s->n_listeners]);
		if (r < 0)
			return r;
	}
	return 0;
}

int
server_new(struct loop *loop, struct journal *journal,
    const struct server_config *config, const int *listeners,
    size_t n_listeners, struct server **ret)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->loop = loop;
	s->journal = journal;
	s->watch.on_timer = on_watch;
	if (gethostname(s->host, sizeof(s->host) - 1) < 0)
		strcpy(s->host, "localhost");
	TAILQ_INIT(&s->peers);
	r = server_configure(s, config);
	if (r == 0)
		r = listen_on(s, listeners, n_listeners);
	if (r < 0) {
		server_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct server *
server_free(struct server *s)
{
	if (s == NULL)
		return NULL;
	while (s->n_listeners > 0)
		acceptor_fini(&s->listeners[--s->n_listeners].acceptor);
	while (!TAILQ_EMPTY(&s->peers))
		peer_close(TAILQ_FIRST(&s->peers));
	for (size_t i = 0; i < s->counts.running; i++)
		if (s->mtas[i].watch.client >= 0)
			stop_watching(s, &s->mtas[i]);
	free(s->listeners);
	free(s->mtas);
	free(s);
	return NULL;
}

int
server_configure(struct server *s, const struct server_config *config)
{
	size_t size = config->max > s->mtas_size ? config->max : s->mtas_size;
	struct mta *mtas = reallocarray(s->mtas, size, sizeof(*mtas));

	if (mtas == NULL)
		return -ENOMEM;
	s->mtas = mtas;
	s->mtas_size = size;
	s->config = *config;
	update_full(s, loop_now(s->loop));
	return 0;
}

struct server_counts
server_counts(const struct server *s)
{
	return s->counts;
}
