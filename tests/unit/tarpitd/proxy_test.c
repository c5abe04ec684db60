/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/proxy.h"

#include <arpa/inet.h>
#include <errno.h>

#include "bin/tarpitd/address.h"
#include "tests/helpers/check.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
/* Binary text, with its NULs and without the last one. */
#define PARSE(text) parse(text, sizeof(text) - 1)

static struct proxy_header h;

static ssize_t
parse(const char *data, size_t len)
{
	memset(&h, 0xa5, sizeof(h));
	return proxy_parse(data, len, &h);
}

/* "192.0.2.1 40000 > 198.51.100.1 25" */
static const char *
show(void)
{
	static char text[2 * ADDRESS_TEXT + 32];
	char client[ADDRESS_TEXT], server[ADDRESS_TEXT];

	snprintf(text, sizeof(text), "%s %u > %s %u",
	    address_print(&h.client, client), h.client_port,
	    address_print(&h.server, server), h.server_port);
	return text;
}

/* Each beginning of it is one, and what follows it is not looked at. */
static void
check_cuts(const char *data, size_t len)
{
	char more[PROXY_HEADER_MAX + 8];

	for (size_t n = 0; n < len; n++)
		CHECK_INT(parse(data, n), -EAGAIN);
	memcpy(more, data, len);
	memcpy(more + len, "EHLO x\r\n", 8);
	CHECK_INT(parse(more, len + 8), len);
}

static void
reads_version_1(void)
{
	static const char v4[] =
	    "PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\n";
	static const char v6[] = "PROXY TCP6 2001:db8::1 ::1 65535 0\r\n";

	CHECK_INT(PARSE(v4), sizeof(v4) - 1);
	CHECK_INT(h.subject, PROXY_CLIENT);
	CHECK_STR(show(), "192.0.2.1 40000 > 198.51.100.1 25");
	check_cuts(v4, sizeof(v4) - 1);
	CHECK_INT(PARSE(v6), sizeof(v6) - 1);
	CHECK_INT(h.subject, PROXY_CLIENT);
	CHECK_STR(show(), "2001:db8::1 65535 > ::1 0");
	check_cuts(v6, sizeof(v6) - 1);
}

/* The worst cases of section 2.1. */
static void
reads_the_longest_of_version_1(void)
{
	static const char v4[] =
	    "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n";
	static const char v6[] =
	    "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
	static const char unknown[] =
	    "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
	char longer[sizeof(unknown) + 1];

	CHECK_INT(PARSE(v4), 56);
	CHECK_INT(PARSE(v6), 104);
	check_cuts(v6, 104);
	CHECK_INT(PARSE(unknown), 107);
	CHECK_INT(h.subject, PROXY_UNKNOWN);
	check_cuts(unknown, 107);
	/* One byte more is none. */
	memcpy(longer, unknown, 105);
	memcpy(longer + 105, "5\r\n", 3);
	CHECK_INT(parse(longer, 107), -EBADMSG);
	CHECK_INT(parse(longer, 108), -EBADMSG);
}

/* As nginx says them, and others: the source decides who the client is. */
static void
reads_mixed_families(void)
{
	static const char *const lines[][2] = {
		{ "PROXY TCP6 2001:db8::7 192.0.2.1 51512 25\r\n",
		    "2001:db8::7 51512 > 192.0.2.1 25" },
		{ "PROXY TCP4 192.0.2.7 2001:db8::1 51512 25\r\n",
		    "192.0.2.7 51512 > 2001:db8::1 25" },
		{ "PROXY TCP6 192.0.2.7 2001:db8::1 0 25\r\n",
		    "192.0.2.7 0 > 2001:db8::1 25" },
		{ "PROXY TCP6 ::ffff:192.0.2.7 ::1 1 0\r\n",
		    "192.0.2.7 1 > ::1 0" },
		{ "PROXY TCP6 192.0.2.7 198.51.100.1 1 25\r\n",
		    "192.0.2.7 1 > 198.51.100.1 25" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		CHECK_INT(parse(lines[i][0], strlen(lines[i][0])),
		    strlen(lines[i][0]));
		CHECK_INT(h.subject, PROXY_CLIENT);
		CHECK_STR(show(), lines[i][1]);
		check_cuts(lines[i][0], strlen(lines[i][0]));
	}
}

static void
reads_unknown(void)
{
	CHECK_INT(PARSE("PROXY UNKNOWN\r\n"), 15);
	CHECK_INT(h.subject, PROXY_UNKNOWN);
	check_cuts("PROXY UNKNOWN\r\n", 15);
	CHECK_INT(PARSE("PROXY UNKNOWN what, ever\r\n"), 26);
	CHECK_INT(h.subject, PROXY_UNKNOWN);
}

static void
refuses_what_is_not_version_1(void)
{
	static const char *const bad[] = {
		"EHLO client.example\r\n",
		"proxy TCP4 192.0.2.1 198.51.100.1 1 25\r\n",
		"PROXY\r\n",
		"PROXY \r\n",
		"PROXY UDP4 192.0.2.1 198.51.100.1 1 25\r\n",
		"PROXY UNKNOWNS\r\n",
		"PROXY  TCP4 192.0.2.1 198.51.100.1 1 25\r\n",
		"PROXY TCP4 192.0.2.1  198.51.100.1 1 25\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 1 25 \r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 1 25 x\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 1 \r\n",
		"PROXY TCP4 192.0.2.1\r\n",
		"PROXY TCP4 192.0.2.256 198.51.100.1 1 25\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 65536 25\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 -1 25\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 01 25\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 1 0x19\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 1 25\r\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(parse(bad[i], strlen(bad[i])), -EBADMSG);
	CHECK_INT(
	    PARSE("PROXY TCP4\0 192.0.2.1 198.51.100.1 1 25\r\n"), -EBADMSG);
}

static void
reads_version_2(void)
{
	static const char v4[] = V2 "\x21\x11\x00\x0c"
				    "\xc0\x00\x02\x01\xc6\x33\x64\x01"
				    "\x9c\x40\x00\x19";
	static const char v6[] =
	    V2 "\x21\x21\x00\x24"
	       "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\x00\x19";

	CHECK_INT(PARSE(v4), 28);
	CHECK_INT(h.subject, PROXY_CLIENT);
	CHECK_STR(show(), "192.0.2.1 40000 > 198.51.100.1 25");
	check_cuts(v4, 28);
	CHECK_INT(PARSE(v6), 52);
	CHECK_INT(h.subject, PROXY_CLIENT);
	CHECK_STR(show(), "2001:db8::1 65535 > ::1 25");
	check_cuts(v6, 52);
}

/* HAProxy's unique ID and checksum, which we do not look into. */
static void
skips_tlvs(void)
{
	static const char tlvs[] = V2 "\x21\x11\x00\x18"
				      "\xc0\x00\x02\x01\xc6\x33\x64\x01"
				      "\x9c\x40\x00\x19"
				      "\x05\x00\x02id\x03\x00\x04\1\2\3\4";

	CHECK_INT(PARSE(tlvs), 40);
	CHECK_STR(show(), "192.0.2.1 40000 > 198.51.100.1 25");
	check_cuts(tlvs, 40);
}

static void
reads_local_and_what_has_no_address(void)
{
	char local[16 + 216];
	static const char unix_socket[] = V2 "\x21\x31\x00\xd8";

	CHECK_INT(PARSE(V2 "\x20\x00\x00\x00"), 16);
	CHECK_INT(h.subject, PROXY_LOCAL);
	/* With addresses, which are to be ignored. */
	CHECK_INT(PARSE(V2 "\x20\x11\x00\x0c"
			   "\xc0\x00\x02\x01\xc6\x33\x64\x01\x9c\x40\x00\x19"),
	    28);
	CHECK_INT(h.subject, PROXY_LOCAL);
	CHECK_INT(PARSE(V2 "\x21\x00\x00\x00"), 16);
	CHECK_INT(h.subject, PROXY_UNKNOWN);
	CHECK_INT(PARSE(V2 "\x21\x12\x00\x00"), 16);
	CHECK_INT(h.subject, PROXY_UNKNOWN);
	memset(local, 'x', sizeof(local));
	memcpy(local, unix_socket, 16);
	CHECK_INT(parse(local, sizeof(local)), 16 + 216);
	CHECK_INT(h.subject, PROXY_UNKNOWN);
}

static void
refuses_what_is_not_version_2(void)
{
	CHECK_INT(PARSE("\r\n\r\n\0\r\nQUIT\r"), -EBADMSG);
	CHECK_INT(PARSE(V2 "\x11"), -EBADMSG);
	CHECK_INT(PARSE(V2 "\x31"), -EBADMSG);
	CHECK_INT(PARSE(V2 "\x22"), -EBADMSG);
	CHECK_INT(PARSE(V2 "\x21\x41\x00\x00"), -EBADMSG);
	CHECK_INT(PARSE(V2 "\x21\x13\x00\x00"), -EBADMSG);
	/* No room for its addresses. */
	CHECK_INT(PARSE(V2 "\x21\x11\x00\x04"
			   "\xc0\x00\x02\x01"),
	    -EBADMSG);
	CHECK_INT(PARSE(V2 "\x21\x21\x00\x0c"
			   "\xc0\x00\x02\x01\xc6\x33\x64\x01\x9c\x40\x00\x19"),
	    -EBADMSG);
}

static void
bounds_version_2(void)
{
	char data[PROXY_HEADER_MAX] = V2 "\x20\x00\x03\xf0";

	check_cuts(data, sizeof(data));
	CHECK_INT(PARSE(V2 "\x20\x00\x03\xf1"), -EMSGSIZE);
	CHECK_INT(PARSE(V2 "\x21\x11\xff\xff"), -EMSGSIZE);
}

static void
prints_what_it_reads(void)
{
	static const char *const lines[] = {
		"PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\n",
		"PROXY TCP6 2001:db8::1 2001:db8::2 40000 65535\r\n",
		"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n",
	};
	static const int sizes[] = { 28, 52, 52 };
	char buf[PROXY_PRINT_MAX], before[2 * ADDRESS_TEXT + 32];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		CHECK(parse(lines[i], strlen(lines[i])) > 0);
		snprintf(before, sizeof(before), "%s", show());
		CHECK_INT(proxy_print(&h, buf), sizes[i]);
		CHECK_INT(parse(buf, (size_t)sizes[i]), sizes[i]);
		CHECK_STR(show(), before);
	}
	h.subject = PROXY_LOCAL;
	CHECK_INT(proxy_print(&h, buf), 16);
	CHECK_INT(parse(buf, 16), 16);
	CHECK_INT(h.subject, PROXY_LOCAL);
}

static const struct check_case cases[] = {
	CASE(reads_version_1),
	CASE(reads_the_longest_of_version_1),
	CASE(reads_mixed_families),
	CASE(reads_unknown),
	CASE(refuses_what_is_not_version_1),
	CASE(reads_version_2),
	CASE(skips_tlvs),
	CASE(reads_local_and_what_has_no_address),
	CASE(refuses_what_is_not_version_2),
	CASE(bounds_version_2),
	CASE(prints_what_it_reads),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
