/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/mux.h"

#include <unistd.h>

#include "tests/helpers/scripted_mta.h"

enum { SLOTS = 32 };

static struct loop *loop;
static struct journal journal;
static struct mux mux;
static char backend[32], helo[SLOTS + 1][32];

/* What became of each client, and in what order. */
static struct {
	int n;
	uint32_t slot[SLOTS * 2];
	enum mux_result result[SLOTS * 2];
	char reply[256]; /* the last one */
} done;

static void
describe(void *arg, uint32_t slot, struct transaction *ret)
{
	(void)arg;
	snprintf(helo[slot], sizeof(helo[slot]), "client%u.test", slot);
	*ret = (struct transaction){ .port = (in_port_t)slot,
		.esmtp = true,
		.helo = helo[slot],
		.sender = "<a@b.test>",
		.recipients = "<u@d.test>",
		.recipients_len = 11 };
	CHECK_INT(inet_pton(AF_INET6, "::ffff:192.0.2.7", &ret->client), 1);
}

static bool
is_there(void *arg, uint32_t slot)
{
	(void)arg;
	(void)slot;
	return true;
}

static void
on_done(void *arg, uint32_t slot, enum mux_result result, const char *reply,
    size_t len, uint64_t now)
{
	(void)arg;
	(void)now;
	CHECK(done.n < SLOTS * 2);
	done.slot[done.n] = slot;
	done.result[done.n++] = result;
	CHECK(len < sizeof(done.reply));
	if (len > 0)
		memcpy(done.reply, reply, len);
	done.reply[len] = '\0';
}

static bool
after_batch(void *arg, uint64_t now)
{
	(void)arg;
	mux_flush(&mux, now);
	return false;
}

static void
begin(uint32_t connections)
{
	struct sockaddr_in in;

	memset(&done, 0, sizeof(done));
	journal_init_target(&journal, "mux_mta_test", JOURNAL_NOWHERE, NULL);
	CHECK_INT(loop_new(&loop), 0);
	mta_begin(loop, &in);
	snprintf(backend, sizeof(backend), "127.0.0.1:%u", ntohs(in.sin_port));
	mux = (struct mux){ .loop = loop,
		.journal = &journal,
		.backend = backend,
		.host_name = "mx.test",
		.max = connections,
		.capacity = SLOTS,
		.per_client = SLOTS, /* all are one client's */
		.timeout = 60 * USEC_PER_SEC,
		.describe = describe,
		.is_there = is_there,
		.on_done = on_done };
	CHECK_INT(mux_init(&mux), 0);
	loop_set_after_batch(loop, after_batch, NULL);
}

static void
end(void)
{
	mux_fini(&mux);
	mta_end();
	loop_free(loop);
	journal_fini(&journal);
}

static void
ask(uint32_t from, uint32_t to)
{
	for (uint32_t slot = from; slot <= to; slot++)
		CHECK_INT(mux_ask(&mux, slot, loop_now(loop)), 0);
}

static void
clients_are_served_in_order(void)
{
	begin(1);
	ask(1, 20);
	MTA_TURN_UNTIL(done.n == 20);
	for (uint32_t i = 0; i < 20; i++) {
		CHECK_INT(done.slot[i], i + 1);
		CHECK_INT(done.result[i], MUX_SAID);
	}
	CHECK_STR(done.reply, "250 2.1.5 Ok\r\n");
	CHECK(mta_has_heard("EHLO client20.test\r\n"));
	CHECK_INT(mta.n_connected, 1);
	end();
}

static void
there_are_as_many_connections_as_are_needed(void)
{
	begin(4);
	mta_answer("RCPT", NULL);
	ask(1, 2);
	MTA_TURN_UNTIL(!mux_is_queued(&mux, 1) && !mux_is_queued(&mux, 2));
	CHECK(mux.n <= 2);
	ask(3, 12);
	MTA_TURN_UNTIL(mux.n == 4 && mux.queue.n_waiting == 8);
	CHECK_INT(done.n, 0);
	/* The rest is asked about at once. */
	mta_answer("RCPT", "250 2.1.5 Ok\r\n");
	mta_say_to_all("250 2.1.5 Ok\r\n");
	MTA_TURN_UNTIL(done.n == 12);
	CHECK_INT(mux.queue.n_waiting, 0);
	CHECK(mux.n <= 4);
	CHECK(mta.n_connected <= 4);
	end();
}

static void
the_pool_shrinks_at_a_reload(void)
{
	begin(4);
	mta_answer("RCPT", NULL);
	ask(1, 4);
	MTA_TURN_UNTIL(mux.n == 4 && mux.queue.n_waiting == 0);
	mta_answer("RCPT", "250 2.1.5 Ok\r\n");
	mta_say_to_all("250 2.1.5 Ok\r\n");
	MTA_TURN_UNTIL(done.n == 4);
	mux.max = 1;
	mux_reload(&mux, loop_now(loop));
	MTA_TURN_UNTIL(mux.n <= 1);
	ask(5, 8);
	MTA_TURN_UNTIL(done.n == 8);
	CHECK(mux.n <= 1);
	end();
}

static void
connections_are_changed_after_refusals(void)
{
	begin(1);
	mta_answer("RCPT", "550 5.1.1 No such user\r\n");
	ask(1, 32);
	MTA_TURN_UNTIL(done.n == 32);
	for (int i = 0; i < 32; i++)
		CHECK_INT(done.result[i], MUX_SAID);
	CHECK_STR(done.reply, "550 5.1.1 No such user\r\n");
	/* An MTA is slow with, or closes on, who is refused too often. */
	CHECK(mta.n_connected >= 3);
	end();
}

static void
clients_wait_while_the_mta_is_down(void)
{
	begin(2);
	mta.greeting = "421 4.3.2 mta.test starting\r\n";
	ask(1, 3);
	MTA_TURN_UNTIL(mux.down && mta.n_connected >= 2);
	CHECK_INT(done.n, 0);
	CHECK(mux_is_queued(&mux, 1) && mux_is_queued(&mux, 3));
	mta.greeting = "220 mta.test ESMTP\r\n";
	MTA_TURN_UNTIL(done.n == 3);
	CHECK(!mux.down);
	CHECK_INT(done.result[2], MUX_SAID);
	end();
}

static void
who_leaves_is_not_answered_and_delays_nobody(void)
{
	begin(1);
	mta_answer("RCPT", NULL);
	ask(1, 4);
	MTA_TURN_UNTIL(!mux_is_queued(&mux, 1) && mta_has_heard("RCPT"));
	mux_cancel(&mux, 3, loop_now(loop)); /* waiting */
	mta_answer("RCPT", "250 2.1.5 Ok\r\n");
	mux_cancel(&mux, 1, loop_now(loop)); /* being asked about */
	MTA_TURN_UNTIL(done.n == 2);
	CHECK_INT(done.slot[0], 2);
	CHECK_INT(done.slot[1], 4);
	/* And may ask again. */
	ask(3, 3);
	MTA_TURN_UNTIL(done.n == 3);
	CHECK_INT(done.slot[2], 3);
	end();
}

static void
a_lost_connection_is_made_good_so_often(void)
{
	begin(1);
	mta_answer("RCPT", "");
	ask(1, 1);
	MTA_TURN_UNTIL(done.n == 1);
	CHECK_INT(done.result[0], MUX_FAILED);
	CHECK(mta.n_connected >= 2);
	mta_answer("RCPT", "250 2.1.5 Ok\r\n");
	ask(1, 1);
	MTA_TURN_UNTIL(done.n == 2);
	CHECK_INT(done.result[1], MUX_SAID);
	end();
}

static void
without_the_right_to_xclient_it_is_of_no_use(void)
{
	begin(1);
	MTA_TURN_UNTIL(mux.n_idle == 1);
	CHECK(mux_is_usable(&mux));
	mta_answer("XCLIENT", "550 5.7.0 insufficient authorization\r\n");
	ask(1, 1);
	MTA_TURN_UNTIL(done.n == 1);
	CHECK_INT(done.result[0], MUX_FAILED);
	CHECK(!mux_is_usable(&mux) && mux.down);
	CHECK(!mta_has_heard("EHLO client1.test"));
	end();
}

/* One client's refusal disables nothing, in whichever words. */
static void
a_client_that_is_refused_is_refused_alone(void)
{
	begin(1);
	mta_answer("XCLIENT", "554 5.7.1 Client host rejected\r\n");
	ask(1, 1);
	MTA_TURN_UNTIL(done.n == 1);
	CHECK_INT(done.result[0], MUX_SAID);
	CHECK_STR(done.reply, "554 5.7.1 Client host rejected\r\n");
	CHECK(mux_is_usable(&mux) && !mux.down);
	mta_answer("XCLIENT", "421 4.7.1 Not now\r\n");
	ask(2, 2);
	MTA_TURN_UNTIL(done.n == 2);
	CHECK_INT(done.result[1], MUX_SAID);
	CHECK_STR(done.reply, "451 4.7.1 Not now\r\n");
	CHECK(mux_is_usable(&mux) && !mux.down);
	mta_answer("XCLIENT", "220 mta.test\r\n");
	ask(3, 3);
	MTA_TURN_UNTIL(done.n == 3);
	CHECK_STR(done.reply, "250 2.1.5 Ok\r\n");
	end();
}

static const struct check_case cases[] = {
	CASE(clients_are_served_in_order),
	CASE(there_are_as_many_connections_as_are_needed),
	CASE(the_pool_shrinks_at_a_reload),
	CASE(connections_are_changed_after_refusals),
	CASE(clients_wait_while_the_mta_is_down),
	CASE(who_leaves_is_not_answered_and_delays_nobody),
	CASE(a_lost_connection_is_made_good_so_often),
	CASE(without_the_right_to_xclient_it_is_of_no_use),
	CASE(a_client_that_is_refused_is_refused_alone),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
