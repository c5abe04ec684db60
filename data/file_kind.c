/* SPDX-License-Identifier: ISC */
#include "data/file_kind.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bin/common/util.h"

enum {
	LOOKED_AT = 1024, /* bytes, for a tag or a text */
	MESSAGE_MAX = 60, /* of a text's first line, to be shown */
};

#define UNPACK  "unpack it first"
#define REFETCH "fetch it again"

/* What begins with certain bytes. */
static const struct {
	size_t at;
	const char *bytes;
	size_t n;
	const char *what;
} magic[] = {
#define MAGIC(at, bytes, what)                     \
	{                                          \
		at, bytes, sizeof(bytes) - 1, what \
	}
	MAGIC(0, "\x1f\x8b", "a gzip file: " UNPACK " (gunzip)"),
	MAGIC(0, "\x1f\x9d", "a file of compress(1): " UNPACK " (gunzip)"),
	MAGIC(0, "PK\x03\x04", "a zip archive: " UNPACK " (unzip)"),
	MAGIC(0, "PK\x05\x06", "an empty zip archive: " REFETCH),
	MAGIC(0,
	    "\xfd"
	    "7zXZ",
	    "an xz file: " UNPACK " (unxz)"),
	MAGIC(0, "BZh", "a bzip2 file: " UNPACK " (bunzip2)"),
	MAGIC(0, "\x28\xb5\x2f\xfd", "a zstd file: " UNPACK " (unzstd)"),
	MAGIC(0, "\x04\x22\x4d\x18", "an lz4 file: " UNPACK " (unlz4)"),
	MAGIC(0, "7z\xbc\xaf\x27\x1c", "a 7z archive: " UNPACK " (7z x)"),
	MAGIC(0, "Rar!", "a rar archive: " UNPACK " (unrar)"),
	MAGIC(257, "ustar", "a tar archive: " UNPACK " (tar -x)"),
	MAGIC(0, "SQLite format 3", "an SQLite database"),
	MAGIC(0, "%PDF-", "a PDF document"),
	MAGIC(0,
	    "\x7f"
	    "ELF",
	    "a program"),
	MAGIC(0, "\xff\xfe\0\0", "a text in UTF-32: save it in UTF-8"),
	MAGIC(0, "\xff\xfe", "a text in UTF-16: save it in UTF-8"),
	MAGIC(0, "\xfe\xff", "a text in UTF-16: save it in UTF-8"),
	MAGIC(12, "\x61\x15\x06\0", "a Berkeley database (hash)"),
	MAGIC(12, "\x62\x31\x05\0", "a Berkeley database (btree)"),
	MAGIC(0, "version https://git-lfs",
	    "a pointer of Git LFS, not the file: fetch it with git-lfs"),
#undef MAGIC
};

static const char page[] =
    "an HTML page: " REFETCH "; does it need a login, a licence key or another "
    "address?";

static bool
has_text(const uint8_t *file, size_t len, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= len; i++) {
		if (strncasecmp((const char *)file + i, text, n) == 0)
			return true;
	}
	return false;
}

static bool
is_text(const uint8_t *file, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (file[i] == 0x7f ||
		    (file[i] < ' ' && !memchr("\t\n\r\f", file[i], 4)))
			return false;
	}
	return true;
}

static bool
is_zero(const uint8_t *file, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (file[i] != 0)
			return false;
	}
	return true;
}

static size_t
count(const uint8_t *line, size_t len, uint8_t c)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += line[i] == c;
	return n;
}

/* Its first line says what kind of text it is, or is what a server had to
 * say. */
static const char *
text_kind(const uint8_t *file, size_t len, bool all, char text[FILE_KIND_SIZE])
{
	size_t line = 0;

	while (len > 0 && strchr(" \t\r\n\f", *file)) {
		file++;
		len--;
	}
	if (len == 0)
		return "nothing but white space: " REFETCH;
	if (*file == '<')
		return "an XML document: " REFETCH
		       "; does it need a login or another address?";
	if (*file == '{' ||
	    (*file == '[' && len > 1 && strchr("{[\"\n", file[1])))
		return "a JSON text";
	while (line < len && file[line] != '\n' && file[line] != '\r')
		line++;
	if (count(file, line, ',') > 0 || count(file, line, ';') > 1)
		return "a text of comma-separated values (CSV)";
	if (count(file, line, '\t') > 0)
		return "a text of tab-separated values (TSV)";
	if (!all || line > MESSAGE_MAX || line + 2 < len)
		return "a plain text";
	/* What would not do in a record's sentence. */
	for (size_t i = 0; i < line; i++) {
		if (file[i] < ' ' || file[i] > '~')
			return "a plain text";
	}
	snprintf(text, FILE_KIND_SIZE, "a message: \"%.*s\"", (int)line,
	    (const char *)file);
	return text;
}

const char *
file_kind(const uint8_t *file, size_t len, char text[FILE_KIND_SIZE])
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t n = len < LOOKED_AT ? len : LOOKED_AT;
	const char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(magic) && !found; i++) {
		if (len >= magic[i].at + magic[i].n &&
		    memcmp(file + magic[i].at, magic[i].bytes, magic[i].n) == 0)
			found = magic[i].what;
	}
	if (len == 0)
		found = "empty: " REFETCH;
	else if (!found && is_zero(file, n))
		found = "nothing but zero bytes: " REFETCH;
	else if (!found && n >= 3 && memcmp(file, bom, 3) == 0)
		return file_kind(file + 3, len - 3, text);
	if (!found && is_text(file, n)) {
		if (has_text(file, n, "<html") ||
		    has_text(file, n, "<!doctype html") ||
		    has_text(file, n, "<head"))
			found = page;
		else
			found = text_kind(file, n, n == len, text);
	}
	if (found && found != text)
		snprintf(text, FILE_KIND_SIZE, "%s", found);
	return found ? text : NULL;
}
