/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/helpers/check.h"

/* Works in the current directory, which bats gives it and takes away. */
static const char path[] = "lists.cdb";

static const struct cdbfile_list lists[] = {
	{ .name = "a", .source = "a.txt" },
};

static struct cdbfile_prefix prefixes[512];

/* The /24 networks of N buckets. */
static struct cdbfile_content
content(size_t n)
{
	CHECK(n <= ARRAY_SIZE(prefixes));
	for (size_t i = 0; i < n; i++) {
		struct in6_addr addr = { .s6_addr = { [10] = 0xff, 0xff } };

		addr.s6_addr[12] = (uint8_t)(i / 256);
		addr.s6_addr[13] = (uint8_t)i;
		prefixes[i].cidr = cidr_mask(&addr, CIDR_V4_BITS + 24);
	}
	return (struct cdbfile_content){ .lists = lists,
		.n_lists = ARRAY_SIZE(lists),
		.prefixes = prefixes,
		.n_prefixes = n };
}

static int
publish_n(size_t n)
{
	struct cdbfile_content c = content(n);
	char why[256];

	return publish(path, &c, why, sizeof(why));
}

static off_t
size_of(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 ? st.st_size : -1;
}

static void
limit_file_size(off_t size)
{
	struct rlimit limit = { (rlim_t)size, RLIM_INFINITY };

	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
keeps_the_old_file_wherever_the_disk_fills_up(void)
{
	off_t old_size, full_size;

	signal(SIGXFSZ, SIG_IGN);
	CHECK_INT(publish_n(512), 0);
	full_size = size_of(path);
	CHECK_INT(publish_n(1), 0);
	old_size = size_of(path);
	CHECK(old_size < full_size);
	for (off_t limit = 0; limit < full_size; limit += 509) {
		limit_file_size(limit);
		CHECK_INT(publish_n(512), -EFBIG);
		CHECK_INT(size_of(path), old_size);
		CHECK_INT(size_of("lists.cdb.tmp"), -1);
	}
	/* The whole file is in memory while it is verified, and that is a
	 * file, too. */
	limit_file_size(full_size);
	CHECK_INT(publish_n(512), 0);
	CHECK_INT(size_of(path), full_size);
}

static void
says_why(void)
{
	struct cdbfile_content c = content(2);
	char why[256];

	/* Out of order: our own mistake, but not one to publish. */
	prefixes[0].cidr = prefixes[1].cidr;
	CHECK_INT(publish(path, &c, why, sizeof(why)), -EINVAL);
	CHECK_STR(why, "Invalid argument");
	CHECK_INT(publish("no/such/dir", &c, why, sizeof(why)), -ENOENT);
	CHECK_STR(why, "No such file or directory");
	CHECK_INT(size_of(path), -1);
}

static void
follows_no_planted_link(void)
{
	CHECK_INT(symlink("victim", "lists.cdb.tmp"), 0);
	CHECK_INT(publish_n(1), 0);
	CHECK_INT(size_of("victim"), -1);
	CHECK(size_of(path) > 0);
	CHECK_INT(symlink("victim", "other.lock"), 0);
	CHECK_INT(publish_lock("other", &(int){ -1 }), -ELOOP);
	CHECK_INT(size_of("victim"), -1);
}

static void
locks_until_closed(void)
{
	int first, second = -1;

	CHECK_INT(publish_lock(path, &first), 0);
	CHECK_INT(publish_lock(path, &second), -EWOULDBLOCK);
	CHECK_INT(second, -1);
	close(first);
	CHECK_INT(publish_lock(path, &second), 0);
	close(second);
}

static const struct check_case cases[] = {
	CASE(keeps_the_old_file_wherever_the_disk_fills_up),
	CASE(says_why),
	CASE(follows_no_planted_link),
	CASE(locks_until_closed),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
