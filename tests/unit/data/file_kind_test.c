/* SPDX-License-Identifier: ISC */
#include "data/file_kind.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

/* What is said of these bytes, up to the colon; "" if nothing is. */
static const char *
kind(const void *bytes, size_t len)
{
	static char text[FILE_KIND_SIZE];
	/* Not a byte more than there are, for ASan. */
	AUTO_FREE uint8_t *copy = malloc(len + (len == 0));
	const char *said;

	CHECK(copy != NULL);
	memcpy(copy, bytes, len);
	said = file_kind(copy, len, text);
	CHECK(said == NULL || said == text);
	if (said == NULL)
		return "";
	if (strncmp(text, "a message: ", 11) != 0)
		text[strcspn(text, ":")] = '\0';
	return text;
}

#define KIND(literal) kind(literal, sizeof(literal) - 1)

static void
archives_by_their_first_bytes(void)
{
	CHECK_STR(KIND("\x1f\x8b"), "a gzip file");
	CHECK_STR(KIND("\x1f\x8b\x08 and so on"), "a gzip file");
	CHECK_STR(KIND("PK\x03\x04"), "a zip archive");
	CHECK_STR(KIND("PK\x05\x06"), "an empty zip archive");
	CHECK_STR(KIND("BZh9"), "a bzip2 file");
	CHECK_STR(KIND("\xff\xfe\0\0"), "a text in UTF-32");
	CHECK_STR(KIND("\xff\xfex\0"), "a text in UTF-16");
	CHECK_STR(KIND("PK\x03"), "");
	CHECK_STR(KIND("\x1f"), "");
}

static void
archives_by_what_is_in_the_middle(void)
{
	uint8_t tar[300] = "name";

	memcpy(tar + 257, "ustar", 5);
	CHECK_STR(kind(tar, sizeof(tar)), "a tar archive");
	CHECK_STR(kind(tar, 262), "a tar archive");
	CHECK_STR(kind(tar, 261), "");
	CHECK_STR(
	    KIND("............\x61\x15\x06\0"), "a Berkeley database (hash)");
	CHECK_STR(KIND("............\x61\x15\x06"), "");
}

static void
nothing_at_all(void)
{
	static const uint8_t zero[2000];

	CHECK_STR(KIND(""), "empty");
	CHECK_STR(KIND(" \r\n\t"), "nothing but white space");
	CHECK_STR(kind(zero, 1), "nothing but zero bytes");
	CHECK_STR(kind(zero, sizeof(zero)), "nothing but zero bytes");
	CHECK_STR(KIND("\0\0\1"), "");
	CHECK_STR(KIND("\xef\xbb\xbf"), "empty");
	CHECK_STR(KIND("\xef\xbb\n"), "a plain text");
	CHECK_STR(KIND("\xef\xbb\xbf<html>"), "an HTML page");
}

static void
pages_and_documents(void)
{
	static char page[2048];

	CHECK_STR(KIND("<HTML>"), "an HTML page");
	CHECK_STR(KIND("\n<!DOCTYPE html>"), "an HTML page");
	CHECK_STR(KIND("<?xml?><x><HEAD></x>"), "an HTML page");
	CHECK_STR(KIND("<?xml version='1.0'?>"), "an XML document");
	CHECK_STR(KIND(" {"), "a JSON text");
	CHECK_STR(KIND("[{"), "a JSON text");
	CHECK_STR(KIND("[\"x\"]"), "a JSON text");
	CHECK_STR(KIND("["), "a message: \"[\"");
	CHECK_STR(KIND("[Section]"), "a message: \"[Section]\"");
	/* The tag within what is looked at, and behind it. */
	memset(page, ' ', sizeof(page));
	page[0] = '<';
	memcpy(page + 1024 - 5, "<html", 5);
	CHECK_STR(kind(page, sizeof(page)), "an HTML page");
	memcpy(page + 1024 - 5, " <html", 6);
	CHECK_STR(kind(page, sizeof(page)), "an XML document");
}

static void
texts_by_their_first_line(void)
{
	CHECK_STR(KIND("a,b\n"), "a text of comma-separated values (CSV)");
	CHECK_STR(KIND("a;b;c\n"), "a text of comma-separated values (CSV)");
	CHECK_STR(KIND("a\tb\n"), "a text of tab-separated values (TSV)");
	CHECK_STR(KIND("a;b\n"), "a message: \"a;b\"");
	CHECK_STR(KIND("Invalid key\r\n"), "a message: \"Invalid key\"");
	CHECK_STR(KIND("one\ntwo, three\n"), "a plain text");
	CHECK_STR(KIND("caf\xc3\xa9\n"), "a plain text");
	CHECK_STR(KIND("a\x01"), "");
	CHECK_STR(KIND("a\x7f"), "");
}

/* A message of 60 bytes is shown, a longer one is not. */
static void
messages_at_their_limit(void)
{
	char text[61], expected[80];

	memset(text, 'x', sizeof(text));
	snprintf(expected, sizeof(expected), "a message: \"%.60s\"", text);
	CHECK_STR(kind(text, 60), expected);
	CHECK_STR(kind(text, 61), "a plain text");
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(archives_by_their_first_bytes),
		CASE(archives_by_what_is_in_the_middle),
		CASE(nothing_at_all),
		CASE(pages_and_documents),
		CASE(texts_by_their_first_line),
		CASE(messages_at_their_limit),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
