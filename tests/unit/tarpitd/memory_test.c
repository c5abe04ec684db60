/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/memory.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/common/util.h"
#include "bin/tarpitd/starttls.h"
#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

static char root[256], bound[MEMORY_BOUND_SIZE];

/* PATH, below the root, has TEXT in it. */
static void
file(const char *path, const char *text)
{
	char name[512];
	size_t at = strlen(root) + 1;
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *p = name + at; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		(void)mkdir(name, 0700);
	}
	f = fopen(name, "we");
	CHECK(f != NULL);
	CHECK(fputs(text, f) >= 0);
	fclose(f);
}

static void
begin(void)
{
	char *path = scratch_path("root");

	snprintf(root, sizeof(root), "%s", path);
	free(path);
	CHECK_INT(mkdir(root, 0700), 0);
}

static void
the_least_of_all_groups_above(void)
{
	begin();
	file("/proc/self/cgroup", "0::/system.slice/tarpitd.service\n");
	file("/sys/fs/cgroup/system.slice/tarpitd.service/memory.max",
	    "104857600\n");
	file(
	    "/sys/fs/cgroup/system.slice/tarpitd.service/memory.high", "max\n");
	CHECK_INT(memory_limit(root, bound), 104857600);
	CHECK_STR(bound, "memory.max of /system.slice/tarpitd.service");
	file("/sys/fs/cgroup/system.slice/memory.high", "52428800\n");
	CHECK_INT(memory_limit(root, bound), 52428800);
	CHECK_STR(bound, "memory.high of /system.slice");
	file("/sys/fs/cgroup/memory.max", "1048576\n");
	CHECK_INT(memory_limit(root, bound), 1048576);
	CHECK_STR(bound, "memory.max of /");
}

static void
version_1_has_them_elsewhere(void)
{
	begin();
	file("/proc/self/cgroup", "9:name=systemd:/x\n4:memory:/a/b\n0::/\n");
	file("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
	    "9223372036854771712\n");
	file("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "73400320\n");
	CHECK_INT(memory_limit(root, bound), 73400320);
	CHECK_STR(bound, "memory.limit_in_bytes of /a");
}

static void
without_groups_it_is_the_machine(void)
{
	uint64_t half = (uint64_t)sysconf(_SC_PHYS_PAGES) *
	    (uint64_t)sysconf(_SC_PAGESIZE) / 2;

	begin();
	CHECK_INT(memory_limit(root, bound), half);
	CHECK_STR(bound, "half of the machine's memory");
	file("/proc/self/cgroup", "0::/user.slice\n");
	file("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable:   400 kB\n");
	CHECK_INT(memory_limit(root, bound), 300 * 1024);
	CHECK_STR(bound, "three quarters of the memory available");
}

static void
sessions_have_at_least_half_of_it(void)
{
	CHECK_INT(
	    memory_sessions(UINT64_C(64) << 20, UINT64_C(16) << 20), 2048);
	CHECK_INT(memory_sessions(UINT64_C(64) << 20, UINT64_C(640) << 20),
	    32 * 1024 / 24);
	CHECK_INT(memory_sessions(0, 5), 0);
}

/* From 64 MB on sessions keep their half, whatever SpoolMax= says. */
static void
messages_have_a_quarter_of_it(void)
{
	const uint64_t mb = 1 << 20;

	CHECK_INT(memory_spool(1024 * mb, 256 * mb), 256 * mb);
	CHECK_INT(memory_spool(1024 * mb, 257 * mb), 256 * mb);
	CHECK_INT(memory_spool(100 * mb, 256 * mb), 25 * mb);
	for (uint64_t limit = 64 * mb; limit < 4096 * mb; limit += 32 * mb)
		CHECK(memory_sessions(
			  limit, 16 * mb + memory_spool(limit, 1024 * mb)) *
			MEMORY_PER_SESSION <=
		    limit - 16 * mb - memory_spool(limit, 1024 * mb));
}

/* In a container of 128 MB as many as there, not as its machine could. */
static void
held_sessions_with_tls_have_an_eighth_of_it(void)
{
	const uint64_t mb = 1 << 20;

	CHECK_INT(starttls_affordable(0), 100);
	CHECK_INT(starttls_affordable(128 * mb), 128 * 1024 / 8 / 20);
	CHECK_INT(starttls_affordable(64 * 1024 * mb), 10000);
}

static const struct check_case cases[] = {
	CASE(the_least_of_all_groups_above),
	CASE(version_1_has_them_elsewhere),
	CASE(without_groups_it_is_the_machine),
	CASE(sessions_have_at_least_half_of_it),
	CASE(messages_have_a_quarter_of_it),
	CASE(held_sessions_with_tls_have_an_eighth_of_it),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
