/* SPDX-License-Identifier: ISC */
#include "bin/common/watchdog.h"

#include "bin/common/notify.h"

static void
on_timer(struct timer *t, uint64_t now)
{
	struct watchdog *w = CONTAINER_OF(t, struct watchdog, timer);

	notify_send("WATCHDOG=1");
	loop_arm(w->loop, t, now + w->interval);
}

void
watchdog_init(struct watchdog *w, struct loop *loop)
{
	w->loop = loop;
	w->timer = (struct timer){ .on_timer = on_timer };
	w->interval = notify_watchdog_interval();
	if (w->interval != 0)
		loop_arm(loop, &w->timer, loop_now(loop));
}

void
watchdog_fini(struct watchdog *w)
{
	loop_cancel(w->loop, &w->timer);
}
