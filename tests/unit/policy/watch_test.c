/* SPDX-License-Identifier: ISC */
#include "policy/watch.h"

#include <fcntl.h>

#include "bin/common/util.h"
#include "tests/helpers/scratch.h"

static char *path;

static void
touch(time_t mtime, long nsec)
{
	struct timespec times[2] = { { 1, 0 }, { mtime, nsec } };

	CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
anything_that_changes_is_seen_once(void)
{
	struct watch w = { 0 };
	struct stat st;

	path = scratch_write("file", "one", 3);
	touch(1000, 5);
	CHECK(watch_changed(&w, path));
	CHECK(!watch_changed(&w, path));
	/* Other content, of the same time. */
	free(scratch_write("file", "four", 4));
	touch(1000, 5);
	CHECK(watch_changed(&w, path));
	CHECK(!watch_changed(&w, path));
	/* A later time, by little. */
	touch(1000, 6);
	CHECK(watch_changed(&w, path));
	touch(1001, 6);
	CHECK(watch_changed(&w, path));
	CHECK(!watch_changed(&w, path));
	/* It can be read now. */
	CHECK_INT(chmod(path, 0640), 0);
	CHECK(watch_changed(&w, path));
	CHECK(!watch_changed(&w, path));
	/* All is the same but what the file is. */
	CHECK_INT(stat(path, &st), 0);
	w.ino++;
	CHECK(watch_changed(&w, path));
	w.dev++;
	CHECK(watch_changed(&w, path));
	w.ctime.tv_nsec++;
	CHECK(watch_changed(&w, path));
	w.ctime.tv_sec--;
	CHECK(watch_changed(&w, path));
	CHECK(!watch_changed(&w, path));
	free(path);
}

static void
gone_and_back_is_seen(void)
{
	AUTO_FREE char *none = scratch_path("none");
	AUTO_FREE char *under = scratch_path("none/file");
	struct watch w = { 0 };

	CHECK(watch_changed(&w, none));
	CHECK(!watch_changed(&w, none));
	free(scratch_write("none", "x", 1));
	CHECK(watch_changed(&w, none));
	CHECK(!watch_changed(&w, none));
	CHECK_INT(unlink(none), 0);
	CHECK(watch_changed(&w, none));
	CHECK(!watch_changed(&w, none));
	/* It is not there for another reason. */
	free(scratch_write("none", "x", 1));
	CHECK(watch_changed(&w, under));
	CHECK(!watch_changed(&w, under));
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(anything_that_changes_is_seen_once),
		CASE(gone_and_back_is_seen),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
