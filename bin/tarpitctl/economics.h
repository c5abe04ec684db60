#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What friction does to a spammer's business: the published figures of one
 * campaign, and how long its attempts take and how many get through, without
 * us and with us.  Pure arithmetic; every result comes with its formula and
 * the numbers in it, so that it can be checked by hand.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

enum assumed {
	ASSUMED_MESSAGES,
	ASSUMED_DAYS,
	ASSUMED_BOTS,
	ASSUMED_SALES,
	ASSUMED_DOLLARS,
	ASSUMED_DELIVERY_SECONDS,
	ASSUMED_DRIP_RATE,
	ASSUMED_MESSAGE_BYTES,
	ASSUMED_GIVE_UP_SECONDS,
	ASSUMED_GIVE_UP_PERCENT,
	ASSUMED_PATIENCE_SECONDS,
	ASSUMED_MTA_CPU_SECONDS,
	ASSUMED_COUNT,
};

struct assumption {
	const char *name; /* as in --assume NAME=VALUE */
	double initial, max;
	int decimals; /* to be shown */
	const char *meaning;
	const char *source;
};

extern const struct assumption assumptions[ASSUMED_COUNT];

struct assumed_values {
	double value[ASSUMED_COUNT];
};

/* The initial values; and "NAME=VALUE" over them: 0, or -EINVAL and a reason
 * in WHY. */
void assume_defaults(struct assumed_values *);
int assume(struct assumed_values *, const char *text, char *why,
    size_t size) MUST_CHECK;

enum { FORMULA_SIZE = 96 };

/* A figure, and what it was computed from: "2731.88 / 26". */
struct figure {
	double value;
	char formula[FORMULA_SIZE];
};

/* Per bot-hour, day and sale.  A spammer whose bots were busy all the time
 * loses by the time that an attempt takes, too; one who had time to spare
 * only what does not get through. */
struct yield {
	struct figure messages, dollars;
	struct figure cost; /* value 0: no sale at all */
};

struct scenario {
	const char *name, *title; /* "curve"; "observed curve" */
	bool known;               /* else there is nothing to compute from */
	struct figure seconds;    /* an attempt takes */
	struct figure through;    /* share of attempts that get through */
	struct yield busy, spare;
};

enum { SCENARIOS = 5 };

struct economics {
	struct assumed_values assumed;
	/* The campaign without friction. */
	struct figure messages_per_bot_hour, dollars_per_day;
	struct figure messages_per_sale, bot_hours_per_sale, cost_per_sale;
	struct scenario scenario[SCENARIOS];
};

/* What was seen. */
struct observed {
	uint64_t slowed, patient; /* sessions; of them, those let in */
	double held;              /* seconds, all slowed ones */
	bool has_curve;           /* it reaches the assumed patience */
	double curve_mean;        /* seconds, up to there */
	double curve_share;       /* that is still there then */
};

void economics_compute(const struct assumed_values *, const struct observed *,
    struct economics *ret);
