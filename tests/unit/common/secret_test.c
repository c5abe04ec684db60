/* SPDX-License-Identifier: ISC */
#include "bin/common/secret.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

static void
what_is_hidden(void)
{
	static const char *const texts[][2] = {
		{ "redis://:s3@cr3t@host:1/2", "redis://*@host:1/2" },
		{ "redis://:a/b@host", "redis://*@host" },
		{ "rediss://me:s3cr3t@host?db=1", "rediss://*@host?db=1" },
		{ "https://h/l?token=x&db=3&key=y=z",
		    "https://h/l?token=*&db=3&key=*" },
		{ "see ftp://a:b@h/ and http://c@d",
		    "see ftp://*@h/ and http://*@d" },
		{ "dnsbl.abcdefghijklmnopqrs7.zen.dq.example",
		    "dnsbl.*.zen.dq.example" },
		{ "0123456789abcdef0123456789abcdef", "*" },
		{ "", "" },
	};
	char buf[200];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CHECK_STR(
		    secret_hide(texts[i][0], buf, sizeof(buf)), texts[i][1]);
}

static void
what_is_shown(void)
{
	static const char *const texts[] = { "60=127.0.0.2-11",
		"dnsbl.zen.example.net", "/var/lib/tarpit/lists.cdb",
		"a-rather-long-list-of-names-2", "abcdefghijklmnopqrstuvwxyz",
		"12345678901234567890", "abcdefghijklmnopqr7",
		"redis://host:6379?db=2", "me@example.org" };
	char buf[200];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CHECK_STR(secret_hide(texts[i], buf, sizeof(buf)), texts[i]);
}

static void
is_cut_to_fit(void)
{
	char buf[8];

	CHECK_STR(secret_hide("redis://:pw@h", buf, sizeof(buf)), "redis:/");
	CHECK_STR(secret_hide("x", buf, 1), "");
}

static const struct check_case cases[] = {
	CASE(what_is_hidden),
	CASE(what_is_shown),
	CASE(is_cut_to_fit),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
