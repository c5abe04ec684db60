/* SPDX-License-Identifier: ISC */
/* Who has come lately, as the journal has it. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bin/tarpitctl/doctor.h"
#include "bin/tarpitctl/journal_reader.h"
#include "data/cidr.h"

enum {
	/* So many of one address and nobody else: no mail server that is
	 * reached from outside sees that in a day. */
	CLIENTS_ENOUGH = 20,
	CLIENTS_READ = 20000,
};

/* RFC 1918, RFC 6598 and RFC 4193: whom no proxy would be needed for on the
 * open internet, and who stands in front of one's own servers. */
static bool
is_private(const struct in6_addr *a)
{
	const uint8_t *v4 = a->s6_addr + 12;

	if (!IN6_IS_ADDR_V4MAPPED(a))
		return (a->s6_addr[0] & 0xfe) == 0xfc;
	return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
	    (v4[0] == 192 && v4[1] == 168) ||
	    (v4[0] == 100 && (v4[1] & 0xc0) == 64);
}

void
doctor_check_clients(struct doctor *d)
{
	uint64_t now = (uint64_t)time(NULL) * USEC_PER_SEC;
	struct session_record record;
	struct journal_reader reader;
	struct in6_addr first = { 0 };
	char text[CIDR_STRLEN];
	uint32_t n = 0;
	int r = journal_reader_open(
	    &reader, d->t->file, now - 86400 * USEC_PER_SEC, UINT64_MAX);

	if (r < 0) {
		doctor_skip(d,
		    "who came lately: there is no journal here that "
		    "you may read");
		return;
	}
	while (n < CLIENTS_READ &&
	    (r = journal_reader_next(&reader, &record)) > 0) {
		if (n++ == 0)
			first = record.client;
		if (memcmp(&record.client, &first, sizeof(first)) != 0)
			break;
	}
	journal_reader_close(&reader);
	if (r == 0 && n >= CLIENTS_ENOUGH && is_private(&first))
		doctor_find(d, FOUND_ONE_CLIENT,
		    "all %u sessions of the last day came from %s", n,
		    cidr_format_addr(&first, text));
}
