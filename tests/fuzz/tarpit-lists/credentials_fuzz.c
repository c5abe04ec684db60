/* SPDX-License-Identifier: ISC */
/*
 * Passwords and tokens: the first byte of the input says where they are.  In a
 * URL, in whatever way it is written: nothing of it is in what is shown.  In a
 * file: what is wrong with it is said without a word of it, and a host gets
 * nothing that is another's.
 */
#include "bin/tarpit-lists/credentials.h"

#include <errno.h>
#include <sys/stat.h>

#include "bin/tarpit-lists/url.h"
#include "tests/helpers/fuzz.h"

#define SECRET "Zq7Zq"

/* The input, from which parts are taken. */
struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t
take_byte(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

/* Up to a tab, at most seven bytes, which are not the secret. */
static const char *
take_text(struct input *in, char text[static 8])
{
	size_t len = 0;
	uint8_t c;

	while (len < 7 && (c = take_byte(in)) != 0 && c != '\t')
		if (c != '7')
			text[len++] = (char)c;
	text[len] = '\0';
	return text;
}

/*
 * URLs
 */

static void
require_hidden(const char *url)
{
	AUTO_FREE char *seen = url_public(url);

	REQUIRE(seen != NULL);
	REQUIRE(strstr(seen, SECRET) == NULL);
	REQUIRE(strlen(seen) <= strlen(url) + strlen("..."));
	(void)url_is_suspicious(url);
}

static void
check_url(struct input *in)
{
	static const char *const schemes[] = { "https://", "http://", "https:/",
		"https:", "", "//", "ftp://", "https//" };
	static const char *const hosts[] = { "example.org", "example.org:8080",
		"[2001:db8::1]", "[2001:db8::1]:443", "192.0.2.1", "" };
	const char *scheme = schemes[take_byte(in) % ARRAY_SIZE(schemes)];
	const char *host = hosts[take_byte(in) % ARRAY_SIZE(hosts)];
	char a[8], b[8], c[8], d[8];
	char url[128];

	/* Parts of user and password may have any character that ends another
	 * part of a URL. */
	snprintf(url, sizeof(url), "%s%s:%s" SECRET "%s@%s/%s", scheme,
	    take_text(in, a), take_text(in, b), take_text(in, c), host,
	    take_text(in, d));
	require_hidden(url);
	REQUIRE(url_has_secret(url) || url_is_suspicious(url));
	snprintf(url, sizeof(url), "%s%s/%s?%s=%s" SECRET, scheme, host,
	    take_text(in, a), take_text(in, b), take_text(in, c));
	require_hidden(url);
	snprintf(url, sizeof(url), "%s%s/%s#%s" SECRET, scheme, host,
	    take_text(in, a), take_text(in, b));
	require_hidden(url);
}

/*
 * Files
 */

/* Nothing that depends on what is in the file. */
static void
require_fixed(const char *why)
{
	static const char *const texts[] = {
		"the file is too large",
		"a NUL byte in the file",
		("the file is neither in the form of .netrc nor a line "
		 "USER:PASSWORD"),
		"the file has no password for this host",
		"a line of the file is not \"Name: value\"",
		"too many headers",
		"the file has no header",
	};
	const char *text = strstr(why, "=: ");
	bool is_known = false;

	REQUIRE(text != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		is_known |= strcmp(text + 3, texts[i]) == 0;
	REQUIRE(is_known);
}

static void
check_headers(const char *path)
{
	AUTO_FREE char *lines = NULL;
	char why[160];
	unsigned n = 0;

	if (credentials_read_headers(path, &lines, why, sizeof(why)) < 0) {
		require_fixed(why);
		return;
	}
	for (const char *h = lines; *h; h += strlen(h) + 1, n++) {
		REQUIRE(strchr(h, ':') && *h != ':');
		for (const char *p = h; *p; p++)
			REQUIRE((unsigned char)*p >= ' ' || *p == '\t');
	}
	REQUIRE(n > 0 && n <= CREDENTIALS_HEADERS_MAX);
}

static void
check_file(struct input *in)
{
	char path[32], why[160];
	AUTO_FD fd = fuzz_file(in->data, in->size, path);
	AUTO_FREE char *user_pwd = NULL;

	REQUIRE(fchmod(fd, 0600) == 0);
	if (credentials_read(path, "example.org", &user_pwd, why, sizeof(why)) <
	    0)
		require_fixed(why);
	else
		REQUIRE(strchr(user_pwd, ':') && strlen(user_pwd) <= in->size);
	check_headers(path);
	REQUIRE(fchmod(fd, 0604) == 0);
	REQUIRE(credentials_read(path, "example.org", &user_pwd, why,
		    sizeof(why)) == -EPERM);
}

/* Entries of .netrc, some with a part missing, between what may stand there. */
static void
check_netrc(struct input *in)
{
	static const char *const parts[] = {
		"machine example.org ",
		"machine example.net ",
		"machine EXAMPLE.ORG\n",
		"login us password \"of us\" ",
		"login them password theirs ",
		"login \"m\\\"e\" ",
		"account x ",
		"# machine example.org login them password theirs\n",
		"macdef m\nmachine example.org\npassword theirs\n\n",
		"\r\n\t",
		"unknown ",
	};
	char text[2048] = "machine example.com\n", path[32], why[160];
	AUTO_FREE char *user_pwd = NULL;
	bool is_ours = false, has_ours = false;
	size_t len = strlen(text);

	while (in->size > 0 && len < sizeof(text) - 64) {
		unsigned i = take_byte(in) % ARRAY_SIZE(parts);

		if (i <= 2)
			is_ours = i != 1;
		/* Each password stands with whom it is of. */
		if ((i == 3 && !is_ours) || (i == 4 && is_ours))
			continue;
		has_ours |= i == 3;
		len += (size_t)sprintf(text + len, "%s", parts[i]);
	}
	AUTO_FD fd = fuzz_file(text, len, path);

	REQUIRE(fchmod(fd, 0600) == 0);
	if (credentials_read(path, "example.org", &user_pwd, why, sizeof(why)) <
	    0) {
		require_fixed(why);
		REQUIRE(!has_ours);
	} else {
		REQUIRE(has_ours && strstr(user_pwd, ":of us"));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	switch (take_byte(&in) % 3) {
	case 0:
		check_url(&in);
		break;
	case 1:
		check_file(&in);
		break;
	default:
		check_netrc(&in);
	}
	return 0;
}
