/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/own.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "tests/helpers/check.h"

static const struct own_choice host = { .host = true };

static struct in6_addr
address(const char *text)
{
	struct in6_addr a;

	CHECK_INT(cidr_parse_addr(text, strlen(text), &a), 0);
	return a;
}

static bool
has(const struct own *own, const struct own_choice *choice, const char *text)
{
	struct in6_addr a = address(text);

	return own_has(own, choice, &a);
}

/* A socket that listens at WHERE. */
static struct listen_socket
listening(const char *where)
{
	struct listen_socket s;

	CHECK_INT(listen_open_tcp(where, 1, &s), 0);
	return s;
}

static void
auto_is_loopback_and_the_host(void)
{
	struct own own = { 0 };
	struct listen_socket all = listening("*:0");
	struct in6_addr mine = address("192.0.2.77");
	bool found = false;

	CHECK_INT(own_read(&own, &all, 1), 0);
	CHECK(!own.alone);
	/* What the kernel told: loopback is among it on every host. */
	for (size_t i = 0; i < own.n; i++)
		found |= own_has(&own, &host, &own.address[i]);
	CHECK(found);
	CHECK(has(&own, &host, "127.0.0.1"));
	CHECK(has(&own, &host, "127.255.255.255"));
	CHECK(has(&own, &host, "::1"));
	CHECK(!has(&own, &host, "126.255.255.255"));
	CHECK(!has(&own, &host, "128.0.0.0"));
	CHECK(!has(&own, &host, "::2"));
	CHECK(!has(&own, &host, "10.0.0.1"));
	CHECK(!has(&own, &host, "192.0.2.77"));
	own_fini(&own);
	own.address = calloc(1, sizeof(mine));
	CHECK(own.address != NULL);
	own.address[own.n++] = mine;
	CHECK(has(&own, &host, "192.0.2.77"));
	CHECK(!has(&own, &host, "192.0.2.78"));
	own_fini(&own);
	fd_close(&all.fd);
}

static void
auto_is_nobody_where_only_the_host_can_come(void)
{
	struct own own = { 0 };
	struct listen_socket s[] = { listening("127.0.0.1:0"),
		listening("127.0.0.9:0"), listening("*:0") };

	CHECK_INT(own_read(&own, s, 2), 0);
	CHECK(own.alone);
	CHECK(!has(&own, &host, "127.0.0.1"));
	CHECK_INT(own_read(&own, s, 3), 0);
	CHECK(has(&own, &host, "127.0.0.1"));
	/* inetd has accepted on who knows what. */
	s[0].origin = LISTEN_INETD_NOWAIT;
	CHECK_INT(own_read(&own, s, 1), 0);
	CHECK(has(&own, &host, "127.0.0.1"));
	own_fini(&own);
	for (int i = 0; i < 3; i++)
		fd_close(&s[i].fd);
}

static void
named_networks_count_in_any_case(void)
{
	struct own own = { .alone = true };
	struct own_choice choice = { .named.n = 2 };
	bool masked;

	CHECK_INT(
	    cidr_parse("192.0.2.0/24", 12, &choice.named.cidr[0], &masked), 0);
	CHECK_INT(
	    cidr_parse("2001:db8::/32", 13, &choice.named.cidr[1], &masked), 0);
	CHECK(has(&own, &choice, "192.0.2.255"));
	CHECK(!has(&own, &choice, "192.0.3.0"));
	CHECK(has(&own, &choice, "2001:db8:1::1"));
	CHECK(!has(&own, &choice, "127.0.0.1"));
}

/* As in a sandbox without netlink: nothing is worse than it was before. */
static void
loopback_is_exempt_without_the_kernels_word(void)
{
	struct own own = { 0 };
	struct listen_socket all = listening("*:0");
	struct rlimit was, none;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_INT(own_read(&own, &all, 1), -EMFILE);
	/* LeakSanitizer opens files at the end. */
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &was), 0);
	CHECK_INT(own.n, 0);
	CHECK(has(&own, &host, "127.0.0.1"));
	own_fini(&own);
}

static const struct check_case cases[] = {
	CASE(auto_is_loopback_and_the_host),
	CASE(auto_is_nobody_where_only_the_host_can_come),
	CASE(named_networks_count_in_any_case),
	CASE(loopback_is_exempt_without_the_kernels_word),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
