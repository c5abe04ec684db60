/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/plot.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bin/common/fd.h"

/* A guard against a gnuplot that waits for something: it takes 0.1 s. */
enum { PLOT_MSEC = 60000 };

static int
wait_for(pid_t pid)
{
	AUTO_FD fd = pidfd_open(pid, 0);
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	bool late = fd >= 0 && poll(&ended, 1, PLOT_MSEC) == 0;
	int status = 0;

	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (late)
		return -ETIME;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPROTO;
}

/* Files in memory instead of pipes: neither side can wait for the other. */
static int
run_gnuplot(int in, int out)
{
	/* -d: nobody's ~/.gnuplot */
	char program[] = "gnuplot", defaults[] = "-d";
	char *const argv[] = { program, defaults, NULL };
	/* Nothing of the caller's: it would say on standard error what it
	 * cannot convert, and read what GNUPLOT_LIB names. */
	char locale[] = "LC_ALL=C.UTF-8";
	char *const environment[] = { locale, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(
		    &actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawnp(
		    &pid, program, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return r != 0 ? -r : wait_for(pid);
}

static int
run_script(const char *script, size_t size, int out)
{
	AUTO_FD in = memfd_create("script", MFD_CLOEXEC);
	int r;

	if (in < 0)
		return -errno;
	r = fd_write_all(in, script, size);
	if (r == 0 && lseek(in, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? r : run_gnuplot(in, out);
}

int
plot_check(void)
{
	AUTO_FD out = memfd_create("version", MFD_CLOEXEC);

	return out < 0 ? -errno : run_script("", 0, out);
}

/* What is left out, in this order: the picture's own title, the page has a
 * better one; the canvas' id and the symbols, which nothing here uses, since
 * pictures that share a page must not share ids. */
static const struct cut {
	const char *from, *to;
} cuts[] = {
	{ "<title>", "</desc>" },
	{ " id=\"gnuplot_canvas\"", "" },
	{ "<defs>", "</defs>" },
};

static const char *
find_word(const char *s, const char *end, const char *word)
{
	return memmem(s, (size_t)(end - s), word, strlen(word));
}

static int
copy_svg(const char *s, size_t size, FILE *out)
{
	const char *end = s + size;

	s = find_word(s, end, "<svg");
	if (s == NULL)
		return -EPROTO;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		const char *from = find_word(s, end, cuts[i].from), *to;

		if (from == NULL)
			return -EPROTO;
		fwrite(s, 1, (size_t)(from - s), out);
		from += strlen(cuts[i].from);
		to = find_word(from, end, cuts[i].to);
		if (to == NULL)
			return -EPROTO;
		s = to + strlen(cuts[i].to);
	}
	fwrite(s, 1, (size_t)(end - s), out);
	return 0;
}

int
plot_write(const char *script, size_t size, FILE *out)
{
	AUTO_FD svg = memfd_create("svg", MFD_CLOEXEC);
	struct stat st;
	void *map;
	int r = svg < 0 ? -errno : run_script(script, size, svg);

	if (r < 0)
		return r;
	if (fstat(svg, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return -EPROTO;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, svg, 0);
	if (map == MAP_FAILED)
		return -errno;
	r = copy_svg(map, (size_t)st.st_size, out);
	munmap(map, (size_t)st.st_size);
	return r;
}
