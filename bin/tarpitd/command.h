#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A question or an order that came through the control socket, read from its
 * name=value message.  Pure.
 */

#include "bin/common/attrs.h"
#include "bin/tarpitd/overrides.h"

/* The largest message of this kind has some 200 bytes. */
enum { COMMAND_MAX = 1024 };

/* How long an override may last. */
#define COMMAND_SECONDS_MAX (30 * 86400)

enum command_request {
	COMMAND_STATUS,    /* request=status: all counts */
	COMMAND_SESSIONS,  /* sessions: a message for each live one */
	COMMAND_SESSION,   /* session: everything of one, by its slot= and
			      number= */
	COMMAND_OVERRIDES, /* overrides: a message for each */
	COMMAND_OVERRIDE,  /* release, hold: of address= for seconds= */
	COMMAND_FORGET,    /* forget: what was said of address= */
	COMMAND_CLIENT,    /* client: what is known of address= beforehand */
};

struct command {
	enum command_request request;
	uint32_t slot, number;    /* SESSION */
	struct override override; /* OVERRIDE, FORGET: without its times;
				   * CLIENT: only its network, one address */
	uint32_t seconds;         /* OVERRIDE */
};

/* Reads one complete message.  Unknown names are ignored; of a name that comes
 * twice the last counts.  0, or -EBADMSG with the reason in *RET_WHY
 * (static). */
int command_read(const char *msg, size_t len, struct command *ret,
    const char **ret_why) MUST_CHECK;
