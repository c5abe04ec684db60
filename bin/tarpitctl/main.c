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

static const struct program_arg args[] = {
	{ "socket", "PATH", "of the policy service: /run/tarpit/policy",
	    set_socket },
	{ "offline", NULL, "explain: from the files, without the service",
	    set_offline },
	{ "json", NULL, "explain: for programs", set_json },
	{ "new", "FILE", "replay: the changed policy.conf", set_new },
	{ "dns", NULL, "replay: ask the DNS as well", set_dns },
};

const struct program tarpitctl = {
	.name = "tarpitctl",
	.summary = "Says why tarpit does what it does.",
	.usage = "explain ADDRESS | replay --new FILE LOG",
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

/* Options may stand before the verb and behind it. */
static int
sort_arguments(int argc, char **argv)
{
	int verb = 0, n = 0;

	for (int i = 1; i < argc && verb == 0; i++) {
		bool has_value = strcmp(argv[i], "--socket") == 0 ||
		    strcmp(argv[i], "--new") == 0 ||
		    strcmp(argv[i], "--config") == 0;

		if (argv[i][0] != '-')
			verb = i;
		else if (has_value)
			i++;
	}
	/* The operands to the end, in their order. */
	for (int i = verb; verb > 0 && i + n < argc;) {
		bool has_value = strcmp(argv[i], "--socket") == 0 ||
		    strcmp(argv[i], "--new") == 0 ||
		    strcmp(argv[i], "--config") == 0;
		char *operand = argv[i];

		if (operand[0] == '-' && operand[1] != '\0') {
			i += has_value ? 2 : 1;
			continue;
		}
		memmove(&argv[i], &argv[i + 1],
		    (size_t)(argc - 1 - i) * sizeof(*argv));
		argv[argc - 1] = operand;
		n++;
	}
	return argc;
}

int
main(int argc, char **argv)
{
	struct tarpitctl t = { .socket = "/run/tarpit/policy" };
	const char *verb, *operand;

	argc = sort_arguments(argc, argv);
	program_parse(&tarpitctl, argc, argv, &t, &t.call);
	if (argc - t.call.first_operand != 2)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "usage: tarpitctl explain ADDRESS, or tarpitctl replay "
		    "--new FILE LOG");
	verb = argv[t.call.first_operand];
	operand = argv[t.call.first_operand + 1];
	if (strcmp(verb, "explain") == 0)
		return explain_run(&t, operand);
	if (strcmp(verb, "replay") == 0)
		return replay_run(&t, operand);
	program_die(&tarpitctl, EXIT_OPERATOR, 0,
	    "no verb \"%s\": explain or replay", verb);
}
