/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/credentials.h"

#include <errno.h>

#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"
#include "tests/helpers/scratch.h"

static char why[256];

static char *
put(const char *text, size_t len)
{
	char *path = scratch_write("secret", text, len);

	CHECK_INT(chmod(path, 0640), 0);
	why[0] = '\0';
	return path;
}

/* What HOST has in a file of TEXT; or the reason. */
static const char *
found(const char *text, const char *host)
{
	static char out[256];
	AUTO_FREE char *path = put(text, strlen(text));
	char *pair = NULL;
	int r = credentials_read(path, host, &pair, why, sizeof(why));

	CHECK_INT(r == 0, pair != NULL);
	CHECK_INT(r < 0, why[0] != '\0');
	/* Nothing of the file is quoted. */
	CHECK(strstr(why, "sesame") == NULL);
	snprintf(out, sizeof(out), "%s", r == 0 ? pair : why);
	free(pair);
	return out;
}

static void
one_line_is_for_every_host(void)
{
	CHECK_STR(found("u:sesame", "a.example"), "u:sesame");
	CHECK_STR(found("u:sesame\r\nmore\n", "a.example"), "u:sesame");
	CHECK(strstr(found("sesame\n", "a.example"), "neither") != NULL);
	CHECK(strstr(found("\nu:sesame\n", "a.example"), "neither") != NULL);
}

static void
machines_have_their_own(void)
{
	static const char text[] =
	    "# machine c.example login no password no\n"
	    "machine a.example login ua password pa account x\n"
	    "machine B.example\n\tpassword \"p b\\\"\"\n\tlogin ub\n"
	    "# more\n"
	    "machine d.example password pd\n"
	    "machine a.example login twice password twice\n";

	CHECK_STR(found(text, "a.example"), "ua:pa");
	CHECK_STR(found(text, "b.example"), "ub:p b\"");
	CHECK_STR(found(text, "d.example"), ":pd");
	CHECK(strstr(found(text, "c.example"), "no password for this host"));
	CHECK_STR(found("machine a.example login u password p\n"
			"default login ud password sesame\n",
		      "other.example"),
	    "ud:sesame");
	CHECK_STR(found("default login ud password sesame", "x"), "ud:sesame");
	/* A value that looks like a word is a value. */
	CHECK_STR(found("machine a.example login machine password default\n",
		      "a.example"),
	    "machine:default");
	CHECK(strstr(found("machine a.example login u", "a.example"),
		  "no password") != NULL);
	CHECK(strstr(found("machine", "a.example"), "no password") != NULL);
	CHECK(strstr(found("machine a.example password", "a.example"),
		  "no password") != NULL);
}

static void
machines_are_told_from_what_looks_like_them(void)
{
	CHECK_STR(found("machinery:sesame\n", "a.example"), "machinery:sesame");
	CHECK_STR(
	    found("machine a.example login me password #1\n", "a.example"),
	    "me:#1");
	CHECK_STR(found("macdef init\nmachine a.example\npassword no\n\n"
			"machine a.example login me password yes\n",
		      "a.example"),
	    "me:yes");
	CHECK_STR(found("machine b.example password b\r\nmacdef init\r\n"
			"machine a.example password no\r\n\r\n"
			"machine a.example login me password yes\n",
		      "a.example"),
	    "me:yes");
	CHECK(strstr(found("machine b.example password b\nmacdef init\n"
			   "machine a.example password sesame\n",
			 "a.example"),
	    "no password for this host"));
}

static int
read_it(const char *path)
{
	char *pair = NULL;
	int r = credentials_read(path, "x", &pair, why, sizeof(why));

	free(pair);
	return r;
}

static void
odd_files_are_refused(void)
{
	static char large[CREDENTIALS_SIZE_MAX + 1];
	AUTO_FREE char *none = scratch_path("none");
	char *path;

	CHECK_INT(read_it(none), -ENOENT);
	CHECK_INT(read_it("/dev/null"), -EINVAL);
	path = put("u:p\0q", 5);
	CHECK_INT(read_it(path), -EBADMSG);
	for (mode_t other = 1; other <= 4; other *= 2) {
		CHECK_INT(chmod(path, 0600 | other), 0);
		CHECK_INT(read_it(path), -EPERM);
	}
	free(path);
	memset(large, 'x', sizeof(large));
	large[1] = ':';
	path = put(large, sizeof(large));
	CHECK_INT(read_it(path), -EFBIG);
	free(path);
	path = put(large, sizeof(large) - 1);
	CHECK_INT(read_it(path), 0);
	free(path);
}

/* The headers of TEXT with "|" behind each; or how it failed. */
static const char *
headers(const char *text)
{
	static char out[1024];
	AUTO_FREE char *path = put(text, strlen(text));
	char *lines = NULL;
	size_t len = 0;
	int r = credentials_read_headers(path, &lines, why, sizeof(why));

	CHECK_INT(r == 0, lines != NULL);
	CHECK(strstr(why, "sesame") == NULL);
	if (r < 0) {
		snprintf(out, sizeof(out), "%d", r);
		return out;
	}
	out[0] = '\0';
	for (const char *l = lines; *l; l += strlen(l) + 1)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s|", l);
	free(lines);
	return out;
}

static void
headers_are_lines(void)
{
	char bad[8];

	CHECK_STR(headers("X-Key: sesame"), "X-Key: sesame|");
	CHECK_STR(headers("\r\nA: 1\r\n\r\nB:2\n\n"), "A: 1|B:2|");
	CHECK_STR(headers("A:\tx\n"), "A:\tx|");
	snprintf(bad, sizeof(bad), "%d", -EBADMSG);
	CHECK_STR(headers(""), bad);
	CHECK_STR(headers("\n\n"), bad);
	CHECK_STR(headers("sesame\n"), bad);
	CHECK_STR(headers(": sesame\n"), bad);
	CHECK_STR(headers("A b: sesame\n"), bad);
	CHECK_STR(headers("A: ses\001ame\n"), bad);
}

static void
as_many_headers_as_there_may_be(void)
{
	char text[CREDENTIALS_HEADERS_MAX * 5 + 6] = "", bad[8];

	for (int i = 0; i < CREDENTIALS_HEADERS_MAX; i++)
		strcat(text, "A: 1\n");
	CHECK_INT(strlen(headers(text)), strlen(text));
	strcat(text, "A: 1\n");
	snprintf(bad, sizeof(bad), "%d", -E2BIG);
	CHECK_STR(headers(text), bad);
}

static void
nothing_is_left_behind(void)
{
	int open;
	long live;

	CHECK_STR(found("u:sesame", "a.example"), "u:sesame");
	open = descriptors_open();
	live = memory_live;
	for (int i = 0; i < 3; i++) {
		(void)found("u:sesame", "a.example");
		(void)found("sesame", "a.example");
		(void)found("machine x password p", "x");
		(void)headers("A: 1\n");
		(void)headers("sesame");
	}
	CHECK_INT(descriptors_open(), open);
	CHECK_INT(memory_live, live);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(one_line_is_for_every_host),
		CASE(machines_have_their_own),
		CASE(machines_are_told_from_what_looks_like_them),
		CASE(odd_files_are_refused),
		CASE(headers_are_lines),
		CASE(as_many_headers_as_there_may_be),
		CASE(nothing_is_left_behind),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
