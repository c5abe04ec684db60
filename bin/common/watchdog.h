#pragma once
/* SPDX-License-Identifier: ISC */
/* The service manager's watchdog, fed by the loop itself: a loop that hangs
 * does not feed it. */

#include "bin/common/loop.h"

struct watchdog {
	struct loop *loop;
	struct timer timer;
	uint64_t interval; /* usec; 0: the service has no watchdog */
};

/* Feeds it from the loop's next round on, if there is one. */
void watchdog_init(struct watchdog *, struct loop *);
void watchdog_fini(struct watchdog *);
