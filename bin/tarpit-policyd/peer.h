#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The connections of the policy service: any number of questions and answers on
 * each.  One peer's failure closes that peer.
 */

#include "bin/common/loop.h"
#include "bin/common/util.h"
#include "bin/tarpit-policyd/desk.h"
#include "bin/tarpit-policyd/doors.h"

struct peer;

struct peers {
	struct loop *loop;
	struct desk *desk;
	struct peer *first;
	struct peer *due; /* those for whom there are late answers */
};

/* FD has come by DOOR, and is theirs if that is 0; -errno: it is the caller's. */
int peers_add(struct peers *, struct door *door, int fd) MUST_CHECK;
/* For the desk: there is a late answer for the peer. */
void peers_answered(struct peers *, struct customer *);
/* After each batch of events: late answers go out together. */
void peers_work(struct peers *);
void peers_close(struct peers *);
