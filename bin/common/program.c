/* SPDX-License-Identifier: ISC */
/* getopt.h has a `struct option` of its own; so has option.h. */
#define option long_option
#include <getopt.h>
#undef option

#include "bin/common/identity.h"
#include "bin/common/program.h"

#include "bin/common/last_good.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

/* The values of getopt_long() for our own; the program's follow. */
const char *
program_version(void)
{
	return VERSION;
}

enum { ARG_HELP, ARG_VERSION, ARG_CONFIG, ARG_CHECK_CONFIG, ARG_OWN };

enum { MAX_ARGS = 32 };

static void usage_error(const struct program *, const char *format, ...)
    PRINTF_LIKE(2, 3) __attribute__((noreturn));

static void
usage_error(const struct program *p, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", p->name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\nTry '%s --help'.\n", p->name);
	exit(EXIT_OPERATOR);
}

static void
print_arg(const char *name, const char *metavar, const char *help)
{
	char left[64];

	snprintf(left, sizeof(left), "--%s%s%s", name,
	    metavar != NULL ? " " : "", metavar != NULL ? metavar : "");
	printf("  %-38s %s\n", left, help);
}

static void
print_help(const struct program *p)
{
	printf("Usage: %s %s%s%s\n%s\n\nOptions:\n", p->name,
	    p->config_path != NULL ? "[--config FILE] [--check-config]" : "",
	    p->config_path != NULL && p->usage[0] != '\0' ? " " : "", p->usage,
	    p->summary);
	if (p->config_path != NULL) {
		print_arg("config", "FILE", "the configuration file");
		printf("  %-38s default: %s\n", "", p->config_path);
		print_arg("check-config", NULL,
		    "check the configuration and do nothing else");
	}
	for (size_t i = 0; i < p->n_args; i++)
		print_arg(p->args[i].name, p->args[i].metavar, p->args[i].help);
	print_arg("help", NULL, "print this help");
	print_arg("version", NULL, "print the version");
	if (p->options != NULL) {
		printf("\nConfiguration, [Section] Key=default:\n");
		option_print_help(p->options, stdout);
	}
}

static void
fill_options(const struct program *p, struct long_option *longs)
{
	size_t n = 0;

	assert(p->n_args + ARG_OWN < MAX_ARGS);
	longs[n++] =
	    (struct long_option){ "help", no_argument, NULL, ARG_HELP };
	longs[n++] =
	    (struct long_option){ "version", no_argument, NULL, ARG_VERSION };
	if (p->config_path != NULL) {
		longs[n++] = (struct long_option){ "config", required_argument,
			NULL, ARG_CONFIG };
		longs[n++] = (struct long_option){ "check-config", no_argument,
			NULL, ARG_CHECK_CONFIG };
	}
	for (size_t i = 0; i < p->n_args; i++)
		longs[n++] = (struct long_option){ p->args[i].name,
			p->args[i].metavar != NULL ? required_argument
						   : no_argument,
			NULL, ARG_OWN + (int)i };
	longs[n] = (struct long_option){ 0 };
}

static void
set_own(const struct program *p, const struct program_arg *arg, void *config)
{
	char why[256] = "";
	int r = arg->set(config, optarg, why, sizeof(why));

	if (r >= 0)
		return;
	usage_error(p, "--%s%s%s: %s", arg->name, optarg != NULL ? " " : "",
	    optarg != NULL ? optarg : "", why[0] != '\0' ? why : strerror(-r));
}

/* What --help and --version print must have arrived, or the exit code says
 * so: a full disk is no success. */
static void
exit_printed(const struct program *p)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		program_die(p, EXIT_TEMPORARY, -errno, "standard output");
	exit(EXIT_SUCCESS);
}

void
program_parse(const struct program *p, int argc, char **argv, void *config,
    struct program_call *ret_call)
{
	struct program_call call = { .config_path = p->config_path };
	struct long_option longs[MAX_ARGS];
	int c;

	fill_options(p, longs);
	/* '+': what follows the first operand is not ours to permute. */
	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (c == ARG_HELP) {
			print_help(p);
			exit_printed(p);
		} else if (c == ARG_VERSION) {
			printf("%s %s\n", p->name, program_version());
			exit_printed(p);
		} else if (c == ARG_CONFIG) {
			call.config_path = optarg;
			call.config_given = true;
		} else if (c == ARG_CHECK_CONFIG) {
			call.check_only = true;
		} else if (c >= ARG_OWN && c < ARG_OWN + (int)p->n_args) {
			set_own(p, &p->args[c - ARG_OWN], config);
		} else {
			/* getopt_long() has said what is wrong. */
			fprintf(stderr, "Try '%s --help'.\n", p->name);
			exit(EXIT_OPERATOR);
		}
	}
	if (optind < argc && !p->takes_operands)
		usage_error(p, "unexpected argument '%s'", argv[optind]);
	call.first_operand = optind;
	*ret_call = call;
}

static int
load_last_good(
    const struct program *p, void *config, struct option_error *ret_error)
{
	char path[LAST_GOOD_PATH];
	int r = last_good_find(p->name, path);

	if (r < 0) {
		*ret_error = (struct option_error){ 0 };
		option_say(ret_error, "there is no copy: %s", strerror(-r));
		return r;
	}
	return option_load(p->options, path, config, ret_error);
}

void
program_keep_config(const struct program *p, const struct program_call *call)
{
	if (call->config_path != NULL && call->source == PROGRAM_AS_WRITTEN)
		(void)!last_good_keep(p->name, call->config_path);
}

int
program_load(const struct program *p, const struct program_call *call,
    void *config, struct option_error *ret_error)
{
	option_defaults(p->options, config);
	if (call->config_path == NULL)
		return 0;
	if (call->source == PROGRAM_LAST_GOOD)
		return load_last_good(p, config, ret_error);
	if (call->source == PROGRAM_VALID_PART) {
		(void)!option_load_valid(
		    p->options, call->config_path, config, ret_error);
		return 0;
	}
	if (!call->config_given && access(call->config_path, F_OK) < 0 &&
	    errno == ENOENT)
		return option_load_drop_ins(
		    p->options, call->config_path, config, ret_error);
	return option_load(p->options, call->config_path, config, ret_error);
}

/* Under inetd descriptor 2 is the client's connection. */
static bool
stderr_is_a_client(void)
{
	int domain = AF_UNSPEC;
	socklen_t len = sizeof(domain);

	return getsockopt(
		   STDERR_FILENO, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	    (domain == AF_INET || domain == AF_INET6);
}

/* Who tried it; "" if we did. */
static char tried_as[IDENTITY_NAME];

void
program_check_as_service(
    const struct program *p, const struct program_call *call)
{
	struct identity who;
	int r;

	if (!call->check_only || call->config_given || p->unit == NULL ||
	    geteuid() != 0 || !identity_of_unit(p->unit, p->user, &who))
		return;
	r = identity_become(&who);
	if (r < 0)
		program_die(
		    p, EXIT_TEMPORARY, r, "becoming the user %s", who.name);
	snprintf(tried_as, sizeof(tried_as), "%s", who.name);
}

static void
last_words(const struct program *p, const char *text)
{
	if (!stderr_is_a_client()) {
		fprintf(stderr, "%s: %s\n", p->name, text);
		return;
	}
	openlog(p->name, LOG_PID, LOG_MAIL);
	syslog(LOG_ERR, "%s", text);
}

void
program_die(
    const struct program *p, int code, int error, const char *format, ...)
{
	char text[1024];
	va_list ap;
	size_t len;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	len = strlen(text);
	if (error < 0)
		snprintf(
		    text + len, sizeof(text) - len, ": %s", strerror(-error));
	last_words(p, text);
	exit(code);
}

void
program_die_config(const struct program *p, const struct option_error *error)
{
	char text[OPTION_ERROR_TEXT];

	option_print_error(error, text);
	last_words(p, text);
	if (tried_as[0] != '\0')
		fprintf(stderr,
		    "%s: (tried as %s, the user of %s; --config %s tries it as "
		    "you)\n",
		    p->name, tried_as, p->unit, p->config_path);
	exit(EXIT_OPERATOR);
}

static void
tell_config_error(struct journal *journal, const struct option_error *error,
    const char *instead, const char *then)
{
	struct record record;
	char text[OPTION_ERROR_TEXT];

	option_print_error(error, text);
	record_begin(&record, EVENT_CONFIG_ERROR, "%s; %s%s%s", text, instead,
	    then != NULL ? ", " : "", then != NULL ? then : "");
	if (error->file[0] != '\0')
		record_field(&record, "TARPIT_FILE", "%s", error->file);
	if (error->line > 0)
		record_field(&record, "TARPIT_LINE", "%d", error->line);
	journal_send(journal, &record);
}

void
program_tell_config_error(
    struct journal *journal, const struct option_error *error)
{
	tell_config_error(journal, error, "the old configuration stands", NULL);
}

void
program_tell_start_error(struct journal *journal,
    const struct option_error *error, enum program_source source,
    const char *then)
{
	static const char *const instead[] = {
		[PROGRAM_AS_WRITTEN] = "going on without it",
		[PROGRAM_LAST_GOOD] =
		    "going on with the last configuration that had no error",
		[PROGRAM_VALID_PART] = "going on with the rest of it",
	};

	tell_config_error(journal, error, instead[source], then);
}
