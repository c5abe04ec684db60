#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the two parts of dispatcher.h have in common: the whole
 * (dispatcher.c), and the listeners (dispatcher_accept.c).
 */

#include "bin/tarpitd/dispatcher.h"

/* ---- dispatcher_accept.c ---- */

/* Accepts on the sockets from now on.  0 or -errno. */
int dispatcher_init_sockets(struct dispatcher *) MUST_CHECK;
/* For good, or until there is room again. */
void dispatcher_stop_accepting(struct dispatcher *);
/* After the batch, if there is room and the process is not to end. */
void dispatcher_resume_accepting(struct dispatcher *);
