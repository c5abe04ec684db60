/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-handoff/message.h"

#include <errno.h>
#include <stdbool.h>

#include "tests/helpers/check.h"

#define CLIENT "client_address=192.0.2.1\nclient_port=40000\n"
#define SERVER "server_address=2001:db8::1\nserver_port=25\n"

static int
parse(const char *text, struct message *ret)
{
	return message_parse(text, strlen(text), ret);
}

static void
complete_message(void)
{
	struct message m;

	CHECK_INT(parse(CLIENT SERVER "\n", &m), 0);
	CHECK_STR(m.client_address, "192.0.2.1");
	CHECK_STR(m.client_port, "40000");
	CHECK_STR(m.server_address, "2001:db8::1");
	CHECK_STR(m.server_port, "25");
}

static void
order_is_free_and_others_are_ignored(void)
{
	struct message m;

	CHECK_INT(parse("seen=\n" SERVER "x=a=b\n" CLIENT "\n", &m), 0);
	CHECK_STR(m.client_address, "192.0.2.1");
}

static void
mapped_address_is_ipv4(void)
{
	struct message m;

	CHECK_INT(
	    parse("client_address=::ffff:192.0.2.7\nclient_port=1\n" SERVER
		  "\n",
		&m),
	    0);
	CHECK_STR(m.client_address, "192.0.2.7");
}

static void
incomplete_wants_more(void)
{
	static const char text[] = CLIENT SERVER "\n";
	struct message m;

	for (size_t len = 0; len < sizeof(text) - 1; len++)
		CHECK_INT(message_parse(text, len, &m), -EAGAIN);
	CHECK_INT(message_parse(text, sizeof(text) - 1, &m), 0);
}

static void
endless_message_is_refused(void)
{
	static char text[MESSAGE_MAX];
	struct message m;

	memset(text, 'x', sizeof(text));
	CHECK_INT(message_parse(text, sizeof(text) - 1, &m), -EAGAIN);
	CHECK_INT(message_parse(text, sizeof(text), &m), -EMSGSIZE);
}

static void
missing_attribute_is_refused(void)
{
	struct message m;

	CHECK_INT(parse("\n", &m), -EBADMSG);
	CHECK_INT(parse(CLIENT "\n", &m), -EBADMSG);
	CHECK_INT(parse(SERVER "\n", &m), -EBADMSG);
	CHECK_INT(
	    parse("client_address=192.0.2.1\n" SERVER "\n", &m), -EBADMSG);
}

static void
attribute_given_twice_is_refused(void)
{
	struct message m;

	CHECK_INT(
	    parse(CLIENT SERVER "client_address=192.0.2.2\n\n", &m), -EBADMSG);
	CHECK_INT(parse(CLIENT SERVER "client_port=40000\n\n", &m), -EBADMSG);
}

static void
wrong_values_are_refused(void)
{
	static const char *const wrong[] = { "client_address=",
		"client_address=mx.example", "client_address=192.0.2.1.1",
		"client_address=fe80::1%eth0", "client_address=192.0.2.1\r",
		"client_address=1111111111111111111111111111111111111111111111",
		"client_port=65536", "client_port=", "client_port=25 ",
		"client_port=-1" };
	char text[256];
	struct message m;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		bool address = strncmp(wrong[i], "client_a", 8) == 0;

		snprintf(text, sizeof(text), "%s\n%s\n" SERVER "\n", wrong[i],
		    address ? "client_port=1" : "client_address=192.0.2.1");
		CHECK_INT(parse(text, &m), -EBADMSG);
	}
}

/* What a proxy says that does not know it. */
static void
a_port_may_be_0(void)
{
	struct message m;

	CHECK_INT(
	    parse("client_address=192.0.2.1\nclient_port=0\n" SERVER "\n", &m),
	    0);
	CHECK_STR(m.client_port, "0");
}

static void
bytes_after_the_end_are_refused(void)
{
	struct message m;

	CHECK_INT(parse(CLIENT SERVER "\nEHLO", &m), -EBADMSG);
}

static void
garbage_is_refused(void)
{
	static const char nul[] = CLIENT "a\0=b\n" SERVER "\n";
	struct message m;

	CHECK_INT(parse("EHLO client.example\r\n\n", &m), -EBADMSG);
	CHECK_INT(parse("=x\n" CLIENT SERVER "\n", &m), -EBADMSG);
	CHECK_INT(message_parse(nul, sizeof(nul) - 1, &m), -EBADMSG);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(complete_message),
		CASE(order_is_free_and_others_are_ignored),
		CASE(mapped_address_is_ipv4),
		CASE(incomplete_wants_more),
		CASE(endless_message_is_refused),
		CASE(missing_attribute_is_refused),
		CASE(attribute_given_twice_is_refused),
		CASE(wrong_values_are_refused),
		CASE(a_port_may_be_0),
		CASE(bytes_after_the_end_are_refused),
		CASE(garbage_is_refused),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
