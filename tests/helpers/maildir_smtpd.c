/* SPDX-License-Identifier: ISC */
/*
 * maildir_smtpd [--hostname NAME] MAILDIR
 *
 * A small honest MTA in the style of inetd: one SMTP session on descriptors 0
 * and 1, every recipient accepted, every message filed in MAILDIR before it
 * is answered 250.  The default MTA of `make run`, and of tests.
 *
 * Lines end in CRLF and in nothing else: a message with a bare CR or LF is
 * refused, since another server might see a second message in it.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "bin/common/util.h"

enum {
	LINE_SIZE =
	    2048, /* RFC 5321, 4.5.3.1: 512 for commands, 1000 for text */
	PATH_SIZE = 256 + 1,
	RECIPIENTS_MAX = 100,
	MESSAGE_LIMIT = 32 << 20,
	IDLE_SECONDS = 300, /* 4.5.3.2.7 */
};

enum line {
	LINE_OK,
	LINE_LONG,
	LINE_BARE, /* a CR or LF on its own, or a NUL */
	LINE_END,  /* end of file, or idle for too long */
};

struct session {
	const char *maildir, *hostname;
	char client[INET6_ADDRSTRLEN];
	char helo[PATH_SIZE], sender[PATH_SIZE];
	char recipients[RECIPIENTS_MAX][PATH_SIZE];
	size_t n_recipients;
	bool in_mail, quit;
};

/* A line without its CRLF, NUL-terminated.  Whatever is wrong with it, it is
 * read up to its CRLF. */
static enum line
read_line(char buf[LINE_SIZE], size_t *ret_len)
{
	enum line result = LINE_OK;
	size_t len = 0;
	int c, previous = 0;

	while ((c = getchar()) != EOF) {
		if (previous == '\r' && c == '\n') {
			if (result == LINE_OK)
				buf[--len] = '\0';
			*ret_len = len;
			return result;
		}
		if (previous == '\r' || c == '\n' || c == '\0')
			result = LINE_BARE;
		else if (len == LINE_SIZE - 1 && result == LINE_OK)
			result = LINE_LONG;
		if (result == LINE_OK)
			buf[len++] = (char)c;
		previous = c;
	}
	return LINE_END;
}

static void
reply(const char *text)
{
	printf("%s\r\n", text);
	fflush(stdout);
}

static void
reset(struct session *s)
{
	s->in_mail = false;
	s->n_recipients = 0;
}

/* ---- delivery ---- */

static int
make_maildir(const char *dir)
{
	static const char *const parts[] = { "", "/tmp", "/new", "/cur" };
	char path[4096];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, parts[i]);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static void
write_header(const struct session *s, FILE *f)
{
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000",
	    gmtime_r(&now, &tm));
	fprintf(f, "Return-Path: <%s>\n", s->sender);
	for (size_t i = 0; i < s->n_recipients; i++)
		fprintf(f, "Delivered-To: %s\n", s->recipients[i]);
	fprintf(f, "Received: from %s ([%s%s])\n\tby %s with ESMTP; %s\n",
	    s->helo, strchr(s->client, ':') != NULL ? "IPv6:" : "", s->client,
	    s->hostname, date);
}

/* Reads the text up to its final dot into F, which may be NULL.  NULL, or the
 * refusal; *RET_END: the client has gone before the dot. */
static const char *
read_text(FILE *f, bool *ret_end)
{
	const char *refusal = NULL;
	char line[LINE_SIZE];
	size_t len, total = 0;

	for (;;) {
		enum line l = read_line(line, &len);

		if (l == LINE_END) {
			*ret_end = true;
			return "";
		}
		if (l == LINE_OK && strcmp(line, ".") == 0)
			return refusal;
		if (l == LINE_LONG)
			refusal = "554 5.6.0 Line too long";
		else if (l == LINE_BARE)
			refusal = "554 5.6.0 Bare CR, LF or NUL in message";
		else if ((total += len + 2) > MESSAGE_LIMIT)
			refusal = "552 5.3.4 Message too big";
		/* 4.5.2: the first of leading dots was added by the client. */
		if (refusal == NULL && f != NULL)
			fprintf(f, "%s\n", line[0] == '.' ? line + 1 : line);
	}
}

/* The message in F is tmp/NAME: makes it durable, then visible. */
static int
publish(const char *dir, const char *from, const char *name, FILE *f)
{
	char to[4096 + 256];
	int dirfd;

	snprintf(to, sizeof(to), "%s/new/%s", dir, name);
	if (fflush(f) != 0 || ferror(f) || fsync(fileno(f)) < 0 ||
	    rename(from, to) < 0)
		return -EIO;
	/* The name, too, has to survive a crash. */
	snprintf(to, sizeof(to), "%s/new", dir);
	dirfd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || fsync(dirfd) < 0)
		return -EIO;
	close(dirfd);
	return 0;
}

static void
deliver(struct session *s)
{
	char name[256], path[4096 + 256];
	const char *refusal;
	struct timespec ts;
	bool end = false;
	FILE *f;

	clock_gettime(CLOCK_REALTIME, &ts);
	snprintf(name, sizeof(name), "%lld.M%ldP%d.%s", (long long)ts.tv_sec,
	    ts.tv_nsec, (int)getpid(), s->hostname);
	snprintf(path, sizeof(path), "%s/tmp/%s", s->maildir, name);
	f = fopen(path, "wxe");
	if (f != NULL)
		write_header(s, f);
	reply("354 End with a dot on a line of its own");
	refusal = read_text(f, &end);
	if (refusal == NULL &&
	    (f == NULL || publish(s->maildir, path, name, f) < 0))
		refusal = "451 4.3.0 Cannot file the message";
	if (f != NULL)
		fclose(f);
	if (refusal != NULL)
		unlink(path);
	if (end)
		s->quit = true;
	else
		reply(refusal != NULL ? refusal : "250 2.0.0 Filed");
	reset(s);
}

/* ---- commands ---- */

/* "<path> [parameter]..." of MAIL and RCPT; NULL, or the refusal. */
static const char *
parse_path(const char *arg, char path[PATH_SIZE])
{
	const char *end = strchr(arg, '>');
	size_t len;

	if (arg[0] != '<' || end == NULL)
		return "501 5.1.3 No <address>";
	len = (size_t)(end - arg) - 1;
	if (len >= PATH_SIZE)
		return "501 5.1.3 Address too long";
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)arg[1 + i]))
			return "501 5.1.3 Control character in address";
	for (end++; *end == ' '; end += strcspn(end, " ")) {
		end++;
		if (strncasecmp(end, "SIZE=", 5) != 0 &&
		    strncasecmp(end, "BODY=", 5) != 0)
			return "555 5.5.4 Parameter not known";
	}
	memcpy(path, arg + 1, len);
	path[len] = '\0';
	return NULL;
}

static const char *
do_helo(struct session *s, const char *arg)
{
	reset(s);
	if (arg[0] == '\0' || strlen(arg) >= PATH_SIZE)
		return "501 5.5.4 No host name";
	/* It goes into a header. */
	for (const char *p = arg; *p != '\0'; p++)
		if (!isgraph((unsigned char)*p))
			return "501 5.5.4 Not a host name";
	strcpy(s->helo, arg);
	printf("250 %s\r\n", s->hostname);
	fflush(stdout);
	return NULL;
}

static const char *
do_ehlo(struct session *s, const char *arg)
{
	if (arg[0] != '\0' && strlen(arg) < PATH_SIZE)
		printf("250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
		       "250-ENHANCEDSTATUSCODES\r\n250-SIZE %d\r\n",
		    s->hostname, MESSAGE_LIMIT);
	return do_helo(s, arg);
}

static const char *
do_mail(struct session *s, const char *arg)
{
	const char *refusal;

	if (s->helo[0] == '\0')
		return "503 5.5.1 HELO first";
	if (s->in_mail)
		return "503 5.5.1 One sender at a time";
	refusal = parse_path(arg, s->sender);
	if (refusal != NULL)
		return refusal;
	s->in_mail = true;
	return "250 2.1.0 Sender ok";
}

static const char *
do_rcpt(struct session *s, const char *arg)
{
	const char *refusal;

	if (!s->in_mail)
		return "503 5.5.1 MAIL first";
	if (s->n_recipients == RECIPIENTS_MAX)
		return "452 4.5.3 Too many recipients";
	refusal = parse_path(arg, s->recipients[s->n_recipients]);
	if (refusal != NULL)
		return refusal;
	if (s->recipients[s->n_recipients][0] == '\0')
		return "501 5.1.3 No recipient";
	s->n_recipients++;
	return "250 2.1.5 Recipient ok";
}

static const char *
do_data(struct session *s, const char *arg)
{
	(void)arg;
	if (s->n_recipients == 0)
		return "503 5.5.1 RCPT first";
	deliver(s);
	return NULL;
}

static const char *
do_rset(struct session *s, const char *arg)
{
	(void)arg;
	reset(s);
	return "250 2.0.0 Reset";
}

static const char *
do_noop(struct session *s, const char *arg)
{
	(void)s;
	(void)arg;
	return "250 2.0.0 Ok";
}

static const char *
do_quit(struct session *s, const char *arg)
{
	(void)arg;
	s->quit = true;
	return "221 2.0.0 Bye";
}

/* A command's reply, or NULL if it has been given. */
static const char *
do_command(struct session *s, const char *line)
{
	static const struct {
		const char *verb;
		const char *(*run)(struct session *, const char *arg);
	} commands[] = {
		{ "HELO ", do_helo },
		{ "EHLO ", do_ehlo },
		{ "MAIL FROM:", do_mail },
		{ "RCPT TO:", do_rcpt },
		{ "DATA", do_data },
		{ "RSET", do_rset },
		{ "NOOP", do_noop },
		{ "QUIT", do_quit },
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		size_t len = strlen(commands[i].verb);

		if (strncasecmp(line, commands[i].verb, len) == 0)
			return commands[i].run(s, line + len);
	}
	return "500 5.5.2 Command not known";
}

static void
serve(struct session *s)
{
	char line[LINE_SIZE];
	size_t len;

	printf("220 %s ESMTP maildir_smtpd\r\n", s->hostname);
	fflush(stdout);
	while (!s->quit) {
		const char *text = NULL;

		switch (read_line(line, &len)) {
		case LINE_OK:
			text = do_command(s, line);
			break;
		case LINE_LONG:
			text = "500 5.5.2 Line too long";
			break;
		case LINE_BARE:
			text = "500 5.5.2 Lines end in CRLF";
			break;
		case LINE_END:
			return;
		}
		if (text != NULL)
			reply(text);
	}
}

/* ---- start ---- */

/* Who is there: what the starter says, else the socket itself. */
static void
find_client(char client[INET6_ADDRSTRLEN])
{
	const char *env = getenv("TCPREMOTEIP");
	struct in6_addr any;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	strcpy(client, "unknown");
	if (env != NULL && strlen(env) < INET6_ADDRSTRLEN &&
	    (inet_pton(AF_INET, env, &any) == 1 ||
		inet_pton(AF_INET6, env, &any) == 1)) {
		strcpy(client, env);
		return;
	}
	if (getpeername(0, (struct sockaddr *)&ss, &len) < 0)
		return;
	if (ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&ss)->sin_addr,
		    client, INET6_ADDRSTRLEN);
	else if (ss.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&ss)->sin6_addr,
		    client, INET6_ADDRSTRLEN);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "hostname", required_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct session s = { .hostname = "localhost" };
	const struct timeval idle = { .tv_sec = IDLE_SECONDS };
	int c, r;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'h')
			return EXIT_OPERATOR;
		s.hostname = optarg;
	}
	if (argc - optind != 1) {
		fprintf(
		    stderr, "usage: maildir_smtpd [--hostname NAME] MAILDIR\n");
		return EXIT_OPERATOR;
	}
	s.maildir = argv[optind];
	r = make_maildir(s.maildir);
	if (r < 0) {
		fprintf(
		    stderr, "maildir_smtpd: %s: %s\n", s.maildir, strerror(-r));
		reply("421 4.3.0 No mailbox");
		return EXIT_TEMPORARY;
	}
	/* Fails on a pipe, which is not idle either. */
	(void)setsockopt(0, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	find_client(s.client);
	serve(&s);
	return EXIT_SUCCESS;
}
