/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/tarpitd/tls_files.h"

/* Bytes that are kept for a client that does not read.  A server's first
 * flight with a long chain is a quarter of it; without a limit, a client could
 * make us pile up answers to its key updates. */
enum { UNSENT_MAX = 65536 };

enum {
	/* Records in a row that bring nothing: key updates, empty ones,
	 * warnings, pieces of a handshake.  OpenSSL would read them for as
	 * long as they come, 9 to 18 us each.  A handshake has four, and
	 * nobody means more of them behind it than a few. */
	BARREN_MAX = 32,
	/* Of all kinds, and bytes, that one call reads; a record is at most
	 * 16 KB. */
	CALL_RECORDS = 64,
	CALL_BYTES = 65536,
	/* Bytes of all handshake; that with post-quantum keys is 2 KB. */
	HANDSHAKE_MAX = 32768,
};

struct tls {
	unsigned int references; /* the owner's, and each session's */
	SSL_CTX *context;
	BIO_METHOD *method;
	struct tls_pairs pairs;
};

/* While nothing is under way there is only the SSL object. */
struct tls_session {
	struct tls *tls;
	SSL *ssl;
	int fd;
	bool complete;    /* the handshake */
	bool ended;       /* the client's direction */
	bool broken;      /* both */
	bool dry;         /* the socket has nothing more */
	bool behind;      /* it has more than one call may read */
	uint32_t barren;  /* see BARREN_MAX */
	uint32_t records; /* read by this call */
	uint32_t budget;  /* bytes that this call, or handshake, may read */
	const char *error;
	bool disagreed; /* by what one side said, not by the end of it */
	/* Decrypted, not taken yet: with them here OpenSSL gives its buffer of
	 * 17 KB back while a held client's line waits to be paid for. */
	char *ahead;
	size_t ahead_len;
	/* Encrypted, not sent yet. */
	char *unsent;
	size_t unsent_len;
};

/* ---- the certificate ---- */

/* What stands first in OpenSSL's queue of errors is the cause. */
static const char *
reason(void)
{
	unsigned long error = ERR_peek_error();
	const char *text;

	if (ERR_SYSTEM_ERROR(error))
		return strerror((int)ERR_GET_REASON(error));
	text = ERR_reason_error_string(error);
	return text != NULL ? text : "unknown error";
}

static void
restrict_protocol(SSL_CTX *context, bool min_1_3)
{
	(void)SSL_CTX_set_min_proto_version(
	    context, min_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
	/* With forward secrecy, and CBC for old Exchange servers: what comes
	 * after a failed handshake is plain text.  TLS 1.3 has its own list. */
	(void)SSL_CTX_set_cipher_list(
	    context, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES256:ECDHE+AES128");
	/* Resumption would save those who come back within hours a signature,
	 * and costs every session its tickets and us keys that outlive it:
	 * those who are slowed are new to us, mostly. */
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(context, 0);
	(void)SSL_CTX_set_options(context,
	    SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	/* Else a read goes on until there is data, however much comes that is
	 * none. */
	(void)SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
}

/* Counts the records that come in. */
static void
on_message(int writes, int version, int type, const void *data, size_t len,
    SSL *ssl, void *arg)
{
	struct tls_session *s;

	(void)version;
	(void)data;
	(void)len;
	(void)arg;
	if (writes || type != SSL3_RT_HEADER)
		return;
	s = BIO_get_data(SSL_get_rbio(ssl));
	s->barren++;
	s->records++;
}

static BIO_METHOD *new_method(void);

int
tls_new(const struct tls_files *files, struct tls **ret_tls,
    const char **ret_file, char *why, size_t size)
{
	struct tls *t = calloc(1, sizeof(*t));
	int r;

	if (t == NULL)
		return -ENOMEM;
	t->references = 1;
	ERR_clear_error();
	t->context = SSL_CTX_new(TLS_server_method());
	t->method = new_method();
	if (t->context == NULL || t->method == NULL) {
		tls_free(t);
		return -ENOMEM;
	}
	restrict_protocol(t->context, files->min_1_3);
	SSL_CTX_set_msg_callback(t->context, on_message);
	r = tls_files_load(t->context, files, &t->pairs, ret_file, why, size);
	if (r < 0) {
		tls_free(t);
		return r;
	}
	*ret_tls = t;
	return 0;
}

struct tls *
tls_free(struct tls *t)
{
	if (t == NULL || --t->references > 0)
		return NULL;
	SSL_CTX_free(t->context);
	tls_pairs_fini(&t->pairs);
	BIO_meth_free(t->method);
	free(t);
	return NULL;
}

size_t
tls_count(const struct tls *t)
{
	return t->pairs.n;
}

const char *
tls_file(const struct tls *t, size_t i)
{
	return t->pairs.pair[i].file;
}

const char *
tls_kind(const struct tls *t, size_t i)
{
	return t->pairs.pair[i].kind;
}

bool
tls_is_expired(const struct tls *t, size_t i, time_t now)
{
	const struct tls_pair *pair = &t->pairs.pair[i];

	return now < pair->not_before || now > pair->not_after;
}

time_t
tls_expiry(const struct tls *t)
{
	time_t first = t->pairs.pair[0].not_after;

	for (size_t i = 1; i < t->pairs.n; i++)
		if (t->pairs.pair[i].not_after < first)
			first = t->pairs.pair[i].not_after;
	return first;
}

static void
print_date(time_t time, char buf[TLS_DATE_SIZE])
{
	struct tm tm;

	(void)gmtime_r(&time, &tm);
	(void)strftime(buf, TLS_DATE_SIZE, "%F %T UTC", &tm);
}

void
tls_print_dates(const struct tls *t, size_t i, char from[TLS_DATE_SIZE],
    char until[TLS_DATE_SIZE])
{
	print_date(t->pairs.pair[i].not_before, from);
	print_date(t->pairs.pair[i].not_after, until);
}

/* ---- the socket below ---- */

/* Sends what it can of BUF: how many bytes, or -1 if the socket is broken. */
static ssize_t
send_some(struct tls_session *s, const char *buf, size_t len)
{
	ssize_t n = send(s->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
		return 0;
	return n;
}

static bool
keep(struct tls_session *s, const char *buf, size_t len)
{
	char *more;

	if (len == 0)
		return true;
	if (len > UNSENT_MAX - s->unsent_len)
		return false;
	more = realloc(s->unsent, s->unsent_len + len);
	if (more == NULL)
		return false;
	memcpy(more + s->unsent_len, buf, len);
	s->unsent = more;
	s->unsent_len += len;
	return true;
}

/* Sends what was kept; true if nothing is left. */
static bool
flush(struct tls_session *s)
{
	ssize_t n;

	if (s->unsent_len == 0)
		return true;
	n = send_some(s, s->unsent, s->unsent_len);
	if (n < 0)
		s->broken = true;
	if (n <= 0)
		return false;
	s->unsent_len -= (size_t)n;
	if (s->unsent_len > 0) {
		memmove(s->unsent, s->unsent + n, s->unsent_len);
		return false;
	}
	free(s->unsent);
	s->unsent = NULL;
	return true;
}

/* Always takes all: OpenSSL would have a write that was cut short repeated
 * with the same bytes, which a reply that is cut short by another does not
 * have any more. */
static int
bio_write(BIO *bio, const char *buf, int len)
{
	struct tls_session *s = BIO_get_data(bio);
	ssize_t n = 0;

	if (s->unsent_len == 0)
		n = send_some(s, buf, (size_t)len);
	if (n < 0 || !keep(s, buf + n, (size_t)(len - n)))
		return -1;
	return len;
}

/* What nobody has a reason to send, or NULL. */
static const char *
find_abuse(const struct tls_session *s)
{
	if (s->barren > BARREN_MAX)
		return "too many records without data";
	if (!s->complete && s->budget == 0)
		return "too long a handshake";
	return NULL;
}

static int
bio_read(BIO *bio, char *buf, int len)
{
	struct tls_session *s = BIO_get_data(bio);
	size_t size = (size_t)len < s->budget ? (size_t)len : s->budget;
	ssize_t n;

	BIO_clear_retry_flags(bio);
	s->error = find_abuse(s);
	if (s->error != NULL)
		return -1;
	if (size == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	n = recv(s->fd, buf, size, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN) {
		s->dry = true;
		BIO_set_retry_read(bio);
	}
	if (n == 0)
		s->ended = true;
	if (n > 0)
		s->budget -= (uint32_t)n;
	return (int)n;
}

static long
bio_control(BIO *bio, int command, long number, void *pointer)
{
	const struct tls_session *s = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return s->ended;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
new_method(void)
{
	BIO_METHOD *method =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "client");

	if (method == NULL)
		return NULL;
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_ctrl(method, bio_control);
	return method;
}

/* ---- a session ---- */

int
tls_session_new(struct tls *t, int fd, struct tls_session **ret_session)
{
	struct tls_session *s = calloc(1, sizeof(*s));
	BIO *bio = BIO_new(t->method);

	if (s != NULL)
		s->ssl = SSL_new(t->context);
	if (s == NULL || s->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		tls_session_free(s);
		return -ENOMEM;
	}
	s->tls = t;
	t->references++;
	s->fd = fd;
	s->budget = HANDSHAKE_MAX;
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_accept_state(s->ssl);
	*ret_session = s;
	return 0;
}

struct tls_session *
tls_session_free(struct tls_session *s)
{
	if (s == NULL)
		return NULL;
	ERR_clear_error();
	if (s->complete && !s->broken)
		(void)SSL_shutdown(s->ssl);
	(void)flush(s);
	SSL_free(s->ssl);
	tls_free(s->tls);
	free(s->ahead);
	free(s->unsent);
	free(s);
	return NULL;
}

/* What a call of OpenSSL that returned R <= 0 means: 0 if more bytes are
 * needed. */
static int
judge(struct tls_session *s, int r)
{
	switch (SSL_get_error(s->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		s->ended = true;
		return -EPIPE;
	case SSL_ERROR_SSL:
		s->disagreed = ERR_GET_REASON(ERR_peek_error()) !=
		    SSL_R_UNEXPECTED_EOF_WHILE_READING;
		/* Whether anything is missing is seen from the dialogue. */
		if (s->complete && !s->disagreed) {
			s->broken = s->ended = true;
			return -EPIPE;
		}
		if (s->error == NULL)
			s->error = reason();
		break;
	default:
		if (s->error == NULL)
			s->error = "connection lost";
		break;
	}
	s->broken = s->ended = true;
	return -EPROTO;
}

int
tls_handshake(struct tls_session *s)
{
	int r;

	(void)flush(s);
	if (s->broken)
		return -EPROTO;
	ERR_clear_error();
	r = SSL_do_handshake(s->ssl);
	if (r == 1) {
		s->complete = true;
		s->barren = 0;
		return 0;
	}
	r = judge(s, r);
	return r == 0 ? -EAGAIN : -EPROTO;
}

ssize_t
tls_send(struct tls_session *s, const char *buf, size_t size)
{
	size_t n;
	int r;

	if (!s->complete)
		return -ENOTCONN;
	if (!flush(s))
		return s->broken ? -EPROTO : -EAGAIN;
	if (s->broken)
		return -EPROTO;
	ERR_clear_error();
	r = SSL_write_ex(s->ssl, buf, size, &n);
	if (r == 1)
		return (ssize_t)n;
	r = judge(s, r);
	return r == 0 ? -EAGAIN : r;
}

/* An SSL_read() that finds nothing costs a buffer of 17 KB for a moment; a
 * held client is looked at every second and mostly silent. */
static bool
has_input(const struct tls_session *s)
{
	char byte;

	return SSL_has_pending(s->ssl) == 1 ||
	    recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	    errno != EAGAIN;
}

/* One call of OpenSSL: 1 if there may be more, 0 or -errno. */
static int
read_some(struct tls_session *s)
{
	char buf[TLS_AHEAD_MAX];
	char *more;
	size_t n;
	int r;

	s->dry = false;
	ERR_clear_error();
	r = SSL_read_ex(s->ssl, buf, TLS_AHEAD_MAX - s->ahead_len, &n);
	if (r != 1) {
		r = judge(s, r);
		return r == 0 ? !s->dry : r;
	}
	/* A record with data makes up for itself and one without. */
	s->barren -= s->barren < 2 ? s->barren : 2;
	more = realloc(s->ahead, s->ahead_len + n);
	if (more == NULL) {
		s->broken = s->ended = true;
		return -ENOMEM;
	}
	memcpy(more + s->ahead_len, buf, n);
	s->ahead = more;
	s->ahead_len += n;
	return 1;
}

/* Reads ahead what there is and fits, as much as one call may; 0 or -errno. */
static int
read_ahead(struct tls_session *s)
{
	int r = 1;

	s->budget = CALL_BYTES;
	s->records = 0;
	s->behind = false;
	while (r > 0 && s->ahead_len < TLS_AHEAD_MAX && !s->ended &&
	    !s->behind && has_input(s)) {
		r = read_some(s);
		s->behind = s->records >= CALL_RECORDS || s->budget == 0;
	}
	if (r < 0)
		return r;
	if (s->error != NULL)
		return -EPROTO;
	return s->ended || s->broken ? -EPIPE : 0;
}

ssize_t
tls_peek(struct tls_session *s, char *buf, size_t size)
{
	int r;

	(void)flush(s);
	r = read_ahead(s);
	if (s->ahead_len == 0)
		return r;
	if (size > s->ahead_len)
		size = s->ahead_len;
	memcpy(buf, s->ahead, size);
	return (ssize_t)size;
}

void
tls_take(struct tls_session *s, size_t n)
{
	s->ahead_len -= n;
	memmove(s->ahead, s->ahead + n, s->ahead_len);
	if (s->ahead_len > 0)
		return;
	free(s->ahead);
	s->ahead = NULL;
}

bool
tls_has_ended(struct tls_session *s)
{
	(void)flush(s);
	(void)read_ahead(s);
	return s->ended || s->broken;
}

bool
tls_is_behind(const struct tls_session *s)
{
	return s->behind;
}

const char *
tls_session_version(const struct tls_session *s)
{
	return s->complete ? SSL_get_version(s->ssl) : "";
}

const char *
tls_session_cipher(const struct tls_session *s)
{
	return s->complete ? SSL_get_cipher_name(s->ssl) : "";
}

bool
tls_session_disagreed(const struct tls_session *s)
{
	return s->disagreed;
}

const char *
tls_session_error(const struct tls_session *s)
{
	return s->error;
}
