/* SPDX-License-Identifier: ISC */
/* What a reload or restart of tarpitd would make of its files: tried as it is
 * done, with the rights of its user. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/common/identity.h"
#include "bin/tarpitctl/doctor.h"

/* The dispatcher has an option or two, and up to 32 of --listen. */
enum { ARGUMENTS_MAX = 80 };

/* Its arguments, as proc_pid_cmdline(5) has them. */
struct command_line {
	char text[4096];
	char *arg[ARGUMENTS_MAX + 1];
};

/* The command line of the process PID, and --check-config; false if that cannot
 * be seen, or is too long. */
static bool
read_command_line(int64_t pid, struct command_line *ret)
{
	static char check_config[] = "--check-config";
	char path[64];
	size_t len, n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%lld/cmdline", (long long)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	len = fread(ret->text, 1, sizeof(ret->text) - 1, f);
	fclose(f);
	if (len == 0 || len == sizeof(ret->text) - 1)
		return false;
	ret->text[len] = '\0';
	for (char *p = ret->text; p < ret->text + len; p += strlen(p) + 1) {
		if (n + 1 >= ARGUMENTS_MAX)
			return false;
		ret->arg[n++] = p;
		if (n == 1)
			ret->arg[n++] = check_config;
	}
	ret->arg[n] = NULL;
	return true;
}

/* In the child: in PID's directory, for files that are named from there. */
static void __attribute__((noreturn)) check_as(const struct identity *who,
    int64_t pid, const char *program, struct command_line *command, int output)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%lld/cwd", (long long)pid);
	if (chdir(path) == 0 && identity_become(who) == 0 &&
	    dup2(output, STDOUT_FILENO) >= 0 &&
	    dup2(output, STDERR_FILENO) >= 0)
		execv(program, command->arg);
	_exit(0);
}

/* The exit status of that, and in LINE the first one that it says. */
static int
run_check(const struct identity *who, int64_t pid, const char *program,
    struct command_line *command, char *line, size_t size)
{
	int ends[2], status = 0;
	FILE *output;
	pid_t child;

	line[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	child = fork();
	if (child == 0)
		check_as(who, pid, program, command, ends[1]);
	fd_close(&ends[1]);
	output = fdopen(ends[0], "r");
	if (output == NULL)
		fd_close(&ends[0]);
	else if (fgets(line, (int)size, output) != NULL)
		line[strcspn(line, "\n")] = '\0';
	if (output != NULL)
		fclose(output);
	if (child < 0 || waitpid(child, &status, 0) != child ||
	    !WIFEXITED(status))
		return 0;
	return WEXITSTATUS(status);
}

/* The program that the process PID runs; false if that cannot be seen, or it
 * has been replaced since. */
static bool
find_program(int64_t pid, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%lld/exe", (long long)pid);
	n = readlink(path, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 && access(buf, X_OK) == 0;
}

void
doctor_check_config(struct doctor *d)
{
	const struct message *m = &d->survey.tarpitd.said;
	char program[4096], line[FINDING_TEXT];
	struct command_line command;
	int64_t pid = message_number(m, "pid");
	struct identity who;

	if (d->survey.tarpitd.error != 0 ||
	    doctor_has_found(d, FOUND_CONFIG_REFUSED))
		return;
	if (geteuid() != 0 || !identity_of_process(pid, &who) ||
	    !find_program(pid, program, sizeof(program)) ||
	    !read_command_line(pid, &command)) {
		doctor_skip(d,
		    "whether tarpitd could read its files again: only root "
		    "can try that");
		return;
	}
	if (run_check(&who, pid, program, &command, line, sizeof(line)) ==
	    EXIT_OPERATOR)
		doctor_find(
		    d, FOUND_CONFIG_BROKEN, "user %u: %.340s", who.uid, line);
}
