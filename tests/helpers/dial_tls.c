/* SPDX-License-Identifier: ISC */
/*
 * dial_tls ADDRESS PORT [OPTION]...: as dial, by STARTTLS.  Waits for the
 * greeting, says EHLO and STARTTLS, and after the handshake prints
 *
 *   tls VERSION NAME-IN-THE-CERTIFICATE
 *
 * and from then on passes on what both sides say.  Addresses are IPv4.
 *
 *   inject=TEXT      is sent behind STARTTLS, in the same segment
 *   say=TEXT         is sent instead of the handshake; empty: nothing is
 *   version=TLSv1.1  no older and no newer one
 *   pieces           each byte is a record of its own
 *   cut              ends without a close_notify
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/fd.h"

static struct {
	const char *inject, *say, *version;
	bool pieces, cut;
} options = { .inject = "" };

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "dial_tls: %s\n", what);
	exit(1);
}

static void
parse(char **argv)
{
	for (; *argv != NULL; argv++) {
		const char *equals = strchr(*argv, '=');

		if (strncmp(*argv, "inject=", 7) == 0)
			options.inject = equals + 1;
		else if (strncmp(*argv, "say=", 4) == 0)
			options.say = equals + 1;
		else if (strncmp(*argv, "version=", 8) == 0)
			options.version = equals + 1;
		else if (strcmp(*argv, "pieces") == 0)
			options.pieces = true;
		else if (strcmp(*argv, "cut") == 0)
			options.cut = true;
		else
			die("unknown option");
	}
}

static int
dial(const char *host, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((in_port_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("cannot connect");
	return fd;
}

/* Up to the end of a reply: RFC 5321, 4.2.1. */
static void
await_reply(int fd, const char *code)
{
	char line[1024];
	size_t n = 0;

	for (;;) {
		if (n == sizeof(line) - 1 || read(fd, line + n, 1) != 1)
			die("no reply");
		if (line[n++] != '\n')
			continue;
		line[n] = '\0';
		if (n > 4 && line[3] == ' ')
			break;
		n = 0;
	}
	if (strncmp(line, code, 3) != 0)
		die(line);
}

static void
say(int fd, const char *text, const char *more)
{
	char buf[4096];
	int n = snprintf(buf, sizeof(buf), "%s%s", text, more);

	if (fd_write_all(fd, buf, (size_t)n) < 0)
		die("cannot write");
}

static void
ask_for_tls(int fd)
{
	await_reply(fd, "220");
	say(fd, "EHLO client.test\r\n", "");
	await_reply(fd, "250");
	say(fd, "STARTTLS\r\n", options.inject);
	await_reply(fd, "220");
}

static void
restrict_version(SSL_CTX *context)
{
	static const struct {
		const char *name;
		int version;
	} versions[] = { { "TLSv1.1", TLS1_1_VERSION },
		{ "TLSv1.2", TLS1_2_VERSION }, { "TLSv1.3", TLS1_3_VERSION } };

	SSL_CTX_set_security_level(context, 0);
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (options.version != NULL &&
		    strcmp(options.version, versions[i].name) == 0) {
			(void)SSL_CTX_set_min_proto_version(
			    context, versions[i].version);
			(void)SSL_CTX_set_max_proto_version(
			    context, versions[i].version);
		}
}

static SSL *
shake_hands(SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);
	char name[256] = "";

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		die(ERR_reason_error_string(ERR_peek_error()));
	(void)X509_NAME_get_text_by_NID(
	    X509_get_subject_name(SSL_get0_peer_certificate(ssl)),
	    NID_commonName, name, sizeof(name));
	printf("tls %s %s\n", SSL_get_version(ssl), name);
	fflush(stdout);
	return ssl;
}

/* False at the end of input. */
static bool
pass_up(SSL *ssl)
{
	char buf[4096];
	ssize_t len = read(STDIN_FILENO, buf, sizeof(buf));
	size_t step = options.pieces ? 1 : (size_t)len;

	for (ssize_t at = 0; at < len; at += (ssize_t)step)
		if (SSL_write(ssl, buf + at, (int)step) <= 0)
			return false;
	return len > 0;
}

static bool
pass_down(SSL *ssl)
{
	char buf[4096];

	do {
		int n = SSL_read(ssl, buf, sizeof(buf));

		if (n <= 0 || fd_write_all(STDOUT_FILENO, buf, (size_t)n) < 0)
			return false;
	} while (SSL_pending(ssl) > 0);
	return true;
}

static void
pass_on(SSL *ssl, int fd)
{
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = fd, .events = POLLIN } };

	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents != 0 && !pass_down(ssl))
			return;
		if (fds[0].revents != 0 && !pass_up(ssl)) {
			if (!options.cut)
				(void)SSL_shutdown(ssl);
			(void)shutdown(fd, SHUT_WR);
			fds[0].fd = -1;
		}
	}
}

int
main(int argc, char **argv)
{
	AUTO_FD fd = -1;
	SSL_CTX *context;
	SSL *ssl;

	if (argc < 3)
		die("ADDRESS PORT [OPTION]...");
	parse(argv + 3);
	fd = dial(argv[1], argv[2]);
	ask_for_tls(fd);
	if (options.say != NULL) {
		char byte;

		say(fd, options.say, "");
		while (read(fd, &byte, 1) > 0)
			;
		return 0;
	}
	context = SSL_CTX_new(TLS_client_method());
	if (context == NULL)
		die("no memory");
	restrict_version(context);
	ssl = shake_hands(context, fd);
	pass_on(ssl, fd);
	SSL_free(ssl);
	SSL_CTX_free(context);
	return 0;
}
