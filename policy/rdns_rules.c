/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "data/cidr.h"
#include "policy/rdns_rules.h"

enum { RULES_MAX = 4096, PATTERN_MAX = 253, NUMBERS_MAX = 64, BARE_MAX = 256 };

enum rule_kind { RULE_ADDRESS, RULE_WORD, RULE_SUFFIX };

struct rdns_rules {
	size_t n;
	struct rdns_rule {
		enum rule_kind kind;
		bool except;
		char *pattern; /* in lower case */
	} * rule;
};

/*
 * Parsing
 */

static const char white[] = " \t\r";

/* The next word of a line, which it cuts off and terminates; NULL: none. */
static char *
next_word(char **line)
{
	char *word = *line + strspn(*line, white);
	char *end = word + strcspn(word, white);

	if (*word == '\0' || *word == '#')
		return NULL;
	*line = end;
	if (*end != '\0') {
		*end = '\0';
		*line = end + 1;
	}
	return word;
}

static const char *
check_pattern(char *pattern, enum rule_kind kind)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t n = strlen(pattern);

	for (size_t i = 0; i < n; i++) {
		if (pattern[i] >= 'A' && pattern[i] <= 'Z')
			pattern[i] = (char)(pattern[i] - 'A' + 'a');
	}
	if (n > PATTERN_MAX)
		return "the pattern is too long";
	if (kind == RULE_WORD && strspn(pattern, letters) != n)
		return "a word is made of letters only";
	if (kind == RULE_SUFFIX &&
	    strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != n)
		return "not a domain";
	return NULL;
}

/* NULL, or what is wrong.  An empty line makes no rule. */
static const char *
parse_line(char *line, struct rdns_rule *ret, bool *ret_any)
{
	char *word = next_word(&line), *pattern;

	*ret_any = word != NULL;
	if (!word)
		return NULL;
	ret->except = strcmp(word, "except") == 0;
	if (ret->except)
		word = next_word(&line);
	if (word && strcmp(word, "address") == 0 && !ret->except) {
		ret->kind = RULE_ADDRESS;
		return next_word(&line) ? "\"address\" stands alone" : NULL;
	}
	if (word && strcmp(word, "word") == 0)
		ret->kind = RULE_WORD;
	else if (word && strcmp(word, "suffix") == 0)
		ret->kind = RULE_SUFFIX;
	else
		return "not \"address\", \"word WORD\" or \"suffix DOMAIN\"";
	pattern = next_word(&line);
	if (!pattern || next_word(&line))
		return "not one pattern";
	ret->pattern = pattern;
	return check_pattern(pattern, ret->kind);
}

static int
add_rule(struct rdns_rules *rules, const struct rdns_rule *rule)
{
	struct rdns_rule *to;

	if (!rules->rule) {
		rules->rule = calloc(RULES_MAX, sizeof(*rules->rule));
		if (!rules->rule)
			return -ENOMEM;
	}
	to = &rules->rule[rules->n];
	*to = *rule;
	if (rule->pattern) {
		to->pattern = strdup(rule->pattern);
		if (!to->pattern)
			return -ENOMEM;
	}
	rules->n++;
	return 0;
}

static int
parse_lines(
    struct rdns_rules *rules, char *text, int *ret_line, const char **ret_why)
{
	char *line;

	for (*ret_line = 1; (line = strsep(&text, "\n")); ++*ret_line) {
		struct rdns_rule rule = { 0 };
		bool any;

		*ret_why = parse_line(line, &rule, &any);
		if (!*ret_why && any && rules->n == RULES_MAX)
			*ret_why = "more than 4096 rules";
		if (*ret_why)
			return -EINVAL;
		if (any && add_rule(rules, &rule) < 0)
			return -ENOMEM;
	}
	return 0;
}

int
rdns_rules_parse(const char *text, size_t len, struct rdns_rules **ret,
    int *ret_line, const char **ret_why)
{
	AUTO_FREE char *copy = strndup(text, len);
	struct rdns_rules *rules = calloc(1, sizeof(*rules));
	int r = -ENOMEM;

	if (copy && rules && strlen(copy) != len) {
		*ret_line = 0;
		*ret_why = "not a text";
		r = -EINVAL;
	} else if (copy && rules) {
		r = parse_lines(rules, copy, ret_line, ret_why);
	}
	if (r < 0)
		rdns_rules_free(rules);
	else
		*ret = rules;
	return r;
}

struct rdns_rules *
rdns_rules_free(struct rdns_rules *rules)
{
	if (!rules)
		return NULL;
	for (size_t i = 0; i < rules->n; i++)
		free(rules->rule[i].pattern);
	free(rules->rule);
	free(rules);
	return NULL;
}

size_t
rdns_rules_count(const struct rdns_rules *rules)
{
	return rules->n;
}

/*
 * Matching
 */

static bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
has_word(const char *name, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = name; (p = strstr(p, word)); p++) {
		if ((p == name || !is_letter(p[-1])) && !is_letter(p[n]))
			return true;
	}
	return false;
}

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	if (n < m || strcmp(name + n - m, suffix) != 0)
		return false;
	return n == m || *suffix == '.' || name[n - m - 1] == '.';
}

/* Three neighbouring numbers of the name are three neighbouring ones of the
 * address, in either order: dsl-7-2-0-192, 192.0.2.cust7, 192-000-002-007. */
static bool
has_octets(const char *name, const uint8_t addr[static 4])
{
	uint32_t number[NUMBERS_MAX];
	size_t n = 0;

	for (const char *p = name; *p && n < NUMBERS_MAX;) {
		uint32_t value = 0;
		size_t digits = strspn(p, "0123456789");

		if (digits == 0) {
			p++;
			continue;
		}
		for (; digits > 0; digits--, p++)
			value = value < 1000 ? value * 10 + (uint32_t)(*p - '0')
					     : 1000;
		number[n++] = value;
	}
	for (size_t i = 0; i + 2 < n; i++) {
		for (size_t j = 0; j < 2; j++) {
			if (number[i + 1] != addr[j + 1])
				continue;
			if ((number[i] == addr[j] &&
				number[i + 2] == addr[j + 2]) ||
			    (number[i] == addr[j + 2] &&
				number[i + 2] == addr[j]))
				return true;
		}
	}
	return false;
}

/* In one run: c0000207, 192000002007. */
static bool
has_run(const char *name, const uint8_t a[static 4])
{
	char hex[16], back[16], padded[16];

	snprintf(hex, sizeof(hex), "%02x%02x%02x%02x", a[0], a[1], a[2], a[3]);
	snprintf(
	    back, sizeof(back), "%02x%02x%02x%02x", a[3], a[2], a[1], a[0]);
	snprintf(
	    padded, sizeof(padded), "%03d%03d%03d%03d", a[0], a[1], a[2], a[3]);
	return strstr(name, hex) || strstr(name, back) || strstr(name, padded);
}

/* The interface's 64 bits of an IPv6 address, or the lower half of them, as
 * written in full, or as inet_ntop() has them; whatever separates the groups. */
static bool
has_groups(const char *name, const struct in6_addr *addr)
{
	const uint8_t *a = addr->s6_addr;
	char bare[BARE_MAX], full[32], brief[32];
	size_t n = 0;

	for (; *name && n + 1 < sizeof(bare); name++) {
		if (*name != '-' && *name != '.' && *name != '_')
			bare[n++] = *name;
	}
	bare[n] = '\0';
	snprintf(full, sizeof(full), "%02x%02x%02x%02x%02x%02x%02x%02x", a[8],
	    a[9], a[10], a[11], a[12], a[13], a[14], a[15]);
	snprintf(brief, sizeof(brief), "%x%x%x%x", a[8] << 8 | a[9],
	    a[10] << 8 | a[11], a[12] << 8 | a[13], a[14] << 8 | a[15]);
	return strstr(bare, full) ||
	    (strlen(brief) >= 8 && strstr(bare, brief) != NULL);
}

static bool
has_address(const char *name, const struct in6_addr *addr)
{
	if (!cidr_addr_is_v4(addr))
		return has_groups(name, addr);
	return has_octets(name, &addr->s6_addr[12]) ||
	    has_run(name, &addr->s6_addr[12]);
}

static bool
rule_matches(
    const struct rdns_rule *rule, const char *name, const struct in6_addr *addr)
{
	switch (rule->kind) {
	case RULE_ADDRESS:
		return has_address(name, addr);
	case RULE_WORD:
		return has_word(name, rule->pattern);
	case RULE_SUFFIX:
		return has_suffix(name, rule->pattern);
	}
	return false;
}

bool
rdns_rules_match(const struct rdns_rules *rules, const char *name,
    const struct in6_addr *addr)
{
	bool found = false;

	for (size_t i = 0; rules && i < rules->n; i++) {
		const struct rdns_rule *rule = &rules->rule[i];

		if (found && !rule->except)
			continue;
		if (!rule_matches(rule, name, addr))
			continue;
		if (rule->except)
			return false;
		found = true;
	}
	return found;
}
