/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/config.h"

#include <errno.h>
#include <sys/stat.h>

#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"
#include "tests/helpers/scratch.h"

static struct config config;
static struct list_config *lists;
static struct option_error error;
static size_t n;

/* A directory with NAME, and TEXT in it. */
static void
put(const char *name, const char *text)
{
	AUTO_FREE char *file = NULL;

	option_defaults(&config_table, &config);
	free(config.directory);
	config.directory = scratch_path("lists.d");
	CHECK(mkdir(config.directory, 0700) == 0 || errno == EEXIST);
	CHECK(asprintf(&file, "lists.d/%s", name) > 0);
	free(scratch_write(file, text, strlen(text)));
}

static int
load(void)
{
	return config_load_lists(
	    &config, "/etc/tarpit/tarpit-lists.conf", &lists, &n, &error);
}

static void
end(void)
{
	config_free_lists(lists, n);
	lists = NULL;
	n = 0;
	option_fini(&config_table, &config);
}

/* One list of this TEXT: what is said of it, or "". */
static const char *
said(const char *text)
{
	static char out[sizeof(error.text)];
	int r;

	put("a.conf", text);
	r = load();
	CHECK(r == 0 || r == -EINVAL);
	snprintf(out, sizeof(out), "%s", r == 0 ? "" : error.text);
	if (r < 0)
		CHECK(strstr(error.file, "/lists.d/a.conf") != NULL);
	end();
	return out;
}

static void
sources_are_told_apart(void)
{
	put("a.conf", "[List]\nSource=relative.txt\n");
	put("b.conf", "[List]\nSource=/absolute.txt\n");
	put("c.conf", "[List]\nSource=https://u:p@example.net/x\n");
	put("d.conf", "[List]\nSource=HTTP://example.net/x\n");
	put("e.conf",
	    "[List]\nSource=spf:a.example.net\nSource=spf:b.example.net\n");
	put(".f.conf", "nonsense");
	put("g.conf.dpkg-old", "nonsense");
	CHECK_INT(load(), 0);
	CHECK_INT(n, 5);
	CHECK_STR(lists[0].source, "/etc/tarpit/relative.txt");
	CHECK_INT(lists[0].source_type, SOURCE_FILE);
	CHECK_STR(lists[1].source, "/absolute.txt");
	CHECK_INT(lists[2].source_type, SOURCE_URL);
	CHECK_STR(lists[2].url, "https://u:p@example.net/x");
	CHECK(strstr(lists[2].source, "u:p") == NULL);
	CHECK_INT(lists[3].source_type, SOURCE_URL);
	CHECK_INT(lists[4].source_type, SOURCE_SPF);
	CHECK_STR(lists[4].source, "spf:a.example.net spf:b.example.net");
	end();
}

static void
no_source_is_refused(void)
{
	CHECK_STR(said("[List]\n"), "[List] Source= is missing");
	CHECK(strstr(said("[List]\nSource=spf:\n"), "Source=: ") != NULL);
	CHECK(strstr(said("[List]\nSource=ftp://example.net/\n"), "neither") !=
	    NULL);
	CHECK_STR(said("[List]\nSource=/x\n"), "");
}

static void
secrets_are_of_urls(void)
{
#define URL "[List]\nSource=https://example.net/\n"
	CHECK(strstr(said("[List]\nSource=/x\nHeader=h\n"), "for URLs"));
	CHECK(strstr(said("[List]\nSource=/x\nCredentials=c\n"), "for URLs"));
	CHECK(strstr(said(URL "Header=X-Key: secret\n"), "name files"));
	CHECK(strstr(said(URL "Credentials=u:p\n"), "name files"));
	CHECK_STR(said(URL "Credentials=c\n"), "");
	put("a.conf", URL "Credentials=c\nHeader=/h\n");
	CHECK_INT(load(), 0);
	CHECK_STR(lists[0].credentials, "/etc/tarpit/c");
	CHECK_STR(lists[0].header, "/h");
	end();
}

static void
names_at_their_limit(void)
{
	char name[CDBFILE_NAME_MAX + 7];

	memset(name, 'a', sizeof(name));
	strcpy(name + CDBFILE_NAME_MAX, ".conf");
	put(name, "[List]\nSource=/x\n");
	CHECK_INT(load(), 0);
	CHECK_INT(strlen(lists[0].name), CDBFILE_NAME_MAX);
	end();
	name[CDBFILE_NAME_MAX] = 'a';
	strcpy(name + CDBFILE_NAME_MAX + 1, ".conf");
	put(name, "[List]\nSource=/x\n");
	CHECK_INT(load(), -EINVAL);
	CHECK(strstr(error.text, "a list's name") != NULL);
	end();
}

static void
names_are_of_few_letters(void)
{
	put("A.conf", "[List]\nSource=/x\n");
	CHECK_INT(load(), -EINVAL);
	end();
}

/* Not that of the files: "a-b.conf" is before "a.conf". */
static void
lists_are_in_order_of_their_names(void)
{
	put("a.conf", "[List]\nSource=/x\n");
	put("a-b.conf", "[List]\nSource=/x\n");
	put("0.conf", "[List]\nSource=/x\n");
	CHECK_INT(load(), 0);
	CHECK_INT(n, 3);
	CHECK_STR(lists[0].name, "0");
	CHECK_STR(lists[1].name, "a");
	CHECK_STR(lists[2].name, "a-b");
	end();
}

static void
as_many_lists_as_can_be_compiled(void)
{
	char name[32];

	for (int i = 0; i < CDBFILE_LISTS_MAX; i++) {
		snprintf(name, sizeof(name), "l%d.conf", i);
		put(name, "[List]\nSource=/x\n");
		option_fini(&config_table, &config);
	}
	put("l0.conf", "[List]\nSource=/x\n");
	CHECK_INT(load(), 0);
	CHECK_INT(n, CDBFILE_LISTS_MAX);
	end();
	put("more.conf", "[List]\nSource=/x\n");
	CHECK_INT(load(), -E2BIG);
	end();
}

static void
a_broken_list_leaves_nothing_behind(void)
{
	long live;

	put("a.conf", "[List]\nSource=https://example.net/\nColumn=x\n");
	option_fini(&config_table, &config);
	put("b.conf", "[List]\nSource=/x\nHeader=h\n");
	live = memory_live;
	for (int i = 0; i < 3; i++)
		CHECK_INT(load(), -EINVAL);
	CHECK_INT(memory_live, live);
	put("b.conf", "[List]\nSource=spf:a.example.net\n");
	live = memory_live;
	CHECK_INT(load(), 0);
	config_free_lists(lists, n);
	CHECK_INT(memory_live, live);
	option_fini(&config_table, &config);
}

static void
no_directory_is_said(void)
{
	put("a.conf", "");
	free(config.directory);
	config.directory = strdup("/nonexistent/lists.d");
	CHECK_INT(load(), -ENOENT);
	CHECK_STR(error.file, "/nonexistent/lists.d");
	end();
}

static void
limits_of_numbers(void)
{
	put("a.conf",
	    "[List]\nSource=/x\nMinEntries=0\nMaxBadLines=7\nMaxShrink=0%\n");
	put("b.conf",
	    "[List]\nSource=/x\nMinEntries=auto\nMaxBadLines=100%\n"
	    "MaxShrink=100%\n");
	CHECK_INT(load(), 0);
	CHECK_INT(lists[0].min_entries, 0);
	CHECK(!lists[0].max_bad_lines.is_share);
	CHECK_INT(lists[0].max_bad_lines.number, 7);
	CHECK_INT(lists[0].max_shrink, 0);
	CHECK_INT(lists[1].min_entries, MIN_ENTRIES_AUTO);
	CHECK(lists[1].max_bad_lines.is_share);
	CHECK_INT(lists[1].max_bad_lines.percent, 100);
	CHECK_INT(lists[1].max_shrink, 100);
	end();
	put("b.conf", "[List]\nSource=/x\n");
	option_fini(&config_table, &config);
	put("a.conf", "[List]\nSource=/x\nMaxShrink=101%\n");
	CHECK(load() < 0);
	end();
	put("a.conf", "[List]\nSource=/x\nMinEntries=-1\n");
	CHECK(load() < 0);
	end();
	put("a.conf", "[List]\nSource=/x\nMaxBadLines=101%\n");
	CHECK(load() < 0);
	end();
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(sources_are_told_apart),
		CASE(no_source_is_refused),
		CASE(secrets_are_of_urls),
		CASE(names_at_their_limit),
		CASE(names_are_of_few_letters),
		CASE(lists_are_in_order_of_their_names),
		CASE(as_many_lists_as_can_be_compiled),
		CASE(a_broken_list_leaves_nothing_behind),
		CASE(no_directory_is_said),
		CASE(limits_of_numbers),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
