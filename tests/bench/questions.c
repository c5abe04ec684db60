/* SPDX-License-Identifier: ISC */
#include "tests/bench/questions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/bench/load.h"

static void
add_question(FILE *out, size_t number, const char *address)
{
	fprintf(out,
	    "request=tarpit_session\ninstance=%zx\nclient_address=%s\n"
	    "client_port=%zu\nserver_address=127.0.0.1\nserver_port=25\n\n",
	    number, address, 1024 + number % 60000);
}

struct questions
questions_read(const char *path)
{
	struct questions q = { 0 };
	struct samples starts = { 0 };
	char address[64];
	size_t size;
	FILE *in = fopen(path, "re");
	FILE *out = open_memstream(&q.text, &size);

	if (in == NULL || out == NULL)
		load_die(errno, "%s", path);
	for (; fgets(address, sizeof(address), in) != NULL; q.n++) {
		address[strcspn(address, "\n")] = '\0';
		samples_add(&starts, (double)ftell(out));
		add_question(out, q.n, address);
	}
	fclose(in);
	fclose(out);
	samples_add(&starts, (double)size);
	q.start = calloc(q.n + 1, sizeof(*q.start));
	if (q.start == NULL)
		load_die(ENOMEM, "questions");
	for (size_t i = 0; i <= q.n; i++)
		q.start[i] = (size_t)starts.value[i];
	free(starts.value);
	return q;
}

void
questions_free(struct questions *q)
{
	free(q->start);
	free(q->text);
}

int
questions_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path))
		load_die(ENAMETOOLONG, "%s", path);
	strcpy(to.sun_path, path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		load_die(errno, "%s", path);
	return fd;
}
