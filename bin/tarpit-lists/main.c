/* SPDX-License-Identifier: ISC */
/* tarpit-lists: fetches and compiles block and allow lists; see tarpit-lists(8). */
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "bin/common/journal.h"
#include "bin/common/program.h"
#include "bin/tarpit-lists/build.h"
#include "bin/tarpit-lists/config.h"
#include "bin/tarpit-lists/status.h"
#include "bin/tarpit-lists/update.h"
#include "data/cdbfile.h"

/* What the verbs need. */
struct call {
	struct config config;
	struct list_config *lists;
	size_t n_lists;
	struct geoip_config geoip;
	const char *config_path, *operand; /* NULL: none */
};

struct verb {
	const char *name, *metavar;      /* NULL: takes no operand */
	bool reads_config;               /* of each list */
	int (*run)(const struct call *); /* returns the exit code */
};

enum { EXIT_NOT_LISTED = 1, EXIT_STALE = 1 };

static int
set_force(void *config, const char *value, char *why, size_t size)
{
	(void)value;
	(void)why;
	(void)size;
	((struct config *)config)->force = true;
	return 0;
}

static int
set_quiet(void *config, const char *value, char *why, size_t size)
{
	(void)value;
	(void)why;
	(void)size;
	((struct config *)config)->quiet = true;
	return 0;
}

static const struct program_arg program_args[] = {
	{ .name = "quiet",
	    .set = set_quiet,
	    .help = "say what is wrong, and nothing else" },
	{ .name = "force",
	    .set = set_force,
	    .help = "fetch now, and publish whatever MinEntries= and "
		    "MaxShrink= say" },
};

static const struct program program = {
	.name = "tarpit-lists",
	.summary = "Fetches and compiles block and allow lists for "
		   "tarpit-policyd.",
	.usage = "[--force] [--quiet] build | update | query ADDRESS | status",
	.config_path = SYSCONFDIR "/tarpit/tarpit-lists.conf",
	.unit = "tarpit-lists.service",
	.user = "tarpit-lists",
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

static struct job
make_job(const struct call *call, struct journal *journal)
{
	return (struct job){ .config = &call->config,
		.config_path = call->config_path,
		.lists = call->lists,
		.n_lists = call->n_lists,
		.geoip = &call->geoip,
		.journal = journal };
}

/* What root leaves in the directory of the output its owner could not replace:
 * cron's updates would fail after one by hand.  So root works as the owner. */
static void
become_owner(const struct config *config)
{
	AUTO_FREE char *copy = strdup(config->output);
	struct stat st;

	if (geteuid() != 0 || !copy || stat(dirname(copy), &st) < 0 ||
	    st.st_uid == 0)
		return;
	if (setgroups(0, NULL) < 0 || setgid(st.st_gid) < 0 ||
	    setuid(st.st_uid) < 0)
		program_die(&program, EXIT_TEMPORARY, -errno,
		    "becoming the owner of %s", config->output);
}

/* RUN under the lock. */
static int
run_locked(const struct call *call, int (*run)(const struct job *))
{
	struct journal journal;
	struct job job = make_job(call, &journal);
	AUTO_FD lock = -1;
	int code;

	become_owner(&call->config);
	/* A limit on file sizes is one more way to have a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	journal_init(&journal, program.name);
	if (call->config.quiet)
		journal.max_priority = LOG_WARNING;
	code = build_lock(&job, &lock);
	if (code == 0)
		code = run(&job);
	journal_fini(&journal);
	return code;
}

static int
run_build(const struct call *call)
{
	return run_locked(call, build_run);
}

static int
run_update(const struct call *call)
{
	return run_locked(call, update_run);
}

/* What is asked for: an address, or an autonomous system. */
struct question {
	bool is_asn;
	uint32_t asn;
	struct in6_addr addr;
};

/* "64496" or "AS64496". */
static bool
parse_asn(const char *text, uint32_t *ret_asn)
{
	int64_t asn;

	if (strncasecmp(text, "AS", 2) == 0)
		text += 2;
	if (option_parse_int(text, 1, UINT32_MAX, &asn) < 0)
		return false;
	*ret_asn = (uint32_t)asn;
	return true;
}

static struct question
parse_question(const char *text)
{
	struct question q = { 0 };

	q.is_asn = parse_asn(text, &q.asn);
	if (!q.is_asn && cidr_parse_addr(text, strlen(text), &q.addr) < 0)
		program_die(&program, EXIT_OPERATOR, 0,
		    "query: '%s' is no IPv4 or IPv6 address", text);
	return q;
}

static void
print_hit(const struct cdbfile *file, const struct question *q,
    const struct cdbfile_hit *hit)
{
	const struct cdbfile_list *list = cdbfile_list(file, hit->list);
	const char *note = cdbfile_note(file, hit);
	struct cidr cidr = cidr_mask(&q->addr, hit->prefix_len);
	char text[CIDR_STRLEN];

	if (q->is_asn)
		snprintf(text, sizeof(text), "AS%u", q->asn);
	else
		cidr_format(&cidr, text);
	printf("%s\t%s\t%s%s%s\n", list->name, cdbfile_kind_name(list->kind),
	    text, note[0] ? "\t" : "", note);
}

static int
run_query(const struct call *call)
{
	struct question q = parse_question(call->operand);
	struct cdbfile *file = open_compiled(call);
	struct cdbfile_match match;
	int r = q.is_asn ? cdbfile_find_asn(file, q.asn, &match)
			 : cdbfile_find(file, &q.addr, &match);

	if (r < 0)
		program_die(
		    &program, EXIT_OPERATOR, r, "%s", call->config.output);
	if (r == 0)
		printf("%s is in no list\n", call->operand);
	for (size_t i = 0; r > 0 && i < match.n; i++)
		print_hit(file, &q, &match.hit[i]);
	cdbfile_free(file);
	return printed(r > 0 ? EXIT_SUCCESS : EXIT_NOT_LISTED);
}

static int
run_status(const struct call *call)
{
	struct job job = make_job(call, NULL);
	struct cdbfile *file = NULL;
	bool is_bad;

	/* Without it there is all the more to say of why. */
	if (access(call->config.output, F_OK) == 0 || errno != ENOENT)
		file = open_compiled(call);
	is_bad = status_print(&job, file);
	cdbfile_free(file);
	return printed(is_bad ? EXIT_STALE : EXIT_SUCCESS);
}

static const struct verb verbs[] = {
	{ "build", NULL, true, run_build },
	{ "update", NULL, true, run_update },
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
	program_check_as_service(&program, &parsed);
	call.config_path = parsed.config_path;
	if (!parsed.check_only)
		verb = find_verb(argv + parsed.first_operand, &call.operand);
	if (program_load(&program, &parsed, &call.config, &error) < 0)
		program_die_config(&program, &error);
	if ((!verb || verb->reads_config) &&
	    config_load_lists(&call.config, parsed.config_path, &call.lists,
		&call.n_lists, &error) < 0)
		program_die_config(&program, &error);
	if ((!verb || verb->reads_config) &&
	    geoip_load(call.config.geoip, &call.geoip, &error) < 0)
		program_die_config(&program, &error);
	if (verb)
		code = verb->run(&call);
	geoip_fini(&call.geoip);
	config_free_lists(call.lists, call.n_lists);
	option_fini(&config_table, &call.config);
	return code;
}
