/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/ask.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/tarpitd/overrides.h"
#include "tests/helpers/resources.h"
#include "tests/helpers/scratch.h"

/* What became of a session. */
static struct {
	int n;
	bool answered;
	struct verdict verdict;
	uint64_t at;
} result[32];

static struct pool pool;
static struct journal journal;
static struct ask ask;
static struct loop *loop;
static uint32_t max_waiting;
static int listener = -1, service = -1;
static uint64_t takes; /* usec: what an answer leads to */

static void
on_answer(void *arg, struct session *s, const struct verdict *v, uint64_t now)
{
	uint32_t slot = pool_slot(&pool, s);

	(void)arg;
	for (uint64_t until = clock_now() + takes; clock_now() < until;)
		;
	result[slot].n++;
	result[slot].at = now;
	result[slot].answered = v != NULL;
	if (v != NULL)
		result[slot].verdict = *v;
	if (s->state != SESSION_ASKING)
		return;
	pool_remove(&pool, &pool.asking, s);
	s->state = SESSION_GREETING;
}

static void
turn(void)
{
	CHECK_INT(loop_run_once(loop, clock_now() + USEC_PER_SEC / 100), 0);
	ask_flush(&ask);
}

#define TURN_UNTIL(condition)                                     \
	do {                                                      \
		uint64_t limit = clock_now() + 10 * USEC_PER_SEC; \
		while (!(condition)) {                            \
			CHECK(clock_now() < limit);               \
			turn();                                   \
		}                                                 \
	} while (0)

static void
begin(bool listens)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *path = scratch_path("policy");

	CHECK(strlen(path) < sizeof(sun.sun_path));
	strcpy(sun.sun_path, path);
	if (listens) {
		listener = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		CHECK_INT(
		    bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
		CHECK_INT(listen(listener, 8), 0);
	}
	journal_init_target(&journal, "ask_test", JOURNAL_NOWHERE, NULL);
	CHECK_INT(loop_new(&loop), 0);
	CHECK_INT(pool_init(&pool, 31), 0);
	ask = (struct ask){ .loop = loop,
		.journal = &journal,
		.pool = &pool,
		.path = path,
		.timeout = USEC_PER_SEC / 5,
		.epoch = loop_now(loop),
		.max_waiting = max_waiting,
		.on_answer = on_answer };
	CHECK_INT(ask_init(&ask), 0);
	ask.waiting.key = (struct siphash_key){ { 1, 2 } };
	turn();
}

static void
begin_connected(void)
{
	begin(true);
	service = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(service >= 0);
}

static void
end(void)
{
	ask_fini(&ask);
	pool_fini(&pool);
	loop_free(loop);
	journal_fini(&journal);
	fd_close(&service);
	fd_close(&listener);
}

static uint32_t
msec(void)
{
	return (uint32_t)((clock_now() - ask.epoch) / USEC_PER_MSEC);
}

static uint32_t question_of(const char *client, bool *ret_asked);

/* One that asks: its slot; *RET_ASKED is whether it could. */
static uint32_t
question(bool *ret_asked)
{
	return question_of(NULL, ret_asked);
}

/* The same of CLIENT; NULL: one of its own. */
static uint32_t
question_of(const char *client, bool *ret_asked)
{
	uint32_t slot = pool_take(&pool);
	struct session *s = &pool.session[slot];

	CHECK(slot != POOL_NONE);
	s->fd = -1;
	s->number = 1000 + slot;
	memset(s->client.s6_addr + 10, 0xff, 2);
	s->client.s6_addr[15] = (uint8_t)slot;
	if (client != NULL)
		CHECK_INT(inet_pton(AF_INET6, client, &s->client), 1);
	s->port = 4711;
	s->state = SESSION_ASKING;
	s->deadline = msec() + (uint32_t)(ask.timeout / USEC_PER_MSEC);
	pool_append(&pool, &pool.asking, s);
	*ret_asked = ask_question(&ask, s, clock_now()) == ASK_WAITS;
	if (!*ret_asked) {
		pool_remove(&pool, &pool.asking, s);
		s->state = SESSION_GREETING;
	}
	return slot;
}

static uint32_t
asked(void)
{
	bool can;
	uint32_t slot = question(&can);

	CHECK(can);
	return slot;
}

/* What the service has been sent. */
static const char *
heard(void)
{
	static char buf[8192];
	ssize_t n;

	ask_flush(&ask);
	n = recv(service, buf, sizeof(buf) - 1, 0);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

/* The service says TEXT to the session in SLOT. */
static void
say(uint32_t slot, const char *text)
{
	char message[2048];
	int n = snprintf(message, sizeof(message), "instance=%x.%x\n%s\n\n",
	    slot, pool.session[slot].number, text);

	CHECK_INT(send(service, message, (size_t)n, MSG_NOSIGNAL), n);
}

static void
a_question_says_who(void)
{
	uint32_t slot;

	begin_connected();
	slot = asked();
	CHECK_STR(heard(),
	    "request=tarpit_session\ninstance=1.3e9\n"
	    "client_address=0.0.0.1\nclient_port=4711\n\n");
	ask_again(&ask, &pool.session[slot]);
	CHECK(strstr(heard(), "\nbehaviour=pregreet\n\n") != NULL);
	ask_report(&ask, &pool.session[slot], "abandoned", 1234);
	CHECK_STR(heard(),
	    "request=tarpit_outcome\nclient_address=0.0.0.1\n"
	    "outcome=abandoned\nheld_ms=1234\nlane=pass\n\n");
	/* What makes it say something else of the client. */
	pool.session[slot].verdict_lane = LANE_SLOW;
	pool.session[slot].flags |= SESSION_OBSERVED;
	pool.session[slot].override = OVERRIDE_RELEASE;
	ask_report(&ask, &pool.session[slot], "passed", 1);
	CHECK_STR(heard(),
	    "request=tarpit_outcome\nclient_address=0.0.0.1\n"
	    "outcome=passed\nheld_ms=1\nlane=slow\nmode=observe\n"
	    "order=release\n\n");
	end();
}

static void
an_answer_is_all_its_values(void)
{
	const struct verdict *v = &result[1].verdict;

	begin_connected();
	asked();
	say(1,
	    "action=throttle\nscore=-75\nrate=12\npatience=20\n"
	    "reason=list.drop+100 country.CN+15\ncountry=CN\nasn=64496\n"
	    "ttl=60\nfuture=x");
	TURN_UNTIL(result[1].n > 0);
	CHECK(result[1].answered);
	CHECK_INT(v->lane, LANE_THROTTLE);
	CHECK_INT(v->score, -75);
	CHECK_INT(v->rate, 12);
	CHECK_INT(v->patience, 20);
	CHECK_INT(v->ttl, 60);
	CHECK_INT(v->asn, 64496);
	CHECK_STR(v->country, "CN");
	CHECK_STR(v->reason, "list.drop+100 country.CN+15");
	CHECK_INT(v->reason_len, strlen(v->reason));
	end();
}

static void
answers_come_in_any_order(void)
{
	begin_connected();
	for (int i = 0; i < 20; i++)
		asked();
	for (uint32_t slot = 20; slot > 0; slot--) {
		char text[64];

		snprintf(text, sizeof(text), "action=slow\nrate=%u", slot);
		say(slot, text);
	}
	TURN_UNTIL(pool.asking.n == 0);
	for (uint32_t slot = 1; slot <= 20; slot++) {
		CHECK_INT(result[slot].n, 1);
		CHECK_INT(result[slot].verdict.rate, slot);
	}
	end();
}

/* Broke once: the first timeout ended all questions under way. */
static void
each_question_has_its_own_time(void)
{
	uint64_t second;

	begin_connected();
	asked();
	TURN_UNTIL(msec() >= 120);
	second = clock_now();
	asked();
	TURN_UNTIL(result[1].n > 0);
	CHECK(!result[1].answered);
	CHECK_INT(result[2].n, 0);
	say(2, "action=hold");
	TURN_UNTIL(result[2].n > 0);
	CHECK(result[2].answered);
	CHECK(result[2].at - second < ask.timeout);
	end();
}

static void
while_it_is_silent_one_question_probes(void)
{
	bool can;

	begin_connected();
	asked();
	TURN_UNTIL(result[1].n > 0);
	CHECK(!ask.healthy);
	/* The probe waits, nobody else does. */
	asked();
	question(&can);
	CHECK(!can);
	say(2, "action=pass");
	TURN_UNTIL(result[2].n > 0);
	CHECK(ask.healthy);
	asked();
	asked();
	CHECK_INT(ask.timed_out, 1);
	end();
}

static void
nobody_there_is_known_soon(void)
{
	bool can;

	begin(false);
	CHECK(!ask.healthy);
	question(&can);
	CHECK(!can);
	end();
}

static void
a_lost_connection_asks_again(void)
{
	begin_connected();
	asked();
	asked();
	(void)heard();
	fd_close(&service);
	TURN_UNTIL((service = accept4(listener, NULL, NULL,
			SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
	turn();
	say(2, "action=hold\nrate=2");
	say(1, "action=hold\nrate=1");
	TURN_UNTIL(pool.asking.n == 0);
	CHECK(result[1].answered && result[2].answered);
	CHECK_INT(result[1].verdict.rate, 1);
	CHECK_INT(result[2].verdict.rate, 2);
	end();
}

static void
nonsense_means_the_default_at_once(void)
{
	static const char *const texts[] = { "action=", "action=reject",
		"rate=5", "error=no", "action=hold\nrate=-7",
		"action=hold\nrate=1e9", "action=hold\nscore=99999999999",
		"action=hold\ncountry=<b>", "action=hold\npatience=100000",
		"action=hold\nttl=x", "action=hold\nnonsense" };

	begin_connected();
	ask.timeout = 5 * USEC_PER_SEC;
	for (uint32_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint32_t slot = asked();
		uint64_t since = clock_now();

		say(slot, texts[i]);
		TURN_UNTIL(result[slot].n > 0);
		CHECK(!result[slot].answered);
		CHECK(clock_now() - since < 4 * USEC_PER_SEC);
	}
	CHECK_INT(ask.timed_out, 0);
	CHECK_INT(pool.asking.n, 0);
	end();
}

static void
answers_for_nobody_are_ignored(void)
{
	static const char text[] = "instance=0.0\naction=hold\n\n"
				   "instance=ffffffff.1\naction=hold\n\n"
				   "instance=1.1\naction=hold\n\n"
				   "instance=1.3e9x\naction=hold\n\n"
				   "instance=\naction=hold\n\n"
				   "action=hold\n\n\n\n";

	begin_connected();
	asked();
	CHECK_INT(send(service, text, sizeof(text) - 1, MSG_NOSIGNAL),
	    sizeof(text) - 1);
	say(1, "action=slow\nrate=9");
	TURN_UNTIL(result[1].n > 0);
	CHECK(result[1].answered);
	CHECK_INT(result[1].verdict.lane, LANE_SLOW);
	/* The session has ended; its slot is somebody else's. */
	pool_give_back(&pool, 1);
	CHECK_INT(asked(), 1);
	pool.session[1].number = 77;
	CHECK_INT(send(service, "instance=1.3e9\naction=hold\n\n", 28, 0), 28);
	TURN_UNTIL(result[1].n > 1);
	CHECK(!result[1].answered); /* but its time was over */
	end();
}

static void
a_message_without_an_end_costs_the_connection(void)
{
	static char huge[1 << 16];

	begin_connected();
	memset(huge, 'x', sizeof(huge));
	asked();
	CHECK(send(service, huge, sizeof(huge), MSG_NOSIGNAL) > 0);
	TURN_UNTIL(ask.garbage > 0);
	fd_close(&service);
	TURN_UNTIL((service = accept4(listener, NULL, NULL,
			SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
	end();
}

static void
a_service_that_does_not_read_fills_nothing(void)
{
	struct session *s;
	uint64_t before;
	bool can = true;

	begin_connected();
	s = &pool.session[asked()];
	for (int i = 0; i < 100000 && can; i++) {
		before = ask.asked;
		ask_again(&ask, s);
		can = ask.asked > before;
		ask_flush(&ask);
	}
	CHECK(!can);
	CHECK(ask.out_len <= 256 * 1024);
	question(&can);
	CHECK(!can);
	end();
}

/* Three thousand sessions that end in one batch are told of as far as there is
 * room, and the others are counted; afterwards it goes on. */
static void
reports_without_room_are_counted(void)
{
	struct session *s;
	uint64_t told = 0;
	uint32_t slot;

	begin_connected();
	slot = asked();
	s = &pool.session[slot];
	while (ask.lost == 0 && told < 100000) {
		ask_report(&ask, s, "abandoned", 1);
		told++;
	}
	CHECK(told > 3000);
	for (uint64_t lost = 1; lost < 50; lost++) {
		CHECK_INT(ask.lost, lost);
		ask_report(&ask, s, "abandoned", 1);
	}
	while (*heard() != '\0')
		;
	ask_report(&ask, s, "passed", 2);
	CHECK(strstr(heard(), "\noutcome=passed\n") != NULL);
	CHECK_INT(ask.lost, 50);
	end();
}

/* What an answer leads to takes time, and others wait for their turn. */
static void
answers_are_taken_in_slices(void)
{
	const char *path;

	begin_connected();
	path = ask.path;
	ask.timeout = 10 * USEC_PER_SEC;
	for (int i = 0; i < 20; i++)
		asked();
	takes = USEC_PER_MSEC;
	for (uint32_t slot = 1; slot <= 20; slot++)
		say(slot, "action=slow\nrate=5");
	turn();
	CHECK_INT(pool.asking.n, 19);
	turn();
	CHECK_INT(pool.asking.n, 18);
	TURN_UNTIL(pool.asking.n == 0);
	for (uint32_t slot = 1; slot <= 20; slot++) {
		CHECK_INT(result[slot].n, 1);
		CHECK(result[slot].answered);
	}
	/* A connection that is lost meanwhile leaves nothing of it. */
	ask.timeout = USEC_PER_SEC / 5;
	asked();
	asked();
	say(21, "action=slow\nrate=5");
	say(22, "action=slow\nrate=5");
	turn();
	ask_set_path(&ask, "/nowhere");
	TURN_UNTIL(pool.asking.n == 0);
	CHECK(!result[22].answered);
	ask.path = path;
	end();
}

static size_t
pages_of_questions(void)
{
	unsigned char there[64] = { 0 };
	size_t n = 0;

	CHECK_INT(mincore(ask.out, 256 * 1024, there), 0);
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		n += there[i] & 1;
	return n;
}

static void
what_waited_to_be_asked_is_given_back(void)
{
	char heard[65536];
	struct session *s;
	uint64_t before;

	begin_connected();
	s = &pool.session[asked()];
	do {
		before = ask.asked;
		ask_again(&ask, s);
		ask_flush(&ask);
	} while (ask.asked > before);
	CHECK(pages_of_questions() >= 60);
	ask_trim(&ask); /* too early */
	CHECK(pages_of_questions() >= 60);
	while (ask.out_len > 0) {
		(void)recv(service, heard, sizeof(heard), 0);
		turn();
	}
	ask_trim(&ask);
	CHECK_INT(pages_of_questions(), 0);
	/* And goes on. */
	while (recv(service, heard, sizeof(heard), 0) > 0)
		;
	ask_again(&ask, s);
	ask_flush(&ask);
	CHECK(recv(service, heard, sizeof(heard), 0) > 0);
	end();
}

static void
a_reason_is_made_printable(void)
{
	char text[700];

	begin_connected();
	asked();
	say(1, "action=hold\nreason=a\033[2Jb\xff");
	TURN_UNTIL(result[1].n > 0);
	CHECK_STR(result[1].verdict.reason, "a?[2Jb?");
	asked();
	snprintf(text, sizeof(text), "action=hold\nreason=%0600d", 7);
	say(2, text);
	TURN_UNTIL(result[2].n > 0);
	CHECK_INT(result[2].verdict.reason_len, REASON_SIZE - 1);
	CHECK_INT(strlen(result[2].verdict.reason), REASON_SIZE - 1);
	end();
}

/* How often WHAT stands in the last heard. */
static int
count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

/* A /64 is one client. */
static void
a_client_is_asked_about_once(void)
{
	bool can;

	begin_connected();
	question_of("2001:db8::1", &can);
	question_of("2001:db8::2", &can);
	question_of("2001:db8::1", &can);
	CHECK(can);
	question_of("2001:db8:0:1::1", &can);
	CHECK_INT(count(heard(), "request=tarpit_session"), 2);
	CHECK_INT(ask.shared, 2);
	say(1, "action=hold\nrate=7");
	TURN_UNTIL(result[3].n > 0);
	for (int i = 1; i <= 3; i++)
		CHECK_INT(result[i].verdict.rate, 7);
	CHECK_INT(result[4].n, 0);
	CHECK_INT(pool.asking.n, 1);
	end();
}

/* What was said of one host of a /64 is not said of the others. */
static void
an_answer_for_one_host_is_not_shared(void)
{
	bool can;

	begin_connected();
	question_of("2001:db8::1", &can);
	question_of("2001:db8::2", &can);
	(void)heard();
	say(1, "action=pass\nprefix=128");
	TURN_UNTIL(result[1].n > 0);
	CHECK_INT(result[2].n, 0);
	CHECK_INT(count(heard(), "client_address=2001:db8::2\n"), 1);
	say(2, "action=hold\nrate=7");
	TURN_UNTIL(result[2].n > 0);
	CHECK_INT(result[2].verdict.lane, LANE_HOLD);
	end();
}

static void
leave(uint32_t slot)
{
	struct session *s = &pool.session[slot];

	pool_remove(&pool, &pool.asking, s);
	s->state = SESSION_GREETING;
	ask_leave(&ask, s);
}

static void
who_leaves_is_forgotten(void)
{
	const char *text;
	bool can;

	begin_connected();
	question_of("2001:db8::1", &can);
	question_of("2001:db8::2", &can);
	asked();
	(void)heard();
	/* Whoever waits behind it is asked about in its place. */
	leave(1);
	text = heard();
	CHECK_INT(count(text, "request=tarpit_forget\ninstance=1.3e9\n\n"), 1);
	CHECK_INT(count(text, "client_address=2001:db8::2\n"), 1);
	leave(2);
	CHECK_STR(heard(), "request=tarpit_forget\ninstance=2.3ea\n\n");
	leave(3);
	CHECK_INT(count(heard(), "request=tarpit_forget\n"), 1);
	CHECK_INT(ask.waiting.questions, 0);
	/* One that is answered is not. */
	asked();
	(void)heard();
	say(4, "action=pass");
	TURN_UNTIL(result[4].n > 0);
	CHECK_STR(heard(), "");
	end();
}

/* There is no room for more: nobody is let in for the crowd. */
static void
at_its_limit_strangers_are_slowed(void)
{
	bool can;

	max_waiting = 32; /* and two for a network */
	begin_connected();
	question_of("2001:db8::1", &can);
	question_of("2001:db8:0:1::1", &can);
	CHECK(can);
	question_of("2001:db8:0:2::1", &can);
	CHECK(!can);
	question_of("2001:db8:1:2::1", &can);
	CHECK(can);
	CHECK_INT(ask.overloaded, 1);
	CHECK_INT(ask_overloaded.lane, LANE_SLOW);
	max_waiting = 0;
	end();
}

/* A service that answers others is not away, and PolicyFailure=pass is not for
 * it. */
static void
too_late_among_answers_is_slow(void)
{
	uint32_t last;

	begin_connected();
	asked();
	TURN_UNTIL(msec() >= 100);
	last = asked();
	say(last, "action=pass");
	TURN_UNTIL(result[1].n > 0);
	CHECK(ask.healthy);
	CHECK(result[1].answered);
	CHECK_INT(result[1].verdict.lane, LANE_SLOW);
	CHECK_STR(result[1].verdict.reason, "policy:overloaded");
	CHECK_INT(ask.overloaded, 1);
	end();
}

static int
init_or_nothing(void)
{
	int r = ask_init(&ask);

	if (r < 0)
		ask_fini(&ask);
	return r;
}

/* Nor is the end of what never began the end of descriptor 0. */
static void
without_memory_it_does_not_begin(void)
{
	int open;

	begin(false);
	ask_fini(&ask);
	memset(&ask.io, 0, sizeof(ask.io));
	open = descriptors_open();
	CHECK_MEMORY(init_or_nothing());
	CHECK_INT(descriptors_open(), open);
	end();
}

/* How sessions ended goes with the batch; what a full buffer has no room for
 * makes it go sooner, and is lost only if nobody reads. */
static void
reports_are_gathered(void)
{
	struct session *s;
	char byte;
	size_t before;
	int n = 0;

	begin_connected();
	s = &pool.session[asked()];
	(void)heard();
	s->verdict_lane = LANE_HOLD;
	ask_report(&ask, s, "abandoned", 17);
	before = ask.out_len;
	CHECK(before > 0);
	ask_report(&ask, s, "abandoned", 17);
	CHECK_INT(ask.out_len, 2 * before);
	CHECK_INT(recv(service, &byte, 1, MSG_PEEK), -1);
	CHECK_INT(count(heard(), "request=tarpit_outcome\n"), 2);
	/* Until the first that does not fit makes room for itself. */
	while (ask.out_len == (size_t)n * before) {
		ask_report(&ask, s, "abandoned", 17);
		CHECK(++n < 100000);
	}
	CHECK_INT(ask.lost, 0);
	CHECK(ask.out_len < (size_t)n * before);
	/* Nobody reads. */
	for (n = 0; ask.lost < 3; n++) {
		ask_report(&ask, s, "abandoned", 17);
		CHECK(n < 100000);
	}
	end();
}

static void
without_a_connection_a_report_is_lost(void)
{
	struct session s = { .fd = -1, .verdict_lane = LANE_HOLD };

	begin(false);
	ask_report(&ask, &s, "abandoned", 17);
	CHECK_INT(ask.lost, 1);
	CHECK_INT(ask.out_len, 0);
	end();
}

static const struct check_case cases[] = {
	CASE(a_question_says_who),
	CASE(an_answer_is_all_its_values),
	CASE(answers_come_in_any_order),
	CASE(each_question_has_its_own_time),
	CASE(while_it_is_silent_one_question_probes),
	CASE(nobody_there_is_known_soon),
	CASE(a_lost_connection_asks_again),
	CASE(nonsense_means_the_default_at_once),
	CASE(answers_for_nobody_are_ignored),
	CASE(a_message_without_an_end_costs_the_connection),
	CASE(a_service_that_does_not_read_fills_nothing),
	CASE(reports_without_room_are_counted),
	CASE(answers_are_taken_in_slices),
	CASE(what_waited_to_be_asked_is_given_back),
	CASE(a_reason_is_made_printable),
	CASE(a_client_is_asked_about_once),
	CASE(an_answer_for_one_host_is_not_shared),
	CASE(who_leaves_is_forgotten),
	CASE(at_its_limit_strangers_are_slowed),
	CASE(too_late_among_answers_is_slow),
	CASE(without_memory_it_does_not_begin),
	CASE(reports_are_gathered),
	CASE(without_a_connection_a_report_is_lost),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
