/* SPDX-License-Identifier: ISC */
/*
 * load asn OUT: reads lines FIRST,LAST,ASN,... (IPv4, sorted) and writes them
 * as a database in MaxMind's format 2.0: a tree of IPv4 with records of 32 bits,
 * and a value {"autonomous_system_number": ASN} for each system.
 */

#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/cidr.h"
#include "tests/bench/mmdb.h"

/* A record is a node's number, or VALUE + where its value is, or 0: none. */
#define VALUE 0x80000000u

enum { SYSTEMS_MAX = 1 << 19, VALUE_SIZE = 31, NODES_MAX = 1 << 23 };

struct database {
	uint32_t (*node)[2];
	uint32_t n;
	uint32_t *offset; /* of a system's value, + 1; 0: none yet */
	uint32_t data_len;
	FILE *data;
};

static void
put(FILE *out, const void *data, size_t len)
{
	if (fwrite(data, 1, len, out) != len)
		load_die(errno, "write");
}

static uint32_t
value_of(struct database *d, uint32_t asn)
{
	uint32_t big_endian = htonl(asn);

	if (asn >= SYSTEMS_MAX)
		return 0;
	if (d->offset[asn] == 0) {
		/* A map of one pair, a string of 24 bytes, a number of 4. */
		put(d->data,
		    "\xe1\x58"
		    "autonomous_system_number"
		    "\xc4",
		    27);
		put(d->data, &big_endian, 4);
		d->offset[asn] = d->data_len + 1;
		d->data_len += VALUE_SIZE;
	}
	return VALUE + d->offset[asn] - 1;
}

static void
add_prefix(struct database *d, const struct cidr *cidr, uint32_t record)
{
	const uint8_t *addr = &cidr->addr.s6_addr[12];
	unsigned int len = cidr->len - 96U;
	uint32_t node = 0;

	for (unsigned int i = 0; i < len; i++) {
		uint32_t *at = &d->node[node][addr[i / 8] >> (7 - i % 8) & 1];

		if (i + 1 == len)
			*at = record;
		if (i + 1 == len || *at >= VALUE)
			return;
		if (*at == 0) {
			if (d->n == NODES_MAX)
				load_die(0, "too many networks");
			*at = d->n++;
		}
		node = *at;
	}
}

static void
add_line(struct database *d, char *line)
{
	const char *first = strsep(&line, ","), *last = strsep(&line, ",");
	const char *asn = strsep(&line, ",\n");
	struct in6_addr from, to;
	struct cidr cidr;
	uint32_t record;
	bool more;

	if (!asn || cidr_parse_addr(first, strlen(first), &from) < 0 ||
	    cidr_parse_addr(last, strlen(last), &to) < 0)
		load_die(0, "%s: not FIRST,LAST,ASN", first);
	record = value_of(d, (uint32_t)strtoul(asn, NULL, 10));
	if (record == 0)
		return;
	do {
		more = cidr_take_range(&from, &to, &cidr);
		add_prefix(d, &cidr, record);
	} while (more);
}

/* libmaxminddb takes a record past the nodes for a value, 16 bytes of zero
 * after the tree. */
static void
write_tree(const struct database *d, FILE *out)
{
	for (uint32_t i = 0; i < 2 * d->n; i++) {
		uint32_t r = d->node[i / 2][i % 2];

		if (r == 0)
			r = d->n;
		else if (r >= VALUE)
			r = d->n + 16 + (r - VALUE);
		r = htonl(r);
		put(out, &r, sizeof(r));
	}
	put(out, (char[16]){ 0 }, 16);
}

int
asn_main(int argc, char **argv)
{
	struct database d = { .n = 1 };
	AUTO_FREE char *line = NULL;
	char *data = NULL;
	size_t size = 0, data_size;
	FILE *out;

	if (argc != 1)
		load_die(0, "asn takes OUT");
	d.node = calloc(NODES_MAX, sizeof(*d.node));
	d.offset = calloc(SYSTEMS_MAX, sizeof(*d.offset));
	d.data = open_memstream(&data, &data_size);
	out = fopen(argv[0], "we");
	if (!d.node || !d.offset || !d.data || !out)
		load_die(errno, "%s", argv[0]);
	while (getline(&line, &size, stdin) > 0)
		add_line(&d, line);
	fclose(d.data);
	write_tree(&d, out);
	put(out, data, data_size);
	mmdb_write_metadata(out, d.n, 32, "asn");
	if (ferror(out) || fclose(out) != 0)
		load_die(errno, "%s", argv[0]);
	free(d.node);
	free(d.offset);
	free(data);
	return 0;
}
