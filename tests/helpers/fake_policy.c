/* SPDX-License-Identifier: ISC */
/*
 * A policy service for tests: answers by rules given as arguments, or
 * misbehaves.  fake_policy PATH MODE [RULE]...
 *
 * RULE is "ADDRESS|* NAME=VALUE NAME=VALUE ...", the first that fits counts, or
 * "ADDRESS|* silent";
 * MODE is `normal`, or what it does instead of answering:
 *   silent   reads and says nothing
 *   stuck    accepts and does not read
 *   garbage  random-looking bytes, half lines, and no end of message
 *   wrong    answers with instances that nobody asked with
 *   huge     a line of 1 MB
 *   hangup   closes on the first question
 *   lying    an answer with values out of all ranges
 *   late     the right answer, 1.5 s after the question
 *   reverse  holds back 10 questions and answers the last one first
 * Prints each question on standard output as one line.
 */

#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/attrs.h"
#include "bin/common/fd.h"
#include "bin/common/linebuf.h"
#include "bin/common/listen.h"

enum { HELD_MAX = 10 };

struct question {
	char request[32], instance[64], client[64], behaviour[32];
	char outcome[32], server[64];
};

static const char *mode;
static char **rules;
static int n_rules;
static struct question held[HELD_MAX];
static size_t n_held;

static void
say(int fd, const void *data, size_t len)
{
	if (send(fd, data, len, MSG_NOSIGNAL) < 0)
		perror("fake_policy: send");
}

static const char *
find_rule(const char *client)
{
	for (int i = 0; i < n_rules; i++) {
		size_t n = strcspn(rules[i], " ");
		char pattern[64];

		snprintf(pattern, sizeof(pattern), "%.*s", (int)n, rules[i]);
		if (fnmatch(pattern, client, 0) == 0)
			return rules[i][n] == ' ' ? rules[i] + n + 1 : "";
	}
	return "action=pass rate=0";
}

static void
answer(int fd, const struct question *q)
{
	const char *rule = find_rule(q->client);
	char message[1024];
	int n = snprintf(
	    message, sizeof(message), "instance=%s\n%s\n\n", q->instance, rule);

	if (strcmp(rule, "silent") == 0)
		return;

	/* Values have no spaces but in `reason`, written with commas here. */
	for (char *p = strchr(message, '\n'); *p != '\0'; p++)
		if (*p == ' ')
			*p = '\n';
		else if (*p == ',')
			*p = ' ';
	say(fd, message, (size_t)n);
}

static void
answer_reversed(int fd, const struct question *q)
{
	held[n_held++] = *q;
	if (n_held < HELD_MAX)
		return;
	while (n_held > 0)
		answer(fd, &held[--n_held]);
}

static void
misbehave(int fd, const struct question *q)
{
	static char huge[1 << 20];
	char text[256];

	if (strcmp(mode, "garbage") == 0) {
		snprintf(text, sizeof(text),
		    "instance=%s\nnonsense\n\n=x\n\naction=\xff\xfe\n\nhalf",
		    q->instance);
		say(fd, text, strlen(text));
	} else if (strcmp(mode, "wrong") == 0) {
		snprintf(text, sizeof(text),
		    "instance=%s0\naction=hold\nrate=5\n\ninstance=ffffffff."
		    "ffffffff\naction=hold\n\ninstance=0.0\naction=hold\n\n",
		    q->instance);
		say(fd, text, strlen(text));
	} else if (strcmp(mode, "huge") == 0) {
		memset(huge, 'x', sizeof(huge));
		say(fd, huge, sizeof(huge));
	} else if (strcmp(mode, "lying") == 0) {
		snprintf(text, sizeof(text),
		    "instance=%s\naction=hold\nrate=-7\npatience=1e9\n"
		    "score=99999999999999999999\ncountry=<script>\n\n",
		    q->instance);
		say(fd, text, strlen(text));
	} else if (strcmp(mode, "late") == 0) {
		poll(NULL, 0, 1500);
		answer(fd, q);
	}
}

static void
print_question(const struct question *q)
{
	printf("%s instance=%s client=%s server=%s behaviour=%s outcome=%s\n",
	    q->request, q->instance, q->client, q->server, q->behaviour,
	    q->outcome);
	fflush(stdout);
}

/* Reads the message at POS; what it lacks is empty. */
static void
parse(const char *pos, const char *end, struct question *q)
{
	const struct {
		const char *name;
		char *buf;
		size_t size;
	} fields[] = {
		{ "request", q->request, sizeof(q->request) },
		{ "instance", q->instance, sizeof(q->instance) },
		{ "client_address", q->client, sizeof(q->client) },
		{ "server_address", q->server, sizeof(q->server) },
		{ "behaviour", q->behaviour, sizeof(q->behaviour) },
		{ "outcome", q->outcome, sizeof(q->outcome) },
	};
	struct attr attr;

	memset(q, 0, sizeof(*q));
	while (attrs_next(&pos, end, &attr) > 0)
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			if (attr_is(&attr, fields[i].name) &&
			    attr_str(&attr, fields[i].buf, fields[i].size) < 0)
				fprintf(stderr, "fake_policy: long value\n");
}

/* False if the connection is to be closed. */
static bool
take(int fd, const char *data, size_t len)
{
	struct question q;

	parse(data, data + len, &q);
	print_question(&q);
	if (strcmp(q.request, "tarpit_session") != 0)
		return true;
	if (strcmp(mode, "normal") == 0)
		answer(fd, &q);
	else if (strcmp(mode, "reverse") == 0)
		answer_reversed(fd, &q);
	else
		misbehave(fd, &q);
	return strcmp(mode, "hangup") != 0;
}

static void
serve(int fd, struct linebuf *in)
{
	size_t len;

	for (;;) {
		ssize_t n = linebuf_fill(in, fd);

		if (n <= 0)
			return;
		while (attrs_find_end(
			   linebuf_data(in), linebuf_len(in), &len) == 0) {
			bool go_on = take(fd, linebuf_data(in), len);

			linebuf_consume(in, len);
			if (!go_on)
				return;
		}
	}
}

int
main(int argc, char **argv)
{
	struct listen_socket listener;
	int r;

	if (argc < 3) {
		fprintf(stderr, "usage: fake_policy PATH MODE [RULE]...\n");
		return EXIT_OPERATOR;
	}
	mode = argv[2];
	rules = argv + 3;
	n_rules = argc - 3;
	r = listen_open_unix(argv[1], 0600, 16, &listener);
	if (r == 0)
		r = fd_set_nonblocking(listener.fd, false);
	if (r < 0) {
		fprintf(stderr, "fake_policy: %s: %s\n", argv[1], strerror(-r));
		return EXIT_TEMPORARY;
	}
	for (;;) {
		AUTO_FD fd = accept(listener.fd, NULL, NULL);
		struct linebuf in;

		if (fd < 0 || linebuf_init(&in, ATTRS_MAX) < 0)
			return EXIT_TEMPORARY;
		while (strcmp(mode, "stuck") == 0)
			poll(NULL, 0, -1);
		serve(fd, &in);
		linebuf_fini(&in);
	}
}
