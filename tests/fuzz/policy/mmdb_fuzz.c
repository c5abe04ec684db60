/* SPDX-License-Identifier: ISC */
/* .mmdb files: a valid one with edits (see tests/helpers/fuzz.h), opened as both
 * kinds of database through the source, as the policy service does it.  What
 * our check lets through must not make libmaxminddb crash or go on for ever. */
#include "policy/source.h"

#include "data/cidr.h"
#include "policy/mmdb_check.h"
#include "tests/helpers/fuzz.h"

enum { FILE_MAX = 32768 };

/* Two nodes of 24-bit records: 0/2 and 64/2 (of IPv4) have a record each, which
 * share a key by a pointer. */
static const char valid[] = "\0\0\1\0\0\2"
			    "\0\0\x12\0\0\x30"
			    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			    "\xe1\x47"
			    "country\xe1\x48iso_code\x42"
			    "DE\0\0\0\0\0\0\0\0"
			    "\xe2\x20\x01\xe1\x20\x0a\x42"
			    "CN\x43"
			    "asn\xc4\0\0\xfb\xf0"
			    "\xab\xcd\xefMaxMind.com\xe9"
			    "\x5b"
			    "binary_format_major_version\xa1\2"
			    "\x5b"
			    "binary_format_minor_version\xa0"
			    "\x4b"
			    "build_epoch\4\2\x65\x53\xf1\0"
			    "\x4d"
			    "database_type\x44test"
			    "\x4b"
			    "description\xe0"
			    "\x4a"
			    "ip_version\xa1\4"
			    "\x49"
			    "languages\0\4"
			    "\x4a"
			    "node_count\xc1\2"
			    "\x4b"
			    "record_size\xa1\x18";

static const char *const probes[] = { "0.0.0.1", "64.0.0.1", "128.0.0.1",
	"255.255.255.255", "2001:db8::1", "::1" };

static struct rules rules;

static void
init(void)
{
	option_defaults(&rules_table, &rules);
	free(rules.country);
	free(rules.asn);
	rules.country = malloc(32);
	rules.asn = malloc(32);
	REQUIRE(rules.country != NULL && rules.asn != NULL);
}

static void
ask_all(const struct source_ops *ops, bool is_valid)
{
	struct source *s;
	struct source_note note = { 0 };

	REQUIRE(ops->open(&s, &rules, NULL) == 0);
	REQUIRE(ops->refresh(s, &note));
	REQUIRE(note.failed == !note.has_data && note.text[0] != '\0');
	REQUIRE(note.has_data || !is_valid);
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		struct inquiry q = { .rules = &rules };

		REQUIRE(cidr_parse_addr(
			    probes[i], strlen(probes[i]), &q.addr) == 0);
		facts_init(&q.facts);
		REQUIRE(ops->ask(s, &q) == SOURCE_DONE);
		REQUIRE(strlen(q.facts.country) % 2 == 0);
	}
	REQUIRE(ops->free(s) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX];
	char path[32];
	size_t n;
	AUTO_FD fd = -1;

	if (rules.country == NULL || rules.country[0] != '/')
		init();
	memcpy(file, valid, sizeof(valid) - 1);
	n = fuzz_edit(data, size, file, sizeof(valid) - 1, sizeof(file));
	fd = fuzz_file(file, n, path);
	strcpy(rules.country, path);
	strcpy(rules.asn, path);
	ask_all(&source_country, size == 0);
	ask_all(&source_asn, size == 0);
	return 0;
}
