#pragma once
/* SPDX-License-Identifier: ISC */
/* What stands at the end of a database in MaxMind's format 2.0. */

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Of an IPv4 tree of so many NODES with records of so many BITS; TYPE has at
 * most 28 letters.  Errors are left in OUT. */
static inline void
mmdb_write_metadata(FILE *out, uint32_t nodes, uint8_t bits, const char *type)
{
	static const char begin[] = "\xab\xcd\xefMaxMind.com\xe9"
				    "\x4anode_count\xc4";
	static const char end[] = "\x49languages\x00\x04"
				  "\x5b"
				  "binary_format_major_version\xa1\x02"
				  "\x5b"
				  "binary_format_minor_version\xa0"
				  "\x4b"
				  "build_epoch\x01\x02\x01"
				  "\x4b"
				  "description\xe0";

	nodes = htonl(nodes);
	fwrite(begin, 1, sizeof(begin) - 1, out);
	fwrite(&nodes, 1, sizeof(nodes), out);
	fprintf(out, "\x4brecord_size\xa1%c", bits);
	fprintf(out, "\x4aip_version\xa1\x04");
	fprintf(
	    out, "\x4d%s%c%s", "database_type", 0x40 | (int)strlen(type), type);
	fwrite(end, 1, sizeof(end) - 1, out);
}
