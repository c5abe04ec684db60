/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/config.h"

#include <errno.h>

#include "tests/helpers/scratch.h"

static struct config config;
static struct option_error error;

/* Reads a file with these lines under [Dispatcher]; an error is expected to be
 * in line LINE of the file. */
static int
load_bad_at(int line, const char *lines)
{
	char text[4096];
	struct program_call call = { .config_given = true };
	int n = snprintf(text, sizeof(text), "[Dispatcher]\n%s\n", lines);
	char *path = scratch_write("tarpitd.conf", text, (size_t)n);
	int r;

	config_fini(&config);
	memset(&config, 0, sizeof(config));
	memset(&error, 0, sizeof(error));
	call.config_path = path;
	r = program_load(&tarpitd_program, &call, &config, &error);
	if (r < 0) {
		CHECK_STR(error.file, path);
		CHECK_INT(error.line, line);
	}
	free(path);
	return r;
}

static int
load(const char *lines)
{
	return load_bad_at(2, lines);
}

static void
check_bad(const char *key, const char *const *values)
{
	for (; *values != NULL; values++) {
		char line[1024];

		snprintf(line, sizeof(line), "%s=%s", key, *values);
		if (load(line) == 0) {
			fprintf(stderr, "taken: %s\n", line);
			exit(1);
		}
		CHECK(strstr(error.text, key) != NULL);
	}
}

static void
defaults_are_the_designs(void)
{
	CHECK_INT(load(""), 0);
	CHECK_STR(config.host_name, "");
	CHECK_INT(config.mode, MODE_ENFORCE);
	CHECK_INT(config.log, LOG_ALL);
	CHECK_INT(config.max_sessions, 0);
	CHECK_INT(config.reserve.percent, 10);
	CHECK_INT(config.max_per_client, 20);
	CHECK_STR(config.policy, "/run/tarpit/policy");
	CHECK_STR(config.tls_certificate, "");
	CHECK_STR(config.tls_key, "");
	CHECK(!config_has_no_tls(&config));
	CHECK_INT(config.tls_min_version, TLS_MIN_1_2);
	CHECK_INT(config.handshake_timeout, 30 * USEC_PER_SEC);
	CHECK_INT(config.max_handshakes, 1000);
	CHECK_INT(config.policy_timeout, 3 * USEC_PER_SEC);
	CHECK_INT(config.policy_failure, POLICY_FAILURE_PASS);
	CHECK_INT(config.handoff.kind, HANDOFF_POSTFIX);
	CHECK_STR(config.handoff.path, "/var/spool/postfix/public/tarpit");
	CHECK_STR(config.hold_reply, "450 4.7.1 Try again later");
	CHECK_INT(config.max_patience, 25 * USEC_PER_SEC);
	CHECK_INT(config.command_timeout, 300 * USEC_PER_SEC);
}

static void
handoff_is_a_kind_and_a_path(void)
{
	static const char *const bad[] = { "", "postfix",
		"postfix:", "inetd:relative", "Postfix:/x",
		"proxy:mx.example:25", "proxy:127.0.0.1", "proxy::25",
		"smtp:/run/x", NULL };
	char line[200];

	CHECK_INT(load("Handoff=inetd:/run/tarpit/handoff"), 0);
	CHECK_INT(config.handoff.kind, HANDOFF_INETD);
	CHECK_STR(config.handoff.path, "/run/tarpit/handoff");
	CHECK_INT(load("Handoff=postfix:/x"), 0);
	CHECK_INT(config.handoff.kind, HANDOFF_POSTFIX);
	CHECK_INT(load("Handoff=proxy:127.0.0.1:25"), 0);
	CHECK_INT(config.handoff.kind, HANDOFF_PROXY);
	CHECK_INT(config.handoff.address.ss_family, AF_INET);
	CHECK_INT(load("Handoff=proxy:[::1]:10025"), 0);
	CHECK_INT(config.handoff.address.ss_family, AF_INET6);
	check_bad("Handoff", bad);
	/* The longest path of a socket, and one byte more. */
	snprintf(line, sizeof(line), "Handoff=inetd:/%0106d", 0);
	CHECK_INT(load(line), 0);
	snprintf(line, sizeof(line), "Handoff=inetd:/%0107d", 0);
	CHECK_INT(load(line), -ENAMETOOLONG);
}

static void
trust_is_a_list_of_networks(void)
{
	static const char *const bad[] = { "x", "10.0.0.0/33", "10.0.0.1/8",
		"10.0.0.0/8,192.0.2.1", "proxy.example", NULL };
	char text[NETWORKS_MAX * 20] = "";
	size_t n = 0;

	CHECK_INT(load(""), 0);
	CHECK_INT(config.proxy_trusted.n, 0);
	CHECK_INT(load("ProxyTrusted=10.0.0.0/8  192.0.2.1 2001:db8::/32"), 0);
	CHECK_INT(config.proxy_trusted.n, 3);
	CHECK_INT(config.proxy_trusted.cidr[0].len, 96 + 8);
	CHECK_INT(config.proxy_trusted.cidr[1].len, 128);
	CHECK_INT(config.proxy_trusted.cidr[2].len, 32);
	check_bad("ProxyTrusted", bad);
	/* In several lines, since one has 198 bytes at most. */
	CHECK_INT(load("ProxyTrusted=::1\nProxyTrusted=::2 ::3"), 0);
	CHECK_INT(config.proxy_trusted.n, 3);
	CHECK_INT(load("ProxyTrusted=::1\nProxyTrusted=\nProxyTrusted=::2"), 0);
	CHECK_INT(config.proxy_trusted.n, 1);
	for (size_t i = 0; i < NETWORKS_MAX; i++)
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "ProxyTrusted=::1\n");
	CHECK_INT(load(text), 0);
	CHECK_INT(config.proxy_trusted.n, NETWORKS_MAX);
	snprintf(text + n, sizeof(text) - n, "ProxyTrusted=::1\n");
	CHECK_INT(load_bad_at(NETWORKS_MAX + 2, text), -E2BIG);
}

static void
own_networks_add_to_auto(void)
{
	static const char *const bad[] = { "automatic", "10.0.0.1/8",
		"auto,10.0.0.0/8", "none", NULL };

	CHECK_INT(load(""), 0);
	CHECK(config.own.host);
	CHECK_INT(config.own.named.n, 0);
	CHECK_INT(load("OwnNetworks=192.0.2.0/24  2001:db8::/32"), 0);
	CHECK(config.own.host);
	CHECK_INT(config.own.named.n, 2);
	CHECK_INT(load("OwnNetworks="), 0);
	CHECK(!config.own.host);
	CHECK_INT(load("OwnNetworks=::1\nOwnNetworks=\nOwnNetworks=::2"), 0);
	CHECK(!config.own.host);
	CHECK_INT(config.own.named.n, 1);
	CHECK_INT(load("OwnNetworks=\nOwnNetworks=10.0.0.0/8 auto"), 0);
	CHECK(config.own.host);
	CHECK_INT(config.own.named.n, 1);
	check_bad("OwnNetworks", bad);
}

static void
reserve_is_a_number_or_a_share(void)
{
	static const char *const bad[] = { "", "%", "x", "-1", "91%", "10%%",
		"1000001", "5 %", "1.5%", "10000000000000000000000", NULL };

	CHECK_INT(load("ReserveForPass=0"), 0);
	CHECK_INT(config.reserve.count, 0);
	CHECK_INT(config.reserve.percent, 0);
	CHECK_INT(load("ReserveForPass=500"), 0);
	CHECK_INT(config.reserve.count, 500);
	CHECK_INT(config.reserve.percent, 0);
	CHECK_INT(load("ReserveForPass=90%"), 0);
	CHECK_INT(config.reserve.count, 0);
	CHECK_INT(config.reserve.percent, 90);
	check_bad("ReserveForPass", bad);
}

/* Broke once: what scanf takes for it need not be a reply. */
static void
hold_reply_is_a_refusal(void)
{
	static const char *const bad[] = { "", "450", "450 4.7.1", "450 4.7.1 ",
		"250 2.0.0 Ok", "354 3.0.0 Go", "600 6.0.0 x", "450 5.7.1 x",
		"550 4.7.1 x", "4504.7.1 x", "450 4.7.1x", "450 4. 7.1 x",
		"450-4.7.1 x", "45 4.7.1 x", "4500 4.7.1 x", "+50 4.7.1 x",
		"450 4.7 x", "450 4.7.1.2 x", "450 4.1000.1 x", "450  4.7.1 x",
		"450 4.7.1 \001", "450 4.7.1 caf\xc3\xa9", "Try again", NULL };
	char line[300];

	CHECK_INT(load("HoldReply=550 5.7.1 Go away"), 0);
	CHECK_STR(config.hold_reply, "550 5.7.1 Go away");
	CHECK_INT(load("HoldReply=499 4.999.999 x"), 0);
	CHECK_INT(load("HoldReply=550 5.7.1 See https://example.org/?a=1"), 0);
	check_bad("HoldReply", bad);
	snprintf(line, sizeof(line), "HoldReply=450 4.7.1 %0178d", 0);
	CHECK_INT(load(line), 0);
	/* The file's lines are the limit before the reply's is. */
	snprintf(line, sizeof(line), "HoldReply=450 4.7.1 %0179d", 0);
	CHECK(load(line) < 0);
}

static void
times_and_numbers_have_ranges(void)
{
	static const char *const bad_patience[] = { "0", "301s", "-1s", "x",
		NULL };
	static const char *const bad_timeout[] = { "9ms", "21s", NULL };
	static const char *const bad_mode[] = { "", "on", "Observe", NULL };
	static const char *const bad_workers[] = { "0", "2", "auto", NULL };
	struct client_limits limits;
	static const char *const bad_sessions[] = { "-1", "1000001", "1k",
		NULL };

	CHECK_INT(load("MaxPatience=1s"), 0);
	CHECK_INT(load("MaxPatience=5min"), 0);
	CHECK_INT(config.max_patience, 300 * USEC_PER_SEC);
	check_bad("MaxPatience", bad_patience);
	CHECK_INT(load("PolicyTimeout=10ms"), 0);
	check_bad("PolicyTimeout", bad_timeout);
	CHECK_INT(load("Mode=observe"), 0);
	CHECK_INT(config.mode, MODE_OBSERVE);
	check_bad("Mode", bad_mode);
	check_bad("Workers", bad_workers);
	CHECK_INT(load("MaxSessions=1000000"), 0);
	CHECK_INT(load("MaxSessions=auto"), 0);
	CHECK_INT(config.max_sessions, 0);
	CHECK_INT(load("MaxPerClient=7"), 0);
	limits = config_client_limits(&config);
	CHECK_INT(limits.max[CLIENT_HOST], 7);
	CHECK_INT(limits.max[CLIENT_NETWORK], 70);
	CHECK_INT(limits.max[CLIENT_SITE], 175);
	CHECK_INT(load("MaxPerSite=0\nMaxPerNetwork=9"), 0);
	limits = config_client_limits(&config);
	CHECK_INT(limits.max[CLIENT_HOST], 20);
	CHECK_INT(limits.max[CLIENT_NETWORK], 9);
	CHECK_INT(limits.max[CLIENT_SITE], 0);
	check_bad("MaxPerNetwork", bad_sessions);
	check_bad("MaxSessions", bad_sessions);
}

static void
unknown_keys_are_errors(void)
{
	CHECK(load("MaxPatiense=1s") < 0);
	CHECK(strstr(error.text, "MaxPatiense") != NULL);
}

static void
the_host_has_a_name(void)
{
	char *name = config_host_name();

	CHECK(name != NULL && name[0] != '\0');
	free(name);
}

static const struct check_case cases[] = {
	CASE(defaults_are_the_designs),
	CASE(handoff_is_a_kind_and_a_path),
	CASE(trust_is_a_list_of_networks),
	CASE(own_networks_add_to_auto),
	CASE(reserve_is_a_number_or_a_share),
	CASE(hold_reply_is_a_refusal),
	CASE(times_and_numbers_have_ranges),
	CASE(unknown_keys_are_errors),
	CASE(the_host_has_a_name),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
