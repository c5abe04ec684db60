/* SPDX-License-Identifier: ISC */
#include "bin/common/last_good.h"

#include <errno.h>

#include "tests/helpers/scratch.h"

/* What is there for PROGRAM, in BUF. */
static void
read_copy(const char *program, char *buf, size_t size)
{
	char path[LAST_GOOD_PATH];
	FILE *f;
	size_t n;

	CHECK_INT(last_good_find(program, path), 0);
	f = fopen(path, "re");
	CHECK(f != NULL);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
}

static void
set_directory(const char *before)
{
	char *dir = scratch_path("state"), *both;

	CHECK(mkdir(dir, 0700) == 0 || errno == EEXIST);
	CHECK(asprintf(&both, "%s%s", before, dir) > 0);
	CHECK_INT(setenv("STATE_DIRECTORY", both, 1), 0);
	free(both);
	free(dir);
}

static void
keeps_file_and_drop_ins_in_order(void)
{
	static const char one[] = "[Main]\nA=1", two[] = "[Main]\nB=2\n";
	char *file = scratch_write("main.conf", one, sizeof(one) - 1);
	char *dir = scratch_path("main.conf.d");
	char copy[256];

	CHECK_INT(mkdir(dir, 0700), 0);
	free(scratch_write("main.conf.d/20.conf", two, sizeof(two) - 1));
	free(scratch_write("main.conf.d/10.conf", "[Main]\nC=3\n", 11));
	free(scratch_write("main.conf.d/README", "not one\n", 8));
	set_directory("/nowhere:");
	CHECK_INT(last_good_keep("x", file), 0);
	read_copy("x", copy, sizeof(copy));
	CHECK_STR(
	    copy, "[Main]\nA=1\n[Main]\nC=3\n\n[Main]\nB=2\n\n\n# complete\n");
	free(file);
	free(dir);
}

static void
is_for_its_owner_only(void)
{
	char *file = scratch_write("main.conf", "Password=x\n", 11);
	char path[LAST_GOOD_PATH];
	struct stat st;

	set_directory("");
	CHECK_INT(last_good_keep("x", file), 0);
	CHECK_INT(last_good_find("x", path), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	free(file);
}

static void
does_not_find_half_of_one(void)
{
	char path[LAST_GOOD_PATH];

	set_directory("");
	CHECK_INT(last_good_find("x", path), -ENOENT);
	free(scratch_write("state/x.last-good", "[Main]\nA=1\n", 11));
	CHECK_INT(last_good_find("x", path), -ENOENT);
	free(scratch_write("state/x.last-good", "", 0));
	CHECK_INT(last_good_find("x", path), -ENOENT);
}

static void
has_nowhere_without_a_directory(void)
{
	char path[LAST_GOOD_PATH];

	CHECK_INT(unsetenv("STATE_DIRECTORY"), 0);
	CHECK_INT(last_good_find("x", path), -ENOENT);
	CHECK_INT(last_good_keep("x", "/dev/null"), -ENOENT);
}

static void
full_disk_keeps_the_old_one(void)
{
	char *file = scratch_write("main.conf", "[Main]\nA=1\n", 11);
	char *new = scratch_path("state/x.last-good.new");
	char copy[256];

	set_directory("");
	CHECK_INT(last_good_keep("x", file), 0);
	/* Where the new one would be written there is no room. */
	CHECK_INT(symlink("/dev/full", new), 0);
	CHECK(last_good_keep("x", file) < 0);
	read_copy("x", copy, sizeof(copy));
	CHECK_STR(copy, "[Main]\nA=1\n\n\n# complete\n");
	free(file);
	free(new);
}

static const struct check_case cases[] = {
	CASE(keeps_file_and_drop_ins_in_order),
	CASE(is_for_its_owner_only),
	CASE(does_not_find_half_of_one),
	CASE(has_nowhere_without_a_directory),
	CASE(full_disk_keeps_the_old_one),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
