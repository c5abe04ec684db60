/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/senders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpit-lists/report.h"
#include "bin/tarpit-lists/resolve.h"
#include "bin/tarpit-lists/spf.h"

enum { DOMAIN_MAX = 253 };

/* The next word "spf:DOMAIN" at *AT, which moves past it; its length, or 0. */
static size_t
next_word(const char **at, const char **ret_word)
{
	size_t len;

	*at += strspn(*at, " \t");
	len = strcspn(*at, " \t");
	*ret_word = *at;
	*at += len;
	return len;
}

bool
senders_is_valid(const char *source, char *why, size_t size)
{
	const char *word;
	size_t len;

	while ((len = next_word(&source, &word)) > 0) {
		size_t good = strspn(word,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789._-:");

		if (strncmp(word, "spf:", 4) != 0 || len < 5 || good < len ||
		    len - 4 > DOMAIN_MAX || memchr(word + 4, ':', len - 4)) {
			snprintf(why, size, "\"%.*s\" is not spf:DOMAIN",
			    (int)(good < 64 ? good : 64), word);
			return false;
		}
	}
	return true;
}

/* What the copy has of WORD: from the line after its heading to the next
 * heading.  The length; 0: nothing. */
static size_t
find_section(const struct senders *s, const char *word, size_t word_len,
    const char **ret_text)
{
	const char *end = s->copy + s->copy_len, *next;
	char heading[DOMAIN_MAX + 16];
	size_t len = (size_t)snprintf(
	    heading, sizeof(heading), "# %.*s\n", (int)word_len, word);
	const char *at =
	    s->copy ? memmem(s->copy, s->copy_len, heading, len) : NULL;

	if (!at || (at > s->copy && at[-1] != '\n'))
		return 0;
	at += len;
	next = memchr(at, '#', (size_t)(end - at));
	*ret_text = at;
	return (size_t)((next ? next : end) - at);
}

/* One domain's section to OUT: what it says, or else what it said.  0 or
 * -errno as for spf_collect(). */
static int
put_domain(struct senders *s, struct resolver *resolver, const char *word,
    size_t word_len, FILE *out, char *why, size_t size)
{
	char domain[DOMAIN_MAX + 1];
	AUTO_FREE char *text = NULL;
	const char *section;
	size_t len;
	int r;

	snprintf(domain, sizeof(domain), "%.*s", (int)word_len - 4, word + 4);
	r = spf_collect(resolver, domain, &text, &len, why, size);
	section = text;
	if (r < 0) {
		size_t at = strlen(s->left_out);

		snprintf(s->left_out + at, sizeof(s->left_out) - at,
		    "%s%.*s: %s", at ? "; " : "", (int)word_len, word, why);
		len = find_section(s, word, word_len, &section);
		report_list(s->journal, EVENT_LISTS_WARNING, s->list,
		    "%.*s: %s; %s", (int)word_len, word, why,
		    len > 0 ? "what it last said stands" : "left out");
	}
	if (len > 0 || r == 0)
		fprintf(out, "# %.*s\n%.*s", (int)word_len, word, (int)len,
		    len > 0 ? section : "");
	return r;
}

static int
put_domains(struct senders *s, struct resolver *resolver, FILE *out, char *why,
    size_t size)
{
	const char *at = s->source, *word;
	int result = -EINVAL;
	size_t len;

	while ((len = next_word(&at, &word)) > 0) {
		int r = put_domain(s, resolver, word, len, out, why, size);

		/* One that answers is enough; if none does, the hope that it
		 * will pass is worth the most. */
		if (r == 0 || (result != 0 && result != -EAGAIN))
			result = r;
	}
	return result;
}

int
senders_collect(
    struct senders *s, char **ret_text, size_t *ret_len, char *why, size_t size)
{
	struct resolver *resolver;
	AUTO_FREE char *text = NULL;
	FILE *out;
	int r = resolver_new(s->resolver, &resolver);

	if (r < 0) {
		snprintf(why, size, "Resolver=%s: %s", s->resolver,
		    r == -EINVAL ? "not ADDRESS or ADDRESS:PORT"
				 : strerror(-r));
		return r;
	}
	out = open_memstream(&text, ret_len);
	r = out ? put_domains(s, resolver, out, why, size) : -ENOMEM;
	if (out && fclose(out) != 0)
		r = -ENOMEM;
	resolver_free(resolver);
	if (r == -ENOMEM)
		snprintf(why, size, "out of memory");
	if (r < 0)
		return r;
	*ret_text = text;
	text = NULL;
	return 0;
}
