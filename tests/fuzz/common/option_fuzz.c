/* SPDX-License-Identifier: ISC */
/* Configuration files: any bytes lead to values within their ranges, or to an
 * error that says where. */
#include "bin/common/option.h"

#include "tests/helpers/fuzz.h"

struct config {
	char *string;
	bool on;
	int64_t number;
	uint64_t time, size;
	int word;
	size_t lines;
};

static const char *const words[] = { "one", "two", NULL };

static int
set_line(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct config *c = config;

	REQUIRE(*key != '\0');
	if (*value == '\0') {
		snprintf(why, size, "is empty");
		return -EINVAL;
	}
	c->lines++;
	return 0;
}

#define MEMBER(m) .offset = offsetof(struct config, m)

static const struct option options[] = {
	{ "Main", "String", OPTION_STRING, MEMBER(string), .max = 20,
	    .initial = "x", .help = "" },
	{ "Main", "On", OPTION_BOOL, MEMBER(on), .initial = "no", .help = "" },
	{ "Main", "Number", OPTION_INT, MEMBER(number), .min = -5, .max = 500,
	    .initial = "7", .help = "" },
	{ "Main", "Time", OPTION_TIME, MEMBER(time), .min = 1000,
	    .max = 3600000000, .initial = "25s", .help = "" },
	{ "Main", "Size", OPTION_SIZE, MEMBER(size), .initial = "4K",
	    .help = "" },
	{ "Other", "Word", OPTION_ENUM, MEMBER(word), .initial = "one",
	    .names = words, .help = "" },
};

static const struct option_section sections[] = {
	{ "Data", set_line, "" },
};

static const struct option_table table = {
	options,
	ARRAY_SIZE(options),
	sections,
	ARRAY_SIZE(sections),
};

static void
check_config(const struct config *c)
{
	REQUIRE(c->string != NULL && strlen(c->string) <= 20);
	REQUIRE(c->number >= -5 && c->number <= 500);
	REQUIRE(c->time >= 1000 && c->time <= 3600000000);
	REQUIRE(c->word == 0 || c->word == 1);
}

/* The parsers of values, on the whole input. */
static void
check_values(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = strndup((const char *)data, size);
	uint64_t u;
	int64_t n;

	REQUIRE(text != NULL);
	if (option_parse_time(text, &u) == 0)
		REQUIRE(u <= INT64_MAX);
	if (option_parse_size(text, &u) == 0)
		REQUIRE(u <= INT64_MAX);
	if (option_parse_int(text, -9, 9, &n) == 0)
		REQUIRE(n >= -9 && n <= 9);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config c = { 0 };
	struct option_error error = { 0 };
	char path[32];
	AUTO_FD fd = -1;

	fd = fuzz_file(data, size, path);
	option_defaults(&table, &c);
	if (option_load(&table, path, &c, &error) == 0)
		check_config(&c);
	else
		REQUIRE(error.text[0] != '\0' && error.file[0] != '\0');
	option_fini(&table, &c);
	check_values(data, size);
	return 0;
}
