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
	{ "json", NULL, "explain, report: for programs", set_json },
	{ "new", "FILE", "replay: the changed policy.conf", set_new },
	{ "dns", NULL, "replay: ask the DNS as well", set_dns },
	{ "since", "TIME", "report: from then on, as for journalctl",
	    report_set_since },
	{ "until", "TIME", "report: up to then", report_set_until },
	{ "html", "FILE", "report: a page for a browser", report_set_html },
	{ "file", "PATH", "report: a journal's file or directory",
	    report_set_file },
	{ "assume", "NAME=VALUE", "report: of a spammer's business",
	    report_set_assumption },
};

/* What it can do.  OPERAND: what stands behind the verb, NULL for nothing. */
static const struct verb {
	const char *name, *operand;
	int (*run)(const struct tarpitctl *, const char *operand);
} verbs[] = {
	{ "explain", "ADDRESS", explain_run },
	{ "replay", "LOG", replay_run },
	{ "report", NULL, report_run },
};

const struct program tarpitctl = {
	.name = "tarpitctl",
	.summary = "Says why tarpit does what it does.",
	.usage = "explain ADDRESS | replay --new FILE LOG | report",
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

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	program_die(&tarpitctl, EXIT_OPERATOR, 0,
	    "no verb \"%s\": see tarpitctl --help", name);
}

int
main(int argc, char **argv)
{
	struct tarpitctl t = { .socket = "/run/tarpit/policy" };
	const struct verb *verb;
	int n;

	report_defaults(&t);
	argc = sort_arguments(argc, argv);
	program_parse(&tarpitctl, argc, argv, &t, &t.call);
	n = argc - t.call.first_operand;
	if (n == 0)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "what is it to do? see tarpitctl --help");
	verb = find_verb(argv[t.call.first_operand]);
	if (n != (verb->operand != NULL ? 2 : 1))
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "usage: tarpitctl %s%s%s", verb->name,
		    verb->operand != NULL ? " " : "",
		    verb->operand != NULL ? verb->operand : "");
	return verb->run(&t, argv[argc - 1]);
}
