/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/words.h"

#include "tests/helpers/check.h"

static struct intern in;
static uint32_t words;

static void
remember(const char *helo, const char *sender)
{
	words_remember(&in, &words, helo, strlen(helo), sender, strlen(sender));
}

static void
check_words(const char *helo, const char *sender)
{
	size_t len;
	const char *text = intern_get(&in, words, &len);

	CHECK(text != NULL);
	CHECK_INT(len, strlen(helo) + 1 + strlen(sender));
	CHECK(memcmp(text, helo, strlen(helo) + 1) == 0);
	CHECK(memcmp(text + strlen(helo) + 1, sender, strlen(sender)) == 0);
}

static void
what_is_new_replaces_the_old(void)
{
	CHECK_INT(intern_init(&in), 0);
	remember("", "");
	CHECK_INT(words, 0);
	remember("one", "");
	check_words("one", "");
	remember("", "<a@b>");
	check_words("one", "<a@b>");
	remember("two", "");
	check_words("two", "<a@b>");
	remember("", "<>");
	check_words("two", "<>");
	remember("three", "<c@d>");
	check_words("three", "<c@d>");
	remember("", "");
	check_words("three", "<c@d>");
	/* The old ones are not kept. */
	CHECK_INT(in.used, 1);
	intern_fini(&in);
}

static void
long_words_are_cut(void)
{
	char x[WORD_MAX + 3], y[WORD_MAX + 3];

	memset(x, 'x', sizeof(x));
	memset(y, 'y', sizeof(y));
	CHECK_INT(intern_init(&in), 0);
	words = 0;
	words_remember(&in, &words, x, sizeof(x), y, sizeof(y));
	x[WORD_MAX] = y[WORD_MAX] = '\0';
	check_words(x, y);
	words_remember(&in, &words, "z", 1, "", 0);
	check_words("z", y);
	intern_fini(&in);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(what_is_new_replaces_the_old),
		CASE(long_words_are_cut),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
