/* SPDX-License-Identifier: ISC */
#include "bin/common/program.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

struct config {
	int64_t workers;
	char listen[64]; /* from the command line; no option describes it */
	bool once;
};

static int
set_listen(void *config, const char *value, char *why, size_t size)
{
	struct config *c = config;
	size_t len = strlen(c->listen);

	if (strchr(value, ':') == NULL) {
		snprintf(why, size, "no port");
		return -EINVAL;
	}
	if (strcmp(value, ":0") == 0)
		return -EADDRINUSE; /* and no reason */
	snprintf(c->listen + len, sizeof(c->listen) - len, "%s;", value);
	return 0;
}

static int
set_once(void *config, const char *value, char *why, size_t size)
{
	struct config *c = config;

	(void)why, (void)size;
	c->once = value == NULL;
	return 0;
}

static const struct option options[] = {
	{ "Main", "Workers", OPTION_INT,
	    .offset = offsetof(struct config, workers), .min = 1, .max = 64,
	    .initial = "3", .help = "processes" },
};
static const struct option_table table = { .options = options, .n_options = 1 };
static const struct program_arg args[] = {
	{ "listen", "ADDRESS:PORT", "listen there", set_listen },
	{ "once", NULL, "serve one", set_once },
};
static const struct program program = {
	.name = "tarpit-test",
	.summary = "Tests the command line.",
	.usage = "[--listen ADDRESS:PORT]... [--once]",
	.config_path = "/nonexistent/test.conf",
	.options = &table,
	.args = args,
	.n_args = ARRAY_SIZE(args),
};

/* What a child that did the work left. */
struct result {
	int code;
	char out[4096], err[4096];
};

static void
read_file(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");

	CHECK(f != NULL);
	buf[fread(buf, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* Runs WORK in a child, because it may exit: its output and exit code. */
static struct result *
in_child(void (*work)(void *arg), void *arg)
{
	static struct result r;
	char *out = scratch_path("out"), *err = scratch_path("err");
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (freopen(out, "we", stdout) == NULL ||
		    freopen(err, "we", stderr) == NULL)
			_exit(99);
		work(arg);
		exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	r.code = WEXITSTATUS(status);
	read_file(out, r.out, sizeof(r.out));
	read_file(err, r.err, sizeof(r.err));
	free(out);
	free(err);
	return &r;
}

struct command_line {
	const struct program *program;
	char **argv;
};

/* What main() would do; prints what it understood. */
static void
parse(void *arg)
{
	struct command_line *line = arg;
	struct config c = { 0 };
	struct program_call call;
	struct option_error e;
	int argc = 0;

	while (line->argv[argc] != NULL)
		argc++;
	program_parse(line->program, argc, line->argv, &c, &call);
	if (program_load(line->program, &call, &c, &e) < 0)
		program_die_config(line->program, &e);
	printf("config=%s%s check=%d workers=%d listen=%s once=%d",
	    call.config_path != NULL ? call.config_path : "-",
	    call.config_given ? "!" : "", call.check_only, (int)c.workers,
	    c.listen, c.once);
	for (int i = call.first_operand; i < argc; i++)
		printf(" <%s>", line->argv[i]);
}

/* RUN("--once"): the command line as strings. */
#define RUN_PROGRAM(p, ...)              \
	in_child(parse,                  \
	    &(struct command_line){ (p), \
		(char *[]){ (char[]){ "tarpit-test" }, __VA_ARGS__, NULL } })
#define RUN(...) RUN_PROGRAM(&program, __VA_ARGS__)
#define ARG(s)   ((char[]){ s })

static void
check_usage_error(const struct result *r, const char *reason)
{
	CHECK_INT(r->code, EXIT_OPERATOR);
	CHECK_STR(r->out, "");
	if (strstr(r->err, reason) == NULL)
		CHECK_STR(r->err, reason);
	CHECK(strstr(r->err, "\nTry 'tarpit-test --help'.\n") != NULL);
}

static void
defaults_without_a_file(void)
{
	struct result *r = RUN(NULL);

	CHECK_STR(r->err, "");
	CHECK_STR(r->out,
	    "config=/nonexistent/test.conf check=0 workers=3 listen= once=0");
	CHECK_INT(r->code, 0);
}

static void
own_arguments_in_order(void)
{
	struct result *r = RUN(ARG("--listen"), ARG("a:1"), ARG("--once"),
	    ARG("--listen=b:2"), ARG("--check-config"));

	CHECK_STR(r->out,
	    "config=/nonexistent/test.conf check=1 workers=3 "
	    "listen=a:1;b:2; once=1");
}

static void
config_file_is_read(void)
{
	static const char text[] = "[Main]\nWorkers=7\n";
	char *file = scratch_write("a.conf", text, strlen(text));
	struct result *r = RUN(ARG("--config"), file, ARG("--listen=a:1"));
	char expected[256];

	snprintf(expected, sizeof(expected),
	    "config=%s! check=0 workers=7 listen=a:1; once=0", file);
	CHECK_STR(r->out, expected);
	free(file);
}

static void
config_file_given_must_exist(void)
{
	struct result *r = RUN(ARG("--config=/nonexistent/test.conf"));

	CHECK_INT(r->code, EXIT_OPERATOR);
	CHECK_STR(r->out, "");
	CHECK_STR(r->err,
	    "tarpit-test: /nonexistent/test.conf: "
	    "No such file or directory\n");
}

static void
config_error_names_file_line_and_key(void)
{
	static const char text[] = "[Main]\n\nWorkers=65\n";
	char *file = scratch_write("a.conf", text, strlen(text));
	struct result *r = RUN(ARG("--config"), file, ARG("--check-config"));
	char expected[256];

	snprintf(expected, sizeof(expected),
	    "tarpit-test: %s:3: [Main] Workers=65: out of range: 1 to 64\n",
	    file);
	CHECK_INT(r->code, EXIT_OPERATOR);
	CHECK_STR(r->err, expected);
	free(file);
}

static void
drop_ins_over_a_missing_default_file(void)
{
	static const char text[] = "[Main]\nWorkers=9\n";
	struct program p = program;
	char *dir = scratch_path("default.conf.d"), *file;
	struct result *r;

	CHECK_INT(mkdir(dir, 0700), 0);
	free(scratch_write("default.conf.d/a.conf", text, strlen(text)));
	file = scratch_path("default.conf");
	p.config_path = file;
	r = RUN_PROGRAM(&p, ARG("--once"));
	CHECK(strstr(r->out, " workers=9 ") != NULL);
	free(dir);
	free(file);
}

static void
operands_keep_their_dashes(void)
{
	struct program p = program;
	struct result *r;

	p.takes_operands = true;
	r = RUN_PROGRAM(&p, ARG("--once"), ARG("--"), ARG("exim4"), ARG("-bs"),
	    ARG("--help"), ARG("--"), ARG("x"));
	CHECK(strstr(r->out, " once=1 <exim4> <-bs> <--help> <--> <x>"));
	r = RUN_PROGRAM(&p, ARG("query"), ARG("--once"));
	CHECK(strstr(r->out, " once=0 <query> <--once>"));
	r = RUN_PROGRAM(&p, ARG("--once"));
	CHECK(strstr(r->out, " once=1") != NULL);
	CHECK(strchr(r->out, '<') == NULL);
}

static void
usage_errors(void)
{
	check_usage_error(RUN(ARG("extra")), "unexpected argument 'extra'");
	check_usage_error(
	    RUN(ARG("--"), ARG("--once")), "unexpected argument '--once'");
	check_usage_error(RUN(ARG("--nonsense")), "'--nonsense'");
	check_usage_error(RUN(ARG("-x")), "'x'");
	check_usage_error(RUN(ARG("--listen")), "'--listen'");
	check_usage_error(RUN(ARG("--once=1")), "'--once'");
	check_usage_error(
	    RUN(ARG("--listen=25")), "tarpit-test: --listen 25: no port\n");
	check_usage_error(RUN(ARG("--listen=:0")),
	    "tarpit-test: --listen :0: Address already in use\n");
}

static void
help_lists_everything(void)
{
	struct result *r = RUN(ARG("--help"), ARG("--nonsense"));

	CHECK_INT(r->code, 0);
	CHECK_STR(r->err, "");
	CHECK(strstr(r->out,
		  "Usage: tarpit-test [--config FILE] [--check-config] "
		  "[--listen ADDRESS:PORT]... [--once]\n"
		  "Tests the command line.\n") == r->out);
	CHECK(strstr(r->out, "\n  --config FILE "));
	CHECK(strstr(r->out, " default: /nonexistent/test.conf\n"));
	CHECK(strstr(r->out, "\n  --check-config "));
	CHECK(strstr(r->out, "\n  --listen ADDRESS:PORT "));
	CHECK(strstr(r->out, "\n  --once "));
	CHECK(strstr(r->out, "\n  --help "));
	CHECK(strstr(r->out, "\n  --version "));
	CHECK(strstr(r->out, "\n  [Main] Workers=3 "));
}

static void
version_is_name_and_version(void)
{
	struct result *r = RUN(ARG("--version"));

	CHECK_INT(r->code, 0);
	/* The version is whatever the build said: one word. */
	CHECK(strncmp(r->out, "tarpit-test ", 12) == 0);
	CHECK(strlen(r->out) > 13);
	CHECK_INT(strcspn(r->out + 12, " \n"), strlen(r->out) - 13);
	CHECK_INT(r->out[strlen(r->out) - 1], '\n');
}

static void
program_without_a_file(void)
{
	struct program p = program;
	struct result *r;

	p.config_path = NULL;
	r = RUN_PROGRAM(&p, ARG("--once"));
	CHECK_STR(r->out, "config=- check=0 workers=3 listen= once=1");
	check_usage_error(RUN_PROGRAM(&p, ARG("--config=x")), "'--config=x'");
	r = RUN_PROGRAM(&p, ARG("--help"));
	CHECK(strstr(r->out, "Usage: tarpit-test [--listen ") == r->out);
	CHECK(strstr(r->out, "--config") == NULL);
}

static void
help_to_a_full_disk(void)
{
	struct command_line line = { &program,
		(char *[]){ ARG("tarpit-test"), ARG("--help"), NULL } };
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		if (freopen("/dev/full", "we", stdout) == NULL ||
		    freopen("/dev/null", "we", stderr) == NULL)
			_exit(99);
		parse(&line);
		_exit(98);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), EXIT_TEMPORARY);
}

static void
die_with_errno(void *arg)
{
	(void)arg;
	program_die(&program, EXIT_TEMPORARY, -ENOENT, "%s %d", "open", 7);
}

static void
die_without_errno(void *arg)
{
	(void)arg;
	program_die(&program, EXIT_OPERATOR, 0, "no sockets");
}

static void
die_config_without_a_file(void *arg)
{
	struct option_error e = { .text = "[Main] Workers=x: bad" };

	(void)arg;
	program_die_config(&program, &e);
}

static void
dying_says_why(void)
{
	struct result *r = in_child(die_with_errno, NULL);

	CHECK_INT(r->code, EXIT_TEMPORARY);
	CHECK_STR(r->err, "tarpit-test: open 7: No such file or directory\n");
	r = in_child(die_without_errno, NULL);
	CHECK_INT(r->code, EXIT_OPERATOR);
	CHECK_STR(r->err, "tarpit-test: no sockets\n");
	r = in_child(die_config_without_a_file, NULL);
	CHECK_INT(r->code, EXIT_OPERATOR);
	CHECK_STR(r->err, "tarpit-test: [Main] Workers=x: bad\n");
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(defaults_without_a_file),
		CASE(own_arguments_in_order),
		CASE(config_file_is_read),
		CASE(config_file_given_must_exist),
		CASE(config_error_names_file_line_and_key),
		CASE(drop_ins_over_a_missing_default_file),
		CASE(operands_keep_their_dashes),
		CASE(usage_errors),
		CASE(help_lists_everything),
		CASE(version_is_name_and_version),
		CASE(program_without_a_file),
		CASE(help_to_a_full_disk),
		CASE(dying_says_why),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
