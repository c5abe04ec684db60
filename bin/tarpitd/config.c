/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/config.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bin/tarpitd/mux.h"
#include "bin/tarpitd/tls.h"

#define SECONDS(n) ((int64_t)(n) * (int64_t)USEC_PER_SEC)

static const char *const mode_names[] = { "enforce", "observe", NULL };
static const char *const tls_names[] = { "TLSv1.2", "TLSv1.3", NULL };
static const char *const log_names[] = { "all", "slowed", "summary", NULL };
static const char *const failure_names[] = { "pass", "slow", NULL };
static const char *const unknown_names[] = { "refuse", "pass", NULL };
static const char *const bare_newline_names[] = { "normalize", "reject", NULL };
static const char *const identity_names[] = { "xclient", "proxy", NULL };

static const struct {
	const char *prefix;
	enum handoff_kind kind;
} handoff_kinds[] = {
	{ "postfix:", HANDOFF_POSTFIX },
	{ "inetd:", HANDOFF_INETD },
	{ "proxy:", HANDOFF_PROXY },
};

const char *
handoff_prefix(enum handoff_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(handoff_kinds); i++)
		if (handoff_kinds[i].kind == kind)
			return handoff_kinds[i].prefix;
	return "";
}

static int
parse_target(
    const char *where, struct handoff_target *target, char *why, size_t size)
{
	if (target->kind == HANDOFF_PROXY) {
		/* A name would need a resolver, for which nothing waits. */
		if (mux_parse_address(
			where, &target->address, &target->address_len) == 0)
			return 0;
		snprintf(why, size,
		    "is not a numeric ADDRESS:PORT or [ADDRESS]:PORT");
		return -EINVAL;
	}
	if (where[0] == '/')
		return 0;
	snprintf(why, size, "the path is not absolute");
	return -EINVAL;
}

static int
parse_handoff(const char *value, void *member, char *why, size_t size)
{
	struct handoff_target *target = member, fresh = { 0 };
	const char *where = NULL;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(handoff_kinds); i++) {
		size_t len = strlen(handoff_kinds[i].prefix);

		if (strncmp(value, handoff_kinds[i].prefix, len) != 0)
			continue;
		fresh.kind = handoff_kinds[i].kind;
		where = value + len;
	}
	if (where == NULL) {
		snprintf(why, size,
		    "is none of postfix:PATH, inetd:PATH, proxy:ADDRESS:PORT");
		return -EINVAL;
	}
	r = parse_target(where, &fresh, why, size);
	if (r < 0)
		return r;
	if (strlen(where) >= sizeof(fresh.path)) {
		snprintf(why, size, "a socket's path has at most %zu bytes",
		    sizeof(fresh.path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(fresh.path, where);
	*target = fresh;
	return 0;
}

/* Prefixes with blanks between them, which add to those given before; nothing
 * forgets them, as in systemd's files.  Who is trusted is not guessed at: a
 * prefix with bits past its length is an error. */
static int
add_network(struct networks *networks, const char *word, size_t len, char *why,
    size_t size)
{
	bool masked = false;

	if (networks->n == NETWORKS_MAX) {
		snprintf(why, size, "has more than %d networks", NETWORKS_MAX);
		return -E2BIG;
	}
	if (cidr_parse(word, len, &networks->cidr[networks->n], &masked) < 0 ||
	    masked) {
		snprintf(why, size,
		    "\"%.*s\" is neither an address nor a network",
		    (int)(len < 60 ? len : 60), word);
		return -EINVAL;
	}
	networks->n++;
	return 0;
}

static int
parse_networks(const char *value, void *member, char *why, size_t size)
{
	struct networks *networks = member, fresh = *networks;

	if (*value == '\0')
		fresh.n = 0;
	for (value += strspn(value, " \t"); *value != '\0';
	     value += strspn(value, " \t")) {
		size_t len = strcspn(value, " \t");
		int r = add_network(&fresh, value, len, why, size);

		if (r < 0)
			return r;
		value += len;
	}
	*networks = fresh;
	return 0;
}

/* The same with "auto" among them, which is what there is at first. */
static int
parse_own(const char *value, void *member, char *why, size_t size)
{
	static const char auto_word[] = "auto";
	struct own_choice *own = member, fresh = *own;

	if (*value == '\0')
		fresh = (struct own_choice){ 0 };
	for (value += strspn(value, " \t"); *value != '\0';
	     value += strspn(value, " \t")) {
		size_t len = strcspn(value, " \t");
		int r = 0;

		if (len == strlen(auto_word) &&
		    memcmp(value, auto_word, len) == 0)
			fresh.host = true;
		else
			r = add_network(&fresh.named, value, len, why, size);
		if (r < 0)
			return r;
		value += len;
	}
	*own = fresh;
	return 0;
}

static int
parse_share(const char *value, void *member, char *why, size_t size)
{
	struct share *share = member;
	size_t len = strlen(value);
	bool percent = len > 0 && value[len - 1] == '%';
	char digits[16];
	int64_t n;

	if (percent)
		len--;
	if (len >= sizeof(digits))
		len = 0; /* no number that long: fails below */
	memcpy(digits, value, len);
	digits[len] = '\0';
	if (option_parse_int(digits, 0, percent ? 90 : 1000000, &n) < 0) {
		snprintf(why, size, "is neither a number nor 0%% to 90%%");
		return -EINVAL;
	}
	share->count = percent ? 0 : (uint32_t)n;
	share->percent = percent ? (uint32_t)n : 0;
	return 0;
}

/* Reads "4.7.1 " at P: the class and where it ends, or NULL. */
static const char *
parse_status(const char *p, char *ret_class)
{
	*ret_class = *p++;
	for (int i = 0; i < 2; i++) {
		size_t n;

		if (*p++ != '.')
			return NULL;
		n = strspn(p, "0123456789");
		if (n < 1 || n > 3)
			return NULL;
		p += n;
	}
	return *p == ' ' ? p + 1 : NULL;
}

/* A reply as it will stand on the wire, so not a blank more or less. */
static bool
is_refusal(const char *value)
{
	const char *text;
	char class;

	if (strspn(value, "0123456789") != 3 || value[3] != ' ' ||
	    (value[0] != '4' && value[0] != '5'))
		return false;
	text = parse_status(value + 4, &class);
	return text != NULL && class == value[0] && *text != '\0';
}

/* "450 4.7.1 text": RFC 3463 wants the class of both codes to agree, and a
 * recipient that is not refused would be mail taken on by nobody. */
static int
parse_hold_reply(const char *value, void *member, char *why, size_t size)
{
	char **reply = member;
	char *copy;

	if (!is_refusal(value)) {
		snprintf(why, size,
		    "is no refusal: a code of 400 to 599, an "
		    "enhanced status code of the same class, a text");
		return -EINVAL;
	}
	for (const char *p = value; *p != '\0'; p++)
		if (!isprint((unsigned char)*p)) {
			snprintf(why, size, "is not printable ASCII");
			return -EINVAL;
		}
	if (strlen(value) > 200) {
		snprintf(why, size, "is longer than 200 bytes");
		return -EINVAL;
	}
	copy = strdup(value);
	if (copy == NULL)
		return -ENOMEM;
	free(*reply);
	*reply = copy;
	return 0;
}

static int
parse_backend(const char *value, void *member, char *why, size_t size)
{
	struct sockaddr_storage address;
	char **backend = member;
	socklen_t len;
	char *copy;

	if (value[0] != '\0' && mux_parse_address(value, &address, &len) < 0) {
		snprintf(why, size,
		    "is not a numeric ADDRESS:PORT or [ADDRESS]:PORT");
		return -EINVAL;
	}
	copy = strdup(value);
	if (copy == NULL)
		return -ENOMEM;
	free(*backend);
	*backend = copy;
	return 0;
}

static int
parse_workers(const char *value, void *member, char *why, size_t size)
{
	if (strcmp(value, "1") != 0) {
		snprintf(why, size, "this version runs one worker: Workers=1");
		return -EINVAL;
	}
	*(int *)member = 1;
	return 0;
}

/* A number from 0 to 1,000,000, or "auto". */
static int
parse_limit(const char *value, void *member, char *why, size_t size)
{
	int64_t n = CONFIG_AUTO;

	if (strcmp(value, "auto") != 0 &&
	    option_parse_int(value, 0, 1000000, &n) < 0) {
		snprintf(why, size, "is neither auto nor 0 to 1000000");
		return -EINVAL;
	}
	*(int64_t *)member = n;
	return 0;
}

/* 0 is what "auto" was called once. */
static int
parse_sessions(const char *value, void *member, char *why, size_t size)
{
	int r = parse_limit(value, member, why, size);

	if (r == 0 && *(int64_t *)member == CONFIG_AUTO)
		*(int64_t *)member = 0;
	return r;
}

#define MEMBER(m) .offset = offsetof(struct config, m)

static const struct option options[] = {
	{ "Dispatcher", "HostName", OPTION_STRING, MEMBER(host_name),
	    .max = 255, .initial = "",
	    .help = "name in greetings; empty: the host's own" },
	{ "Dispatcher", "Mode", OPTION_ENUM, MEMBER(mode), .initial = "enforce",
	    .names = mode_names,
	    .help = "enforce, or observe: decide and record, pass everything" },
	{ "Dispatcher", "Log", OPTION_ENUM, MEMBER(log), .initial = "all",
	    .names = log_names,
	    .help = "sessions with a record: all, slowed, or a summary" },
	{ "Dispatcher", "RecordsPerClient", OPTION_INT,
	    MEMBER(records_per_client), .max = 1000000, .initial = "1000",
	    .help = "a minute; more sessions share one; 0: no limit" },
	{ "Dispatcher", "Workers", OPTION_CUSTOM, MEMBER(workers),
	    .initial = "1", .parse = parse_workers,
	    .help = "processes sharing the sockets; this version runs 1" },
	{ "Dispatcher", "MaxSessions", OPTION_CUSTOM, MEMBER(max_sessions),
	    .initial = "auto", .parse = parse_sessions,
	    .help = "at once; auto: what descriptors and memory allow" },
	{ "Dispatcher", "ReserveForPass", OPTION_CUSTOM, MEMBER(reserve),
	    .initial = "10%", .parse = parse_share,
	    .help = "sessions that slowed ones never get; a number or n%" },
	{ "Dispatcher", "MaxThrottled", OPTION_CUSTOM, MEMBER(max_throttled),
	    .initial = "50%", .parse = parse_share,
	    .help = "of the slowed ones; at least 4; a number or n%" },
	{ "Dispatcher", "MaxPerClient", OPTION_INT, MEMBER(max_per_client),
	    .max = 1000000, .initial = "20",
	    .help = "sessions per IPv4 address or IPv6 /64; 0: no limit" },
	{ "Dispatcher", "MaxPerNetwork", OPTION_CUSTOM, MEMBER(max_per_network),
	    .initial = "auto", .parse = parse_limit,
	    .help =
		"of an IPv4 /24 or IPv6 /56; auto: 10 times that; 0: none" },
	{ "Dispatcher", "MaxPerSite", OPTION_CUSTOM, MEMBER(max_per_site),
	    .initial = "auto", .parse = parse_limit,
	    .help = "of an IPv6 /48; auto: 25 times that; 0: none" },
	{ "Dispatcher", "Policy", OPTION_STRING, MEMBER(policy), .min = 1,
	    .max = 107, .initial = "/run/tarpit/policy",
	    .help = "unix socket of the policy service" },
	{ "Dispatcher", "PolicyTimeout", OPTION_TIME, MEMBER(policy_timeout),
	    .min = SECONDS(1) / 100, .max = SECONDS(20), .initial = "3s",
	    .help = "how long a client may wait for the policy's answer" },
	{ "Dispatcher", "PolicyFailure", OPTION_ENUM, MEMBER(policy_failure),
	    .initial = "pass", .names = failure_names,
	    .help = "what an unanswered question means: pass or slow" },
	{ "Dispatcher", "Handoff", OPTION_CUSTOM, MEMBER(handoff),
	    .initial = "postfix:/var/spool/postfix/public/tarpit",
	    .parse = parse_handoff,
	    .help = "the MTA: postfix:PATH, inetd:PATH or proxy:ADDRESS:PORT" },
	{ "Dispatcher", "HandoffTimeout", OPTION_TIME, MEMBER(handoff_timeout),
	    .min = SECONDS(1), .max = SECONDS(100), .initial = "20s",
	    .help = "how long a client may wait for a full or absent MTA" },
	{ "Dispatcher", "HandoffSessions", OPTION_INT, MEMBER(handoff_sessions),
	    .max = 1000, .initial = "100",
	    .help = "that the MTA serves at a time; 0: shares are not kept" },
	{ "Dispatcher", "ProxyTrusted", OPTION_CUSTOM, MEMBER(proxy_trusted),
	    .initial = "", .parse = parse_networks,
	    .help = "networks whose PROXY headers are believed" },
	{ "Dispatcher", "ProxyUnknown", OPTION_ENUM, MEMBER(proxy_unknown),
	    .initial = "refuse", .names = unknown_names,
	    .help = "of who comes without an address: refuse or pass" },
	{ "Dispatcher", "OwnNetworks", OPTION_CUSTOM, MEMBER(own),
	    .initial = "auto", .parse = parse_own,
	    .help = "never asked about; auto: loopback, own addresses" },
	{ "Dispatcher", "HoldReply", OPTION_CUSTOM, MEMBER(hold_reply),
	    .initial = "450 4.7.1 Try again later", .parse = parse_hold_reply,
	    .help = "what every recipient hears in hold" },
	{ "Dispatcher", "HoldGreeting", OPTION_TIME, MEMBER(hold_greeting),
	    .max = SECONDS(3600), .initial = "25s",
	    .help = "how long the greeting is dripped in hold" },
	{ "Dispatcher", "HoldNames", OPTION_SIZE, MEMBER(hold_names),
	    .initial = "32K", .max = INT64_MAX / 4,
	    .help = "for what held sessions call themselves and senders" },
	{ "Dispatcher", "MaxPatience", OPTION_TIME, MEMBER(max_patience),
	    .min = SECONDS(1), .max = SECONDS(300), .initial = "25s",
	    .help = "cap on the patience that the policy asks for" },
	{ "Dispatcher", "CommandTimeout", OPTION_TIME, MEMBER(command_timeout),
	    .min = SECONDS(1), .max = SECONDS(86400), .initial = "5min",
	    .help = "how long a held client may be silent; RFC 5321: 5min" },
	{ "Dispatcher", "StopTimeout", OPTION_TIME, MEMBER(stop_timeout),
	    .max = SECONDS(60), .initial = "3s",
	    .help = "how long SIGTERM waits for sessions on their way" },
	{ "Dispatcher", "StopCommitTimeout", OPTION_TIME,
	    MEMBER(stop_commit_timeout), .max = SECONDS(3600), .initial = "60s",
	    .help = "the same for messages that the MTA may have already" },
	{ "Dispatcher", "Backend", OPTION_CUSTOM, MEMBER(backend),
	    .initial = "", .parse = parse_backend,
	    .help = "MTA of the throttle lane, ADDRESS:PORT; empty: slow" },
	{ "Dispatcher", "BackendIdentity", OPTION_ENUM,
	    MEMBER(backend_identity), .initial = "xclient",
	    .names = identity_names,
	    .help = "how it is told who the client is: xclient or proxy" },
	{ "Dispatcher", "BackendConnections", OPTION_INT,
	    MEMBER(backend_connections), .min = 1, .max = 1000, .initial = "8",
	    .help = "how many connections to it there may be" },
	{ "Dispatcher", "BackendPerClient", OPTION_INT,
	    MEMBER(backend_per_client), .max = 1000, .initial = "0",
	    .help = "of those for one client; 0: a quarter, at least one" },
	{ "Dispatcher", "BackendTimeout", OPTION_TIME, MEMBER(backend_timeout),
	    .min = SECONDS(1), .max = SECONDS(300), .initial = "10s",
	    .help = "how long a client may wait for one, or for its reply" },
	{ "Dispatcher", "MaxReplyTime", OPTION_TIME, MEMBER(max_reply_time),
	    .min = SECONDS(1), .max = SECONDS(300), .initial = "20s",
	    .help = "cap on the time that one command and its reply take" },
	{ "Dispatcher", "MaxDialogueDelay", OPTION_TIME,
	    MEMBER(max_dialogue_delay), .max = SECONDS(86400), .initial = "90s",
	    .help = "how long a throttled session is slowed in all" },
	{ "Dispatcher", "MaxBodyDelay", OPTION_TIME, MEMBER(max_body_delay),
	    .max = SECONDS(3600), .initial = "8s",
	    .help = "how long a message's body is slowed" },
	{ "Dispatcher", "MaxThrottleTime", OPTION_TIME,
	    MEMBER(max_throttle_time), .max = SECONDS(86400),
	    .initial = "10min",
	    .help = "throttled without a delivery in all; 0: no limit" },
	{ "Dispatcher", "MinBodyRate", OPTION_INT, MEMBER(min_body_rate),
	    .max = 1000000, .initial = "500",
	    .help =
		"bytes/s below which a message has CommandTimeout; 0: any" },
	{ "Dispatcher", "MaxMessageSize", OPTION_SIZE, MEMBER(max_message_size),
	    .min = 65536, .max = INT32_MAX, .initial = "50M",
	    .help = "of a message to a throttled session" },
	{ "Dispatcher", "MaxRecipients", OPTION_INT, MEMBER(max_recipients),
	    .min = 1, .max = 50000, .initial = "1000",
	    .help = "of a message; RFC 5321 asks for at least 100" },
	{ "Dispatcher", "BareNewline", OPTION_ENUM, MEMBER(bare_newline),
	    .initial = "normalize", .names = bare_newline_names,
	    .help = "of a LF without CR in a message: normalize or reject" },
	{ "Dispatcher", "MaxMessages", OPTION_INT, MEMBER(max_messages),
	    .max = 60000, .initial = "100",
	    .help = "after so many a session is slowed anew; 0: never" },
	{ "Dispatcher", "SpoolDirectory", OPTION_STRING,
	    MEMBER(spool_directory), .max = 4000, .initial = "",
	    .help = "on a tmpfs, for large messages; empty: memory" },
	{ "Dispatcher", "SpoolMemory", OPTION_SIZE, MEMBER(spool_memory),
	    .initial = "64M", .max = INT64_MAX / 4,
	    .help = "for all messages that are coming in" },
	{ "Dispatcher", "SpoolMax", OPTION_SIZE, MEMBER(spool_max),
	    .initial = "256M", .max = INT64_MAX / 4,
	    .help = "the same, with those in files, which are memory, too" },
	{ "Tls", "Certificate", OPTION_STRING, MEMBER(tls_certificate),
	    .max = 4095, .initial = "",
	    .help = "PEM chain for STARTTLS; empty: throttle is slow; none" },
	{ "Tls", "Key", OPTION_STRING, MEMBER(tls_key), .max = 4095,
	    .initial = "", .help = "its key; empty: in the same file" },
	{ "Tls", "MinVersion", OPTION_ENUM, MEMBER(tls_min_version),
	    .initial = "TLSv1.2", .names = tls_names,
	    .help = "the oldest that is spoken: TLSv1.2 or TLSv1.3" },
	{ "Tls", "HandshakeTimeout", OPTION_TIME, MEMBER(handshake_timeout),
	    .min = SECONDS(1), .max = SECONDS(300), .initial = "30s",
	    .help = "how long a client may take for the handshake" },
	{ "Tls", "MaxHandshakes", OPTION_INT, MEMBER(max_handshakes), .min = 2,
	    .max = 1000000, .initial = "1000",
	    .help = "of those at a time; held sessions get half of them" },
	{ "Tls", "MaxTlsHeld", OPTION_INT, MEMBER(max_tls_held), .min = 0,
	    .max = 4000000, .initial = "0",
	    .help = "held sessions with TLS; 0: what 1/16 of the memory "
		    "holds" },
};

/* What Key= lacks is known only when all files have been read. */
static void
note_key(void *config, const char *section, const char *key, const char *file,
    int line)
{
	struct config *c = config;

	if (strcmp(section, "Tls") != 0 || strcmp(key, "Key") != 0)
		return;
	snprintf(c->tls_key_file, sizeof(c->tls_key_file), "%s", file);
	c->tls_key_line = line;
}

static const struct option_table table = {
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.note = note_key,
};

static int
add_listen(
    const char **list, size_t *n, const char *value, char *why, size_t size)
{
	if (*n == CONFIG_LISTEN_MAX) {
		snprintf(
		    why, size, "given more than %d times", CONFIG_LISTEN_MAX);
		return -E2BIG;
	}
	list[(*n)++] = value;
	return 0;
}

static int
set_listen(void *config, const char *value, char *why, size_t size)
{
	struct config *c = config;

	return add_listen(c->listen, &c->n_listen, value, why, size);
}

static int
set_listen_proxy(void *config, const char *value, char *why, size_t size)
{
	struct config *c = config;

	return add_listen(
	    c->listen_proxy, &c->n_listen_proxy, value, why, size);
}

static int
set_control(void *config, const char *value, char *why, size_t size)
{
	if (*value == '\0' ||
	    strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		snprintf(why, size, "not a path of at most 107 bytes");
		return -EINVAL;
	}
	((struct config *)config)->control = value;
	return 0;
}

static const struct program_arg args[] = {
	{ "listen", "ADDRESS:PORT",
	    "listen there, instead of on sockets of systemd's or inetd's",
	    set_listen },
	{ "listen-proxy", "ADDRESS:PORT",
	    "the same for connections of proxies (ProxyTrusted=)",
	    set_listen_proxy },
	{ "control", "PATH",
	    "answer tarpitctl there, instead of on a socket of systemd's",
	    set_control },
};

const struct program tarpitd_program = {
	.name = "tarpitd",
	.summary =
	    "slows suspects on the SMTP port, passes the rest to the MTA",
	.usage = "[--listen ADDRESS:PORT]... [--listen-proxy ADDRESS:PORT]... "
		 "[--control PATH]",
	.config_path = SYSCONFDIR "/tarpit/tarpitd.conf",
	.unit = "tarpitd.service",
	.user = "tarpitd",
	.options = &table,
	.args = args,
	.n_args = ARRAY_SIZE(args),
};

char *
config_host_name(void)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME };
	struct addrinfo *ai = NULL;
	char name[256];
	char *result;

	if (gethostname(name, sizeof(name)) < 0)
		strcpy(name, "localhost");
	name[sizeof(name) - 1] = '\0';
	if (strchr(name, '.') != NULL ||
	    getaddrinfo(name, NULL, &hints, &ai) != 0)
		return strdup(name);
	result = strdup(ai->ai_canonname != NULL ? ai->ai_canonname : name);
	freeaddrinfo(ai);
	return result;
}

bool
config_has_no_tls(const struct config *c)
{
	return strcmp(c->tls_certificate, "none") == 0;
}

/* Who names a key wants TLS, and would not have it. */
static int
check_key(const struct config *c, struct option_error *error)
{
	if (c->tls_key[0] == '\0')
		return 0;
	snprintf(error->file, sizeof(error->file), "%s", c->tls_key_file);
	error->line = c->tls_key_line;
	option_say(error, "[Tls] Key=%s: there is no Certificate=", c->tls_key);
	return -EINVAL;
}

int
config_read_certificate(struct config *c, struct option_error *error)
{
	struct tls_files files = {
		.chain = c->tls_certificate,
		.key = c->tls_key[0] != '\0' ? c->tls_key : c->tls_certificate,
		.min_1_3 = c->tls_min_version == TLS_MIN_1_3,
	};
	const char *file = files.chain;
	char why[256] = "out of memory";
	int r;

	if (c->tls_certificate[0] == '\0')
		return check_key(c, error);
	if (config_has_no_tls(c))
		return 0;
	r = tls_new(&files, &c->tls, &file, why, sizeof(why));
	if (r < 0) {
		error->line = 0;
		snprintf(error->file, sizeof(error->file), "%s", file);
		option_say(error, "[Tls] %s=: %s",
		    file == files.chain ? "Certificate" : "Key", why);
	}
	return r;
}

/* Big senders have pools of hundreds of hosts in a network, few of which are
 * ever at work for one receiver; a site of theirs has several networks. */
enum { NETWORK_FACTOR = 10, SITE_FACTOR = 25 };

static uint32_t
limit_or(int64_t limit, int64_t otherwise)
{
	if (limit == CONFIG_AUTO)
		limit = otherwise;
	return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
}

struct client_limits
config_client_limits(const struct config *c)
{
	int64_t host = c->max_per_client;

	return (
	    struct client_limits){ .max = {
				       [CLIENT_HOST] = limit_or(host, 0),
				       [CLIENT_NETWORK] =
					   limit_or(c->max_per_network,
					       host * NETWORK_FACTOR),
				       [CLIENT_SITE] = limit_or(
					   c->max_per_site, host * SITE_FACTOR),
				   } };
}

void
config_fini(struct config *c)
{
	c->tls = tls_free(c->tls);
	free(c->hold_reply);
	c->hold_reply = NULL;
	free(c->backend);
	c->backend = NULL;
	option_fini(&table, c);
}
