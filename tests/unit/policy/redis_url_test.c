/* SPDX-License-Identifier: ISC */
#include "policy/redis_url.h"

#include <errno.h>

#include "tests/helpers/check.h"

static struct redis_url
parse(const char *text)
{
	const char *why = "";
	struct redis_url url;

	CHECK_INT(redis_url_parse(text, &url, &why), 0);
	CHECK_STR(why, "");
	return url;
}

static void
refuse(const char *text, const char *why)
{
	const char *said = "";
	struct redis_url url;

	CHECK_INT(redis_url_parse(text, &url, &said), -EINVAL);
	CHECK(strstr(said, why) != NULL);
}

static void
hosts_ports_and_databases(void)
{
	struct redis_url url = parse("redis://192.0.2.1");

	CHECK_STR(url.host, "192.0.2.1");
	CHECK_INT(url.port, 6379);
	CHECK_INT(url.db, 0);
	CHECK_STR(url.password, "");
	url = parse("redis://redis.example.org:6380/15");
	CHECK_STR(url.host, "redis.example.org");
	CHECK_INT(url.port, 6380);
	CHECK_INT(url.db, 15);
	url = parse("redis://[2001:db8::1]:6380/");
	CHECK_STR(url.host, "2001:db8::1");
	CHECK_INT(url.port, 6380);
	url = parse("redis://[::1]");
	CHECK_STR(url.host, "::1");
	CHECK_INT(url.port, 6379);
}

static void
users_and_passwords(void)
{
	struct redis_url url = parse("redis://:se%3aret%40@h/1");

	CHECK_STR(url.user, "");
	CHECK_STR(url.password, "se:ret@");
	CHECK_STR(url.host, "h");
	CHECK_INT(url.db, 1);
	url = parse("redis://mx:a:b@[::1]:1");
	CHECK_STR(url.user, "mx");
	CHECK_STR(url.password, "a:b");
	CHECK_STR(url.host, "::1");
	CHECK_INT(url.port, 1);
}

/* As people write them who do not know of escapes. */
static void
passwords_as_they_are(void)
{
	struct redis_url url = parse("redis://:s3@cr3t@h");

	CHECK_STR(url.password, "s3@cr3t");
	CHECK_STR(url.host, "h");
	url = parse("redis://mx:a/b?c#d@[::1]:7/2");
	CHECK_STR(url.user, "mx");
	CHECK_STR(url.password, "a/b?c#d");
	CHECK_STR(url.host, "::1");
	CHECK_INT(url.port, 7);
	CHECK_INT(url.db, 2);
	url = parse("redis+unix://:a@b/c@/run/s@x?db=1");
	CHECK_STR(url.password, "a@b/c");
	CHECK_STR(url.path, "/run/s@x");
	CHECK_INT(url.db, 1);
}

static void
other_spellings(void)
{
	struct redis_url url = parse("redis://h:6379?db=2");

	CHECK_INT(url.port, 6379);
	CHECK_INT(url.db, 2);
	CHECK_INT(parse("redis://h/?db=3").db, 3);
	CHECK_INT(parse("redis://[::1]?db=4").db, 4);
	CHECK_STR(parse("valkey://h").host, "h");
	CHECK_STR(parse("REDIS://h").host, "h");
	CHECK_STR(parse("unix:///run/s").path, "/run/s");
	CHECK_STR(parse("valkey+unix:///run/s").path, "/run/s");
	CHECK(redis_url_is("redis:/h") && redis_url_is("rediss://h"));
	CHECK(!redis_url_is("/var/lib/redis") && !redis_url_is("redis"));
}

static void
unix_sockets(void)
{
	struct redis_url url = parse("redis+unix:///run/redis.sock");

	CHECK_STR(url.host, "");
	CHECK_STR(url.path, "/run/redis.sock");
	CHECK_INT(url.db, 0);
	url = parse("redis+unix://:pw@/run/redis.sock?db=7");
	CHECK_STR(url.path, "/run/redis.sock");
	CHECK_STR(url.password, "pw");
	CHECK_INT(url.db, 7);
}

static void
what_is_no_url_is_refused(void)
{
	refuse("http://h", "neither");
	refuse("redis:/h", "neither");
	refuse("redis:h", "neither");
	refuse("rediss://:pw@h", "TLS");
	refuse("valkeys://h", "TLS");
	refuse("redis://", "no host");
	refuse("redis://:6379", "no host");
	refuse("redis://[::1", "]");
	refuse("redis://[h]", "no name and no address");
	refuse("redis://[192.0.2.1]", "no name and no address");
	refuse("redis://h h", "no name and no address");
	refuse("redis://h:0", "port");
	refuse("redis://h:65536", "port");
	refuse("redis://h:", "port");
	refuse("redis://h/x", "database");
	refuse("redis://h/1/2", "database");
	refuse("redis://h/65536", "database");
	refuse("redis://[::1]x", "database");
	refuse("redis://user@h", "before @");
	refuse("redis://:@h", "before @");
	refuse("redis://:%4@h", "before @");
	refuse("redis://:%zz@h", "before @");
	refuse("redis://:%00@h", "before @");
	refuse("redis+unix://relative", "absolute");
	refuse("redis+unix:///s?db=", "?db=");
	refuse("redis://h?db=x", "?db=");
	refuse("redis://h?db=65536", "?db=");
	refuse("redis://h?timeout=3", "?db=");
	refuse("redis://h/1?db=2", "twice");
	refuse("redis+unix:///s?x=1", "?db=");
}

static void
limits_are_exact(void)
{
	char text[400];
	struct redis_url url;

	memset(text, 'h', sizeof(text));
	memcpy(text, "redis://", 8);
	text[8 + 253] = '\0';
	url = parse(text);
	CHECK_INT(strlen(url.host), 253);
	text[8 + 253] = 'h';
	text[8 + 254] = '\0';
	refuse(text, "too long");
	memcpy(text, "redis+unix:///", 14);
	text[13 + 107] = '\0';
	url = parse(text);
	CHECK_INT(strlen(url.path), 107);
	text[13 + 107] = 'h';
	text[13 + 108] = '\0';
	refuse(text, "107");
}

static void
is_shown_without_its_secret(void)
{
	struct redis_url url = parse("redis://mx:secret@[::1]/2");
	char buf[300];

	CHECK_STR(
	    redis_url_format(&url, buf, sizeof(buf)), "redis://[::1]:6379/2");
	url = parse("redis://:secret@h:1");
	CHECK_STR(redis_url_format(&url, buf, sizeof(buf)), "redis://h:1/0");
	url = parse("redis+unix://:secret@/s?db=3");
	CHECK_STR(
	    redis_url_format(&url, buf, sizeof(buf)), "redis+unix:///s?db=3");
}

static const struct check_case cases[] = {
	CASE(hosts_ports_and_databases),
	CASE(users_and_passwords),
	CASE(passwords_as_they_are),
	CASE(other_spellings),
	CASE(unix_sockets),
	CASE(what_is_no_url_is_refused),
	CASE(limits_are_exact),
	CASE(is_shown_without_its_secret),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
