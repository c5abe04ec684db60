/* SPDX-License-Identifier: ISC */
/*
 * Writes tiny .mmdb files (MaxMind DB 2.0, IPv6 tree, 24-bit records) in the
 * shapes that publishers use, and some that nobody should.
 *
 *	mkmmdb [-4] [-e EPOCH] SHAPE OUT [PREFIX=VALUE]...
 *
 * -4: the tree is one of IPv4.  -e: when it was built, else now.
 * SHAPE: country {country: {iso_code}}, country-flat {country_code},
 * registered {registered_country: {iso_code}}, asn
 * {autonomous_system_number}, asn-flat {asn: number}, asn-text {asn: "AS1"},
 * deep (country-flat behind a value of 1,000,000 nested arrays), or at:PATH,
 * the names of nested maps with dots between them.  There VALUE is a text, or
 * with # before it a number, and without VALUE the record has other fields.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "bin/common/util.h"

enum { NODES_MAX = 65536, VALUES_MAX = 4096, DEEP = 1000000 };

/* Bytes being written. */
struct blob {
	unsigned char *bytes;
	size_t len, size;
};

/* A record is a node's number, or VALUE + n for the n-th value, or 0: none
 * (the root is nobody's child). */
#define VALUE 0x800000u

struct tree {
	unsigned int n;
	unsigned int record[NODES_MAX][2];
};

static void
put_byte(struct blob *b, unsigned int byte)
{
	if (b->len == b->size) {
		b->size = b->size ? b->size * 2 : 4096;
		b->bytes = realloc(b->bytes, b->size);
		if (!b->bytes)
			err(1, "realloc");
	}
	b->bytes[b->len++] = (unsigned char)byte;
}

static void
put_big_endian(struct blob *b, unsigned long long n, unsigned int bytes)
{
	while (bytes-- > 0)
		put_byte(b, (unsigned int)(n >> 8 * bytes & 255));
}

static void
put_string(struct blob *b, const char *s)
{
	size_t n = strlen(s);

	if (n > 28)
		errx(1, "%s: too long", s);
	put_byte(b, 2u << 5 | (unsigned int)n);
	while (*s)
		put_byte(b, (unsigned char)*s++);
}

static void
put_map(struct blob *b, unsigned int pairs)
{
	put_byte(b, 7u << 5 | pairs);
}

/* Arrays are an extended type: 11 is 7 + 4. */
static void
put_array(struct blob *b, unsigned int n)
{
	put_byte(b, n);
	put_byte(b, 4);
}

static void
put_uint16(struct blob *b, unsigned int n)
{
	put_byte(b, 5u << 5 | 2);
	put_big_endian(b, n, 2);
}

static void
put_uint32(struct blob *b, unsigned long n)
{
	put_byte(b, 6u << 5 | 4);
	put_big_endian(b, n, 4);
}

static void
put_uint64(struct blob *b, unsigned long long n)
{
	put_byte(b, 8);
	put_byte(b, 2);
	put_big_endian(b, n, 8);
}

static void
put_nested(struct blob *b, const char *outer, const char *value)
{
	put_map(b, 1);
	put_string(b, outer);
	put_map(b, 1);
	put_string(b, "iso_code");
	put_string(b, value);
}

static void
put_deep(struct blob *b, const char *value)
{
	put_map(b, 2);
	put_string(b, "aaaa");
	for (size_t i = 0; i < DEEP; i++)
		put_array(b, 1);
	put_string(b, "");
	put_string(b, "country_code");
	put_string(b, value);
}

/* PATH is changed. */
static void
put_at(struct blob *b, char *path, const char *value)
{
	if (*value == '\0') {
		put_map(b, 1);
		put_string(b, "other");
		put_string(b, "XY");
		return;
	}
	for (char *name; (name = strsep(&path, "."));) {
		put_map(b, 1);
		put_string(b, name);
	}
	if (*value == '#')
		put_uint32(b, strtoul(value + 1, NULL, 10));
	else
		put_string(b, value);
}

static void
put_value(struct blob *b, const char *shape, const char *value)
{
	if (strcmp(shape, "country") == 0) {
		put_nested(b, "country", value);
	} else if (strcmp(shape, "registered") == 0) {
		put_nested(b, "registered_country", value);
	} else if (strncmp(shape, "at:", 3) == 0) {
		char path[128];

		snprintf(path, sizeof(path), "%s", shape + 3);
		put_at(b, path, value);
	} else if (strcmp(shape, "deep") == 0) {
		put_deep(b, value);
	} else {
		put_map(b, 1);
		put_string(b,
		    strcmp(shape, "country-flat") == 0 ? "country_code"
			: strcmp(shape, "asn") == 0    ? "autonomous_system_"
							 "number"
						       : "asn");
		if (strcmp(shape, "country-flat") == 0 ||
		    strcmp(shape, "asn-text") == 0)
			put_string(b, value);
		else
			put_uint32(b, strtoul(value, NULL, 10));
	}
}

/* The prefix as bits of the IPv6 tree: IPv4 is ::/96 there. */
static unsigned int
parse_prefix(char *text, unsigned char addr[static 16])
{
	char *slash = strchr(text, '/');
	unsigned int len = slash ? (unsigned int)atoi(slash + 1) : 128;

	if (slash)
		*slash = '\0';
	memset(addr, 0, 16);
	if (inet_pton(AF_INET6, text, addr) == 1)
		return len;
	if (inet_pton(AF_INET, text, addr + 12) != 1)
		errx(1, "%s: not an address", text);
	return slash ? 96 + len : 128;
}

static void
insert(struct tree *t, const unsigned char addr[static 16], unsigned int from,
    unsigned int len, unsigned int record)
{
	unsigned int node = 0;

	if (len <= from || len > 128)
		errx(1, "bad prefix length");
	for (unsigned int i = from;; i++) {
		unsigned int *at =
		    &t->record[node][addr[i / 8] >> (7 - i % 8) & 1];

		if (i == len - 1) {
			*at = record;
			return;
		}
		if (*at == 0) {
			if (t->n == NODES_MAX)
				errx(1, "too many prefixes");
			*at = t->n++;
		}
		if (*at >= VALUE)
			errx(1, "prefixes overlap");
		node = *at;
	}
}

static void
put_tree(struct blob *b, const struct tree *t, const size_t *offsets)
{
	for (unsigned int i = 0; i < 2 * t->n; i++) {
		size_t record = t->record[i / 2][i % 2];

		if (record == 0)
			record = t->n;
		else if (record >= VALUE)
			record = t->n + 16 + offsets[record - VALUE];
		put_big_endian(b, record, 3);
	}
	for (unsigned int i = 0; i < 16; i++)
		put_byte(b, 0);
}

static void
put_metadata(struct blob *b, const char *shape, unsigned int nodes,
    unsigned int ip_version, long long epoch)
{
	for (const char *p = "\xab\xcd\xefMaxMind.com"; *p; p++)
		put_byte(b, (unsigned char)*p);
	put_map(b, 9);
	put_string(b, "binary_format_major_version");
	put_uint16(b, 2);
	put_string(b, "binary_format_minor_version");
	put_uint16(b, 0);
	put_string(b, "build_epoch");
	put_uint64(b, (unsigned long long)epoch);
	put_string(b, "database_type");
	put_string(b, shape);
	put_string(b, "description");
	put_map(b, 0);
	put_string(b, "ip_version");
	put_uint16(b, ip_version);
	put_string(b, "languages");
	put_array(b, 0);
	put_string(b, "node_count");
	put_uint32(b, nodes);
	put_string(b, "record_size");
	put_uint16(b, 24);
}

static void
write_file(const char *path, const struct blob *tree, const struct blob *data)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(tree->bytes, 1, tree->len, f) != tree->len ||
	    fwrite(data->bytes, 1, data->len, f) != data->len || fclose(f) != 0)
		err(1, "%s", path);
}

int
main(int argc, char **argv)
{
	static struct tree tree = { .n = 1 };
	static size_t offsets[VALUES_MAX];
	struct blob head = { 0 }, data = { 0 };
	long long epoch = time(NULL);
	unsigned int version = 6;
	char *shape;

	for (int option; (option = getopt(argc, argv, "4e:")) != -1;) {
		if (option == '4')
			version = 4;
		else if (option == 'e')
			epoch = atoll(optarg);
	}
	if (argc - optind < 2 || argc - optind - 2 > VALUES_MAX)
		errx(1, "usage: mkmmdb SHAPE OUT [PREFIX=VALUE]...");
	shape = argv[optind];
	for (int i = optind + 2, n = 0; i < argc; i++, n++) {
		char *value = strchr(argv[i], '=');
		unsigned char addr[16];
		unsigned int len;

		if (!value)
			errx(1, "%s: not PREFIX=VALUE", argv[i]);
		*value++ = '\0';
		len = parse_prefix(argv[i], addr);
		offsets[n] = data.len;
		put_value(&data, shape, value);
		insert(&tree, addr, version == 4 ? 96 : 0, len,
		    VALUE + (unsigned int)n);
	}
	put_tree(&head, &tree, offsets);
	put_metadata(&data, strncmp(shape, "at:", 3) == 0 ? "at" : shape,
	    tree.n, version, epoch);
	write_file(argv[optind + 1], &head, &data);
	free(head.bytes);
	free(data.bytes);
	return 0;
}
