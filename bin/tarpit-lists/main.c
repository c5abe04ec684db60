/* SPDX-License-Identifier: ISC */
/* tarpit-lists: compiles block and allow lists; see tarpit-lists(8). */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bin/common/journal.h"
#include "bin/common/program.h"
#include "bin/tarpit-lists/build.h"
#include "bin/tarpit-lists/config.h"
#include "data/cdbfile.h"

/* What the verbs need. */
struct call {
	struct config config;
	struct list_config *lists;
	size_t n_lists;
	const char *operand; /* NULL: none */
};

struct verb {
	const char *name, *metavar;      /* NULL: takes no operand */
	bool reads_config;               /* of each list */
	int (*run)(const struct call *); /* returns the exit code */
};

enum { EXIT_NOT_LISTED = 1 };

static int
set_force(void *config, const char *value, char *why, size_t size)
{
	(void)value;
	(void)why;
	(void)size;
	((struct config *)config)->force = true;
	return 0;
}

static const struct program_arg program_args[] = {
	{ .name = "force",
	    .set = set_force,
	    .help = "publish whatever MinEntries= and MaxShrink= say" },
};

static const struct program program = {
	.name = "tarpit-lists",
	.summary = "Compiles block and allow lists of addresses for "
		   "tarpit-policyd.",
	.usage = "[--force] build | update | query ADDRESS | status",
	.config_path = SYSCONFDIR "/tarpit/tarpit-lists.conf",
	.options = &config_table,
	.args = program_args,
	.n_args = ARRAY_SIZE(program_args),
	.takes_operands = true,
};

static struct cdbfile *
open_compiled(const struct call *call)
{
	struct cdbfile *file;
	char why[256];

	if (cdbfile_open(call->config.output, &file, why, sizeof(why)) < 0)
		program_die(&program, EXIT_OPERATOR, 0, "%s: %s",
		    call->config.output, why);
	return file;
}

/* What was printed must have arrived. */
static int
printed(int code)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		program_die(
		    &program, EXIT_TEMPORARY, -errno, "standard output");
	return code;
}

static int
run_build(const struct call *call)
{
	struct journal journal;
	int code;

	/* A limit on file sizes is one more way to have a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	journal_init(&journal, program.name);
	code = build_run(&call->config, call->lists, call->n_lists, &journal);
	journal_fini(&journal);
	return code;
}

static int
run_query(const struct call *call)
{
	struct cdbfile_match match;
	struct in6_addr addr;
	struct cdbfile *file;
	int r;

	if (cidr_parse_addr(call->operand, strlen(call->operand), &addr) < 0)
		program_die(&program, EXIT_OPERATOR, 0,
		    "query: '%s' is no IPv4 or IPv6 address", call->operand);
	file = open_compiled(call);
	r = cdbfile_find(file, &addr, &match);
	if (r < 0)
		program_die(
		    &program, EXIT_OPERATOR, r, "%s", call->config.output);
	if (r == 0)
		printf("%s is in no list\n", call->operand);
	for (size_t i = 0; r > 0 && i < match.n; i++) {
		const struct cdbfile_list *list =
		    cdbfile_list(file, match.hit[i].list);
		struct cidr cidr = cidr_mask(&addr, match.hit[i].prefix_len);
		char text[CIDR_STRLEN];

		printf("%s\t%s\t%s\n", list->name,
		    cdbfile_kind_name(list->kind), cidr_format(&cidr, text));
	}
	cdbfile_free(file);
	return printed(r > 0 ? EXIT_SUCCESS : EXIT_NOT_LISTED);
}

/* SECONDS in its two largest units would be exact; one is what is read. */
static const char *
format_age(uint64_t seconds, char *buf, size_t size)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" },
		{ 1, "s" } };
	size_t i = 0;

	/* "90 min" says more than "1 h". */
	while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(buf, size, "%" PRIu64 " %s", seconds / units[i].seconds,
	    units[i].name);
	return buf;
}

static void
print_row(const char *name, const char *kind, const char *entries,
    const char *age, const char *source)
{
	printf("%-20s %-6s %10s %8s  %s\n", name, kind, entries, age, source);
}

static void
print_list(const struct cdbfile_list *list, uint64_t now)
{
	uint64_t age = now > list->updated ? now - list->updated : 0;
	char entries[16], age_text[32];

	snprintf(entries, sizeof(entries), "%" PRIu32, list->entries);
	print_row(list->name, cdbfile_kind_name(list->kind), entries,
	    format_age(age, age_text, sizeof(age_text)), list->source);
}

static bool
is_configured(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->n_lists; i++)
		if (strcmp(call->lists[i].name, name) == 0)
			return true;
	return false;
}

static int
run_status(const struct call *call)
{
	struct cdbfile *file = open_compiled(call);
	uint64_t now = (uint64_t)time(NULL), created = cdbfile_created(file);
	char age[32];

	print_row("LIST", "KIND", "ENTRIES", "AGE", "SOURCE");
	for (size_t i = 0; i < cdbfile_n_lists(file); i++)
		print_list(cdbfile_list(file, i), now);
	for (size_t i = 0; i < call->n_lists; i++)
		if (!cdbfile_list_named(file, call->lists[i].name))
			print_row(call->lists[i].name,
			    cdbfile_kind_name(
				(enum cdbfile_kind)call->lists[i].kind),
			    "-", "-", "configured, not compiled yet");
	for (size_t i = 0; i < cdbfile_n_lists(file); i++)
		if (!is_configured(call, cdbfile_list(file, i)->name))
			printf("%s is no longer configured; the next build "
			       "leaves it out\n",
			    cdbfile_list(file, i)->name);
	printf("%s, compiled %s ago\n", call->config.output,
	    format_age(now > created ? now - created : 0, age, sizeof(age)));
	cdbfile_free(file);
	return printed(EXIT_SUCCESS);
}

static const struct verb verbs[] = {
	{ "build", NULL, true, run_build },
	/* The same for as long as all sources are files. */
	{ "update", NULL, true, run_build },
	/* Must answer while somebody edits the lists. */
	{ "query", "ADDRESS", false, run_query },
	{ "status", NULL, true, run_status },
};

static const struct verb *
find_verb(char **operands, const char **ret_operand)
{
	const struct verb *verb = NULL;

	for (size_t i = 0; operands[0] && i < ARRAY_SIZE(verbs); i++)
		if (strcmp(operands[0], verbs[i].name) == 0)
			verb = &verbs[i];
	if (!verb)
		program_die(&program, EXIT_OPERATOR, 0,
		    "%s%s: expected build, update, query ADDRESS or status",
		    operands[0] ? "unknown command " : "no command",
		    operands[0] ? operands[0] : "");
	*ret_operand = operands[1];
	if (!operands[1] != !verb->metavar || (operands[1] && operands[2]))
		program_die(&program, EXIT_OPERATOR, 0, "usage: %s %s%s%s",
		    program.name, verb->name, verb->metavar ? " " : "",
		    verb->metavar ? verb->metavar : "");
	return verb;
}

int
main(int argc, char **argv)
{
	struct call call = { 0 };
	struct program_call parsed;
	struct option_error error;
	const struct verb *verb = NULL;
	int code = EXIT_SUCCESS;

	program_parse(&program, argc, argv, &call.config, &parsed);
	if (!parsed.check_only)
		verb = find_verb(argv + parsed.first_operand, &call.operand);
	if (program_load(&program, &parsed, &call.config, &error) < 0)
		program_die_config(&program, &error);
	if ((!verb || verb->reads_config) &&
	    config_load_lists(&call.config, parsed.config_path, &call.lists,
		&call.n_lists, &error) < 0)
		program_die_config(&program, &error);
	if (verb)
		code = verb->run(&call);
	config_free_lists(call.lists, call.n_lists);
	option_fini(&config_table, &call.config);
	return code;
}
