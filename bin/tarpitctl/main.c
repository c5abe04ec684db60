/* SPDX-License-Identifier: ISC */
/* tarpitctl: for people. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpitctl/tarpitctl.h"

/* An option whose value is kept as it stands. */
#define SET_TEXT(name, member)                                       \
	static int set_##name(                                       \
	    void *config, const char *value, char *why, size_t size) \
	{                                                            \
		(void)why;                                           \
		(void)size;                                          \
		((struct tarpitctl *)config)->member = value;        \
		return 0;                                            \
	}

/* An option without a value. */
#define SET_FLAG(name, member)                                       \
	static int set_##name(                                       \
	    void *config, const char *value, char *why, size_t size) \
	{                                                            \
		(void)value;                                         \
		(void)why;                                           \
		(void)size;                                          \
		((struct tarpitctl *)config)->member = true;         \
		return 0;                                            \
	}

SET_TEXT(new, compare)
SET_TEXT(output, output)
SET_FLAG(offline, offline)
SET_FLAG(json, json)
SET_FLAG(dns, dns)
SET_FLAG(openmetrics, openmetrics)
SET_FLAG(serve, serve)
SET_FLAG(force, force)

static int
set_socket_path(const char **path, const char *value, char *why, size_t size)
{
	if (*value == '\0' || strlen(value) > 107) {
		snprintf(why, size, "not a path of at most 107 bytes");
		return -EINVAL;
	}
	*path = value;
	return 0;
}

static int
set_socket(void *config, const char *value, char *why, size_t size)
{
	struct tarpitctl *t = config;

	return set_socket_path(&t->socket, value, why, size);
}

static int
set_control(void *config, const char *value, char *why, size_t size)
{
	struct tarpitctl *t = config;

	return set_socket_path(&t->control, value, why, size);
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
	t->duration_given = true;
	return 0;
}

static int
set_port(void *config, const char *value, char *why, size_t size)
{
	struct tarpitctl *t = config;
	int64_t port;

	if (option_parse_int(value, 1, 65535, &port) < 0) {
		snprintf(why, size, "not a port of 1 to 65535");
		return -EINVAL;
	}
	t->port = (unsigned int)port;
	return 0;
}

static const struct program_arg args[] = {
	{ "socket", "PATH", "of the policy service: /run/tarpit/explain",
	    set_socket },
	{ "control", "PATH", "of the dispatcher: /run/tarpit/control",
	    set_control },
	{ "offline", NULL, "explain: from the files, without the service",
	    set_offline },
	{ "json", NULL, "explain, status, report, doctor: for programs",
	    set_json },
	{ "new", "FILE", "replay: the changed policy.conf", set_new },
	{ "dns", NULL, "replay: ask the DNS as well", set_dns },
	{ "for", "TIME", "release, hold: 1s to 30d, if not 1h; top: ends then",
	    set_for },
	{ "force", NULL, "release, hold: also a network of very many",
	    set_force },
	{ "output", "FILE", "metrics: into this file", set_output },
	{ "openmetrics", NULL, "metrics: in the format OpenMetrics 1.0",
	    set_openmetrics },
	{ "serve", NULL, "metrics: by HTTP, on systemd's socket", set_serve },
	{ "listen", "ADDRESS:PORT", "metrics: by HTTP, there", set_listen },
	{ "since", "TIME", "report: from then on, as for journalctl",
	    report_set_since },
	{ "until", "TIME", "report: up to then", report_set_until },
	{ "html", "FILE", "report: a page for a browser", report_set_html },
	{ "file", "PATH", "report, doctor: a journal's file or directory",
	    report_set_file },
	{ "port", "PORT", "doctor: where clients come, if not 25", set_port },
	{ "assume", "NAME=VALUE", "report: of a spammer's business",
	    report_set_assumption },
};

/* What it can do.  OPERAND: what stands behind the verb, NULL for nothing. */
static const struct verb {
	const char *name, *operand;
	int (*run)(const struct tarpitctl *, const char *operand);
} verbs[] = {
	{ "status", NULL, status_run },
	{ "doctor", NULL, doctor_run },
	{ "top", NULL, top_run },
	{ "explain", "ADDRESS", explain_run },
	{ "replay", "LOG", replay_run },
	{ "report", NULL, report_run },
	{ "release", "NETWORK", release_run },
	{ "hold", "NETWORK", hold_run },
	{ "forget", "NETWORK", forget_run },
	{ "overrides", NULL, overrides_run },
	{ "metrics", NULL, metrics_run },
};

const struct program tarpitctl = {
	.name = "tarpitctl",
	.summary = "Says what tarpit does, and why; lets somebody through or "
		   "holds them.",
	.usage = "VERB [OPERAND]\n"
		 "  status | doctor | top | metrics | overrides\n"
		 "  explain ADDRESS | replay --new FILE LOG | report\n"
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

/* Whether OPTION is one that takes the next argument. */
static bool
has_value(const char *option)
{
	if (strcmp(option, "--config") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		if (args[i].metavar != NULL && strncmp(option, "--", 2) == 0 &&
		    strcmp(option + 2, args[i].name) == 0)
			return true;
	return false;
}

/* Options may stand before the verb and behind it: the operands go to the
 * end, in their order. */
static void
sort_arguments(int argc, char **argv)
{
	for (int i = 1, left = argc - 1; left > 0; left--) {
		char *argument = argv[i];

		if (argument[0] == '-' && argument[1] != '\0') {
			int n = has_value(argument) && left > 1 ? 2 : 1;

			i += n;
			left -= n - 1;
			continue;
		}
		memmove(&argv[i], &argv[i + 1],
		    (size_t)(argc - 1 - i) * sizeof(*argv));
		argv[argc - 1] = argument;
	}
}

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	program_die(&tarpitctl, EXIT_OPERATOR, 0,
	    "no verb \"%s\": see tarpitctl --help", name);
}

int
main(int argc, char **argv)
{
	struct tarpitctl t = { .control = "/run/tarpit/control",
		.duration = 3600 * USEC_PER_SEC,
		.port = 25 };
	const struct verb *verb;
	int n;

	report_defaults(&t);
	sort_arguments(argc, argv);
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
