#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Who goes when there is no room, so that whoever comes gets in as long as
 * somebody is there who is worth less:
 *
 *  - a held session, which costs nobody mail;
 *  - one in lane throttle that has delivered nothing and is outside a
 *    transaction; then one that is not greeted yet; then one of which nothing
 *    has come for a minute; then one in a transaction, if its network has much
 *    more than the newcomer's;
 *  - never one in lane slow, whose patience is short and proves something.
 *
 * Among equals it is one of the network that has most sessions (see clients.h),
 * and of that the oldest.  Looked at are the oldest and the youngest few: a
 * network that has many is among these.
 */

#include "bin/tarpitd/dispatcher.h"

/* Makes room for NEWCOMER, in its lane, to be slowed: false if it has to be
 * sent away. */
bool shedding_make_room(
    struct dispatcher *, const struct session *newcomer, uint64_t now);

/* One slowed session less, for a clean one; false if none can go. */
bool shedding_make_way(struct dispatcher *, uint64_t now);
