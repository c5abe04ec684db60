/* SPDX-License-Identifier: ISC */
/*
 * Sets of packet filters: what `ipset save` and `nft list` print, and files for
 * `ipset restore` and `nft -f`.
 */
#include <errno.h>
#include <string.h>

#include "data/listparse.h"

/* Nothing else has such lines. */
enum { DECISIVE = 1000 };

/*
 * ipset: "add NAME 192.0.2.0/24 [timeout N] [nomatch] ..."
 */

static int
parse_ipset_line(struct parser *p, struct slice line)
{
	struct slice none = { line.at, 0 }, word, element, rest;
	bool is_excluded = false;

	if (list_is_comment(line))
		return 0;
	line = list_trim(line);
	word = list_first_word(line);
	if (!list_is(word, "add") && !list_is(word, "-A"))
		return 0; /* "create", "COMMIT" */
	rest = list_rest(line, word);
	rest = list_rest(rest, list_first_word(rest));
	element = list_first_word(rest);
	/* "192.0.2.1,tcp:25" is less than the address; a set of ports, of
	 * hardware addresses or of sets has none. */
	if (memchr(element.at, ',', element.len) ||
	    (!memchr(element.at, '.', element.len) &&
		!list_is_networks(element))) {
		list_note_foreign(p);
		return 0;
	}
	while ((rest = list_rest(rest, list_first_word(rest))).len > 0) {
		word = list_first_word(rest);
		is_excluded |= list_is(word, "nomatch");
		if (list_is(word, "comment"))
			break;
	}
	return list_put_networks(p, element, none, is_excluded);
}

static unsigned
ipset_fits(struct slice line)
{
	struct slice word, name;

	line = list_trim(line);
	word = list_first_word(line);
	name = list_first_word(list_rest(line, word));
	return name.len > 0 && list_rest(line, name).len > 0 &&
		(list_is(word, "create") ||
		    (list_is(word, "add") && !list_is(name, "element") &&
			!list_is(name, "table") && !list_is(name, "set")))
	    ? DECISIVE
	    : 0;
}

const struct format list_format_ipset = {
	.name = "ipset",
	.parse_line = parse_ipset_line,
	.fits = ipset_fits,
	.has_long_lines = true,
};

/*
 * nft: "elements = { 192.0.2.0/24, 198.51.100.1-198.51.100.9 timeout 1d, ... }"
 */

/* What a verdict map says of an element, "drop" behind a colon. */
static bool
is_let_off(struct parser *p, struct slice rest)
{
	enum list_action wanted =
	    p->options->is_allow ? ACTION_ALLOW : ACTION_BLOCK;
	const char *colon = memchr(rest.at, ':', rest.len);
	struct slice verdict = { rest.at, 0 };

	if (colon)
		verdict = list_trim((struct slice){
		    colon + 1, rest.len - (size_t)(colon + 1 - rest.at) });
	return colon && list_parse_action(verdict) != wanted;
}

static int
put_element(struct parser *p, struct slice item)
{
	struct slice none = { item.at, 0 }, word, rest;
	const char *quote;

	item = list_trim(item);
	if (item.len == 0 || p->is_in_item)
		return 0;
	word = list_first_word(item);
	rest = list_rest(item, word);
	quote = memchr(rest.at, '"', rest.len);
	if (quote)
		rest.len = (size_t)(quote - rest.at);
	/* "192.0.2.1 . 25" is less than the address. */
	if (rest.len > 0 && rest.at[0] == '.') {
		list_note_foreign(p);
		return 0;
	}
	return list_put_networks(p, word, none, is_let_off(p, rest));
}

/* The length of the item at the start of S: up to a comma or a brace that is not
 * in quotes. */
static size_t
item_length(struct slice s)
{
	bool is_quoted = false;
	size_t i = 0;

	for (; i < s.len; i++) {
		is_quoted ^= s.at[i] == '"';
		if (!is_quoted && (s.at[i] == ',' || s.at[i] == '}'))
			break;
		/* A comment, up to the line's end. */
		if (!is_quoted && s.at[i] == '#')
			return s.len;
	}
	return i;
}

/* Elements up to the end of the line or of the braces; *LINE is what is behind.
 * A bad one doesn't keep the others out. */
static int
parse_elements(struct parser *p, struct slice *line)
{
	int r = 0;

	while (r == 0 && line->len > 0 && p->is_in_elements) {
		size_t len = item_length(*line);
		struct slice item = { line->at, len };
		const char *comment = memchr(item.at, '#', len);

		if (comment && !memchr(item.at, '"', len))
			item.len = (size_t)(comment - item.at);
		if (list_trim(item).len == 0 && len == line->len)
			break;
		r = list_tolerate(p, put_element(p, item));
		/* nft breaks lines at commas; others wherever they like. */
		p->is_in_item = len == line->len;
		p->is_in_elements = p->is_in_item || line->at[len] != '}';
		len += !p->is_in_item;
		line->at += len;
		line->len -= len;
	}
	return r;
}

/* What opens braces with elements. */
static const char *
find_elements(struct slice line)
{
	const char *brace = memchr(line.at, '{', line.len);
	struct slice word = list_first_word(line);

	if (!brace)
		return NULL;
	if (memmem(line.at, (size_t)(brace - line.at), "element", 7) ||
	    list_is(word, "define"))
		return brace + 1;
	/* "table inet t { set s { type ipv4_addr; elements = { ..." */
	brace = memmem(line.at, line.len, "elements", 8);
	if (brace)
		brace =
		    memchr(brace, '{', line.len - (size_t)(brace - line.at));
	return brace ? brace + 1 : NULL;
}

static int
parse_nft_line(struct parser *p, struct slice line)
{
	int r = 0;

	line = list_trim(line);
	while (r == 0 && line.len > 0) {
		const char *start;

		if (p->is_in_elements) {
			r = parse_elements(p, &line);
			if (p->is_in_elements)
				return r;
			continue;
		}
		start = line.at[0] == '#' ? NULL : find_elements(line);
		if (!start)
			return 0;
		p->is_in_elements = true;
		p->is_in_item = false;
		line.len -= (size_t)(start - line.at);
		line.at = start;
	}
	return r;
}

static int
check_braces(struct parser *p)
{
	if (!p->is_in_elements)
		return 0;
	return list_bad_file(
	    p, "the elements have no end: the file was cut short");
}

static unsigned
nft_fits(struct slice line)
{
	static const char *const starts[] = { "table ", "add element ",
		"create element ", "elements =", "define ", "add table ",
		"add set ", "flush set ", "flush ruleset" };

	line = list_trim(line);
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (list_begins(line, starts[i]))
			return DECISIVE;
	return 0;
}

const struct format list_format_nft = {
	.name = "nft",
	.parse_line = parse_nft_line,
	.fits = nft_fits,
	.end = check_braces,
	.has_long_lines = true,
};
