/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-handoff/config.h"

#include <errno.h>

#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"

static char exim[] = "/usr/sbin/exim4", bs[] = "-bs", bare[] = "exim4";

/* The settings that a file with COMMAND would give. */
static void
make(struct config *c, const char *command)
{
	memset(c, 0, sizeof(*c));
	option_defaults(&config_options, c);
	free(c->command_text);
	c->command_text = strdup(command);
	CHECK(c->command_text != NULL);
}

static void
command_line_is_over_the_file(void)
{
	char *words[] = { exim, bs, NULL }, *none[] = { NULL };
	struct option_error e;
	struct config c;
	int64_t max;

	make(&c, "/usr/sbin/sendmail -bs");
	max = c.max;
	CHECK_INT(
	    config_complete(&c, &(struct config_args){ .command = none }, &e),
	    0);
	CHECK_STR(c.command[0], "/usr/sbin/sendmail");
	CHECK_STR(c.command[1], "-bs");
	CHECK_INT(c.max, max);
	config_fini(&c);
	make(&c, "/usr/sbin/sendmail -bs");
	CHECK_INT(config_complete(&c,
		      &(struct config_args){ .command = words, .max = 1 }, &e),
	    0);
	CHECK(c.command == words);
	CHECK_INT(c.max, 1);
	config_fini(&c);
	CHECK(c.command == NULL);
}

static void
no_mta_is_refused(void)
{
	char *none[] = { NULL }, *name[] = { bare, NULL };
	struct config_args args = { .command = none };
	struct option_error e;
	struct config c;

	make(&c, "");
	CHECK_INT(config_complete(&c, &args, &e), -EINVAL);
	CHECK(strstr(e.text, "no MTA") != NULL);
	config_fini(&c);
	make(&c, "exim4 -bs");
	CHECK_INT(config_complete(&c, &args, &e), -EINVAL);
	CHECK(strstr(e.text, "must be a path") != NULL);
	config_fini(&c);
	make(&c, "");
	args.command = name;
	CHECK_INT(config_complete(&c, &args, &e), -EINVAL);
	config_fini(&c);
}

static void
ends_without_a_rest(void)
{
	char *none[] = { NULL };
	struct config_args args = { .command = none };
	struct option_error e;
	struct config c;
	long live = memory_live;

	make(&c, "/usr/sbin/exim4 -bs");
	CHECK_INT(config_complete(&c, &args, &e), 0);
	config_fini(&c);
	CHECK_INT(memory_live, live);
	config_fini(&c);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(command_line_is_over_the_file),
		CASE(no_mta_is_refused),
		CASE(ends_without_a_rest),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
