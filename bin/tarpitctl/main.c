/* SPDX-License-Identifier: ISC */
/* tarpitctl: for people. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpitctl/tarpitctl.h"

static int
set_socket(void *config, const char *value, char *why, size_t size)
{
	struct tarpitctl *t = config;

	if (*value == '\0' || strlen(value) > 107) {
		snprintf(why, size, "not a path of at most 107 bytes");
		return -EINVAL;
	}
	t->socket = value;
	return 0;
}

static int
set_new(void *config, const char *value, char *why, size_t size)
{
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->compare = value;
	return 0;
}

static int
set_offline(void *config, const char *value, char *why, size_t size)
{
	(void)value;
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->offline = true;
	return 0;
}

static int
set_json(void *config, const char *value, char *why, size_t size)
{
	(void)value;
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->json = true;
	return 0;
}

static int
set_dns(void *config, const char *value, char *why, size_t size)
{
	(void)value;
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->dns = true;
	return 0;
}

static int
set_control(void *config, const char *value, char *why, size_t size)
{
	struct tarpitctl *t = config;

	if (*value == '\0' || strlen(value) > 107) {
		snprintf(why, size, "not a path of at most 107 bytes");
		return -EINVAL;
	}
	t->control = value;
	return 0;
}

static int
set_output(void *config, const char *value, char *why, size_t size)
{
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->output = value;
	return 0;
}

static int
set_openmetrics(void *config, const char *value, char *why, size_t size)
{
	(void)value;
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->openmetrics = true;
	return 0;
}

static int
set_serve(void *config, const char *value, char *why, size_t size)
{
	(void)value;
	(void)why;
	(void)size;
	((struct tarpitctl *)config)->serve = true;
	return 0;
}

static int
set_listen(void *config, const char *value, char *why, size_t size)
{
	struct tarpitctl *t = config;

	(void)why;
	(void)size;
	t->listen = value;
	t->serve = true;
	return 0;
}

static int
set_for(void *config, const char *value, char *why, size_t size)
{
	struct tarpitctl *t = config;
	uint64_t usec;

	if (option_parse_time(value, &usec) < 0 || usec < USEC_PER_SEC ||
	    usec > FOR_MAX) {
		snprintf(why, size, "not a time of 1s to 30d");
		return -EINVAL;
	}
	t->duration = usec;
	return 0;
}

static const struct program_arg args[] = {
	{ "socket", "PATH", "of the policy service: /run/tarpit/policy",
	    set_socket },
	{ "offline", NULL, "explain: from the files, without the service",
	    set_offline },
	{ "json", NULL, "explain, status: for programs", set_json },
	{ "new", "FILE", "replay: the changed policy.conf", set_new },
	{ "dns", NULL, "replay: ask the DNS as well", set_dns },
	{ "control", "PATH", "of the dispatcher: /run/tarpit/control",
	    set_control },
	{ "for", "TIME", "release, hold: 1s to 30d, if not 1h", set_for },
	{ "output", "FILE", "metrics: into this file", set_output },
	{ "openmetrics", NULL, "metrics: in the format OpenMetrics 1.0",
	    set_openmetrics },
	{ "serve", NULL, "metrics: by HTTP, on systemd's socket", set_serve },
	{ "listen", "ADDRESS:PORT", "metrics: by HTTP, there", set_listen },
};

const struct program tarpitctl = {
	.name = "tarpitctl",
	.summary = "Says what tarpit does, and why; lets somebody through or "
		   "holds them.",
	.usage = "VERB [OPERAND]\n"
		 "  status | top | metrics | overrides\n"
		 "  explain ADDRESS | replay --new FILE LOG\n"
		 "  release NETWORK | hold NETWORK | forget NETWORK",
	.config_path = SYSCONFDIR "/tarpit/policy.conf",
	.options = &rules_table,
	.args = args,
	.n_args = ARRAY_SIZE(args),
	.takes_operands = true,
};

void
tarpitctl_load_rules(
    const struct tarpitctl *t, const char *path, struct rules *ret)
{
	struct program_call call = t->call;
	struct option_error error = { 0 };

	if (path) {
		call.config_path = path;
		call.config_given = true;
	}
	snprintf(error.file, sizeof(error.file), "%s", call.config_path);
	memset(ret, 0, sizeof(*ret));
	if (program_load(&tarpitctl, &call, ret, &error) < 0)
		program_die_config(&tarpitctl, &error);
	snprintf(error.file, sizeof(error.file), "%s", call.config_path);
	if (rules_check(ret, &error) < 0)
		program_die_config(&tarpitctl, &error);
	ret->read_only = true;
}

/* Of a word that begins with '-': the next one is its value. */
static bool
takes_value(const char *word)
{
	if (strcmp(word, "--config") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		if (args[i].metavar && strncmp(word, "--", 2) == 0 &&
		    strcmp(word + 2, args[i].name) == 0)
			return true;
	}
	return false;
}

/* Options may stand before the verb and behind it. */
static int
sort_arguments(int argc, char **argv)
{
	int verb = 0, n = 0;

	for (int i = 1; i < argc && verb == 0; i++) {
		if (argv[i][0] != '-')
			verb = i;
		else if (takes_value(argv[i]))
			i++;
	}
	/* The operands to the end, in their order. */
	for (int i = verb; verb > 0 && i + n < argc;) {
		char *operand = argv[i];

		if (operand[0] == '-' && operand[1] != '\0') {
			i += takes_value(operand) ? 2 : 1;
			continue;
		}
		memmove(&argv[i], &argv[i + 1],
		    (size_t)(argc - 1 - i) * sizeof(*argv));
		argv[argc - 1] = operand;
		n++;
	}
	return argc;
}

static int
run_explain(const struct tarpitctl *t, char **operand)
{
	return explain_run(t, operand[0]);
}

static int
run_replay(const struct tarpitctl *t, char **operand)
{
	return replay_run(t, operand[0]);
}

static const struct verb {
	const char *name;
	int n_operands;
	const char *usage;
	int (*run)(const struct tarpitctl *, char **operand);
} verbs[] = {
	{ "explain", 1, "explain ADDRESS", run_explain },
	{ "replay", 1, "replay --new FILE LOG", run_replay },
	{ "status", 0, "status", status_run },
	{ "top", 0, "top", top_run },
	{ "metrics", 0, "metrics", metrics_run },
	{ "overrides", 0, "overrides", overrides_run },
	{ "release", 1, "release NETWORK", release_run },
	{ "hold", 1, "hold NETWORK", hold_run },
	{ "forget", 1, "forget NETWORK", forget_run },
};

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	program_die(&tarpitctl, EXIT_OPERATOR, 0,
	    "no verb \"%s\"; the verbs are: %s", name, tarpitctl.usage);
}

int
main(int argc, char **argv)
{
	struct tarpitctl t = { .socket = "/run/tarpit/policy",
		.control = "/run/tarpit/control",
		.duration = 3600 * USEC_PER_SEC };
	const struct verb *verb;
	int n;

	argc = sort_arguments(argc, argv);
	program_parse(&tarpitctl, argc, argv, &t, &t.call);
	n = argc - t.call.first_operand;
	if (n == 0)
		program_die(&tarpitctl, EXIT_OPERATOR, 0, "usage: tarpitctl %s",
		    tarpitctl.usage);
	argv += t.call.first_operand;
	verb = find_verb(argv[0]);
	if (n - 1 != verb->n_operands)
		program_die(&tarpitctl, EXIT_OPERATOR, 0, "usage: tarpitctl %s",
		    verb->usage);
	return verb->run(&t, argv + 1);
}
