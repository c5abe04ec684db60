/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/mux.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/tarpitd/mux_internal.h"
#include "tests/helpers/scratch.h"

/* The test is the MTA: what it hears and says is written out byte by byte. */

enum { CLIENTS = 4, CONNECTIONS = 8 };

static struct client {
	struct transaction tx;
	int n_done;
	enum mux_result result;
	char reply[256];
	bool leaves; /* as soon as it is answered */
} client[CLIENTS];

static struct loop *loop;
static struct journal journal;
static struct mux mux;
static char backend[64];
static int listener = -1, mta[CONNECTIONS], n_mta;

static void
describe(void *arg, uint32_t slot, struct transaction *ret)
{
	(void)arg;
	*ret = client[slot].tx;
}

static bool
is_there(void *arg, uint32_t slot)
{
	(void)arg;
	return !client[slot].leaves;
}

static void
on_done(void *arg, uint32_t slot, enum mux_result result, const char *reply,
    size_t len, uint64_t now)
{
	struct client *c = &client[slot];

	(void)arg;
	c->n_done++;
	c->result = result;
	snprintf(c->reply, sizeof(c->reply), "%.*s", (int)len, reply);
	if (c->leaves)
		mux_cancel(&mux, slot, now);
}

static void
turn(void)
{
	CHECK_INT(loop_run_once(loop, clock_now() + USEC_PER_SEC / 100), 0);
	mux_flush(&mux, loop_now(loop));
}

#define TURN_UNTIL(condition)                                     \
	do {                                                      \
		uint64_t limit = clock_now() + 20 * USEC_PER_SEC; \
		while (!(condition)) {                            \
			CHECK(clock_now() < limit);               \
			turn();                                   \
		}                                                 \
	} while (0)

/* Connection I has just these bytes; they came as one, if they did. */
static void
hears(int i, const char *bytes)
{
	char buf[4096];
	ssize_t n = -1;

	TURN_UNTIL((n = recv(mta[i], buf, sizeof(buf) - 1, MSG_DONTWAIT)) >= 0);
	buf[n] = '\0';
	CHECK_STR(buf, bytes);
}

static void
says(int i, const char *bytes)
{
	CHECK_INT(send(mta[i], bytes, strlen(bytes), MSG_NOSIGNAL),
	    (ssize_t)strlen(bytes));
}

/* The next connection, up to where it is of use. */
static void
welcome(void)
{
	int i = n_mta++;

	TURN_UNTIL((mta[i] = accept(listener, NULL, NULL)) >= 0);
	says(i, "220 mta.test\r\n");
	hears(i, "EHLO mx.test\r\n");
	says(i, "250-mta.test\r\n250-PIPELINING\r\n250 XCLIENT NAME ADDR\r\n");
}

/* Client SLOT is at 192.0.2.SLOT, port SLOT. */
static void
introduce(uint32_t slot)
{
	static char helo[CLIENTS][16];
	struct transaction *tx = &client[slot].tx;
	char address[32];

	snprintf(helo[slot], sizeof(helo[slot]), "c%u.test", slot);
	snprintf(address, sizeof(address), "::ffff:192.0.2.%u", slot);
	CHECK_INT(inet_pton(AF_INET6, address, &tx->client), 1);
	tx->port = (in_port_t)slot;
	tx->helo = helo[slot];
	tx->esmtp = tx->first = tx->goes_on = true;
	tx->sender = "<s@b.test>";
}

static void
begin(uint32_t max)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
	CHECK_INT(listen(listener, CONNECTIONS), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	snprintf(backend, sizeof(backend), "127.0.0.1:%u", ntohs(sin.sin_port));
	journal_init_target(&journal, "mux_test", JOURNAL_NOWHERE, NULL);
	CHECK_INT(loop_new(&loop), 0);
	mux = (struct mux){ .loop = loop,
		.journal = &journal,
		.backend = backend,
		.host_name = "mx.test",
		.max = max,
		.capacity = CLIENTS - 1,
		.per_client = CLIENTS,
		.timeout = 60 * USEC_PER_SEC,
		.describe = describe,
		.is_there = is_there,
		.on_done = on_done };
	CHECK_INT(mux_init(&mux), 0);
	/* How fast the test runs decides nothing. */
	mux.park_max = 3600 * USEC_PER_SEC;
	for (uint32_t slot = 1; slot < CLIENTS; slot++)
		introduce(slot);
	welcome();
	TURN_UNTIL(mux.n_idle == 1);
}

static void
end(void)
{
	mux_fini(&mux);
	loop = loop_free(loop);
	for (int i = 0; i < n_mta; i++)
		fd_close(&mta[i]);
	fd_close(&listener);
}

/* Asks for client SLOT; RECIPIENT without its NUL. */
static void
ask(uint32_t slot, const char *recipient)
{
	client[slot].tx.recipients = recipient;
	client[slot].tx.recipients_len = strlen(recipient) + 1;
	client[slot].n_done = 0;
	CHECK_INT(mux_ask(&mux, slot, loop_now(loop)), 0);
}

/* The MTA is told on connection I who client SLOT is. */
static void
hears_of(int i, uint32_t slot)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "XCLIENT NAME=[TEMPUNAVAIL] REVERSE_NAME=[TEMPUNAVAIL] "
	    "ADDR=192.0.2.%u PORT=%u\r\n",
	    slot, slot);
	hears(i, text);
	says(i, "220 mta.test\r\n");
	snprintf(text, sizeof(text), "EHLO c%u.test\r\n", slot);
	hears(i, text);
	says(i, "250-mta.test\r\n250 PIPELINING\r\n");
}

static void
is_answered(uint32_t slot, enum mux_result result, const char *reply)
{
	TURN_UNTIL(client[slot].n_done == 1);
	CHECK_INT(client[slot].result, result);
	CHECK_STR(client[slot].reply, reply);
}

/* Client SLOT has a transaction with <a> parked on connection I; when. */
static uint64_t
park(int i, uint32_t slot)
{
	ask(slot, "<a>");
	hears_of(i, slot);
	hears(i, "MAIL FROM:<s@b.test>\r\nRCPT TO:<a>\r\n");
	says(i, "250 sender\r\n250 recipient\r\n");
	is_answered(slot, MUX_SAID, "250 recipient\r\n");
	client[slot].tx.first = false;
	return loop_now(loop);
}

/* Client SLOT has sent "x". */
static void
submit(uint32_t slot)
{
	static char data[] = "x\r\n";
	static struct spool body = { .data = data, .size = 3, .room = 3 };

	client[slot].tx.body = &body;
	client[slot].n_done = 0;
	CHECK_INT(mux_ask(&mux, slot, loop_now(loop)), 0);
}

static void
fast_client_has_one_transaction(void)
{
	begin(1);
	(void)park(0, 1);
	CHECK_INT(mux.n_parked, 1);
	ask(1, "<b>");
	hears(0, "RCPT TO:<b>\r\n");
	says(0, "550 no\r\n");
	is_answered(1, MUX_SAID, "550 no\r\n");
	CHECK_INT(mux.n_parked, 1);
	submit(1);
	hears(0, "DATA\r\n");
	says(0, "354 go on\r\n");
	hears(0, "x\r\n.\r\n");
	says(0, "250 queued\r\n");
	is_answered(1, MUX_SAID, "250 queued\r\n");
	CHECK_INT(mux.n_parked, 0);
	CHECK_INT(mux.n_idle, 1);
	end();
}

static void
same_client_is_not_introduced_again(void)
{
	begin(1);
	(void)park(0, 1);
	mux_cancel(&mux, 1, loop_now(loop));
	hears(0, "RSET\r\n");
	says(0, "250 forgotten\r\n");
	ask(1, "<b>");
	hears(0, "MAIL FROM:<s@b.test>\r\nRCPT TO:<b>\r\n");
	end();
}

static void
slow_client_is_not_parked(void)
{
	begin(1);
	client[1].tx.goes_on = false;
	(void)park(0, 1);
	hears(0, "RSET\r\n");
	says(0, "250 forgotten\r\n");
	TURN_UNTIL(mux.n_idle == 1);
	CHECK_INT(mux.n_parked, 0);
	end();
}

/* Its first recipient is not part of what is open. */
static void
half_a_transaction_is_not_parked(void)
{
	begin(1);
	client[1].tx.first = false;
	(void)park(0, 1);
	hears(0, "RSET\r\n");
	end();
}

static void
reset_goes_ahead_of_the_next_client(void)
{
	char text[256];

	begin(1);
	client[1].tx.goes_on = false;
	ask(1, "<a>");
	ask(2, "<a>");
	hears_of(0, 1);
	hears(0, "MAIL FROM:<s@b.test>\r\nRCPT TO:<a>\r\n");
	says(0, "250 sender\r\n250 recipient\r\n");
	snprintf(text, sizeof(text),
	    "RSET\r\nXCLIENT NAME=[TEMPUNAVAIL] "
	    "REVERSE_NAME=[TEMPUNAVAIL] ADDR=192.0.2.2 PORT=2\r\n");
	hears(0, text);
	says(0, "250 forgotten\r\n220 mta.test\r\n");
	hears(0, "EHLO c2.test\r\n");
	end();
}

/* A client that said HELO is one that does not pipeline. */
static void
helo_is_one_command_at_a_time(void)
{
	begin(1);
	client[1].tx.esmtp = false;
	ask(1, "<a>");
	hears(0,
	    "XCLIENT NAME=[TEMPUNAVAIL] REVERSE_NAME=[TEMPUNAVAIL] "
	    "ADDR=192.0.2.1 PORT=1\r\n");
	says(0, "220 mta.test\r\n");
	hears(0, "HELO c1.test\r\n");
	says(0, "250 mta.test\r\n");
	hears(0, "MAIL FROM:<s@b.test>\r\n");
	says(0, "250 sender\r\n");
	hears(0, "RCPT TO:<a>\r\n");
	says(0, "250 recipient\r\n");
	is_answered(1, MUX_SAID, "250 recipient\r\n");
	client[1].tx.first = false;
	/* Someone else waits: RSET alone, and then XCLIENT. */
	ask(2, "<a>");
	mux_flush(&mux, loop_now(loop) + USEC_PER_SEC / 10);
	hears(0, "RSET\r\n");
	says(0, "250 forgotten\r\n");
	hears_of(0, 2);
	end();
}

static void
oldest_goes_when_others_wait(void)
{
	uint64_t parked;

	begin(2);
	(void)park(0, 1);
	/* So that the second one has a connection of its own. */
	ask(2, "<a>");
	welcome();
	hears_of(1, 2);
	hears(1, "MAIL FROM:<s@b.test>\r\nRCPT TO:<a>\r\n");
	says(1, "250 sender\r\n250 recipient\r\n");
	is_answered(2, MUX_SAID, "250 recipient\r\n");
	parked = loop_now(loop);
	CHECK_INT(mux.n_parked, 2);
	ask(3, "<a>");
	mux_flush(&mux, parked + 60 * USEC_PER_MSEC);
	CHECK_INT(mux.n_parked, 1);
	hears(0,
	    "RSET\r\nXCLIENT NAME=[TEMPUNAVAIL] "
	    "REVERSE_NAME=[TEMPUNAVAIL] ADDR=192.0.2.3 PORT=3\r\n");
	/* The other one goes on, whatever waits. */
	client[2].tx.first = false;
	submit(2);
	mux_flush(&mux, parked + 60 * USEC_PER_MSEC);
	hears(1, "DATA\r\n");
	end();
}

static void
parked_is_safe_for_a_while(void)
{
	uint64_t parked;

	begin(1);
	parked = park(0, 1);
	ask(2, "<a>");
	mux_flush(&mux, parked + mux.park_safe - 1);
	CHECK_INT(mux.n_parked, 1);
	CHECK(mux_is_queued(&mux, 2));
	mux_flush(&mux, parked + mux.park_safe);
	CHECK_INT(mux.n_parked, 0);
	CHECK(!mux_is_queued(&mux, 2));
	end();
}

static void
parked_ends_after_a_while(void)
{
	uint64_t parked;

	begin(1);
	parked = park(0, 1);
	mux_flush(&mux, parked + mux.park_max - 1);
	CHECK_INT(mux.n_parked, 1);
	mux_flush(&mux, parked + mux.park_max);
	CHECK_INT(mux.n_parked, 0);
	hears(0, "RSET\r\n");
	end();
}

/* The group that begins anew; then one of two recipients has been refused, and
 * an MTA that wants the message all the same does not get it. */
static void
lost_transaction_begins_anew(void)
{
	static const char both[] = "<a>\0<b>";
	char byte;
	ssize_t n = -1;

	begin(1);
	(void)park(0, 1);
	fd_close(&mta[0]);
	TURN_UNTIL(mux.n == 0);
	CHECK_INT(mux.n_parked, 0);
	client[1].tx.recipients = both;
	client[1].tx.recipients_len = sizeof(both);
	submit(1);
	welcome();
	hears_of(1, 1);
	hears(1,
	    "MAIL FROM:<s@b.test>\r\nRCPT TO:<a>\r\nRCPT TO:<b>\r\nDATA\r\n");
	says(1, "250 sender\r\n250 a\r\n550 b\r\n354 go on\r\n");
	is_answered(1, MUX_CHANGED, "550 b\r\n");
	TURN_UNTIL(mux.n == 0);
	hears(1, "RSET\r\n");
	TURN_UNTIL((n = recv(mta[1], &byte, 1, MSG_DONTWAIT)) >= 0);
	CHECK_INT(n, 0);
	end();
}

/* All of what was said ahead is refused: the connection is of use again. */
static void
refused_sender_ends_its_group(void)
{
	begin(1);
	ask(1, "<a>");
	hears_of(0, 1);
	hears(0, "MAIL FROM:<s@b.test>\r\nRCPT TO:<a>\r\n");
	says(0, "550 not you\r\n503 no sender\r\n");
	is_answered(1, MUX_SAID, "550 not you\r\n");
	hears(0, "RSET\r\n");
	says(0, "250 forgotten\r\n");
	TURN_UNTIL(mux.n_idle == 1);
	end();
}

static void
farewell_to_a_parked_one_loses_nothing(void)
{
	begin(1);
	(void)park(0, 1);
	says(0, "421 4.4.2 timeout exceeded\r\n");
	TURN_UNTIL(mux.n == 0);
	CHECK_INT(client[1].n_done, 1);
	submit(1);
	welcome();
	hears_of(1, 1);
	hears(1, "MAIL FROM:<s@b.test>\r\nRCPT TO:<a>\r\nDATA\r\n");
	end();
}

/* What nobody asked for would be taken for the reply to what is said next. */
static void
reply_to_nothing_ends_the_connection(void)
{
	begin(1);
	ask(1, "<a>");
	hears_of(0, 1);
	hears(0, "MAIL FROM:<s@b.test>\r\nRCPT TO:<a>\r\n");
	says(0, "250 sender\r\n250 recipient\r\n250 queued\r\n");
	TURN_UNTIL(mux.lost == 1);
	CHECK_INT(client[1].n_done, 0);
	welcome();
	hears_of(1, 1);
	end();
}

static void
client_that_leaves_is_forgotten(void)
{
	begin(1);
	client[1].leaves = true;
	(void)park(0, 1);
	hears(0, "RSET\r\n");
	says(0, "250 forgotten\r\n");
	TURN_UNTIL(mux.n_idle == 1);
	CHECK_INT(mux.n_parked, 0);
	end();
}

/* More recipients than one write takes: group by group. */
static void
many_recipients_fit(void)
{
	enum { RECIPIENTS = 3000, EACH = 13 };
	static char list[RECIPIENTS * EACH];
	int lines = 0;

	for (int i = 0; i < RECIPIENTS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "<u%04d@d.te>", i);
		memcpy(list + i * EACH, name, EACH);
	}
	begin(1);
	client[1].tx.recipients = list;
	client[1].tx.recipients_len = sizeof(list);
	submit(1);
	hears_of(0, 1);
	/* MAIL, the recipients, DATA. */
	while (lines < RECIPIENTS + 2) {
		char buf[4096];
		ssize_t n = -1;

		TURN_UNTIL(
		    (n = recv(mta[0], buf, sizeof(buf), MSG_DONTWAIT)) > 0);
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] == '\n')
				says(0,
				    ++lines < RECIPIENTS + 2 ? "250 ok\r\n"
							     : "354 go\r\n");
	}
	hears(0, "x\r\n.\r\n");
	end();
}

/* Whoever is due ends, wherever it stands among those that are not. */
static void
one_is_due_and_another_is_not(void)
{
	uint64_t parked;

	for (int due = 0; due < 2; due++) {
		n_mta = 0;
		begin(2);
		(void)park(0, 1);
		ask(2, "<a>");
		welcome();
		hears_of(1, 2);
		hears(1, "MAIL FROM:<s@b.test>\r\nRCPT TO:<a>\r\n");
		says(1, "250 sender\r\n250 recipient\r\n");
		is_answered(2, MUX_SAID, "250 recipient\r\n");
		CHECK_INT(mux.n_parked, 2);
		parked = loop_now(loop);
		mux.connection[due]->parked_at = parked;
		mux.connection[1 - due]->parked_at = parked + 1;
		mux_flush(&mux, parked + mux.park_max);
		CHECK_INT(mux.n_parked, 1);
		CHECK(mux.connection[due]->use != PARKED);
		CHECK(timer_is_armed(&mux.patience));
		CHECK_INT(mux.patience.when, parked + 1 + mux.park_max);
		end();
	}
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(fast_client_has_one_transaction),
		CASE(same_client_is_not_introduced_again),
		CASE(slow_client_is_not_parked),
		CASE(half_a_transaction_is_not_parked),
		CASE(reset_goes_ahead_of_the_next_client),
		CASE(helo_is_one_command_at_a_time),
		CASE(oldest_goes_when_others_wait),
		CASE(parked_is_safe_for_a_while),
		CASE(parked_ends_after_a_while),
		CASE(lost_transaction_begins_anew),
		CASE(refused_sender_ends_its_group),
		CASE(farewell_to_a_parked_one_loses_nothing),
		CASE(reply_to_nothing_ends_the_connection),
		CASE(client_that_leaves_is_forgotten),
		CASE(many_recipients_fit),
		CASE(one_is_due_and_another_is_not),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
