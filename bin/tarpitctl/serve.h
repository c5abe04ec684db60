#pragma once
/* SPDX-License-Identifier: ISC */
/* The metrics over HTTP: GET /metrics and nothing else.  The only user of
 * libmicrohttpd. */

#include "bin/tarpitctl/tarpitctl.h"

/* Serves systemd's socket, or --listen, until SIGTERM or SIGINT; an exit
 * code, or dies. */
int serve_run(const struct tarpitctl *);
