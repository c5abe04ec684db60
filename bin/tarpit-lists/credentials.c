/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/common/fd.h"

static int
fail(int error, const char *key, const char *text, char *why, size_t size)
{
	/* Not the path: who mistakes what belongs here writes a password. */
	snprintf(why, size, "%s: %s", key, text);
	return error;
}

/* All of FILE, NUL-terminated. */
static int
read_secret(
    const char *file, const char *key, char **ret_text, char *why, size_t size)
{
	AUTO_FD fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO_FREE char *text = calloc(1, CREDENTIALS_SIZE_MAX + 2);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(-errno, key, strerror(errno), why, size);
	if (!text)
		return fail(-ENOMEM, key, "out of memory", why, size);
	if (!S_ISREG(st.st_mode))
		return fail(-EINVAL, key, "not a regular file", why, size);
	if (st.st_mode & 07)
		return fail(-EPERM, key,
		    "the file can be read or written by everybody; chmod 640",
		    why, size);
	if (st.st_size > CREDENTIALS_SIZE_MAX)
		return fail(-EFBIG, key, "the file is too large", why, size);
	n = read(fd, text, CREDENTIALS_SIZE_MAX);
	if (n < 0)
		return fail(-errno, key, strerror(errno), why, size);
	if (strlen(text) != (size_t)n)
		return fail(-EBADMSG, key, "a NUL byte in the file", why, size);
	*ret_text = text;
	text = NULL;
	return 0;
}

/*
 * .netrc
 */

/* The value at *AT, which moves past it; quotes and backslashes are taken off.
 * NULL: there is none. */
static char *
next_value(char **at)
{
	char *p = *at + strspn(*at, " \t\r\n"), *word, *to;
	bool is_quoted = *p == '"';

	if (*p == '\0')
		return NULL;
	word = to = p += is_quoted;
	while (*p && (is_quoted ? *p != '"' : !strchr(" \t\r\n", *p))) {
		if (is_quoted && *p == '\\' && p[1])
			p++;
		*to++ = *p++;
	}
	*at = *p ? p + 1 : p;
	*to = '\0';
	return word;
}

/* Where something other than blanks and comments begins. */
static char *
skip_comments(char *p)
{
	p += strspn(p, " \t\r\n");
	while (*p == '#') {
		p += strcspn(p, "\n");
		p += strspn(p, " \t\r\n");
	}
	return p;
}

static char *
next_word(char **at)
{
	*at = skip_comments(*at);
	return next_value(at);
}

/* Past the lines of a macro, which end with an empty one and may have any word
 * in them. */
static char *
skip_macro(char *p)
{
	char *end = strstr(p, "\n\n"), *crlf = strstr(p, "\n\r\n");

	if (crlf && (!end || crlf < end))
		end = crlf;
	return end ? end : p + strlen(p);
}

/* Fills USER and PASSWORD of the first machine that is HOST, or of "default". */
static void
find_machine(char *text, const char *host, const char **ret_user,
    const char **ret_password)
{
	bool is_ours = false;
	char *word;

	while ((word = next_word(&text)) != NULL) {
		bool is_machine = strcmp(word, "machine") == 0;

		if (is_machine || strcmp(word, "default") == 0) {
			if (*ret_password && is_ours)
				return;
			word = is_machine ? next_value(&text) : NULL;
			is_ours =
			    !is_machine || (word && !strcasecmp(word, host));
			continue;
		}
		/* Each of these has a value, whosoever it is. */
		if (strcmp(word, "login") == 0) {
			word = next_value(&text);
			*ret_user = is_ours ? word : *ret_user;
		} else if (strcmp(word, "password") == 0) {
			word = next_value(&text);
			*ret_password = is_ours ? word : *ret_password;
		} else if (strcmp(word, "account") == 0) {
			(void)next_value(&text);
		} else if (strcmp(word, "macdef") == 0) {
			text = skip_macro(text);
		}
	}
}

static bool
is_netrc(char *text)
{
	static const char *const words[] = { "machine", "default", "macdef" };
	size_t len;

	text = skip_comments(text);
	len = strcspn(text, " \t\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == len && !memcmp(text, words[i], len))
			return true;
	return false;
}

int
credentials_read(const char *file, const char *host, char **ret_user_pwd,
    char *why, size_t size)
{
	static const char key[] = "Credentials=";
	AUTO_FREE char *text = NULL;
	const char *user = NULL, *password = NULL;
	int r = read_secret(file, key, &text, why, size);

	if (r < 0)
		return r;
	if (!is_netrc(text)) {
		text[strcspn(text, "\r\n")] = '\0';
		if (!strchr(text, ':'))
			return fail(-EBADMSG, key,
			    "the file is neither in the form of .netrc nor a "
			    "line USER:PASSWORD",
			    why, size);
		*ret_user_pwd = text;
		text = NULL;
		return 0;
	}
	find_machine(text, host, &user, &password);
	if (!password)
		return fail(-ENOENT, key,
		    "the file has no password for this host", why, size);
	if (asprintf(ret_user_pwd, "%s:%s", user ? user : "", password) < 0)
		return fail(-ENOMEM, key, "out of memory", why, size);
	return 0;
}

/*
 * Headers
 */

/* "Name: value", as RFC 9110, 5 has it. */
static bool
is_header(const char *line, size_t len)
{
	size_t name = strspn(line,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789!#$%&'*+-.^_`|~");

	if (name == 0 || name >= len || line[name] != ':')
		return false;
	for (size_t i = name; i < len; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			return false;
	return true;
}

int
credentials_read_headers(
    const char *file, char **ret_lines, char *why, size_t size)
{
	static const char key[] = "Header=";
	AUTO_FREE char *text = NULL;
	const char *at;
	char *to;
	unsigned n = 0;
	int r = read_secret(file, key, &text, why, size);

	if (r < 0)
		return r;
	to = text;
	for (at = text; *at;) {
		size_t len = strcspn(at, "\r\n");

		if (len > 0 && !is_header(at, len))
			return fail(-EBADMSG, key,
			    "a line of the file is not \"Name: value\"", why,
			    size);
		if (len > 0 && ++n > CREDENTIALS_HEADERS_MAX)
			return fail(-E2BIG, key, "too many headers", why, size);
		memmove(to, at, len);
		at += len + (at[len] != '\0');
		to += len;
		if (len > 0)
			*to++ = '\0';
	}
	if (n == 0)
		return fail(-EBADMSG, key, "the file has no header", why, size);
	*to = '\0';
	*ret_lines = text;
	text = NULL;
	return 0;
}
