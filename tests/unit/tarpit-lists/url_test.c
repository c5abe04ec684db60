/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/url.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

static void
check_public(const char *url, const char *expected)
{
	AUTO_FREE char *seen = url_public(url);

	CHECK_STR(seen, expected);
}

static void
shows_server_and_path(void)
{
	check_public(
	    "https://example.org/a/b.txt", "https://example.org/a/b.txt");
	check_public("http://[::1]:8080/x", "http://[::1]:8080/x");
	check_public("https://example.org", "https://example.org");
	check_public(
	    "https://me:s3@example.org:1/x", "https://example.org:1/x");
	check_public("https://a:b@c:d@example.org/x", "https://example.org/x");
	check_public(
	    "https://example.org/x?token=1", "https://example.org/x?...");
	check_public(
	    "https://example.org/x?a=1#b", "https://example.org/x?...");
	check_public("https://example.org/x#b", "https://example.org/x");
	check_public("https://example.org?m=me@x", "https://...");
}

static void
shows_nothing_where_a_password_may_be_taken_for_a_server(void)
{
	check_public("https://me:s3/cr3t@example.org/x", "https://...");
	check_public("https://me:12/cr3t@example.org/x", "https://...");
	check_public("https://me:12#cr3t@example.org/x", "https://...");
	check_public("https://me:12?cr3t@example.org/x", "https://...");
	check_public("https://me:x:12", "https://...");
	/* The same in the user. */
	check_public("https://corp/me:s3cr3t@example.org/x", "https://...");
	/* It ends with one that has an @ as well. */
	check_public("https://me:12@s3/cr3t?x@example.org/", "https://...");
	/* What stands before this "://" is no scheme. */
	check_public("me:s3cr3t://x@example.org/x", "...");
	check_public("me:s3://cr3t@example.org/x", "...");
}

static void
knows_what_has_a_secret(void)
{
	CHECK(url_has_secret("https://me:x@example.org/"));
	CHECK(url_has_secret("https://me@example.org/"));
	CHECK(url_has_secret("https://example.org/?license_KEY=1"));
	CHECK(!url_has_secret("https://example.org/?format=text"));
	CHECK(!url_has_secret("https://example.org/key"));
	CHECK(url_is_suspicious("me:x@example.org/"));
	CHECK(!url_is_suspicious("/etc/lists@home"));
	CHECK(url_fingerprint("a?x") != url_fingerprint("a?y"));
}

static const struct check_case cases[] = {
	CASE(shows_server_and_path),
	CASE(shows_nothing_where_a_password_may_be_taken_for_a_server),
	CASE(knows_what_has_a_secret),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
