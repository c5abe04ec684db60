/* SPDX-License-Identifier: ISC */
/* tarpitctl release, hold, forget, overrides: an operator's word over the
 * policy's. */
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bin/tarpitctl/human.h"
#include "bin/tarpitctl/override.h"
#include "bin/tarpitctl/survey.h"
#include "data/cidr.h"

/* Who gives the order, for the record: under sudo whoever used that. */
static const char *
own_name(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;

	if (sudo != NULL && *sudo != '\0')
		return sudo;
	pw = getpwuid(getuid());
	return pw != NULL ? pw->pw_name : "unknown";
}

int
override_order(struct link *link, const char *verb, const char *network,
    uint64_t seconds, struct message *ret)
{
	struct attrs_out out;
	char question[512];
	int r;

	attrs_begin(&out, question, sizeof(question));
	attrs_put(&out, "request", verb);
	attrs_put(&out, "address", network);
	attrs_put_int(&out, "seconds", (int64_t)seconds);
	attrs_put(&out, "by", own_name());
	r = attrs_end(&out);
	if (r == 0)
		r = link_ask(link, question, out.len);
	return r < 0 ? r : link_read(link, ret);
}

/* Of NETWORK, which must be one; what it is called. */
static const char *
check_network(const char *network, char buf[static CIDR_STRLEN])
{
	struct cidr cidr;
	bool masked;

	if (cidr_parse(network, strlen(network), &cidr, &masked) < 0)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "\"%s\" is not an address or a network", network);
	return cidr_format(&cidr, buf);
}

/* The shortest prefixes that one order is meant for: what a registry gives to
 * one network at the most.  A typing error in front of the slash must not hold
 * half of the world. */
enum { WIDEST_V4 = 8, WIDEST_V6 = 19 };

static bool
is_too_wide(const char *network)
{
	struct cidr cidr;
	bool masked;

	if (cidr_parse(network, strlen(network), &cidr, &masked) < 0)
		return false;
	return cidr_is_v4(&cidr) ? cidr.len < CIDR_V4_BITS + WIDEST_V4
				 : cidr.len < WIDEST_V6;
}

/* What it said it has counted; dies if it refuses. */
static int64_t
order(const struct tarpitctl *t, const char *verb, const char *network)
{
	struct message answer;
	struct attr error;
	struct link link;
	int64_t n;
	int r;

	control_open(t, &link);
	r = override_order(
	    &link, verb, network, t->duration / USEC_PER_SEC, &answer);
	if (r < 0)
		control_die(t, r);
	error = message_find(&answer, "error");
	if (error.value_len > 0)
		program_die(&tarpitctl, EXIT_OPERATOR, 0, "%s: %.*s", network,
		    (int)error.value_len, error.value);
	n = message_number(&answer, "count");
	link_close(&link);
	return n;
}

static int
set(const struct tarpitctl *t, const char *verb, const char *what,
    const char *operand)
{
	char network[CIDR_STRLEN], period[HUMAN_SIZE];
	int64_t n;

	check_network(operand, network);
	if (!t->force && is_too_wide(network))
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "%s: that would be %s for very many; --force does it",
		    network, what);
	n = order(t, verb, network);
	printf("%s is %s for %s (present sessions affected: %" PRIi64 ")\n",
	    network, what, human_duration(t->duration, period), n);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_TEMPORARY;
}

int
release_run(const struct tarpitctl *t, const char *operand)
{
	return set(t, "release", "released", operand);
}

int
hold_run(const struct tarpitctl *t, const char *operand)
{
	return set(t, "hold", "held", operand);
}

int
forget_run(const struct tarpitctl *t, const char *operand)
{
	char network[CIDR_STRLEN];

	check_network(operand, network);
	(void)order(t, "forget", network);
	printf("%s is the policy's again\n", network);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_TEMPORARY;
}

static void
print_override(const struct message *m)
{
	char network[CIDR_STRLEN], kind[16], by[64], left[HUMAN_SIZE];
	uint64_t seconds = (uint64_t)message_number(m, "seconds");

	printf("%-9s %-43s %10s %9" PRIi64 "  %s\n",
	    message_text(m, "override", kind, sizeof(kind)),
	    message_text(m, "network", network, sizeof(network)),
	    human_duration(seconds * USEC_PER_SEC, left),
	    message_number(m, "sessions"),
	    message_text(m, "by", by, sizeof(by)));
}

int
overrides_run(const struct tarpitctl *t, const char *operand)
{
	static const char question[] = "request=overrides\n\n";
	struct message m;
	struct link link;
	int r;

	(void)operand;
	control_open(t, &link);
	r = link_ask(&link, question, strlen(question));
	printf("%-9s %-43s %10s %9s  %s\n", "ORDER", "NETWORK", "LEFT",
	    "SESSIONS", "BY");
	while (r == 0 && (r = link_read(&link, &m)) == 0 &&
	    message_find(&m, "end").value_len == 0)
		print_override(&m);
	if (r < 0)
		control_die(t, r);
	link_close(&link);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_TEMPORARY;
}
