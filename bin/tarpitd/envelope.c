/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/envelope.h"

#include <ctype.h>

#include "bin/common/decimal.h"
#include "bin/common/util.h"
#include "bin/tarpitd/esmtp.h"
#include "bin/tarpitd/token.h"

enum {
	/* RFC 5321, 4.5.3.1: 64 + 1 + 255 and brackets. */
	PLAIN_PATH_MAX = 322,
	PLAIN_LOCAL_MAX = 64,
	/* RFC 3461, 4.4. */
	ENVID_MAX_LEN = 100,
};

/* ---- paths ---- */

/* Words of such bytes with single dots between them. */
static bool
is_dotted(const char *s, size_t len, bool (*is_right)(unsigned char))
{
	bool dot = true; /* none may come now */

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' ? dot : !is_right((unsigned char)s[i]))
			return false;
		dot = s[i] == '.';
	}
	return !dot;
}

/* RFC 5322's atext. */
static bool
is_local_byte(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool
is_domain_byte(unsigned char c)
{
	return isalnum(c) || c == '-';
}

/* "<>" or "<local@domain>", of which no MTA asks what it means; some have their
 * doubts about routes ("%", "!") and about "-" at an end of a label. */
static bool
is_plain_path(const char *path, size_t len)
{
	const char *at;
	size_t local;

	if (len < 2 || len > PLAIN_PATH_MAX || path[0] != '<' ||
	    path[len - 1] != '>')
		return false;
	at = memchr(path, '@', len);
	if (at == NULL)
		return len == 2;
	local = (size_t)(at - (path + 1));
	return local <= PLAIN_LOCAL_MAX &&
	    is_dotted(path + 1, local, is_local_byte) &&
	    memchr(path + 1, '%', local) == NULL &&
	    memchr(path + 1, '!', local) == NULL &&
	    is_dotted(at + 1, len - local - 3, is_domain_byte) &&
	    at[1] != '-' && path[len - 2] != '-' &&
	    memmem(at, len - local - 1, "-.", 2) == NULL &&
	    memmem(at, len - local - 1, ".-", 2) == NULL;
}

/* Up to the blank behind it.  Within quotes a blank is a part of it, and so is
 * what follows a backslash there. */
static size_t
path_length(const char *s, size_t len)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < len && (quoted || !is_blank(s[i])); i++) {
		if (s[i] == '"')
			quoted = !quoted;
		else if (quoted && s[i] == '\\' && i + 1 < len)
			i++;
	}
	return i;
}

/* ---- parameters of MAIL whose answer is known ---- */

/* RFC 3461, 4: printable ASCII, where '+' begins two upper case hex digits. */
static bool
is_xtext(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '!' || s[i] > '~' || s[i] == '=')
			return false;
		if (s[i] != '+')
			continue;
		if (len - i < 3 || !isxdigit((unsigned char)s[i + 1]) ||
		    !isxdigit((unsigned char)s[i + 2]))
			return false;
		i += 2;
	}
	return len > 0;
}

static bool
is_size(const char *value, size_t len, struct envelope *e)
{
	int64_t n;

	if (value == NULL || decimal_parse(value, len, 0, INT64_MAX, &n) < 0)
		return false;
	e->size = (uint64_t)n;
	return true;
}

static bool
is_body(const char *value, size_t len, struct envelope *e)
{
	(void)e;
	return value != NULL &&
	    (token_is(value, len, "7BIT") || token_is(value, len, "8BITMIME"));
}

static bool
is_utf8(const char *value, size_t len, struct envelope *e)
{
	(void)len;
	(void)e;
	return value == NULL;
}

static bool
is_ret(const char *value, size_t len, struct envelope *e)
{
	(void)e;
	return value != NULL &&
	    (token_is(value, len, "FULL") || token_is(value, len, "HDRS"));
}

static bool
is_envid(const char *value, size_t len, struct envelope *e)
{
	(void)e;
	return value != NULL && len <= ENVID_MAX_LEN && is_xtext(value, len);
}

/* VALUE is NULL where there is no '='. */
static const struct {
	const char *name;
	uint8_t offer;
	bool (*is_right)(const char *value, size_t len, struct envelope *);
} parameters[] = {
	{ "SIZE", ESMTP_SIZE, is_size },
	{ "BODY", ESMTP_8BITMIME, is_body },
	{ "SMTPUTF8", ESMTP_UTF8, is_utf8 },
	{ "RET", ESMTP_DSN, is_ret },
	{ "ENVID", ESMTP_DSN, is_envid },
};

/* SEEN has a bit for each: RFC 5321, 4.1.1.11 lets none be given twice. */
static bool
is_plain_parameter(struct envelope *e, uint8_t offers, const char *word,
    size_t len, unsigned int *seen)
{
	const char *equals = memchr(word, '=', len);
	size_t name = equals != NULL ? (size_t)(equals - word) : len;

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		if (!token_is(word, name, parameters[i].name))
			continue;
		if ((offers & parameters[i].offer) == 0 ||
		    (*seen & 1U << i) != 0)
			return false;
		*seen |= 1U << i;
		return parameters[i].is_right(
		    equals != NULL ? equals + 1 : NULL,
		    equals != NULL ? len - name - 1 : 0, e);
	}
	return false;
}

static bool
is_plain(struct envelope *e, uint8_t offers)
{
	const char *pos = e->argument + e->path_len;
	const char *end = e->argument + e->len;
	bool plain = is_plain_path(e->argument, e->path_len);
	unsigned int seen = 0;
	const char *word;
	size_t len;

	while (token_next(&pos, end, &word, &len))
		plain &= is_plain_parameter(e, offers, word, len, &seen);
	return plain;
}

bool
envelope_read(const char *text, size_t len, const char *keyword, uint8_t offers,
    struct envelope *ret)
{
	const char *pos = text, *end = text + len;
	struct envelope e = { 0 };
	size_t n = strlen(keyword);

	if (len < n || strncasecmp(text, keyword, n) != 0)
		return false;
	/* Real programs put blanks around the colon. */
	pos = token_skip_blanks(pos + n, end);
	if (pos == end || *pos != ':')
		return false;
	pos = token_skip_blanks(pos + 1, end);
	if (pos == end)
		return false;
	e.argument = pos;
	e.len = (size_t)(end - pos);
	e.path_len = path_length(pos, e.len);
	e.plain = is_plain(&e, offers);
	*ret = e;
	return true;
}
