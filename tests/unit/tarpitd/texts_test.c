/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/texts.h"

#include <errno.h>

#include "tests/helpers/check.h"

static struct texts_store store;

static void
renew(const char *hold_reply)
{
	CHECK_INT(texts_renew(&store, "mx.example.org", hold_reply), 0);
}

static const char *
refusal(uint8_t generation)
{
	return store.generation[generation]->reply[SMTP_RECIPIENT_REFUSED].text;
}

static int
generations(void)
{
	int n = 0;

	for (int i = 0; i < TEXTS_GENERATIONS; i++)
		n += store.generation[i] != NULL;
	return n;
}

static void
replies_are_rendered(void)
{
	const struct texts *t;

	renew("450 4.7.1 Later");
	t = store.generation[store.current];
	CHECK_STR(t->reply[SMTP_RECIPIENT_REFUSED].text, "450 4.7.1 Later\r\n");
	CHECK_STR(t->reply[SMTP_GREETING].text, "220 mx.example.org ESMTP\r\n");
	CHECK_STR(t->reply[SMTP_BYE].text, "221 2.0.0 Bye\r\n");
	CHECK_STR(t->reply[SMTP_TIMEOUT].text,
	    "421 4.4.2 mx.example.org Error: timeout exceeded\r\n");
	texts_fini(&store);
}

static void
a_percent_sign_is_one(void)
{
	renew("450 4.7.1 %s%n 100%");
	CHECK_STR(refusal(store.current), "450 4.7.1 %s%n 100%\r\n");
	texts_fini(&store);
}

static void
a_session_keeps_what_it_began_with(void)
{
	uint8_t old, new;

	renew("450 4.7.1 Old");
	old = texts_hold(&store);
	renew("450 4.7.1 New");
	new = texts_hold(&store);
	CHECK(old != new);
	CHECK_STR(refusal(old), "450 4.7.1 Old\r\n");
	CHECK_STR(refusal(new), "450 4.7.1 New\r\n");
	texts_release(&store, old);
	CHECK(store.generation[old] == NULL);
	texts_release(&store, new);
	CHECK_STR(refusal(new), "450 4.7.1 New\r\n");
	texts_fini(&store);
}

static void
what_nobody_holds_goes_at_once(void)
{
	for (int i = 0; i < 3 * TEXTS_GENERATIONS; i++) {
		renew("450 4.7.1 x");
		CHECK_INT(generations(), 1);
	}
	texts_fini(&store);
}

static void
held_by_two_goes_with_the_second(void)
{
	uint8_t old;

	renew("450 4.7.1 Old");
	old = texts_hold(&store);
	CHECK_INT(texts_hold(&store), old);
	renew("450 4.7.1 New");
	texts_release(&store, old);
	CHECK_STR(refusal(old), "450 4.7.1 Old\r\n");
	texts_release(&store, old);
	CHECK(store.generation[old] == NULL);
	CHECK_INT(generations(), 1);
	texts_fini(&store);
}

static void
all_generations_held_is_busy(void)
{
	uint8_t first, current;

	renew("450 4.7.1 x");
	first = texts_hold(&store);
	for (int i = 1; i < TEXTS_GENERATIONS; i++) {
		renew("450 4.7.1 y");
		(void)texts_hold(&store);
	}
	CHECK_INT(generations(), TEXTS_GENERATIONS);
	current = store.current;
	CHECK_INT(texts_renew(&store, "mx", "450 4.7.1 z"), -EBUSY);
	CHECK_INT(store.current, current);
	CHECK_STR(refusal(current), "450 4.7.1 y\r\n");
	texts_release(&store, first);
	renew("450 4.7.1 z");
	CHECK_INT(store.current, first);
	CHECK_STR(refusal(first), "450 4.7.1 z\r\n");
	texts_fini(&store);
}

static const struct check_case cases[] = {
	CASE(replies_are_rendered),
	CASE(a_percent_sign_is_one),
	CASE(a_session_keeps_what_it_began_with),
	CASE(what_nobody_holds_goes_at_once),
	CASE(held_by_two_goes_with_the_second),
	CASE(all_generations_held_is_busy),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
