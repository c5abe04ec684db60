/* SPDX-License-Identifier: ISC */
#include "bin/common/option.h"

#include <errno.h>

#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

struct config {
	char *host, *empty;
	bool on;
	int64_t workers, any, level;
	uint64_t timeout, memory, pause;
	int mode;
	int percent;
	char weights[128]; /* "name=value;" of each line, in order */
};

static const char *const modes[] = { "enforce", "observe", NULL };

static int
parse_percent(const char *value, void *member, char *why, size_t size)
{
	int n, end = 0;

	if (sscanf(value, "%d%%%n", &n, &end) != 1 || end == 0) {
		snprintf(why, size, "not a percentage such as 10%%");
		return -EINVAL;
	}
	*(int *)member = n;
	return 0;
}

static int
set_weight(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct config *c = config;
	size_t len = strlen(c->weights);

	if (strcmp(value, "bad") == 0) {
		snprintf(why, size, "not a weight");
		return -EINVAL;
	}
	if (strcmp(value, "worse") == 0)
		return -ENOMEM; /* and no reason */
	snprintf(
	    c->weights + len, sizeof(c->weights) - len, "%s=%s;", key, value);
	return 0;
}

#define AT(member) .offset = offsetof(struct config, member)
static const struct option options[] = {
	{ "Main", "HostName", OPTION_STRING, AT(host), .min = 1, .max = 20,
	    .initial = "mx.example.org", .help = "name in greetings" },
	{ "Main", "Empty", OPTION_STRING, AT(empty), .help = "may be empty" },
	{ "Main", "On", OPTION_BOOL, AT(on), .initial = "yes",
	    .help = "a switch" },
	{ "Main", "Workers", OPTION_INT, AT(workers), .min = 1, .max = 64,
	    .initial = "1", .help = "processes" },
	{ "Main", "Any", OPTION_INT, AT(any), .help = "any number" },
	{ "Main", "Level", OPTION_INT, AT(level), .min = -5, .max = 0,
	    .help = "none above 0" },
	{ "Main", "Pause", OPTION_TIME, AT(pause), .max = 5 * USEC_PER_SEC,
	    .help = "none, or a moment" },
	{ "Main", "Timeout", OPTION_TIME, AT(timeout), .min = USEC_PER_SEC,
	    .max = 300 * USEC_PER_SEC, .initial = "3s",
	    .help = "how long to wait" },
	{ "Main", "Mode", OPTION_ENUM, AT(mode), .initial = "enforce",
	    .names = modes, .help = "what to do" },
	{ "Other", "Memory", OPTION_SIZE, AT(memory), .min = 4096,
	    .max = INT64_MAX, .initial = "64K", .help = "room" },
	{ "Other", "Reserve", OPTION_CUSTOM, AT(percent), .initial = "10%",
	    .parse = parse_percent, .help = "kept free" },
};

static const struct option_section sections[] = {
	{ "Weights", set_weight, "weight of each fact" },
};

static const struct option_table table = {
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.sections = sections,
	.n_sections = ARRAY_SIZE(sections),
};

static int
load(const char *text, struct config *c, struct option_error *e)
{
	char *file = scratch_write("main.conf", text, strlen(text));
	int r;

	memset(c, 0, sizeof(*c));
	memset(e, 0, sizeof(*e));
	option_defaults(&table, c);
	r = option_load(&table, file, c, e);
	if (r < 0)
		option_fini(&table, c);
	free(file);
	return r;
}

/* TEXT is refused at LINE for the reason EXPECTED. */
static void
check_refused(const char *text, int line, const char *expected)
{
	struct option_error e;
	struct config c;

	CHECK(load(text, &c, &e) < 0);
	CHECK(strstr(e.file, "/main.conf") != NULL);
	CHECK_STR(e.text, expected);
	CHECK_INT(e.line, line);
}

static void
defaults_stand(void)
{
	struct config c = { 0 };

	option_defaults(&table, &c);
	CHECK_STR(c.host, "mx.example.org");
	CHECK_STR(c.empty, "");
	CHECK(c.on);
	CHECK_INT(c.workers, 1);
	CHECK_INT(c.any, 0);
	CHECK_INT(c.timeout, 3000000);
	CHECK_INT(c.mode, 0);
	CHECK_INT(c.memory, 65536);
	CHECK_INT(c.percent, 10);
	option_fini(&table, &c);
	CHECK(c.host == NULL && c.empty == NULL);
	option_fini(&table, &c);
}

static void
file_sets_every_type(void)
{
	struct option_error e;
	struct config c;

	CHECK_INT(load("# comment\n; comment\n  # indented comment\n\n"
		       "[Main] ; comment\n"
		       "HostName = mail.example.net ; inline\n"
		       "Empty=a;b = c:d # kept\n"
		       "On=off\nWorkers=64\nAny=-5\nTimeout=1min 30s\n"
		       "Mode=observe\n[Other]\r\nMemory=2M\r\nReserve=25%\n"
		       "[Weights]\nlist.drop=100\nrdns.none=-3\n"
		       "[Main]\nHostName=again.example",
		      &c, &e),
	    0);
	CHECK_STR(c.host, "again.example"); /* the last one, without LF */
	CHECK_STR(c.empty, "a;b = c:d # kept");
	CHECK(!c.on);
	CHECK_INT(c.workers, 64);
	CHECK_INT(c.any, -5);
	CHECK_INT(c.timeout, 90000000);
	CHECK_INT(c.mode, 1);
	CHECK_INT(c.memory, 2 << 20);
	CHECK_INT(c.percent, 25);
	CHECK_STR(c.weights, "list.drop=100;rdns.none=-3;");
	option_fini(&table, &c);
}

static void
empty_value_is_a_value(void)
{
	struct option_error e;
	struct config c;

	CHECK_INT(load("[Main]\nEmpty=x\nEmpty=   ; nothing\n", &c, &e), 0);
	CHECK_STR(c.empty, "");
	option_fini(&table, &c);
	check_refused("[Main]\nHostName=\n", 2,
	    "[Main] HostName=: out of range: 1 to 20 characters");
	check_refused("[Main]\nTimeout=\n", 2,
	    "[Main] Timeout=: not a time such as 25s, 5min or 1h 30min");
}

/* libinih on its own would append the line to the value above. */
static void
indented_key_is_a_key(void)
{
	struct option_error e;
	struct config c;

	CHECK_INT(load("[Main]\nEmpty=x\n\t Workers=7\n", &c, &e), 0);
	CHECK_STR(c.empty, "x");
	CHECK_INT(c.workers, 7);
	option_fini(&table, &c);
}

static void
empty_file_and_byte_order_mark(void)
{
	struct option_error e;
	struct config c;

	CHECK_INT(load("", &c, &e), 0);
	option_fini(&table, &c);
	CHECK_INT(load("\xef\xbb\xbf[Main]\nWorkers=2\n", &c, &e), 0);
	CHECK_INT(c.workers, 2);
	option_fini(&table, &c);
}

static void
unknown_names_are_refused(void)
{
	check_refused("[Main]\n\nWorker=1\n", 3, "[Main] Worker=: unknown key");
	check_refused("[Main]\nworkers=1\n", 2, "[Main] workers=: unknown key");
	check_refused(
	    "[Other]\nWorkers=1\n", 2, "[Other] Workers=: unknown key");
	check_refused("\n[Mian]\nWorkers=1\n", 2, "[Mian]: unknown section");
	check_refused("[Mian]\n", 1, "[Mian]: unknown section");
	check_refused("[]\n", 1, "[]: unknown section");
	check_refused(
	    "Workers=1\n[Main]\n", 1, "Workers=: stands before any [Section]");
}

static void
garbage_is_refused(void)
{
	check_refused(
	    "[Main]\nWorkers 1\n", 2, "neither [Section] nor Key=value");
	check_refused(
	    "[Main\nWorkers=1\n", 1, "neither [Section] nor Key=value");
	check_refused(
	    "[Main] Workers=1\n", 1, "[Main]: something follows on the line");
	check_refused("\x7f"
		      "ELF\x02\x01\n",
	    1, "neither [Section] nor Key=value");
	/* The first of two errors, whoever finds it. */
	check_refused("[Main]\ngarbage\nWorkers=x\n", 2,
	    "neither [Section] nor Key=value");
	check_refused("[Main]\nWorkers=x\ngarbage\n", 2,
	    "[Main] Workers=x: not a whole number");
}

static void
bad_values_say_what_would_be_good(void)
{
	check_refused("[Main]\nWorkers=0\n", 2,
	    "[Main] Workers=0: out of range: 1 to 64");
	check_refused("[Main]\nWorkers=65\n", 2,
	    "[Main] Workers=65: out of range: 1 to 64");
	check_refused("[Main]\nWorkers=99999999999999999999\n", 2,
	    "[Main] Workers=99999999999999999999: out of range: 1 to 64");
	check_refused("[Main]\nWorkers=two\n", 2,
	    "[Main] Workers=two: not a whole number");
	check_refused(
	    "[Main]\nOn=maybe\n", 2, "[Main] On=maybe: neither yes nor no");
	check_refused("[Main]\nMode=Enforce\n", 2,
	    "[Main] Mode=Enforce: not one of enforce, observe");
	check_refused("[Main]\nTimeout=999ms\n", 2,
	    "[Main] Timeout=999ms: out of range: 1s to 5min");
	check_refused("[Main]\nTimeout=5min 1us\n", 2,
	    "[Main] Timeout=5min 1us: out of range: 1s to 5min");
	check_refused("[Other]\nMemory=4095\n", 2,
	    "[Other] Memory=4095: out of range: at least 4K");
	check_refused("[Other]\nMemory=1X\n", 2,
	    "[Other] Memory=1X: not a size such as 4096, 64K or 1M");
	check_refused("[Other]\nReserve=ten\n", 2,
	    "[Other] Reserve=ten: not a percentage such as 10%");
	check_refused(
	    "[Weights]\na=1\nb=bad\n", 3, "[Weights] b=bad: not a weight");
	check_refused("[Weights]\na=worse\n", 2,
	    "[Weights] a=worse: Cannot allocate memory");
}

static void
string_length_at_the_limit(void)
{
	struct option_error e;
	struct config c;

	CHECK_INT(load("[Main]\nHostName=abcdefghijklmnopqrst\n", &c, &e), 0);
	option_fini(&table, &c);
	check_refused("[Main]\nHostName=abcdefghijklmnopqrstu\n", 2,
	    "[Main] HostName=abcdefghijklmnopqrstu: out of range: "
	    "1 to 20 characters");
}

static void
line_length_at_the_limit(void)
{
	static const char start[] = "[Main]\nEmpty=";
	char text[512];
	struct option_error e;
	struct config c;

	/* "Empty=" and 192 bytes are the 198 that libinih has room for. */
	snprintf(text, sizeof(text), "%s%0192d\n", start, 0);
	CHECK_INT(load(text, &c, &e), 0);
	CHECK_INT(strlen(c.empty), 192);
	option_fini(&table, &c);
	snprintf(text, sizeof(text), "%s%0193d\n", start, 0);
	check_refused(text, 2, "the line is longer than 198 bytes");
	/* Nor may a comment be longer: its rest would be read as a key. */
	snprintf(text, sizeof(text), "\n#%0300d\n", 0);
	check_refused(text, 2, "the line is longer than 198 bytes");
}

static void
nul_byte_is_refused(void)
{
	static const char text[] = "[Main]\nWorkers=1\0 2\n";
	char *file = scratch_write("nul.conf", text, sizeof(text) - 1);
	struct config c = { 0 };
	struct option_error e;

	CHECK_INT(option_load(&table, file, &c, &e), -EINVAL);
	CHECK_STR(e.text, "the line contains a NUL byte");
	CHECK_INT(e.line, 2);
	CHECK_STR(e.file, file);
	free(file);
}

static void
unreadable_file_is_refused(void)
{
	char *missing = scratch_path("missing.conf");
	char *dir = scratch_path("dir.conf");
	struct config c = { 0 };
	struct option_error e;

	CHECK_INT(option_load(&table, missing, &c, &e), -ENOENT);
	CHECK_STR(e.file, missing);
	CHECK_INT(e.line, 0);
	CHECK_STR(e.text, "No such file or directory");
	CHECK_INT(mkdir(dir, 0700), 0);
	CHECK_INT(option_load(&table, dir, &c, &e), -EISDIR);
	CHECK_STR(e.text, "Is a directory");
	CHECK_INT(e.line, 0);
	free(missing);
	free(dir);
}

static void
put_drop_in(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "main.conf.d/%s", name);
	free(scratch_write(path, text, strlen(text)));
}

static void
drop_ins_override_in_order(void)
{
	char *dir = scratch_path("main.conf.d");
	struct option_error e;
	struct config c;

	CHECK_INT(mkdir(dir, 0700), 0);
	put_drop_in("20-b.conf", "[Main]\nWorkers=20\n[Weights]\nb=2\n");
	put_drop_in(
	    "10-a.conf", "[Main]\nWorkers=10\nTimeout=10s\n[Weights]\na=1\n");
	put_drop_in("9.conf", "[Main]\nWorkers=9\n"); /* '9' > '2' */
	put_drop_in(".hidden.conf", "garbage");
	put_drop_in("30.conf.bak", "garbage");
	put_drop_in(".conf", "garbage");
	CHECK_INT(load("[Main]\nWorkers=2\nTimeout=2s\nOn=no\n"
		       "[Weights]\nm=0\n",
		      &c, &e),
	    0);
	CHECK_INT(c.workers, 9);
	CHECK_INT(c.timeout, 10000000);
	CHECK(!c.on);
	CHECK_STR(c.weights, "m=0;a=1;b=2;");
	option_fini(&table, &c);
	free(dir);
}

static void
drop_in_errors_name_the_drop_in(void)
{
	char *dir = scratch_path("main.conf.d");
	struct option_error e;
	struct config c;

	CHECK_INT(mkdir(dir, 0700), 0);
	put_drop_in("10.conf", "[Main]\n\nWorkers=x\n");
	put_drop_in("20.conf", "garbage\n");
	CHECK_INT(load("[Main]\n", &c, &e), -EINVAL);
	CHECK(strstr(e.file, "/main.conf.d/10.conf") != NULL);
	CHECK_INT(e.line, 3);
	CHECK_STR(e.text, "[Main] Workers=x: not a whole number");
	free(dir);
}

static void
drop_in_directory_that_is_none(void)
{
	struct option_error e;
	struct config c;

	free(scratch_write("main.conf.d", "", 0));
	CHECK_INT(load("[Main]\n", &c, &e), -ENOTDIR);
	CHECK(strstr(e.file, "/main.conf.d") != NULL);
	CHECK_INT(e.line, 0);
}

static void
drop_ins_without_the_file(void)
{
	char *dir = scratch_path("main.conf.d");
	char *file = scratch_path("main.conf");
	struct config c = { 0 };
	struct option_error e;

	CHECK_INT(option_load_drop_ins(&table, file, &c, &e), 0);
	CHECK_INT(mkdir(dir, 0700), 0);
	put_drop_in("10.conf", "[Main]\nWorkers=5\n");
	CHECK_INT(option_load_drop_ins(&table, file, &c, &e), 0);
	CHECK_INT(c.workers, 5);
	free(dir);
	free(file);
}

/* Whatever is wrong with a line, the next ones count; the first is told. */
static void
valid_part_of_a_broken_one(void)
{
	static const char text[] = "[Main]\n"
				   "Workers=many\n"
				   "what is this\n"
				   "Timeout=9s\n"
				   "Unknown=1\n"
				   "[Nonsense]\n"
				   "Workers=7\n"
				   "[Other]\n"
				   "Memory=8\0K\n"
				   "Reserve=20%\n";
	char *file = scratch_write("main.conf", text, sizeof(text) - 1);
	char *dir = scratch_path("main.conf.d");
	struct config c = { 0 };
	struct option_error e;

	CHECK_INT(mkdir(dir, 0700), 0);
	put_drop_in("10.conf", "[Main]\nHostName=a.b\nMode=neither\n");
	option_defaults(&table, &c);
	CHECK_INT(option_load_valid(&table, file, &c, &e), -EINVAL);
	CHECK_INT(e.line, 2);
	CHECK(strstr(e.file, "/main.conf") != NULL);
	CHECK_STR(e.text, "[Main] Workers=many: not a whole number");
	CHECK_INT(c.workers, 1);
	CHECK_INT(c.timeout, 9000000);
	CHECK_INT(c.memory, 65536);
	CHECK_INT(c.percent, 20);
	CHECK_STR(c.host, "a.b");
	CHECK_INT(c.mode, 0);
	option_fini(&table, &c);
	free(file);
	free(dir);
}

static void
valid_part_of_what_cannot_be_read(void)
{
	char *file = scratch_path("missing.conf");
	struct config c = { 0 };
	struct option_error e;

	option_defaults(&table, &c);
	CHECK_INT(option_load_valid(&table, file, &c, &e), -EINVAL);
	CHECK(strstr(e.file, "/missing.conf") != NULL);
	CHECK_INT(e.line, 0);
	CHECK_INT(c.workers, 1);
	option_fini(&table, &c);
	free(file);
	file = scratch_write("good.conf", "[Main]\nWorkers=2\n", 17);
	option_defaults(&table, &c);
	CHECK_INT(option_load_valid(&table, file, &c, &e), 0);
	CHECK_INT(c.workers, 2);
	option_fini(&table, &c);
	free(file);
}

static void
set_from_the_command_line(void)
{
	struct config c = { 0 };
	struct option_error e;

	option_defaults(&table, &c);
	CHECK_INT(option_set(&table, "Main", "HostName", "a.b", &c, &e), 0);
	CHECK_STR(c.host, "a.b");
	CHECK_INT(option_set(&table, "Main", "Workers", "0", &c, &e), -ERANGE);
	CHECK_STR(e.text, "[Main] Workers=0: out of range: 1 to 64");
	CHECK_STR(e.file, "");
	CHECK_INT(c.workers, 1);
	CHECK_INT(option_set(&table, "Main", "Nope", "0", &c, &e), -EINVAL);
	option_fini(&table, &c);
}

static void
booleans_in_all_spellings(void)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	struct config c = { 0 };
	struct option_error e;

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		CHECK_INT(option_set(&table, "Main", "On", yes[i], &c, &e), 0);
		CHECK(c.on);
		CHECK_INT(option_set(&table, "Main", "On", no[i], &c, &e), 0);
		CHECK(!c.on);
	}
}

static void
times(void)
{
	static const struct {
		const char *text;
		int64_t usec; /* or -errno */
	} t[] = {
		{ "25s", 25000000 },
		{ "5min", 300000000 },
		{ "1h 30min", 5400000000 },
		{ "1h30min", 5400000000 },
		{ "500ms", 500000 },
		{ "7us", 7 },
		{ "2d", 172800000000 },
		{ "5 min", 300000000 },
		{ "3", 3000000 },
		{ "0", 0 },
		{ "1min 1s 1ms 1us", 61001001 },
		{ "9223372036854775807us", INT64_MAX },
		{ "9223372036854775808us", -ERANGE },
		{ "9223372036854775807us 1us", -ERANGE },
		{ "9223372036854775807", -ERANGE },
		{ "106751992d", -ERANGE },
		{ "", -EINVAL },
		{ "s", -EINVAL },
		{ "-1s", -EINVAL },
		{ "1.5s", -EINVAL },
		{ "1h 30", -EINVAL },
		{ "30 1h", -EINVAL },
		{ "5m", -EINVAL },
		{ "5S", -EINVAL },
		{ "5sx", -EINVAL },
		{ " 5s", -EINVAL },
		{ "infinity", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t usec = 42;
		int r = option_parse_time(t[i].text, &usec);

		CHECK_INT(r, t[i].usec < 0 ? t[i].usec : 0);
		CHECK_INT(usec, t[i].usec < 0 ? 42 : t[i].usec);
	}
}

static void
sizes(void)
{
	static const struct {
		const char *text;
		int64_t bytes; /* or -errno */
	} t[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "64K", 65536 },
		{ "64 K", 65536 },
		{ "3M", 3 << 20 },
		{ "2G", INT64_C(2) << 30 },
		{ "8589934591G", INT64_C(8589934591) << 30 },
		{ "8589934592G", -ERANGE },
		{ "9223372036854775808", -ERANGE },
		{ "", -EINVAL },
		{ "K", -EINVAL },
		{ "64k", -EINVAL },
		{ "64KB", -EINVAL },
		{ "1K 1", -EINVAL },
		{ "-1", -EINVAL },
		{ "1.5M", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t bytes = 42;
		int r = option_parse_size(t[i].text, &bytes);

		CHECK_INT(r, t[i].bytes < 0 ? t[i].bytes : 0);
		CHECK_INT(bytes, t[i].bytes < 0 ? 42 : t[i].bytes);
	}
}

static void
help_has_a_line_for_each_option(void)
{
	char *text = NULL;
	size_t size, lines = 0;
	FILE *f = open_memstream(&text, &size);

	CHECK(f != NULL);
	option_print_help(&table, f);
	fclose(f);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	CHECK_INT(lines, ARRAY_SIZE(options) + ARRAY_SIZE(sections));
	CHECK(strstr(text, "  [Main] HostName=mx.example.org "));
	CHECK(strstr(text, "name in greetings (1 to 20)\n"));
	CHECK(strstr(text, "  [Main] Empty= "));
	CHECK(strstr(text, "how long to wait (1s to 5min)\n"));
	CHECK(strstr(text, "what to do (enforce, observe)\n"));
	CHECK(strstr(text, "room (at least 4K)\n"));
	CHECK(strstr(text, "any number\n"));
	CHECK(strstr(text, "  [Weights] NAME=VALUE"));
	free(text);
}

/* A bound that is 0 is one, if the other is not. */
static void
a_bound_of_0_is_a_bound(void)
{
	struct option_error e;
	struct config c;

	CHECK_INT(load("[Main]\nLevel=-5\nPause=5s\n", &c, &e), 0);
	CHECK_INT(c.level, -5);
	CHECK_INT(c.pause, 5 * USEC_PER_SEC);
	option_fini(&table, &c);
	CHECK_INT(load("[Main]\nLevel=0\nPause=0\nAny=-9\n", &c, &e), 0);
	CHECK_INT(c.level, 0);
	CHECK_INT(c.pause, 0);
	CHECK_INT(c.any, -9);
	option_fini(&table, &c);
	CHECK(load("[Main]\nLevel=-6\n", &c, &e) < 0);
	CHECK(load("[Main]\nLevel=1\n", &c, &e) < 0);
	CHECK(load("[Main]\nPause=5001ms\n", &c, &e) < 0);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(defaults_stand),
		CASE(file_sets_every_type),
		CASE(empty_value_is_a_value),
		CASE(indented_key_is_a_key),
		CASE(empty_file_and_byte_order_mark),
		CASE(unknown_names_are_refused),
		CASE(garbage_is_refused),
		CASE(bad_values_say_what_would_be_good),
		CASE(string_length_at_the_limit),
		CASE(line_length_at_the_limit),
		CASE(nul_byte_is_refused),
		CASE(unreadable_file_is_refused),
		CASE(drop_ins_override_in_order),
		CASE(drop_in_errors_name_the_drop_in),
		CASE(drop_in_directory_that_is_none),
		CASE(drop_ins_without_the_file),
		CASE(valid_part_of_a_broken_one),
		CASE(valid_part_of_what_cannot_be_read),
		CASE(set_from_the_command_line),
		CASE(booleans_in_all_spellings),
		CASE(times),
		CASE(sizes),
		CASE(help_has_a_line_for_each_option),
		CASE(a_bound_of_0_is_a_bound),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
