/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/state.h"

#include <errno.h>

#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"
#include "tests/helpers/scratch.h"

static const struct state sample = {
	.source = "https://example.net/x?a=b",
	.source_id = UINT64_C(9223372036854775807),
	.etag = "\"abc\"",
	.modified = "Sat, 28 Nov 2026 11:00:00 GMT",
	.tried = 1000,
	.fetched = 900,
	.not_before = 2000,
	.failures = 3,
	.result = "404",
	.left_out = "2 of 9",
};

/* The scratch directory itself. */
static char *
directory(void)
{
	free(scratch_path("x"));
	return strdup(scratch_dir);
}

static mode_t
mode_of(const char *dir, const char *name, const char *suffix)
{
	AUTO_FREE char *path = state_path(dir, name, suffix);
	struct stat st;

	CHECK_INT(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
what_is_saved_is_loaded(void)
{
	AUTO_FREE char *dir = directory();
	AUTO_FREE char *times = scratch_path("a.times");
	struct state s;
	char text[4096] = "";
	FILE *f;

	CHECK_INT(state_save(dir, "a", &sample), 0);
	CHECK_INT(state_load(dir, "a", &s), 0);
	CHECK_STR(s.source, sample.source);
	CHECK(s.source_id == sample.source_id);
	CHECK_STR(s.etag, sample.etag);
	CHECK_STR(s.modified, sample.modified);
	CHECK_INT(s.tried, 1000);
	CHECK_INT(s.fetched, 900);
	CHECK_INT(s.not_before, 2000);
	CHECK_INT(s.failures, 3);
	CHECK_STR(s.result, "404");
	CHECK_STR(s.left_out, "2 of 9");
	CHECK_INT(mode_of(dir, "a", ".state"), 0600);
	CHECK_INT(mode_of(dir, "a", ".times"), 0644);
	f = fopen(times, "re");
	CHECK(f != NULL);
	CHECK(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	CHECK_STR(text, "tried=1000\nfetched=900\nfailures=3\n");
}

static void
what_cannot_be_read_is_nothing(void)
{
	AUTO_FREE char *dir = directory();
	static const char odd[] = "nonsense\ntried=x\nfetched=-1\nunknown=3\n"
				  "failures=2\nresult=a=b";
	struct state s = sample;

	CHECK_INT(state_load(dir, "none", &s), 0);
	CHECK_STR(s.source, "");
	CHECK_INT(s.tried, 0);
	free(scratch_write("odd.state", odd, sizeof(odd) - 1));
	CHECK_INT(state_load(dir, "odd", &s), 0);
	CHECK_INT(s.tried, 0);
	CHECK_INT(s.fetched, 0);
	CHECK_INT(s.failures, 2);
	CHECK_STR(s.result, "a=b");
}

static void
copies_are_replaced_whole(void)
{
	AUTO_FREE char *dir = directory();
	AUTO_FREE char *copy = scratch_path("a.copy");
	AUTO_FREE char *temporary = scratch_write("a.tmp", "of the dead", 11);
	int open = descriptors_open();
	long live = memory_live;
	struct stat st;

	CHECK_INT(state_save_copy(dir, "a", "12345", 5), 0);
	CHECK_INT(state_save_copy(dir, "a", "123", 3), 0);
	CHECK_INT(stat(copy, &st), 0);
	CHECK_INT(st.st_size, 3);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_INT(access(temporary, F_OK), -1);
	CHECK_INT(state_save_copy("/nonexistent", "a", "123", 3), -ENOENT);
	CHECK_INT(state_save("/nonexistent", "a", &sample), -ENOENT);
	/* What is in its place cannot be replaced. */
	CHECK_INT(unlink(copy), 0);
	CHECK_INT(mkdir(copy, 0700), 0);
	CHECK(state_save_copy(dir, "a", "123", 3) < 0);
	CHECK_INT(access(temporary, F_OK), -1);
	CHECK_INT(descriptors_open(), open);
	CHECK_INT(memory_live, live);
}

static void
old_files_are_protected(void)
{
	AUTO_FREE char *dir = directory();
	AUTO_FREE char *copy = scratch_write("a.copy", "x", 1);
	AUTO_FREE char *state = scratch_write("a.state", "x", 1);
	AUTO_FREE char *other = scratch_write("other", "x", 1);
	AUTO_FREE char *link_path = scratch_path("b.copy");

	CHECK_INT(chmod(copy, 0644), 0);
	CHECK_INT(chmod(state, 0604), 0);
	CHECK_INT(chmod(other, 0644), 0);
	CHECK_INT(symlink("other", link_path), 0);
	state_protect(dir, "a");
	state_protect(dir, "b");
	state_protect(dir, "none");
	CHECK_INT(mode_of(dir, "a", ".copy"), 0600);
	CHECK_INT(mode_of(dir, "a", ".state"), 0600);
	CHECK_INT(mode_of(dir, "other", ""), 0644);
}

static void
failures_are_tried_again_ever_later(void)
{
	struct state s = { .tried = 1000 };

	CHECK_INT(state_next(&(struct state){ 0 }, 3600), 0);
	CHECK_INT(state_next(&s, 3600), 4600);
	s.failures = 1;
	CHECK_INT(state_next(&s, 3600), 1300);
	s.failures = 2;
	CHECK_INT(state_next(&s, 3600), 1600);
	s.failures = 4;
	CHECK_INT(state_next(&s, 3600), 3400);
	s.failures = 5;
	CHECK_INT(state_next(&s, 3600), 4600);
	s.failures = 19;
	CHECK_INT(state_next(&s, UINT64_C(1) << 40), 1000 + (300 << 18));
	s.failures = 20;
	CHECK_INT(state_next(&s, UINT64_C(1) << 40), 1000 + (300 << 20));
	s.failures = 1000;
	CHECK_INT(state_next(&s, 3600), 4600);
	s.not_before = 4601;
	CHECK_INT(state_next(&s, 3600), 4601);
	s.not_before = 4599;
	CHECK_INT(state_next(&s, 3600), 4600);
}

static void
stale_after_three_intervals(void)
{
	struct state s = { .fetched = 1000, .failures = 1 };

	CHECK(!state_is_stale(&s, 100, 1300));
	CHECK(state_is_stale(&s, 100, 1301));
	s.failures = 0;
	CHECK(!state_is_stale(&s, 100, 9999));
	s.failures = 1;
	s.fetched = 0;
	CHECK(state_is_stale(&s, 100, 1));
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(what_is_saved_is_loaded),
		CASE(what_cannot_be_read_is_nothing),
		CASE(copies_are_replaced_whole),
		CASE(old_files_are_protected),
		CASE(failures_are_tried_again_ever_later),
		CASE(stale_after_three_intervals),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
