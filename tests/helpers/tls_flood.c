/* SPDX-License-Identifier: ISC */
/*
 * tls_flood ADDRESS PORT KIND [COUNT]: gets TLS by STARTTLS (IPv4) and sends
 * COUNT (100,000) records of one KIND as fast as they are taken, all made
 * before the first of them is sent:
 *
 *   keyupdate    key updates of TLS 1.3
 *   empty        application data without a byte (TLS 1.3)
 *   padded       the same with 16 KB of padding
 *   warning      alerts that are no more than warnings
 *   fragments    a handshake message that never ends, a byte a record
 *   renegotiate  requests for a new handshake (TLS 1.2)
 *   bytes        application data, a byte a record (TLS 1.3)
 *   crumbs       the first handshake itself, a byte a record
 *   hello        a ClientHello of 128 KB
 *   line         half a line of application data, then key updates
 *   handshakes   nothing but handshakes, one after the other, each on a
 *                connection of its own
 *   crowd        the same, all at once, each by a process of its own
 *
 * Prints "TOOK of ALL bytes" when the server has ended the connection or all
 * has gone out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bin/common/fd.h"

enum { KEY = 16, IV = 12, TAG = 16, HEADER = 5, SECRET = 32, PADDING = 16000 };

static struct sockaddr_in server = { .sin_family = AF_INET };
static char *data; /* what is to be sent */
static size_t len, room;

/* The client's direction, TLS_AES_128_GCM_SHA256. */
static unsigned char secret[SECRET];
static unsigned char key[KEY], iv[IV];
static uint64_t sequence;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "tls_flood: %s\n", what);
	exit(1);
}

static void
put(const void *bytes, size_t n)
{
	if (len + n > room) {
		room = 2 * (len + n);
		data = realloc(data, room);
		if (data == NULL)
			die("no memory");
	}
	memcpy(data + len, bytes, n);
	len += n;
}

/* ---- the dialogue before ---- */

static void
say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		die("the server has left");
}

/* Reads replies until the last line of one, which begins with CODE. */
static void
expect(int fd, const char *code)
{
	char line[512];
	size_t n = 0;

	for (;;) {
		if (n == sizeof(line) || recv(fd, line + n, 1, 0) != 1)
			die("no reply");
		if (line[n++] != '\n')
			continue;
		if (n > 3 && line[3] != '-')
			break;
		n = 0;
	}
	if (strncmp(line, code, 3) != 0)
		die("STARTTLS was refused");
}

static int
connect_starttls(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&server, sizeof(server)) < 0)
		die("cannot connect");
	expect(fd, "220");
	say(fd, "EHLO flood.test\r\n");
	expect(fd, "250");
	say(fd, "STARTTLS\r\n");
	expect(fd, "220");
	return fd;
}

/* ---- records of our own making ---- */

static void
expand(const char *label, unsigned char *out, size_t n)
{
	unsigned char info[64];
	size_t label_len = strlen(label), at = 0;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);

	info[at++] = 0;
	info[at++] = (unsigned char)n;
	info[at++] = (unsigned char)(6 + label_len);
	memcpy(info + at, "tls13 ", 6);
	memcpy(info + at + 6, label, label_len);
	at += 6 + label_len;
	info[at++] = 0;
	if (c == NULL || EVP_PKEY_derive_init(c) <= 0 ||
	    EVP_PKEY_CTX_set_hkdf_mode(c, EVP_PKEY_HKDEF_MODE_EXPAND_ONLY) <=
		0 ||
	    EVP_PKEY_CTX_set_hkdf_md(c, EVP_sha256()) <= 0 ||
	    EVP_PKEY_CTX_set1_hkdf_key(c, secret, SECRET) <= 0 ||
	    EVP_PKEY_CTX_add1_hkdf_info(c, info, (int)at) <= 0 ||
	    EVP_PKEY_derive(c, out, &n) <= 0)
		die("no keys");
	EVP_PKEY_CTX_free(c);
}

/* A record of TLS 1.3 with N bytes of TEXT, which are of TYPE, and zeroes. */
static void
put_record(unsigned char type, const void *text, size_t n, size_t padding)
{
	static unsigned char plain[PADDING + 64], out[PADDING + 64];
	size_t all = n + 1 + padding;
	unsigned char header[HEADER] = { 23, 3, 3 }, nonce[IV];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int got;

	memset(plain, 0, all);
	memcpy(plain, text, n);
	plain[n] = type;
	header[3] = (unsigned char)((all + TAG) >> 8);
	header[4] = (unsigned char)(all + TAG);
	memcpy(nonce, iv, IV);
	for (int i = 0; i < 8; i++)
		nonce[IV - 1 - i] ^= (unsigned char)(sequence >> 8 * i);
	sequence++;
	if (c == NULL ||
	    EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, nonce) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &got, header, HEADER) != 1 ||
	    EVP_EncryptUpdate(c, out, &got, plain, (int)all) != 1 ||
	    EVP_EncryptFinal_ex(c, out + all, &got) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, out + all) != 1)
		die("no record");
	EVP_CIPHER_CTX_free(c);
	put(header, sizeof(header));
	put(out, all + TAG);
}

static void
note_secret(const SSL *ssl, const char *line)
{
	static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
	const char *hex = strrchr(line, ' ');

	(void)ssl;
	if (strncmp(line, label, sizeof(label) - 1) != 0)
		return;
	for (size_t i = 0; i < SECRET; i++) {
		unsigned int byte = 0;

		(void)sscanf(hex + 1 + 2 * i, "%2x", &byte);
		secret[i] = (unsigned char)byte;
	}
}

/* ---- the flood ---- */

/* Sends all; how much the server took before it ended. */
static size_t
pour(int fd)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = send(fd, data + at, len - at, MSG_NOSIGNAL);

		if (n < 0)
			break;
		at += (size_t)n;
	}
	return at;
}

static SSL *
shake_hands(SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		die("no memory");
	if (SSL_connect(ssl) != 1)
		die("the handshake has failed");
	return ssl;
}

/* From here on what OpenSSL writes is kept. */
static BIO *
catch_output(SSL *ssl)
{
	BIO *out = BIO_new(BIO_s_mem());

	if (out == NULL)
		die("no memory");
	SSL_set0_wbio(ssl, out);
	return out;
}

static void
take_output(BIO *out)
{
	char *bytes;
	long n = BIO_get_mem_data(out, &bytes);

	put(bytes, (size_t)n);
	(void)BIO_reset(out);
}

static void
put_key_updates(SSL *ssl, BIO *out, long count)
{
	while (count-- > 0) {
		if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
		    SSL_do_handshake(ssl) != 1)
			die("no key update");
		take_output(out);
	}
}

/* One is made, and sent again and again: whether the next can be decrypted is a
 * question that the first has to be answered for. */
static void
put_renegotiations(SSL *ssl, BIO *out, int fd, long count)
{
	char *bytes;
	long n;

	(void)fd_set_nonblocking(fd, true); /* there is no answer yet */
	if (SSL_renegotiate(ssl) != 1)
		die("no renegotiation");
	(void)SSL_do_handshake(ssl);
	(void)fd_set_nonblocking(fd, false);
	n = BIO_get_mem_data(out, &bytes);
	while (count-- > 0)
		put(bytes, (size_t)n);
}

static void
put_plain(const char *kind, long count)
{
	static const unsigned char hello[] = { 1, 1, 0xff, 0 };
	static const unsigned char crumb[] = { 22, 3, 1, 0, 1 };
	static const unsigned char header[] = { 22, 3, 1, 0x40, 0 };
	static unsigned char zeroes[16384];

	if (strcmp(kind, "crumbs") == 0) {
		for (long i = 0; i < count; i++) {
			put(crumb, sizeof(crumb));
			put(i < 4 ? hello + i : zeroes, 1);
		}
		return;
	}
	memcpy(zeroes, hello, sizeof(hello));
	for (int i = 0; i < 8; i++) {
		put(header, sizeof(header));
		put(zeroes, sizeof(zeroes));
		memset(zeroes, 0, sizeof(hello));
	}
}

static bool
put_crafted(const char *kind, long count)
{
	static const unsigned char warning[] = { 1, 90 };
	static const unsigned char endless[] = { 4, 0, 0xff, 0xff };

	expand("key", key, KEY);
	expand("iv", iv, IV);
	for (long i = 0; i < count; i++) {
		if (strcmp(kind, "empty") == 0)
			put_record(23, "", 0, 0);
		else if (strcmp(kind, "padded") == 0)
			put_record(23, "", 0, PADDING);
		else if (strcmp(kind, "warning") == 0)
			put_record(21, warning, sizeof(warning), 0);
		else if (strcmp(kind, "fragments") == 0)
			put_record(22, i < 4 ? endless + i : endless + 1, 1, 0);
		else if (strcmp(kind, "bytes") == 0)
			put_record(23, "x", 1, 0);
		else
			return false;
	}
	return true;
}

static void
flood(SSL_CTX *context, const char *kind, long count)
{
	int fd = connect_starttls();
	SSL *ssl = NULL;
	BIO *out;
	size_t took;
	char rest[512];

	if (strcmp(kind, "crumbs") == 0 || strcmp(kind, "hello") == 0) {
		put_plain(kind, count);
	} else {
		ssl = shake_hands(context, fd);
		out = catch_output(ssl);
		if (strcmp(kind, "line") == 0 &&
		    SSL_write(ssl, "NOOP ", 5) == 5)
			take_output(out);
		if (strcmp(kind, "line") == 0 || strcmp(kind, "keyupdate") == 0)
			put_key_updates(ssl, out, count);
		else if (strcmp(kind, "renegotiate") == 0)
			put_renegotiations(ssl, out, fd, count);
		else if (!put_crafted(kind, count))
			die("unknown kind");
	}
	took = pour(fd);
	(void)shutdown(fd, SHUT_WR);
	/* Until the server has read, or thrown away, all of it. */
	while (recv(fd, rest, sizeof(rest), 0) > 0)
		continue;
	printf("%zu of %zu bytes\n", took, len);
	SSL_free(ssl);
	close(fd);
}

static void
flood_handshakes(SSL_CTX *context, long count)
{
	for (long i = 0; i < count; i++) {
		int fd = connect_starttls();
		SSL *ssl = SSL_new(context);

		if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
			die("no memory");
		(void)SSL_connect(ssl);
		SSL_free(ssl);
		close(fd);
	}
	printf("%ld handshakes\n", count);
}

static void
flood_crowd(SSL_CTX *context, long count)
{
	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("no process");
		if (pid == 0) {
			flood_handshakes(context, 1);
			exit(0);
		}
	}
	while (wait(NULL) > 0)
		continue;
}

int
main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	long count = argc > 4 ? atol(argv[4]) : 100000;
	const char *kind = argc > 3 ? argv[3] : "";

	if (argc < 4 || context == NULL ||
	    inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
		die("usage: tls_flood ADDRESS PORT KIND [COUNT]");
	server.sin_port = htons((in_port_t)atoi(argv[2]));
	(void)signal(SIGPIPE, SIG_IGN);
	SSL_CTX_set_keylog_callback(context, note_secret);
	(void)SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
	if (strcmp(kind, "renegotiate") == 0)
		(void)SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	if (strcmp(kind, "handshakes") == 0)
		flood_handshakes(context, count);
	else if (strcmp(kind, "crowd") == 0)
		flood_crowd(context, count);
	else
		flood(context, kind, count);
	SSL_CTX_free(context);
	free(data);
	return 0;
}
