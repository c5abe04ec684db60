/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-handoff/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpit-handoff/spawn.h"

static const struct option options[] = {
	{ .section = "Handoff",
	    .key = "Command",
	    .type = OPTION_STRING,
	    .offset = offsetof(struct config, command_text),
	    .max = 4096,
	    .initial = "",
	    .help = "the MTA and its arguments, split at blanks" },
	{ .section = "Handoff",
	    .key = "Max",
	    .type = OPTION_INT,
	    .offset = offsetof(struct config, max),
	    .min = 1,
	    .max = 10000,
	    .initial = "20",
	    .help = "MTA processes at a time" },
	{ .section = "Handoff",
	    .key = "Queue",
	    .type = OPTION_INT,
	    .offset = offsetof(struct config, queue),
	    .min = 1,
	    .max = 65535,
	    .initial = "512",
	    .help = "sessions that may wait for a free one" },
	{ .section = "Handoff",
	    .key = "ReadTimeout",
	    .type = OPTION_TIME,
	    .offset = offsetof(struct config, read_timeout),
	    .min = USEC_PER_SEC / 10,
	    .max = 60 * USEC_PER_SEC,
	    .initial = "5s",
	    .help = "how long a dispatcher's message may take to come" },
	{ .section = "Handoff",
	    .key = "EarlyExit",
	    .type = OPTION_TIME,
	    .offset = offsetof(struct config, early_exit),
	    .min = 0,
	    .max = 60 * USEC_PER_SEC,
	    .initial = "1s",
	    .help = "how long an MTA may take to greet" },
};

const struct option_table config_options = {
	.options = options,
	.n_options = ARRAY_SIZE(options),
};

static int
refuse(struct option_error *error, const char *text)
{
	*error = (struct option_error){ 0 };
	snprintf(error->text, sizeof(error->text), "%s", text);
	return -EINVAL;
}

int
config_complete(struct config *c, const struct config_args *args,
    struct option_error *ret_error)
{
	if (args->max > 0)
		c->max = args->max;
	if (args->command[0] != NULL) {
		c->command = args->command;
	} else {
		c->command = spawn_split(c->command_text);
		if (c->command == NULL)
			return refuse(ret_error, "out of memory");
		c->command_owned = true;
	}
	if (c->command[0] == NULL)
		return refuse(ret_error,
		    "no MTA: give its command after --, or as [Handoff] "
		    "Command=");
	/* No $PATH: which program gets a client's socket is not left to the
	 * environment. */
	if (strchr(c->command[0], '/') == NULL)
		return refuse(ret_error,
		    "the MTA's command must be a path, like "
		    "/usr/sbin/exim4");
	return 0;
}

void
config_fini(struct config *c)
{
	if (c->command_owned)
		free(c->command);
	c->command = NULL;
	c->command_owned = false;
	option_fini(&config_options, c);
}
