/* SPDX-License-Identifier: ISC */
#include "bin/common/secret.h"

#include <ctype.h>
#include <string.h>

enum { KEY_MIN = 20 };

/* What is being written. */
struct shown {
	char *buf;
	size_t size, len;
};

static void
put(struct shown *to, const char *text, size_t len)
{
	size_t room = to->size - 1 - to->len;

	if (len > room)
		len = room;
	memcpy(to->buf + to->len, text, len);
	to->len += len;
	to->buf[to->len] = '\0';
}

bool
secret_is_key(const char *label, size_t len)
{
	size_t digits = 0, letters = 0;

	for (size_t i = 0; i < len; i++) {
		digits += isdigit((unsigned char)label[i]) != 0;
		letters += isalpha((unsigned char)label[i]) != 0;
	}
	return len >= KEY_MIN && digits + letters == len && digits > 0 &&
	    letters > 0;
}

/* LEN bytes, without the keys in them. */
static void
put_words(struct shown *to, const char *text, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		bool word = isalnum((unsigned char)text[i]) != 0;

		for (n = 1; i + n < len &&
		     (isalnum((unsigned char)text[i + n]) != 0) == word;)
			n++;
		if (word && secret_is_key(text + i, n))
			put(to, "*", 1);
		else
			put(to, text + i, n);
	}
}

/* "?name=value&name=value" */
static void
put_query(struct shown *to, const char *query, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		const char *at = query + i, *value;

		n = 1;
		while (i + n < len && at[n] != '&')
			n++;
		value = memchr(at, '=', n);
		if (!value || strncmp(at + 1, "db=", 3) == 0) {
			put_words(to, at, n);
			continue;
		}
		put(to, at, (size_t)(value - at) + 1);
		put(to, "*", 1);
	}
}

/* What follows the scheme.  A password with a / or ? in it, which should have
 * been escaped, is still a password: the last @ counts. */
static void
put_url(struct shown *to, const char *url, size_t len)
{
	const char *at = memrchr(url, '@', len), *query;

	if (at) {
		put(to, "*", 1);
		len -= (size_t)(at - url);
		url = at;
	}
	query = memchr(url, '?', len);
	if (!query)
		query = url + len;
	put_words(to, url, (size_t)(query - url));
	put_query(to, query, (size_t)(url + len - query));
}

const char *
secret_hide(const char *text, char *buf, size_t size)
{
	struct shown to = { buf, size, 0 };
	const char *scheme;

	buf[0] = '\0';
	while ((scheme = strstr(text, "://"))) {
		size_t head = (size_t)(scheme - text) + 3;
		size_t len = strcspn(text + head, " \t\"");

		put_words(&to, text, head);
		put_url(&to, text + head, len);
		text += head + len;
	}
	put_words(&to, text, strlen(text));
	return buf;
}
