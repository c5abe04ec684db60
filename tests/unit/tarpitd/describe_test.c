/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/describe.h"

#include <errno.h>

#include "bin/tarpitd/throttle.h"
#include "tests/helpers/check.h"

static struct config config;
static struct journal journal;
static struct loop *loop;
static struct dispatcher dispatcher;
static char buf[ATTRS_MAX];

/* A dispatcher with one slot and nothing else. */
static struct session *
prepare(void)
{
	struct dispatcher *d = &dispatcher;

	CHECK_INT(loop_new(&loop), 0);
	d->loop = loop;
	d->config = &config;
	d->journal = &journal;
	CHECK_INT(pool_init(&d->pool, 1), 0);
	CHECK_INT(intern_init(&d->strings), 0);
	CHECK_INT(intern_init(&d->words), 0);
	d->proxied = (struct proxied){ .loop = loop, .pool = &d->pool };
	CHECK_INT(proxied_init(&d->proxied), 0);
	memset(config.handoff.path, 'p', sizeof(config.handoff.path) - 1);
	d->handoff.target = &config.handoff;
	d->throttle = calloc(2, sizeof(*d->throttle));
	CHECK(d->throttle != NULL);
	return &d->pool.session[pool_take(&d->pool)];
}

static void
finish(void)
{
	free(dispatcher.throttle);
	intern_fini(&dispatcher.strings);
	intern_fini(&dispatcher.words);
	proxied_fini(&dispatcher.proxied);
	pool_fini(&dispatcher.pool);
	loop_free(loop);
}

/* Whatever there has been, all of it is in one message. */
static void
the_fullest_status_fits(void)
{
	struct tally *t = &dispatcher.tally;
	struct attrs_out out;

	(void)prepare();
	memset(&t->total, 0x7f, sizeof(t->total));
	memset(&t->today, 0x7f, sizeof(t->today));
	memset(t->stay, 0x7f, sizeof(t->stay));
	t->midnight = UINT64_MAX;
	attrs_begin(&out, buf, sizeof(buf));
	dispatcher.bounded_by = "memory.max of /system.slice/tarpitd.service";
	describe_status(&dispatcher, USEC_PER_SEC, &out);
	CHECK_INT(attrs_end(&out), 0);
	CHECK(memmem(buf, out.len, "\ntoday_held_ms.throttle.graduated=", 34));
	CHECK(memmem(buf, out.len, "\noverrides=0\n\n", 14));
	finish();
}

static struct session *
fullest_session(void)
{
	struct session *s = prepare();
	struct verdict v = { .score = -SCORE_MAX,
		.asn = UINT32_MAX,
		.country = "CN",
		.reason_len = REASON_SIZE - 1 };
	char words[511];

	memset(v.reason, 'r', REASON_SIZE - 1);
	memset(words, 'w', sizeof(words));
	words[255] = '\0';
	words[7] = '\n'; /* what no line of a client's has */
	s->verdict = verdict_intern(&dispatcher.strings, &v);
	s->words = intern_put(&dispatcher.words, words, sizeof(words));
	memset(&s->client, 0xff, sizeof(s->client));
	s->state = SESSION_T_SKIPPING;
	s->lane = s->verdict_lane = LANE_THROTTLE;
	s->override = OVERRIDE_RELEASE;
	s->flags = UINT8_MAX;
	s->number = s->rate = s->accepted = UINT32_MAX;
	s->bytes_in = s->bytes_out = UINT32_MAX;
	return s;
}

static void
the_fullest_session_fits_a_lists_line(void)
{
	const struct session *s = fullest_session();
	struct attrs_out out;

	attrs_begin(&out, buf, DESCRIBE_LINE_MAX);
	describe_session(&dispatcher, s, false, 0, &out);
	CHECK_INT(attrs_end(&out), 0);
	finish();
}

static void
all_of_a_session_is_one_sound_message(void)
{
	const struct session *s = fullest_session();
	struct attrs_out out;
	size_t len;

	attrs_begin(&out, buf, sizeof(buf));
	describe_session(&dispatcher, s, true, 0, &out);
	CHECK_INT(attrs_end(&out), 0);
	CHECK_INT(attrs_find_end(buf, out.len, &len), 0);
	CHECK_INT(len, out.len);
	CHECK(memmem(buf, out.len, "\nhelo=wwwwwww?www", 16));
	CHECK(memmem(buf, out.len, " operator:release", 17));
	finish();
}

static void
an_override_fits_a_lists_line(void)
{
	struct override o = { .kind = OVERRIDE_RELEASE,
		.until = UINT64_MAX,
		.sessions = INT64_MAX };
	struct attrs_out out;

	memset(&o.network.addr, 0xff, sizeof(o.network.addr));
	o.network.len = 128;
	memset(o.by, 'b', sizeof(o.by) - 1);
	attrs_begin(&out, buf, DESCRIBE_LINE_MAX);
	describe_override(&o, 0, &out);
	CHECK_INT(attrs_end(&out), 0);
}

static const struct check_case cases[] = {
	CASE(the_fullest_status_fits),
	CASE(the_fullest_session_fits_a_lists_line),
	CASE(all_of_a_session_is_one_sound_message),
	CASE(an_override_fits_a_lists_line),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
