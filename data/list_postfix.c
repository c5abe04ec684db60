/* SPDX-License-Identifier: ISC */
/*
 * Postfix's cidr_table(5) with the actions of access(5) or postscreen(8):
 *
 *	192.0.2.7       permit
 *	192.0.2.0/24    REJECT spam
 *	!2001:db8::/32  554 5.7.1 not here
 *	if 198.51.100.0/24
 *	198.51.100.9    OK
 *	endif
 *
 * The first line that has an address decides, so that a line which lets it
 * through takes it out of a block list, and the other way round.
 */
#include <errno.h>
#include <string.h>

#include "data/listparse.h"

#define ACTION(word, action)                   \
	{                                      \
		word, sizeof(word) - 1, action \
	}

static const struct {
	const char *word;
	size_t len;
	enum list_action action;
} actions[] = {
	ACTION("reject", ACTION_BLOCK),
	ACTION("defer", ACTION_BLOCK),
	ACTION("defer_if_permit", ACTION_BLOCK),
	ACTION("discard", ACTION_BLOCK),
	ACTION("deny", ACTION_BLOCK),
	ACTION("drop", ACTION_BLOCK),
	ACTION("block", ACTION_BLOCK),
	ACTION("ok", ACTION_ALLOW),
	ACTION("permit", ACTION_ALLOW),
	ACTION("allow", ACTION_ALLOW),
	ACTION("accept", ACTION_ALLOW),
	ACTION("relay", ACTION_ALLOW),
	ACTION("dunno", ACTION_NEUTRAL),
	ACTION("defer_if_reject", ACTION_NEUTRAL),
	ACTION("hold", ACTION_NEUTRAL),
	ACTION("warn", ACTION_NEUTRAL),
	ACTION("info", ACTION_NEUTRAL),
	ACTION("prepend", ACTION_NEUTRAL),
	ACTION("filter", ACTION_NEUTRAL),
	ACTION("redirect", ACTION_NEUTRAL),
	ACTION("bcc", ACTION_NEUTRAL),
};

static bool
is_number(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!list_is_digit(s.at[i]))
			return false;
	return s.len > 0;
}

static bool
is_reply_code(struct slice s)
{
	return is_number(s) && s.len == 3 && (s.at[0] == '4' || s.at[0] == '5');
}

enum list_action
list_parse_action(struct slice action)
{
	struct slice word = list_first_word(action);

	if (is_number(action))
		return ACTION_ALLOW; /* of POP before SMTP: a time */
	if (is_reply_code(word))
		return ACTION_BLOCK;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (word.len == actions[i].len &&
		    strncasecmp(word.at, actions[i].word, word.len) == 0)
			return actions[i].action;
	return ACTION_NONE;
}

/*
 * Patterns
 */

/* "[!]network", the network or its address in brackets if one likes. */
static bool
parse_pattern(struct slice s, struct condition *ret)
{
	char buf[CIDR_STRLEN + 4];
	size_t len = 0;
	bool masked;

	*ret = (struct condition){ 0 };
	if (s.len > 0 && s.at[0] == '!') {
		ret->is_negated = true;
		s = list_trim((struct slice){ s.at + 1, s.len - 1 });
	}
	if (s.len == 0 || s.len > sizeof(buf))
		return false;
	if (s.at[0] != '[')
		return cidr_parse(s.at, s.len, &ret->cidr, &masked) == 0;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] != '[' && s.at[i] != ']')
			buf[len++] = s.at[i];
	return cidr_parse(buf, len, &ret->cidr, &masked) == 0;
}

/* The pattern at the start of LINE, and where it ends: there may be a blank
 * after the exclamation mark. */
static struct slice
take_pattern(struct slice line)
{
	size_t skip = 0;

	while (skip < line.len &&
	    (line.at[skip] == '!' || list_is_blank(line.at[skip])))
		skip++;
	for (size_t i = skip; i < line.len; i++)
		if (list_is_blank(line.at[i]))
			line.len = i;
	return line;
}

/*
 * Entries
 */

static int put_within(
    struct parser *, const struct cidr *, unsigned i, bool is_excluded);

static bool
is_inside(const struct cidr *inner, const struct cidr *outer)
{
	return inner->len >= outer->len &&
	    cidr_is_v4(inner) == cidr_is_v4(outer) &&
	    cidr_contains(outer, &inner->addr);
}

/* What of OUTER is not in INNER, which is inside of it. */
static int
put_around(struct parser *p, const struct cidr *outer, const struct cidr *inner,
    unsigned i, bool is_excluded)
{
	int r = 0;

	for (unsigned len = outer->len + 1u; r == 0 && len <= inner->len;
	     len++) {
		struct in6_addr addr = inner->addr;
		struct cidr side;

		addr.s6_addr[(len - 1) / 8] ^=
		    (uint8_t)(0x80 >> ((len - 1) % 8));
		side = cidr_mask(&addr, len);
		r = put_within(p, &side, i, is_excluded);
	}
	return r;
}

/* What of CIDR is in the conditions from the Ith on. */
static int
put_within(
    struct parser *p, const struct cidr *cidr, unsigned i, bool is_excluded)
{
	const struct condition *c = &p->condition[i];
	bool is_in = false, is_around = false;

	if (i == p->n_conditions) {
		struct list_entry entry = { .is_excluded = is_excluded,
			.cidr = *cidr };

		return list_put(p, &entry, (struct slice){ "", 0 });
	}
	if (c->is_bad)
		return 0;
	is_in = is_inside(cidr, &c->cidr);
	is_around = !is_in && is_inside(&c->cidr, cidr);
	if (!c->is_negated)
		return is_in    ? put_within(p, cidr, i + 1, is_excluded)
		    : is_around ? put_within(p, &c->cidr, i + 1, is_excluded)
				: 0;
	/* The other family's addresses are in no block of this one. */
	if (is_in || cidr_is_v4(cidr) != cidr_is_v4(&c->cidr))
		return 0;
	return is_around ? put_around(p, cidr, &c->cidr, i + 1, is_excluded)
			 : put_within(p, cidr, i + 1, is_excluded);
}

static int
put_pattern(
    struct parser *p, const struct condition *pattern, enum list_action action)
{
	enum list_action wanted =
	    p->options->is_allow ? ACTION_ALLOW : ACTION_BLOCK;
	struct cidr all;

	if (!pattern->is_negated)
		return put_within(p, &pattern->cidr, 0, action != wanted);
	all = cidr_mask(
	    &pattern->cidr.addr, cidr_is_v4(&pattern->cidr) ? CIDR_V4_BITS : 0);
	return put_around(p, &all, &pattern->cidr, 0, action != wanted);
}

/*
 * Lines
 */

/* A line's pattern and its action, or what stands there instead: that, too,
 * ends the search in Postfix. */
static int
put_line(struct parser *p, const struct condition *pattern, struct slice action)
{
	enum list_action parsed = list_parse_action(action);
	UNINITIALIZED struct quote q;
	int r = put_pattern(p, pattern, parsed);

	if (r < 0 || parsed != ACTION_NONE)
		return r;
	return list_bad_line(p,
	    "\"%s\" is no action that says whether it is blocked",
	    list_quote(list_first_word(action), &q));
}

/* The pattern before this line has got no action. */
static int
end_pending(struct parser *p)
{
	unsigned line = p->report->line;
	int r = 0;

	if (p->pending_line > 0) {
		p->report->line = p->pending_line;
		p->pending_line = 0;
		(void)list_bad_line(p, "no action after the network");
		r = list_tolerate(p, -EBADMSG);
		if (r == 0)
			p->report->line = line;
	}
	return r;
}

static int
begin_if(struct parser *p, struct slice pattern)
{
	struct condition *c;
	UNINITIALIZED struct quote q;

	if (p->n_conditions == LIST_CONDITIONS_MAX)
		return list_bad_file(
		    p, "more than %d nested \"if\"", LIST_CONDITIONS_MAX);
	c = &p->condition[p->n_conditions++];
	if (parse_pattern(pattern, c))
		return 0;
	c->is_bad = true;
	return list_bad_line(p,
	    "\"%s\" is no network to be in, so that "
	    "nothing up to \"endif\" is",
	    list_quote(pattern, &q));
}

static int
end_if(struct parser *p)
{
	if (p->n_conditions == 0)
		return list_bad_line(p, "\"endif\" without \"if\"");
	p->n_conditions--;
	return 0;
}

/* A line that begins with a blank continues the one before. */
static int
continue_line(struct parser *p, struct slice line)
{
	if (p->pending_line == 0)
		return 0; /* more of the action's text */
	p->pending_line = 0;
	return put_line(p, &p->pending, list_trim(line));
}

static int
parse_postfix_line(struct parser *p, struct slice line)
{
	struct slice pattern, action;
	struct condition c;
	UNINITIALIZED struct quote q;
	int r;

	if (list_is_comment(line))
		return 0;
	if (list_is_blank(line.at[0]) && p->n_content > 0)
		return continue_line(p, line);
	r = end_pending(p);
	if (r < 0)
		return r;
	p->n_content++;
	line = list_trim(line);
	pattern = take_pattern(line);
	action = list_rest(line, pattern);
	if (list_is(pattern, "if"))
		return begin_if(p, action);
	if (list_is(pattern, "endif"))
		return end_if(p);
	if (!parse_pattern(pattern, &c))
		return list_bad_line(
		    p, "\"%s\" is no network", list_quote(pattern, &q));
	if (action.len > 0)
		return put_line(p, &c, action);
	p->pending = c;
	p->pending_line = p->report->line;
	return 0;
}

static unsigned
postfix_fits(struct slice line)
{
	struct slice word = list_first_word(line), pattern, action;
	struct condition c;

	if (list_is_blank(line.at[0])) {
		line = list_trim(line);
		return list_is_networks(line) || is_number(line) ||
			list_parse_action(line) == ACTION_NONE
		    ? 0
		    : 2;
	}
	if (list_is(word, "if"))
		return parse_pattern(list_rest(line, word), &c) ? 2 : 0;
	if (list_is(word, "endif"))
		return 1;
	pattern = take_pattern(line);
	action = list_rest(line, pattern);
	if (!parse_pattern(pattern, &c))
		return 0;
	return is_number(action) ? is_reply_code(action)
				 : list_parse_action(action) != ACTION_NONE;
}

const struct format list_format_postfix = {
	.name = "postfix-cidr",
	.parse_line = parse_postfix_line,
	.fits = postfix_fits,
	.end = end_pending,
	.has_long_lines = true,
	.is_ordered = true,
};
