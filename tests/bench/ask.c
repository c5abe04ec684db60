/* SPDX-License-Identifier: ISC */
/*
 * load ask PATH SECONDS ADDRESSES: asks the policy service at the unix socket
 * PATH about the addresses in the file, one a line, over and over, as tarpitd
 * asks, with WINDOW questions under way.  Prints answers per second.
 */

#include "tests/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bin/common/clock.h"

enum {
	/* Sent at once, and the most that are under way: with answers of the
	 * same size they fit into the socket's buffers, so neither side can
	 * wait for the other. */
	BURST = 64,
	WINDOW = 256,
	QUESTION_MAX = 256,
};

/* All questions, one behind the other, and where each burst begins. */
struct script {
	char *text;
	size_t *burst; /* [n_bursts + 1] */
	size_t n_bursts;
};

static void
add_question(FILE *out, unsigned int number, const char *address)
{
	fprintf(out,
	    "request=tarpit_session\ninstance=%x.%x\nclient_address=%s\n"
	    "client_port=%u\nserver_address=127.0.0.1\nserver_port=25\n\n",
	    number % 20000, number, address, 1024 + number % 60000);
}

static struct script
read_script(const char *path)
{
	struct script s = { 0 };
	struct samples starts = { 0 };
	char address[64];
	size_t size;
	unsigned int n = 0;
	FILE *in = fopen(path, "re");
	FILE *out = open_memstream(&s.text, &size);

	if (in == NULL || out == NULL)
		load_die(errno, "%s", path);
	for (; fgets(address, sizeof(address), in) != NULL; n++) {
		address[strcspn(address, "\n")] = '\0';
		if (n % BURST == 0)
			samples_add(&starts, (double)ftell(out));
		add_question(out, n, address);
	}
	fclose(in);
	fclose(out);
	/* Whole bursts only. */
	s.n_bursts = n / BURST;
	if (s.n_bursts == 0)
		load_die(0, "%s: fewer than %d addresses", path, BURST);
	samples_add(&starts, (double)size);
	s.burst = calloc(s.n_bursts + 1, sizeof(*s.burst));
	if (s.burst == NULL)
		load_die(ENOMEM, "questions");
	for (size_t i = 0; i <= s.n_bursts; i++)
		s.burst[i] = (size_t)starts.value[i];
	free(starts.value);
	return s;
}

static int
connect_to(const char *path)
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

static void
send_burst(int fd, const struct script *s, size_t burst)
{
	size_t at = s->burst[burst], end = s->burst[burst + 1];

	while (at < end) {
		ssize_t n = send(fd, s->text + at, end - at, MSG_NOSIGNAL);

		if (n < 0)
			load_die(errno, "send");
		at += (size_t)n;
	}
}

/* Reads once: the number of answers that ended in what came. */
static unsigned int
read_answers(int fd, bool *was_lf)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	unsigned int answers = 0;

	if (n <= 0)
		load_die(n < 0 ? errno : 0, "the policy service hung up");
	for (ssize_t i = 0; i < n; i++) {
		bool is_lf = buf[i] == '\n';

		answers += is_lf && *was_lf;
		*was_lf = is_lf;
	}
	return answers;
}

static double
ask_for(int fd, const struct script *s, uint64_t usec)
{
	uint64_t began = clock_now(), now = began;
	uint64_t asked = 0, answered = 0;
	bool was_lf = false;

	for (size_t burst = 0; now < began + usec; now = clock_now()) {
		for (; asked - answered + BURST <= WINDOW; asked += BURST)
			send_burst(fd, s, burst++ % s->n_bursts);
		answered += read_answers(fd, &was_lf);
	}
	return (double)answered * USEC_PER_SEC / (double)(now - began);
}

int
ask_main(int argc, char **argv)
{
	unsigned int seconds;
	struct script s;
	int fd;

	if (argc != 3)
		load_die(0, "ask takes PATH SECONDS ADDRESSES");
	seconds = load_number(argv[1], 3600);
	s = read_script(argv[2]);
	fd = connect_to(argv[0]);
	printf("asked rate=%.0f\n", ask_for(fd, &s, seconds * USEC_PER_SEC));
	close(fd);
	free(s.burst);
	free(s.text);
	return 0;
}
