/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/starttls.h"

#include "bin/tarpitd/dispatcher.h"
#include "tests/helpers/check.h"

static void
as_many_as_memory_affords(void)
{
	const uint64_t each = 20480 * 8;

	CHECK_INT(starttls_affordable(0), 100);
	CHECK_INT(starttls_affordable(100 * each), 100);
	CHECK_INT(starttls_affordable(102 * each - 1), 101);
	CHECK_INT(starttls_affordable(102 * each), 102);
	CHECK_INT(starttls_affordable(9999 * each), 9999);
	CHECK_INT(starttls_affordable(10001 * each), 10000);
	CHECK_INT(starttls_affordable(UINT64_MAX), 10000);
}

/* What is wrong with certificates is said once a day, not at each look. */
static void
certificates_are_looked_at_once_a_day(void)
{
	static struct dispatcher d;
	static char backend[] = "127.0.0.1:10025", none[] = "";
	struct config config = { .backend = backend, .tls_certificate = none };
	struct journal journal;
	const uint64_t now = 1000 * USEC_PER_SEC;

	journal_init_target(&journal, "test", JOURNAL_NOWHERE, NULL);
	d.journal = &journal;
	d.config = &config;
	starttls_review(&d, now);
	CHECK_INT(d.starttls.next_look, now + 86400 * USEC_PER_SEC);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(as_many_as_memory_affords),
		CASE(certificates_are_looked_at_once_a_day),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
