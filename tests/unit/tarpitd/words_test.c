/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/words.h"

#include "tests/helpers/check.h"

static struct intern in;
static uint32_t words;

static void
remember(const char *helo, const char *sender)
{
	CHECK(words_remember(&in, &words, helo, strlen(helo), sender,
	    strlen(sender), WORDS_UNBOUNDED));
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
	/* Not for want of room. */
	CHECK(words_remember(
	    &in, &words, x, sizeof(x), y, sizeof(y), WORDS_UNBOUNDED));
	x[WORD_MAX] = y[WORD_MAX] = '\0';
	check_words(x, y);
	CHECK(words_remember(&in, &words, "z", 1, "", 0, WORDS_UNBOUNDED));
	check_words("z", y);
	intern_fini(&in);
}

static bool
say(uint32_t *number, const char *helo, const char *sender, size_t most)
{
	return words_remember(
	    &in, number, helo, strlen(helo), sender, strlen(sender), most);
}

static void
check_words_of(uint32_t number, const char *helo, const char *sender)
{
	words = number;
	check_words(helo, sender);
}

/* The memory that one such name takes. */
static size_t
size_of_one(void)
{
	uint32_t one = INTERN_NONE;
	size_t size;

	CHECK(say(&one, "host-1.example", "", WORDS_UNBOUNDED));
	size = in.bytes;
	intern_release(&in, one);
	CHECK(in.bytes == 0);
	CHECK(size >= 40 && size <= 100);
	return size;
}

static void
there_is_room_for_so_many(void)
{
	uint32_t a = INTERN_NONE, b = INTERN_NONE, c = INTERN_NONE;
	uint32_t d = INTERN_NONE;
	size_t most;

	CHECK_INT(intern_init(&in), 0);
	most = 4 * size_of_one();
	CHECK(say(&a, "host-1.example", "", most));
	CHECK(say(&b, "host-2.example", "", most));
	CHECK(say(&c, "host-3.example", "", most));
	/* Three quarters. */
	CHECK(!say(&d, "host-4.example", "", most));
	CHECK_INT(d, INTERN_NONE);
	CHECK(say(&d, "host-1.example", "", most));
	CHECK_INT(d, a);
	/* The rest is for who is there. */
	CHECK(say(&b, "", "<s@b.example>", most));
	check_words_of(b, "host-2.example", "<s@b.example>");
	while (say(&c, "", "<s@b.example>", most) && in.bytes + 16 <= most)
		most -= 16;
	CHECK(!say(&a, "", "<s@b.example>", most));
	check_words_of(a, "host-1.example", "");
	CHECK(in.bytes <= most);
	/* There is room again as soon as some have left. */
	intern_release(&in, b);
	intern_release(&in, c);
	b = INTERN_NONE;
	CHECK(say(&b, "host-4.example", "", most));
	check_words_of(b, "host-4.example", "");
	intern_fini(&in);
}

static void
in_a_crowd_names_are_short(void)
{
	static const char name[] = "a-long-name-of-some-forty-bytes.in.example";
	char beginning[WORD_CROWDED_MAX + 1];
	uint32_t a = INTERN_NONE, b = INTERN_NONE, c = INTERN_NONE;

	memcpy(beginning, name, WORD_CROWDED_MAX);
	beginning[WORD_CROWDED_MAX] = '\0';
	CHECK_INT(intern_init(&in), 0);
	CHECK(say(&a, name, "", 360));
	check_words_of(a, name, "");
	CHECK(say(&b, name + 1, "", 360));
	CHECK(!say(&c, name, "", 360));
	check_words_of(c, beginning, "");
	/* What it had is shortened as well. */
	CHECK(!say(&a, "", "<>", 360));
	check_words_of(a, beginning, "<>");
	intern_fini(&in);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(what_is_new_replaces_the_old),
		CASE(long_words_are_cut),
		CASE(there_is_room_for_so_many),
		CASE(in_a_crowd_names_are_short),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
