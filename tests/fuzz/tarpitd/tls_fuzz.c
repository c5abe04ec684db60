/* SPDX-License-Identifier: ISC */
/* A session with TLS under any order of what happens to it: what the client
 * says is what is shown, in order, and what was sent is what the client hears;
 * foreign bytes on the socket end it.  Input: steps of an operation and a
 * number; the first byte tells whether the handshake takes place. */
#include "bin/tarpitd/tls.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/helpers/fuzz.h"

static struct tls *tls;
static SSL_CTX *context;

/* One connection: positions in the two endless streams of bytes. */
static struct {
	int ours, theirs;
	struct tls_session *session;
	SSL *client;
	size_t said, taken; /* by the client, of that by us */
	size_t sent, heard; /* by us, of that by the client */
} c;

static char
byte_at(size_t position)
{
	return (char)(position * 31 >> 3);
}

static void
set_up(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *memory = BIO_new(BIO_s_mem());
	char path[32], why[256], *pem;
	const char *file;
	long len;
	int fd;

	signal(SIGPIPE, SIG_IGN); /* OpenSSL's own socket BIO is the client's */
	(void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	REQUIRE(X509_set_pubkey(x, key) == 1);
	REQUIRE(X509_sign(x, key, EVP_sha256()) > 0);
	REQUIRE(PEM_write_bio_X509(memory, x) == 1);
	REQUIRE(PEM_write_bio_PrivateKey(
		    memory, key, NULL, NULL, 0, NULL, NULL) == 1);
	len = BIO_get_mem_data(memory, &pem);
	fd = fuzz_file(pem, (size_t)len, path);
	REQUIRE(tls_new(&(struct tls_files){ path, path, false }, &tls, &file,
		    why, sizeof(why)) == 0);
	context = SSL_CTX_new(TLS_client_method());
	REQUIRE(context != NULL);
	fd_close(&fd);
	BIO_free(memory);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
dial(void)
{
	int fds[2];

	memset(&c, 0, sizeof(c));
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	c.ours = fds[0];
	c.theirs = fds[1];
	REQUIRE(tls_session_new(tls, c.ours, &c.session) == 0);
	c.client = SSL_new(context);
	REQUIRE(c.client != NULL && SSL_set_fd(c.client, c.theirs) == 1);
	SSL_set_connect_state(c.client);
}

static void
shake_hands(void)
{
	int r = -EAGAIN;

	for (int i = 0; i < 4 && r == -EAGAIN; i++) {
		(void)SSL_do_handshake(c.client);
		r = tls_handshake(c.session);
	}
	REQUIRE(r == 0);
}

static void
hang_up(void)
{
	tls_session_free(c.session);
	SSL_free(c.client);
	fd_close(&c.ours);
	fd_close(&c.theirs);
}

/* ---- what can happen ---- */

static void
client_says(size_t n)
{
	char buf[256];

	for (size_t i = 0; i < n; i++)
		buf[i] = byte_at(c.said + i);
	if (n > 0 && SSL_write(c.client, buf, (int)n) > 0)
		c.said += n;
}

static void
client_hears(size_t n)
{
	char buf[256];
	int r = SSL_read(c.client, buf, (int)n);

	for (int i = 0; i < r; i++)
		REQUIRE(buf[i] == byte_at(c.heard++));
	REQUIRE(c.heard <= c.sent);
}

static void
we_look(size_t n)
{
	char buf[256];
	ssize_t r = tls_peek(c.session, buf, n);

	REQUIRE(r >= 0 || r == -EPIPE || r == -EPROTO);
	REQUIRE(r <= (ssize_t)n);
	for (ssize_t i = 0; i < r; i++)
		REQUIRE(buf[i] == byte_at(c.taken + (size_t)i));
	if (r > 0) {
		tls_take(c.session, (size_t)r - (size_t)r / 3);
		c.taken += (size_t)r - (size_t)r / 3;
	}
	REQUIRE(c.taken <= c.said);
}

static void
we_say(size_t n)
{
	char buf[256];
	ssize_t r;

	for (size_t i = 0; i < n; i++)
		buf[i] = byte_at(c.sent + i);
	r = n > 0 ? tls_send(c.session, buf, n) : 0;
	if (r > 0)
		c.sent += (size_t)r;
}

static void
somebody_injects(size_t n)
{
	char buf[256];

	memset(buf, (int)n, sizeof(buf));
	(void)send(c.theirs, buf, n, MSG_NOSIGNAL);
}

static void
client_leaves(size_t n)
{
	if (n % 2 == 0)
		(void)SSL_shutdown(c.client);
	else
		(void)shutdown(c.theirs, SHUT_WR);
}

static void
we_ask_for_the_end(size_t n)
{
	bool ended = tls_has_ended(c.session);

	(void)n;
	REQUIRE(!ended || tls_has_ended(c.session));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const steps[])(size_t) = { client_says, client_hears,
		we_look, we_say, somebody_injects, client_leaves,
		we_ask_for_the_end };

	if (size == 0)
		return 0;
	if (tls == NULL)
		set_up();
	dial();
	if (data[0] % 8 == 0) {
		/* Without a handshake nothing is ever said or shown. */
		(void)send(c.theirs, data, size, MSG_NOSIGNAL);
		REQUIRE(tls_handshake(c.session) != 0);
		REQUIRE(tls_send(c.session, "x", 1) == -ENOTCONN);
	} else {
		shake_hands();
		for (size_t i = 1; i + 1 < size; i += 2)
			steps[data[i] % ARRAY_SIZE(steps)](data[i + 1]);
	}
	hang_up();
	return 0;
}
