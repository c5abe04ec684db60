/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/tls.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include "bin/common/fd.h"
#include "tests/helpers/scratch.h"

/* Both ends of one connection: ours, and a client's of OpenSSL itself. */
static struct tls *tls;
static struct tls_session *session;
static SSL_CTX *context;
static SSL *client;
static int ours, theirs;

/* ---- certificates ---- */

static void
write_pem(FILE *f, X509 *certificate, EVP_PKEY *key)
{
	CHECK(f != NULL);
	if (certificate != NULL)
		CHECK_INT(PEM_write_X509(f, certificate), 1);
	if (key != NULL)
		CHECK_INT(
		    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	CHECK_INT(fclose(f), 0);
}

/* A certificate that is valid from FROM to TO seconds from now, with its KEY,
 * in the file NAME: its path. */
static char *
make_certificate(const char *name, long from, long to, EVP_PKEY *key)
{
	X509 *c = X509_new();
	char *path = scratch_path(name);

	CHECK(c != NULL && key != NULL);
	CHECK(X509_gmtime_adj(X509_getm_notBefore(c), from) != NULL);
	CHECK(X509_gmtime_adj(X509_getm_notAfter(c), to) != NULL);
	CHECK_INT(X509_set_version(c, X509_VERSION_3), 1);
	CHECK_INT(X509_set_pubkey(c, key), 1);
	CHECK(X509_sign(c, key, EVP_sha256()) > 0);
	write_pem(fopen(path, "we"), c, key);
	X509_free(c);
	return path;
}

static char *
certificate(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *path = make_certificate("tls.pem", -60, 3600, key);

	EVP_PKEY_free(key);
	return path;
}

/* ---- the connection ---- */

static void
load(bool min_1_3)
{
	AUTO_FREE char *path = certificate();
	struct tls_files files = { path, path, min_1_3 };
	const char *file;
	char why[256];

	CHECK_INT(tls_new(&files, &tls, &file, why, sizeof(why)), 0);
}

static void
dial(int version)
{
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	ours = fds[0];
	theirs = fds[1];
	CHECK_INT(tls_session_new(tls, ours, &session), 0);
	context = SSL_CTX_new(TLS_client_method());
	CHECK(context != NULL);
	/* Old versions need weak digests. */
	SSL_CTX_set_security_level(context, 0);
	CHECK_INT(SSL_CTX_set_min_proto_version(context, version), 1);
	CHECK_INT(SSL_CTX_set_max_proto_version(context, version), 1);
	client = SSL_new(context);
	CHECK(client != NULL);
	CHECK_INT(SSL_set_fd(client, theirs), 1);
	SSL_set_connect_state(client);
}

/* Both sides in turn; what ours came to. */
static int
shake_hands(void)
{
	int r = -EAGAIN;

	for (int i = 0; i < 10 && r == -EAGAIN; i++) {
		(void)SSL_do_handshake(client);
		r = tls_handshake(session);
	}
	/* The last word of TLS 1.2 is the server's. */
	(void)SSL_do_handshake(client);
	return r;
}

static void
begin(int version)
{
	load(false);
	dial(version);
	CHECK_INT(shake_hands(), 0);
	CHECK(SSL_is_init_finished(client));
}

static void
hang_up(void)
{
	session = tls_session_free(session);
	SSL_free(client);
	SSL_CTX_free(context);
	fd_close(&ours);
	fd_close(&theirs);
}

static void
end(void)
{
	hang_up();
	tls = tls_free(tls);
}

static void
client_says(const char *text, size_t len)
{
	CHECK_INT(SSL_write(client, text, (int)len), (int)len);
}

/* What the client hears next, as a string. */
static const char *
client_hears(void)
{
	static char buf[8192];
	int n = SSL_read(client, buf, sizeof(buf) - 1);

	CHECK(n > 0);
	buf[n] = '\0';
	return buf;
}

static void
check_peek(const char *expected)
{
	char buf[4096];

	CHECK_INT(tls_peek(session, buf, sizeof(buf)), strlen(expected));
	CHECK(memcmp(buf, expected, strlen(expected)) == 0);
}

/* ---- cases ---- */

static void
talk(int version, const char *name)
{
	begin(version);
	CHECK_STR(tls_session_version(session), name);
	CHECK_STR(tls_session_cipher(session), SSL_get_cipher(client));
	client_says("EHLO x\r\n", 8);
	check_peek("EHLO x\r\n");
	check_peek("EHLO x\r\n");
	tls_take(session, 8);
	check_peek("");
	CHECK_INT(tls_send(session, "250 y\r\n", 7), 7);
	CHECK_STR(client_hears(), "250 y\r\n");
	CHECK(!tls_has_ended(session));
	CHECK(tls_session_error(session) == NULL);
	end();
}

static void
a_dialogue_goes_both_ways(void)
{
	talk(TLS1_2_VERSION, "TLSv1.2");
	talk(TLS1_3_VERSION, "TLSv1.3");
}

static void
old_versions_are_refused(void)
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION };

	load(false);
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		dial(versions[i]);
		CHECK_INT(shake_hands(), -EPROTO);
		CHECK_STR(tls_session_error(session), "unsupported protocol");
		CHECK_STR(tls_session_version(session), "");
		hang_up();
	}
	tls = tls_free(tls);
	load(true);
	dial(TLS1_2_VERSION);
	CHECK_INT(shake_hands(), -EPROTO);
	end();
}

static void
garbage_is_no_handshake(void)
{
	static const char *const garbage[] = { "MAIL FROM:<a@b.test>\r\n",
		"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff\x01\x00",
		"\x16\x03\x01\x00\x05\x02\x00\x00\x00\x00" };

	load(false);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		size_t len = i < 2 ? strlen(garbage[i]) : i == 2 ? 7 : 10;

		dial(TLS1_3_VERSION);
		CHECK_INT(send(theirs, garbage[i], len, 0), (ssize_t)len);
		CHECK_INT(tls_handshake(session), -EPROTO);
		CHECK(tls_session_error(session) != NULL);
		CHECK_INT(tls_handshake(session), -EPROTO);
		CHECK_INT(tls_send(session, "x", 1), -ENOTCONN);
		hang_up();
	}
	tls = tls_free(tls);
}

/* A byte at a time; and an end in the middle is no handshake. */
static void
a_hello_may_come_in_pieces(void)
{
	char hello[4096];
	BIO *memory = BIO_new(BIO_s_mem());
	int n;

	load(false);
	dial(TLS1_3_VERSION);
	BIO_up_ref(memory);
	SSL_set0_wbio(client, memory);
	CHECK_INT(SSL_do_handshake(client), -1);
	n = BIO_read(memory, hello, sizeof(hello));
	CHECK(n > 100);
	for (int i = 0; i < n - 1; i++) {
		CHECK_INT(send(theirs, hello + i, 1, 0), 1);
		CHECK_INT(tls_handshake(session), -EAGAIN);
	}
	CHECK_INT(recv(theirs, hello, 1, 0), -1);
	CHECK_INT(send(theirs, hello + n - 1, 1, 0), 1);
	CHECK_INT(tls_handshake(session), -EAGAIN);
	CHECK_INT(recv(theirs, hello, 1, 0), 1);
	fd_close(&theirs);
	CHECK_INT(tls_handshake(session), -EPROTO);
	BIO_free(memory);
	end();
}

static void
nothing_is_said_before_the_handshake(void)
{
	char buf[16];

	load(false);
	dial(TLS1_3_VERSION);
	CHECK_INT(tls_send(session, "250 y\r\n", 7), -ENOTCONN);
	CHECK_INT(recv(theirs, buf, sizeof(buf), 0), -1);
	CHECK_INT(errno, EAGAIN);
	end();
}

/* Whoever does not read gets what was taken over, in order, and not what was
 * refused meanwhile. */
static void
what_is_not_read_is_kept(void)
{
	char text[1000];
	size_t taken = 0, got = 0;
	ssize_t n;
	int r;

	begin(TLS1_3_VERSION);
	memset(text, 'x', sizeof(text));
	while ((n = tls_send(session, text, sizeof(text))) > 0)
		taken += (size_t)n;
	CHECK_INT(n, -EAGAIN);
	CHECK_INT(tls_send(session, "421 y\r\n", 7), -EAGAIN);
	for (;;) {
		while ((r = SSL_read(client, text, sizeof(text))) > 0) {
			CHECK(memchr(text, 'y', (size_t)r) == NULL);
			got += (size_t)r;
		}
		if (got == taken)
			break;
		check_peek(""); /* which sends what was kept */
	}
	CHECK_INT(tls_send(session, "421 y\r\n", 7), 7);
	CHECK_STR(client_hears(), "421 y\r\n");
	end();
}

static void
lines_may_come_in_any_pieces(void)
{
	static const char line[] = "MAIL FROM:<a@b.test>\r\n";

	begin(TLS1_3_VERSION);
	for (size_t i = 0; i < strlen(line); i++)
		client_says(line + i, 1);
	check_peek(line);
	tls_take(session, 5);
	check_peek(line + 5);
	client_says("RSET\r\n", 6);
	tls_take(session, strlen(line) - 5);
	check_peek("RSET\r\n");
	end();
}

static void
more_than_fits_is_not_lost(void)
{
	char sent[10000], buf[16384];
	size_t got = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7);
	begin(TLS1_3_VERSION);
	client_says(sent, sizeof(sent));
	while ((n = tls_peek(session, buf, sizeof(buf))) > 0) {
		CHECK(n <= TLS_AHEAD_MAX);
		CHECK(memcmp(buf, sent + got, (size_t)n) == 0);
		tls_take(session, (size_t)n);
		got += (size_t)n;
	}
	CHECK_INT(n, 0);
	CHECK_INT(got, sizeof(sent));
	end();
}

/* With and without a close_notify, after what was said before it. */
static void
an_end_is_seen(void)
{
	char buf[16];

	for (int proper = 0; proper < 2; proper++) {
		begin(TLS1_3_VERSION);
		client_says("QUIT\r\n", 6);
		if (proper)
			CHECK_INT(SSL_shutdown(client), 0);
		else
			CHECK_INT(shutdown(theirs, SHUT_WR), 0);
		check_peek("QUIT\r\n");
		CHECK(tls_has_ended(session));
		tls_take(session, 6);
		CHECK_INT(tls_peek(session, buf, sizeof(buf)), -EPIPE);
		CHECK(tls_session_error(session) == NULL);
		end();
	}
}

static void
our_end_is_announced(void)
{
	char buf[16];

	begin(TLS1_3_VERSION);
	session = tls_session_free(session);
	CHECK_INT(SSL_read(client, buf, sizeof(buf)), 0);
	CHECK_INT(SSL_get_error(client, 0), SSL_ERROR_ZERO_RETURN);
	end();
}

static void
a_forged_record_breaks_it(void)
{
	static const char record[] = "\x17\x03\x03\x00\x14MAIL FROM:<a@b.test>";
	char buf[16];

	begin(TLS1_3_VERSION);
	CHECK_INT(send(theirs, record, 25, 0), 25);
	CHECK_INT(tls_peek(session, buf, sizeof(buf)), -EPROTO);
	CHECK_STR(
	    tls_session_error(session), "decryption failed or bad record mac");
	CHECK_INT(tls_send(session, "250 y\r\n", 7), -EPROTO);
	CHECK(tls_has_ended(session));
	end();
}

static void
renegotiation_is_refused(void)
{
	begin(TLS1_2_VERSION);
	CHECK_INT(SSL_renegotiate(client), 1);
	CHECK_INT(SSL_do_handshake(client), -1);
	check_peek("");
	ERR_clear_error();
	CHECK_INT(SSL_do_handshake(client), -1);
	CHECK_INT(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	end();
}

static void
nothing_is_kept_to_resume(void)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		begin(versions[i]);
		CHECK_INT(tls_send(session, "250 y\r\n", 7), 7);
		CHECK_STR(client_hears(), "250 y\r\n");
		CHECK_INT(
		    SSL_SESSION_is_resumable(SSL_get0_session(client)), 0);
		end();
	}
}

/* Under a reload. */
static void
sessions_outlive_their_certificate(void)
{
	begin(TLS1_3_VERSION);
	tls = tls_free(tls);
	client_says("QUIT\r\n", 6);
	check_peek("QUIT\r\n");
	CHECK_INT(tls_send(session, "221 y\r\n", 7), 7);
	CHECK_STR(client_hears(), "221 y\r\n");
	end();
}

/* The limit for a session that is only held, its line waiting.  Under a
 * sanitizer, whose allocator counts nothing, it is not measured. */
static void
a_held_session_is_small(void)
{
	enum { N = 50, LIMIT = 24 * 1024 };
	struct tls_session *held[N];
	int fds[N];
	size_t before;

	begin(TLS1_3_VERSION); /* what is there once, whatever N */
	hang_up();
	before = mallinfo2().uordblks;
	for (int i = 0; i < N; i++) {
		dial(TLS1_3_VERSION);
		CHECK_INT(shake_hands(), 0);
		client_says("EHLO x\r\n", 8);
		check_peek("EHLO x\r\n");
		CHECK_INT(tls_send(session, "250 y\r\n", 7), 7);
		held[i] = session;
		fds[i] = ours;
		session = NULL;
		ours = -1;
		hang_up();
	}
	CHECK((mallinfo2().uordblks - before) / N <= LIMIT);
	for (int i = 0; i < N; i++) {
		tls_session_free(held[i]);
		fd_close(&fds[i]);
	}
	tls = tls_free(tls);
}

/* What is said of these two files, one of them named. */
static void
check_bad(const char *chain, const char *key, const char *bad, const char *why)
{
	struct tls_files files = { chain, key, false };
	const char *file;
	char text[256];

	CHECK_INT(tls_new(&files, &tls, &file, text, sizeof(text)), -EINVAL);
	CHECK_STR(file, bad);
	CHECK_STR(text, why);
}

static void
a_bad_file_is_named(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	AUTO_FREE char *good = make_certificate("good.pem", -60, 3600, key);
	AUTO_FREE char *wrong = scratch_path("wrong.pem");
	AUTO_FREE char *sealed = scratch_path("sealed.pem");
	AUTO_FREE char *absent = scratch_path("absent.pem");
	AUTO_FREE char *text = scratch_write("text.pem", "hello\n", 6);
	FILE *f = fopen(sealed, "we");

	write_pem(fopen(wrong, "we"), NULL, other);
	CHECK_INT(PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(),
		      (const unsigned char *)"pass", 4, NULL, NULL),
	    1);
	CHECK_INT(fclose(f), 0);
	check_bad(absent, good, absent, "No such file or directory");
	check_bad(good, absent, absent, "No such file or directory");
	check_bad(text, good, text,
	    "no PEM, which begins with -----BEGIN CERTIFICATE-----");
	check_bad(good, wrong, wrong,
	    "the key belongs to no certificate of Certificate=");
	check_bad(good, sealed, sealed,
	    "the key has a passphrase, which nobody could enter: openssl pkey "
	    "removes it");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void
dates_are_known(void)
{
	static const struct {
		long from, to;
		bool expired;
	} spans[] = { { -60, 3600, false }, { -3600, -60, true },
		{ 60, 3600, true } };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char from[TLS_DATE_SIZE], until[TLS_DATE_SIZE], why[256];

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		AUTO_FREE char *path = make_certificate(
		    "dates.pem", spans[i].from, spans[i].to, key);
		struct tls_files files = { path, path, false };
		const char *file;

		CHECK_INT(tls_new(&files, &tls, &file, why, sizeof(why)), 0);
		CHECK_INT(tls_is_expired(tls, 0, time(NULL)), spans[i].expired);
		tls_print_dates(tls, 0, from, until);
		CHECK_INT(strlen(from), strlen("2026-01-31 23:59:59 UTC"));
		CHECK(strcmp(from, until) < 0);
		tls = tls_free(tls);
	}
	EVP_PKEY_free(key);
}

/* The key is missing in Key=, a certificate in Certificate=. */
static void
what_is_missing_is_missed_where_it_should_be(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	AUTO_FREE char *one = scratch_path("one.pem");
	AUTO_FREE char *two = scratch_path("two.pem");
	AUTO_FREE char *bare = make_certificate("bare.pem", -60, 3600, key);
	char text[4096] = "";
	FILE *f = fopen(bare, "r+e");

	write_pem(fopen(one, "we"), NULL, key);
	write_pem(fopen(two, "we"), NULL, key);
	check_bad(one, two, one, "no certificate in it");
	check_bad(one, one, one, "no certificate in it");
	CHECK(f != NULL);
	CHECK(fread(text, 1, sizeof(text) - 1, f) > 0);
	CHECK(strstr(text, "-----BEGIN PRIVATE") != NULL);
	CHECK_INT(truncate(bare, strstr(text, "-----BEGIN PRIVATE") - text), 0);
	CHECK_INT(fclose(f), 0);
	CHECK_INT(unlink(two), 0);
	CHECK_INT(link(bare, two), 0);
	check_bad(bare, two, two,
	    "no private key in it: append the key, or name its file in Key=");
	EVP_PKEY_free(key);
}

static const struct check_case cases[] = {
	CASE(a_dialogue_goes_both_ways),
	CASE(old_versions_are_refused),
	CASE(garbage_is_no_handshake),
	CASE(a_hello_may_come_in_pieces),
	CASE(nothing_is_said_before_the_handshake),
	CASE(what_is_not_read_is_kept),
	CASE(lines_may_come_in_any_pieces),
	CASE(more_than_fits_is_not_lost),
	CASE(an_end_is_seen),
	CASE(our_end_is_announced),
	CASE(a_forged_record_breaks_it),
	CASE(renegotiation_is_refused),
	CASE(nothing_is_kept_to_resume),
	CASE(sessions_outlive_their_certificate),
	CASE(a_held_session_is_small),
	CASE(a_bad_file_is_named),
	CASE(dates_are_known),
	CASE(what_is_missing_is_missed_where_it_should_be),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
