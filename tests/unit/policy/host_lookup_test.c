/* SPDX-License-Identifier: ISC */
#include "policy/host_lookup.h"

#include <errno.h>
#include <poll.h>

#include "bin/common/clock.h"
#include "bin/common/util.h"
#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"

static int
wait_for(struct host_lookup *l, const char **ret_why)
{
	uint64_t deadline = clock_now() + 20 * USEC_PER_SEC;
	int r;

	while ((r = host_lookup_poll(l, ret_why)) == -EAGAIN &&
	    clock_now() < deadline)
		poll(NULL, 0, 1);
	return r;
}

static void
finds_an_address(void)
{
	struct host_lookup *l = host_lookup_start("192.0.2.7");
	char buf[INET6_ADDRSTRLEN];
	const char *why = "";

	CHECK(l != NULL);
	CHECK_INT(wait_for(l, &why), 1);
	CHECK_STR(host_lookup_address(l, 0, buf), "192.0.2.7");
	/* Counted around. */
	CHECK_STR(host_lookup_address(l, 1, buf), "192.0.2.7");
	CHECK(host_lookup_free(l) == NULL);
	l = host_lookup_start("2001:db8::7");
	CHECK(l != NULL);
	CHECK_INT(wait_for(l, &why), 1);
	CHECK_STR(host_lookup_address(l, 0, buf), "2001:db8::7");
	host_lookup_free(l);
	CHECK(host_lookup_free(NULL) == NULL);
}

/* A label of 64 bytes is no name: nobody is asked. */
static void
says_why_there_is_none(void)
{
	struct host_lookup *l = host_lookup_start(
	    "0123456789012345678901234567890123456789012345678901234567890123"
	    ".invalid");
	const char *why = NULL;

	CHECK(l != NULL);
	CHECK_INT(wait_for(l, &why), -ENOENT);
	CHECK(why != NULL && why[0] != '\0');
	host_lookup_free(l);
}

/* Which names there are is kept by the resolver's threads from the first look-up
 * on. */
static void
leaves_nothing_behind(void)
{
	const char *why;
	long live = 0;

	for (int i = 0; i < 20; i++) {
		struct host_lookup *l = host_lookup_start("192.0.2.7");

		CHECK(l != NULL);
		CHECK_INT(wait_for(l, &why), 1);
		host_lookup_free(l);
		if (i == 0)
			live = memory_live;
	}
	/* Not one each. */
	CHECK(memory_live < live + 10);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(finds_an_address),
		CASE(says_why_there_is_none),
		CASE(leaves_nothing_behind),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
