/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/command.h"

#include <errno.h>

#include "tests/helpers/check.h"

static struct command
read_good(const char *msg)
{
	struct command c;
	const char *why = NULL;

	CHECK_INT(command_read(msg, strlen(msg), &c, &why), 0);
	CHECK(why == NULL);
	return c;
}

static void
check_bad(const char *msg, const char *expected)
{
	struct command c;
	const char *why = "";

	CHECK_INT(command_read(msg, strlen(msg), &c, &why), -EBADMSG);
	CHECK_STR(why, expected);
}

static void
each_request_is_known(void)
{
	CHECK_INT(read_good("request=status\n\n").request, COMMAND_STATUS);
	CHECK_INT(read_good("request=sessions\n\n").request, COMMAND_SESSIONS);
	CHECK_INT(
	    read_good("request=overrides\n\n").request, COMMAND_OVERRIDES);
	CHECK_INT(read_good("request=session\nslot=7\nnumber=9\n\n").request,
	    COMMAND_SESSION);
	CHECK_INT(read_good("request=forget\naddress=::1\n\n").request,
	    COMMAND_FORGET);
	CHECK_INT(read_good("request=client\naddress=::1\n\n").request,
	    COMMAND_CLIENT);
}

static void
an_order_is_all_its_values(void)
{
	struct command c = read_good("request=release\naddress=192.0.2.9/24\n"
				     "seconds=60\nby=joe\nunknown=x\n\n");
	char network[CIDR_STRLEN];

	CHECK_INT(c.request, COMMAND_OVERRIDE);
	CHECK_INT(c.override.kind, OVERRIDE_RELEASE);
	CHECK_STR(cidr_format(&c.override.network, network), "192.0.2.0/24");
	CHECK_INT(c.seconds, 60);
	CHECK_STR(c.override.by, "joe");
	c = read_good("request=hold\naddress=2001:db8::1\nseconds=2592000\n\n");
	CHECK_INT(c.override.kind, OVERRIDE_HOLD);
	CHECK_STR(cidr_format(&c.override.network, network), "2001:db8::1/128");
	CHECK_STR(c.override.by, "");
}

static void
a_session_is_two_numbers(void)
{
	struct command c =
	    read_good("request=session\nslot=4294967295\nnumber=0\n\n");

	CHECK_INT(c.slot, UINT32_MAX);
	CHECK_INT(c.number, 0);
	check_bad("request=session\nslot=0\nnumber=1\n\n",
	    "slot, number: not those of a session");
	check_bad("request=session\nslot=1\n\n",
	    "slot, number: not those of a session");
	check_bad("request=session\nslot=4294967296\nnumber=1\n\n",
	    "slot, number: not those of a session");
}

/* It goes into records, and to terminals. */
static void
a_name_is_made_printable_and_cut(void)
{
	char msg[256];
	struct command c =
	    read_good("request=forget\naddress=::1\nby=a b\x1b\xff\n\n");

	CHECK_STR(c.override.by, "a?b??");
	snprintf(
	    msg, sizeof(msg), "request=forget\naddress=::1\nby=%0100d\n\n", 0);
	c = read_good(msg);
	CHECK_INT(strlen(c.override.by), OVERRIDE_BY_SIZE - 1);
}

static void
what_is_wrong_is_said(void)
{
	check_bad("\n", "request: missing");
	check_bad("request=\n\n", "request: unknown");
	check_bad("request=statu\n\n", "request: unknown");
	check_bad("request=statuss\n\n", "request: unknown");
	check_bad("request\n\n", "a line is not of the form name=value");
	check_bad("request=hold\nseconds=60\n\n",
	    "address: not an address or network");
	check_bad("request=hold\naddress=1.2.3.4/33\nseconds=60\n\n",
	    "address: not an address or network");
	check_bad(
	    "request=hold\naddress=1.2.3.4\n\n", "seconds: not 1 s to 30 days");
	check_bad("request=client\n\n", "address: not an address or network");
	check_bad("request=client\naddress=192.0.2.0/31\n\n",
	    "address: not one address");
	check_bad("request=hold\naddress=1.2.3.4\nseconds=0\n\n",
	    "seconds: not 1 s to 30 days");
	check_bad("request=hold\naddress=1.2.3.4\nseconds=2592001\n\n",
	    "seconds: not 1 s to 30 days");
}

static const struct check_case cases[] = {
	CASE(each_request_is_known),
	CASE(an_order_is_all_its_values),
	CASE(a_session_is_two_numbers),
	CASE(a_name_is_made_printable_and_cut),
	CASE(what_is_wrong_is_said),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
