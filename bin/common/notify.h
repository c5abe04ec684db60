#pragma once
/* SPDX-License-Identifier: ISC */
/* Telling systemd: readiness, status, the watchdog.  Never blocks. */

#include <stdint.h>

#include "bin/common/util.h"

/* Sends STATE ("READY=1\nSTATUS=...") to $NOTIFY_SOCKET, if there is one.
 * sd_notify(3) would wait for a busy service manager; this drops the message
 * instead, which the next one makes good. */
void notify_send(const char *state);
void notify_sendf(const char *format, ...) PRINTF_LIKE(1, 2);

/* How often WATCHDOG=1 is to be sent: half of WatchdogSec=; usec, or 0 if the
 * service has no watchdog. */
uint64_t notify_watchdog_interval(void);
