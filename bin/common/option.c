/* SPDX-License-Identifier: ISC */
#include "bin/common/option.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "bin/common/secret.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* Longest first: "ms" must not be taken for an "m" that is followed by "s". */
static const struct unit time_units[] = {
	{ "min", 60 * 1000000LL },
	{ "us", 1 },
	{ "ms", 1000 },
	{ "s", 1000000 },
	{ "h", 3600 * 1000000LL },
	{ "d", 24 * 3600 * 1000000LL },
};

static const struct unit size_units[] = {
	{ "K", 1LL << 10 },
	{ "M", 1LL << 20 },
	{ "G", 1LL << 30 },
};

static const char *const booleans[2][4] = {
	{ "no", "false", "off", "0" },
	{ "yes", "true", "on", "1" },
};

void
option_say(struct option_error *e, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(e->text, sizeof(e->text), format, ap);
	va_end(ap);
}

/* One "12min" at *POS: its number, and its unit or NULL for none. */
static int
parse_quantity(const char **pos, const struct unit *units, size_t n_units,
    int64_t *ret_number, const struct unit **ret_unit)
{
	size_t digits = strspn(*pos, "0123456789");
	const char *p = *pos + digits;
	int r;

	r = decimal_parse(*pos, digits, 0, INT64_MAX, ret_number);
	if (r < 0)
		return r;
	p += strspn(p, " ");
	*ret_unit = NULL;
	for (size_t i = 0; i < n_units && *ret_unit == NULL; i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(p, units[i].name, len) == 0) {
			*ret_unit = &units[i];
			p += len;
		}
	}
	*pos = p + strspn(p, " ");
	return 0;
}

int
option_parse_time(const char *value, uint64_t *ret_usec)
{
	const char *p = value;
	int64_t sum = 0, number;
	const struct unit *unit;
	int r;

	do {
		bool first = p == value;

		r = parse_quantity(
		    &p, time_units, ARRAY_SIZE(time_units), &number, &unit);
		if (r < 0)
			return r;
		/* A bare number is seconds, but only if it stands alone: who
		 * writes "1h 30" did not mean half a minute. */
		if (unit == NULL && !(first && *p == '\0'))
			return -EINVAL;
		if (__builtin_mul_overflow(
			number, unit ? unit->factor : 1000000, &number) ||
		    __builtin_add_overflow(sum, number, &sum))
			return -ERANGE;
	} while (*p != '\0');
	*ret_usec = (uint64_t)sum;
	return 0;
}

int
option_parse_size(const char *value, uint64_t *ret_bytes)
{
	const struct unit *unit;
	int64_t number;
	int r;

	r = parse_quantity(
	    &value, size_units, ARRAY_SIZE(size_units), &number, &unit);
	if (r < 0)
		return r;
	if (*value != '\0')
		return -EINVAL;
	if (__builtin_mul_overflow(number, unit ? unit->factor : 1, &number))
		return -ERANGE;
	*ret_bytes = (uint64_t)number;
	return 0;
}

int
option_parse_int(const char *value, int64_t min, int64_t max, int64_t *ret)
{
	return decimal_parse(value, strlen(value), min, max, ret);
}

/* N as the operator would write it, in the largest unit that divides it. */
static void
print_quantity(char *buf, size_t size, enum option_type type, int64_t n)
{
	const struct unit *units = type == OPTION_TIME ? time_units : NULL;
	const struct unit *best = NULL;
	size_t n_units = type == OPTION_TIME ? ARRAY_SIZE(time_units) : 0;

	if (type == OPTION_SIZE) {
		units = size_units;
		n_units = ARRAY_SIZE(size_units);
	}
	for (size_t i = 0; i < n_units; i++)
		if (n != 0 && n % units[i].factor == 0 &&
		    (best == NULL || units[i].factor > best->factor))
			best = &units[i];
	snprintf(buf, size, "%" PRId64 "%s", best ? n / best->factor : n,
	    best ? best->name : "");
}

/* "1s to 5min", "yes, no" and the like; empty if there is nothing to say. */
static void
print_range(const struct option *o, char *buf, size_t size)
{
	char min[32], max[32];
	size_t len = 0;

	buf[0] = '\0';
	if (o->type == OPTION_ENUM) {
		for (size_t i = 0; o->names[i] != NULL && len < size; i++)
			len += (size_t)snprintf(buf + len, size - len, "%s%s",
			    i == 0 ? "" : ", ", o->names[i]);
		return;
	}
	if (o->type == OPTION_BOOL || o->type == OPTION_CUSTOM ||
	    (o->min == 0 && o->max == 0))
		return;
	print_quantity(min, sizeof(min), o->type, o->min);
	print_quantity(max, sizeof(max), o->type, o->max);
	if (o->max == INT64_MAX)
		snprintf(buf, size, "at least %s", min);
	else
		snprintf(buf, size, "%s to %s", min, max);
}

static int
parse_bool(const char *value, bool *ret)
{
	for (int yes = 0; yes < 2; yes++)
		for (size_t i = 0; i < ARRAY_SIZE(booleans[yes]); i++)
			if (strcmp(value, booleans[yes][i]) == 0) {
				*ret = yes;
				return 0;
			}
	return -EINVAL;
}

static int
parse_enum(const char *value, const char *const *names, int *ret)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(value, names[i]) == 0) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

static int
set_string(const struct option *o, const char *value, char **member)
{
	size_t len = strlen(value);
	char *copy;

	if ((o->min != 0 || o->max != 0) &&
	    (len < (size_t)o->min || len > (size_t)o->max))
		return -ERANGE;
	/* Names and texts go into replies and records, where a CR in the
	 * middle of a line that an editor left would be a line's end. */
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)value[i]))
			return -EINVAL;
	copy = strdup(value);
	if (copy == NULL)
		return -ENOMEM;
	free(*member);
	*member = copy;
	return 0;
}

/* Sets a MEMBER that is an int64_t, or a uint64_t no larger than one. */
static int
set_number(const struct option *o, const char *value, void *member)
{
	bool any = o->min == 0 && o->max == 0;
	int64_t max = any ? INT64_MAX : o->max;
	uint64_t u;
	int r;

	if (o->type == OPTION_INT)
		return option_parse_int(
		    value, any ? INT64_MIN : o->min, max, member);
	r = o->type == OPTION_TIME ? option_parse_time(value, &u)
				   : option_parse_size(value, &u);
	if (r < 0)
		return r;
	if ((int64_t)u < o->min || (int64_t)u > max)
		return -ERANGE;
	*(uint64_t *)member = u;
	return 0;
}

/* Parses VALUE into its member.  WHY is touched only by a custom parser. */
static int
set_member(const struct option *o, const char *value, void *config, char *why,
    size_t size)
{
	void *member = (char *)config + o->offset;

	switch (o->type) {
	case OPTION_STRING:
		return set_string(o, value, member);
	case OPTION_BOOL:
		return parse_bool(value, member);
	case OPTION_INT:
	case OPTION_TIME:
	case OPTION_SIZE:
		return set_number(o, value, member);
	case OPTION_ENUM:
		return parse_enum(value, o->names, member);
	case OPTION_CUSTOM:
		return o->parse(value, member, why, size);
	}
	return -EINVAL;
}

/* Puts into WHY what set_member() returned, for all types but custom. */
static void
explain(const struct option *o, int error, char *why, size_t size)
{
	static const char *const expected[] = {
		[OPTION_STRING] = "not a usable text",
		[OPTION_BOOL] = "neither yes nor no",
		[OPTION_INT] = "not a whole number",
		[OPTION_TIME] = "not a time such as 25s, 5min or 1h 30min",
		[OPTION_SIZE] = "not a size such as 4096, 64K or 1M",
		[OPTION_ENUM] = "not one of ",
		[OPTION_CUSTOM] = "not a valid value",
	};
	char range[128];

	print_range(o, range, sizeof(range));
	if (error == -EINVAL)
		snprintf(why, size, "%s%s", expected[o->type],
		    o->type == OPTION_ENUM ? range : "");
	else if (error == -ERANGE && range[0] != '\0')
		snprintf(why, size, "out of range: %s%s", range,
		    o->type == OPTION_STRING ? " characters" : "");
	else
		snprintf(why, size, "%s", strerror(-error));
}

static const struct option *
find_option(
    const struct option_table *table, const char *section, const char *key)
{
	for (size_t i = 0; i < table->n_options; i++)
		if (strcmp(table->options[i].section, section) == 0 &&
		    strcmp(table->options[i].key, key) == 0)
			return &table->options[i];
	return NULL;
}

static const struct option_section *
find_section(const struct option_table *table, const char *section)
{
	for (size_t i = 0; i < table->n_sections; i++)
		if (strcmp(table->sections[i].section, section) == 0)
			return &table->sections[i];
	return NULL;
}

bool
option_has_section(const struct option_table *table, const char *section)
{
	for (size_t i = 0; i < table->n_options; i++)
		if (strcmp(table->options[i].section, section) == 0)
			return true;
	return find_section(table, section) != NULL;
}

static bool
is_secret(const struct option_table *table, const struct option *o,
    const char *section)
{
	return (o != NULL && o->secret) ||
	    (table->secret_section != NULL &&
		strcmp(section, table->secret_section) == 0);
}

/* "[Section] Key=value: why", as far as it may be shown. */
static void
say_bad_value(struct option_error *e, const char *section, const char *key,
    const char *value, bool secret, const char *why)
{
	char shown_key[192], shown[sizeof(e->text)];

	option_say(e, "[%s] %s=%s: %s", section,
	    secret_hide(key, shown_key, sizeof(shown_key)),
	    secret ? "(not shown)" : secret_hide(value, shown, sizeof(shown)),
	    why);
}

/* There is no such key. */
static void
say_unknown(const struct option_table *table, struct option_error *e,
    const char *section, const char *key)
{
	char shown[192];

	(void)secret_hide(key, shown, sizeof(shown));
	if (section[0] == '\0')
		option_say(e, "%s=: stands before any [Section]", shown);
	else if (!option_has_section(table, section))
		option_say(e, "[%s]: unknown section", section);
	else
		option_say(e, "[%s] %s=: unknown key", section, shown);
}

int
option_set(const struct option_table *table, const char *section,
    const char *key, const char *value, void *config,
    struct option_error *ret_error)
{
	const struct option *o = find_option(table, section, key);
	const struct option_section *s = find_section(table, section);
	char why[192] = "";
	int r;

	ret_error->file[0] = '\0';
	ret_error->line = 0;
	if (o == NULL && s == NULL) {
		say_unknown(table, ret_error, section, key);
		return -EINVAL;
	}
	if (o == NULL && key[0] == '\0') {
		/* libinih takes "=value" for a line of an empty key. */
		say_bad_value(ret_error, section, key, value,
		    is_secret(table, o, section), "no key before the =");
		return -EINVAL;
	}
	if (o != NULL)
		r = set_member(o, value, config, why, sizeof(why));
	else
		r = s->set(config, key, value, why, sizeof(why));
	if (r >= 0)
		return 0;
	if (why[0] == '\0' && o != NULL)
		explain(o, r, why, sizeof(why));
	say_bad_value(ret_error, section, key, value,
	    is_secret(table, o, section), why[0] != '\0' ? why : strerror(-r));
	return r;
}

void
option_defaults(const struct option_table *table, void *config)
{
	for (size_t i = 0; i < table->n_options; i++) {
		const struct option *o = &table->options[i];
		const char *initial = o->initial;
		char why[128];
		int r = 0;

		if (initial == NULL && o->type == OPTION_STRING)
			initial = "";
		if (initial != NULL)
			r = set_member(o, initial, config, why, sizeof(why));
		assert(r >= 0);
	}
}

void
option_print_error(
    const struct option_error *error, char buf[OPTION_ERROR_TEXT])
{
	if (error->file[0] != '\0' && error->line > 0)
		snprintf(buf, OPTION_ERROR_TEXT, "%s:%d: %s", error->file,
		    error->line, error->text);
	else if (error->file[0] != '\0')
		snprintf(
		    buf, OPTION_ERROR_TEXT, "%s: %s", error->file, error->text);
	else
		snprintf(buf, OPTION_ERROR_TEXT, "%s", error->text);
}

void
option_fini(const struct option_table *table, void *config)
{
	for (size_t i = 0; i < table->n_options; i++) {
		const struct option *o = &table->options[i];
		char **member = (void *)((char *)config + o->offset);

		if (o->type != OPTION_STRING)
			continue;
		free(*member);
		*member = NULL;
	}
}

void
option_print_help(const struct option_table *table, FILE *f)
{
	char key[96], range[128];

	for (size_t i = 0; i < table->n_options; i++) {
		const struct option *o = &table->options[i];

		snprintf(key, sizeof(key), "[%s] %s=%s", o->section, o->key,
		    o->initial != NULL ? o->initial : "");
		print_range(o, range, sizeof(range));
		fprintf(f, "  %-38s %s%s%s%s\n", key, o->help,
		    range[0] != '\0' ? " (" : "", range,
		    range[0] != '\0' ? ")" : "");
	}
	for (size_t i = 0; i < table->n_sections; i++) {
		snprintf(key, sizeof(key), "[%s] NAME=VALUE",
		    table->sections[i].section);
		fprintf(f, "  %-38s %s\n", key, table->sections[i].help);
	}
}
