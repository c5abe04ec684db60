/* SPDX-License-Identifier: ISC */
#include "policy/mismatch.h"
#include "tests/helpers/check.h"

static void
names_stand_in_a_row(void)
{
	struct mismatch m = { 0 };

	mismatch_end(&m);
	CHECK_STR(m.text, "");
	mismatch_add(&m, "list.%s=%d (no such list)", "dorp", 100);
	mismatch_add(&m, "b");
	mismatch_end(&m);
	CHECK_STR(m.text, "list.dorp=100 (no such list), b");
	CHECK_INT(m.n, 2);
	CHECK_INT(m.shown, 2);
}

/* There is always room for how many more there are. */
static void
those_beyond_its_room_are_counted(void)
{
	char expected[64];

	for (int len = 1; len < 127; len++) {
		struct mismatch m = { 0 };
		size_t shown;

		for (int i = 0; i < 1500; i++)
			mismatch_add(&m, "%0*d", len, 0);
		shown = m.shown;
		CHECK(shown > 0 && shown < 1500);
		CHECK_INT(m.n, 1500);
		/* And hardly any is left out that would fit. */
		CHECK(strlen(m.text) + (size_t)len + 2 + 40 >= sizeof(m.text));
		mismatch_end(&m);
		snprintf(
		    expected, sizeof(expected), ", and %zu more", 1500 - shown);
		CHECK(strlen(m.text) + 1 < sizeof(m.text));
		CHECK_STR(m.text + strlen(m.text) - strlen(expected), expected);
	}
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(names_stand_in_a_row),
		CASE(those_beyond_its_room_are_counted),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
