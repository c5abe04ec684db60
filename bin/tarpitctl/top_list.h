#pragma once
/* SPDX-License-Identifier: ISC */
/* The sessions that `top` shows: read from the dispatcher, filtered, sorted;
 * and one of them in full. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bin/tarpitctl/link.h"

struct top_row {
	uint32_t slot, number; /* which session it is */
	struct in6_addr address;
	char client[INET6_ADDRSTRLEN];
	char country[3], lane[10], state[12], override[8];
	int32_t score;
	uint32_t asn, rate;
	uint64_t held; /* msec */
};

struct top_list {
	struct top_row *row;
	size_t n, size;
	size_t total; /* sessions, those that the filter leaves out included */
};

enum top_order { TOP_BY_TIME, TOP_BY_NETWORK, TOP_BY_COUNTRY, TOP_BY_SCORE };

enum { DETAIL_WIDTH = 76 };

/* Reads M, a session of a listing.  False if it names no client. */
bool top_read_row(const struct message *m, struct top_row *ret);

/* Whether FILTER, "" for all, is in what is shown of the row; case does not
 * matter. */
bool top_matches(const struct top_row *, const char *filter);

/* Asks for all sessions and keeps those that FILTER lets through.  0 or
 * -errno. */
int top_list_load(
    struct top_list *, struct link *, const char *filter) MUST_CHECK;
void top_list_sort(struct top_list *, enum top_order);
void top_list_fini(struct top_list *);

/* Writes LEN bytes of a stranger's as printable ASCII: "\xe4" for what is
 * not, "\\" for a backslash.  Cut to SIZE. */
const char *top_escape(const char *s, size_t len, char *buf, size_t size);

/* What M says of a session, in up to MAX lines; how many. */
size_t top_detail(
    const struct message *m, char line[][DETAIL_WIDTH + 1], size_t max);
