/* SPDX-License-Identifier: ISC */
/*
 * The server against a policy whose facts come when the test says so.  The
 * policy_...() functions here take the place of those of policy.c.
 */
#include "bin/tarpit-policyd/server.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bin/common/attrs.h"
#include "bin/common/fd.h"
#include "bin/common/listen.h"
#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"
#include "tests/helpers/scratch.h"

enum { WAITING_MAX = 20000 };

struct policy {
	unsigned int refs;
	struct rules rules;
	bool waits; /* questions wait until answer_one() */
	bool knows; /* everybody is patient */
	bool host_only, over_budget;
	size_t n_waiting, cancelled;
	size_t learned[8]; /* by enum learned */
	struct inquiry *waiting[WAITING_MAX];
};

struct policy *
policy_ref(struct policy *p)
{
	p->refs++;
	return p;
}

struct policy *
policy_unref(struct policy *p)
{
	CHECK(p->refs-- > 0);
	return NULL;
}

const struct rules *
policy_rules(const struct policy *p)
{
	return &p->rules;
}

bool
policy_ask(struct policy *p, struct inquiry *inquiry)
{
	inquiry->rules = &p->rules;
	facts_init(&inquiry->facts);
	if (inquiry->pregreet)
		rules_add_named(
		    &p->rules, FACT_BEHAVIOUR_PREGREET, &inquiry->facts);
	rules_add_named(&p->rules, FACT_HISTORY_NONE, &inquiry->facts);
	if (p->knows) {
		struct fact fact = rules_fact(&p->rules, FACT_HISTORY_PATIENT);

		facts_mention(&inquiry->facts, &fact);
	}
	inquiry->left_out = (p->waits && inquiry->hurry) || p->over_budget;
	inquiry->over_budget = p->over_budget;
	inquiry->host_only = p->host_only;
	if (!p->waits || inquiry->hurry)
		return true;
	CHECK(p->n_waiting < WAITING_MAX);
	inquiry->waiting = 1;
	p->waiting[p->n_waiting++] = inquiry;
	return false;
}

void
policy_cancel(struct policy *p, struct inquiry *inquiry)
{
	for (size_t i = 0; i < p->n_waiting; i++) {
		if (p->waiting[i] != inquiry)
			continue;
		p->waiting[i] = p->waiting[--p->n_waiting];
		p->cancelled++;
		return;
	}
	CHECK(!"cancelled what did not wait");
}

void
policy_learn(
    struct policy *p, const struct in6_addr *addr, enum learned learned)
{
	(void)addr;
	p->learned[learned]++;
}

/* Two weights of lists that are not there. */
void
policy_mismatch(const struct policy *p, struct mismatch *ret)
{
	(void)p;
	*ret = (struct mismatch){ .n = 2, .shown = 2, .text = "a, b" };
}

void
policy_troubles(const struct policy *p, struct mismatch *ret)
{
	(void)p;
	*ret = (struct mismatch){ .n = 1, .shown = 1, .text = "c" };
}

static void
answer_last(struct policy *p)
{
	CHECK(p->n_waiting > 0);
	source_answered(p->waiting[--p->n_waiting]);
}

/*
 * One server, and its clients
 */

static struct loop *loop;
static struct journal journal;
static struct policy policy;
static struct server *server;
static struct listen_socket listening;
static struct server_door door;
static char *path;
static int64_t max_questions;

static void
setup(bool waits)
{
	struct option_error error;

	path = scratch_path("policy");
	option_defaults(&rules_table, &policy.rules);
	CHECK_INT(rules_check(&policy.rules, &error), 0);
	policy.rules.named[FACT_HISTORY_NONE] = 20;
	policy.rules.named[FACT_BEHAVIOUR_PREGREET] = 100;
	policy.waits = waits;
	policy.cancelled = 0;
	policy.knows = policy.host_only = policy.over_budget = false;
	if (max_questions != 0)
		policy.rules.max_questions = max_questions;
	journal.target = JOURNAL_NOWHERE;
	journal.fd = -1;
	CHECK_INT(loop_new(&loop), 0);
	CHECK_INT(listen_open_unix(path, 0600, 8, &listening), 0);
	door = (struct server_door){ listening.fd, DOOR_TEACHES };
	CHECK_INT(server_new(loop, &journal, &policy, &door, 1, &server), 0);
}

static void
teardown(void)
{
	server = server_free(server);
	/* No reference is left behind by whatever happened. */
	CHECK_INT(policy.refs, 0);
	CHECK_INT(policy.n_waiting, 0);
	fd_close(&listening.fd);
	loop = loop_free(loop);
	rules_fini(&policy.rules);
	free(path);
}

/* Lets the server do all that it can do now. */
static void
run(void)
{
	for (int i = 0; i < 20; i++)
		CHECK_INT(loop_run_once(loop, 0), 0);
}

static int
dial(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
	CHECK(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	CHECK_INT(fd_set_nonblocking(fd, true), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	size_t n = strlen(text);

	CHECK(send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n);
}

static void
ask_about(int fd, int instance, const char *client)
{
	char text[128];

	snprintf(text, sizeof(text),
	    "request=tarpit_session\ninstance=%d\nclient_address=%s\n\n",
	    instance, client);
	say(fd, text);
}

static void
ask(int fd, int instance)
{
	ask_about(fd, instance, "192.0.2.1");
}

/* What has arrived; "" nothing, "EOF" the end. */
static const char *
hear(int fd)
{
	static char buf[1 << 20];
	ssize_t n;

	run();
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "EOF";
	CHECK(n > 0 || errno == EAGAIN);
	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

/* Reads until nothing more comes; how many answers ended. */
static size_t
count_answers(int fd)
{
	size_t n = 0;
	char last = '\0';

	for (const char *p; *(p = hear(fd));) {
		for (; *p; last = *p++)
			n += *p == '\n' && last == '\n';
	}
	return n;
}

static void
answers_at_once(void)
{
	int fd;

	setup(false);
	fd = dial();
	ask(fd, 1);
	CHECK_STR(hear(fd),
	    "instance=1\naction=slow\nscore=20\nrate=100\n"
	    "patience=6\nreason=history.none+20\n"
	    "country=\nasn=\nttl=0\n\n");
	say(fd,
	    "request=tarpit_session\nbehaviour=pregreet\n"
	    "client_address=192.0.2.1\n\n");
	CHECK_STR(hear(fd),
	    "action=hold\nscore=120\nrate=5\npatience=25\n"
	    "reason=behaviour:pregreet+100 history.none+20\n"
	    "country=\nasn=\nttl=0\n\n");
	close(fd);
	run();
	CHECK_INT(server_counts(server).connections, 0);
	CHECK_INT(server_counts(server).answers, 2);
	teardown();
}

static void
message_in_single_bytes(void)
{
	static const char text[] = "request=smtpd_access_policy\n"
				   "client_address=192.0.2.1\n\n";
	char byte[2] = "";
	int fd;

	setup(false);
	fd = dial();
	for (size_t i = 0; i + 1 < sizeof(text) - 1; i++) {
		byte[0] = text[i];
		say(fd, byte);
		CHECK_STR(hear(fd), "");
	}
	say(fd, "\n");
	CHECK_STR(hear(fd), "action=DUNNO\n\n");
	close(fd);
	teardown();
}

static void
late_answers_in_any_order(void)
{
	const char *text;
	int fd;

	setup(true);
	fd = dial();
	for (int i = 1; i <= 3; i++)
		ask(fd, i);
	CHECK_STR(hear(fd), "");
	CHECK_INT(policy.n_waiting, 3);
	answer_last(&policy);
	text = hear(fd);
	CHECK(strncmp(text, "instance=3\naction=slow\n", 23) == 0);
	answer_last(&policy);
	answer_last(&policy);
	text = hear(fd);
	CHECK(strncmp(text, "instance=2\n", 11) == 0);
	CHECK(strstr(text, "\n\ninstance=1\n") != NULL);
	close(fd);
	run();
	teardown();
}

static void
closing_cancels_what_waits(void)
{
	int fd, other;

	setup(true);
	fd = dial();
	other = dial();
	ask(fd, 1);
	ask(fd, 2);
	ask(other, 3);
	run();
	CHECK_INT(policy.n_waiting, 3);
	close(fd);
	run();
	CHECK_INT(policy.cancelled, 2);
	CHECK_INT(server_counts(server).connections, 1);
	answer_last(&policy);
	CHECK(strncmp(hear(other), "instance=3\n", 11) == 0);
	close(other);
	teardown();
}

static void
half_closed_peer_gets_its_answers(void)
{
	int fd;

	setup(true);
	fd = dial();
	ask(fd, 1);
	CHECK(shutdown(fd, SHUT_WR) == 0);
	CHECK_STR(hear(fd), "");
	answer_last(&policy);
	CHECK(strncmp(hear(fd), "instance=1\n", 11) == 0);
	CHECK_STR(hear(fd), "EOF");
	close(fd);
	teardown();
}

static void
outcomes_are_learned(void)
{
	int fd;

	setup(false);
	fd = dial();
	say(fd,
	    "request=tarpit_outcome\nclient_address=192.0.2.1\n"
	    "outcome=graduated\n\n"
	    "request=tarpit_outcome\nclient_address=192.0.2.1\n"
	    "outcome=abandoned\nbehaviour=pregreet\n\n"
	    "request=tarpit_outcome\nclient_address=nowhere\n"
	    "outcome=graduated\n\n"
	    "request=tarpit_outcome\nclient_address=192.0.2.1\n"
	    "outcome=shed\n\n");
	run();
	CHECK_INT(server_counts(server).outcomes, 4);
	CHECK_INT(policy.learned[LEARNED_PATIENT], 1);
	CHECK_INT(policy.learned[LEARNED_PREGREET], 1);
	CHECK_INT(policy.learned[LEARNED_ABANDONED], 0);
	CHECK_INT(policy.learned[LEARNED_SEEN], 0);
	close(fd);
	run();
	teardown();
}

/* Of the same outcome, what the dispatcher says of its circumstances counts. */
static void
outcomes_have_circumstances(void)
{
	static const char head[] =
	    "request=tarpit_outcome\nclient_address=192.0.2.1\n";
	static const struct {
		const char *rest;
		size_t learned[8];
	} outcomes[] = {
		{ "outcome=passed\nlane=pass\n\n", { 0 } },
		{ "outcome=graduated\nlane=slow\n\n",
		    { [LEARNED_PATIENT] = 1 } },
		{ "outcome=graduated\nlane=slow\norder=release\n\n", { 0 } },
		{ "outcome=passed\nlane=slow\nmode=observe\n\n",
		    { [LEARNED_SEEN] = 1 } },
		{ "outcome=passed\nlane=hold\nmode=observe\n\n",
		    { [LEARNED_LISTED] = 1 } },
		{ "outcome=abandoned\nlane=slow\nmode=observe\n\n", { 0 } },
		{ "outcome=abandoned\nlane=pass\n\n", { 0 } },
		{ "outcome=abandoned\nlane=slow\n\n",
		    { [LEARNED_ABANDONED] = 1 } },
		{ "outcome=abandoned\nlane=hold\n\n", { [LEARNED_HELD] = 1 } },
		{ "outcome=refused\nlane=hold\n\n", { [LEARNED_LISTED] = 1 } },
		{ "outcome=refused\nlane=throttle\n\n", { 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		int fd;

		setup(false);
		memset(policy.learned, 0, sizeof(policy.learned));
		fd = dial();
		say(fd, head);
		say(fd, outcomes[i].rest);
		run();
		CHECK(memcmp(policy.learned, outcomes[i].learned,
			  sizeof(policy.learned)) == 0);
		close(fd);
		run();
		teardown();
	}
}

/* Postfix's socket: questions are answered, lessons are not taken. */
static void
only_the_dispatcher_teaches(void)
{
	int fd;

	setup(false);
	memset(policy.learned, 0, sizeof(policy.learned));
	server = server_free(server);
	door.role = DOOR_ASKS;
	CHECK_INT(server_new(loop, &journal, &policy, &door, 1, &server), 0);
	fd = dial();
	say(fd,
	    "request=tarpit_outcome\nclient_address=192.0.2.1\n"
	    "outcome=graduated\n\n");
	ask(fd, 1);
	CHECK(strncmp(hear(fd), "instance=1\n", 11) == 0);
	CHECK_INT(server_counts(server).outcomes, 0);
	CHECK_INT(server_counts(server).refused, 1);
	CHECK_INT(policy.learned[LEARNED_PATIENT], 0);
	close(fd);
	run();
	teardown();
}

static void
outcome_of_a_peer_that_has_gone(void)
{
	int fd;

	setup(false);
	fd = dial();
	say(fd, "request=tarpit_outcome\noutcome=passed\n\n");
	close(fd);
	run();
	CHECK_INT(server_counts(server).outcomes, 1);
	CHECK_INT(server_counts(server).connections, 0);
	teardown();
}

static void
garbage_is_answered(void)
{
	int fd;

	setup(false);
	fd = dial();
	say(fd, "GET / HTTP/1.0\nHost=x\n\n\n");
	CHECK_STR(hear(fd),
	    "error=a line is not of the form name=value\n\n"
	    "error=request: missing\n\n");
	ask(fd, 9);
	CHECK(strncmp(hear(fd), "instance=9\n", 11) == 0);
	CHECK_INT(server_counts(server).errors, 2);
	close(fd);
	teardown();
}

static void
endless_message_closes(void)
{
	static char text[ATTRS_MAX + 1];
	int fd, other;

	setup(false);
	fd = dial();
	other = dial();
	memset(text, 'x', ATTRS_MAX - 1);
	say(fd, text);
	CHECK_STR(hear(fd), "");
	say(fd, "x");
	CHECK_STR(hear(fd), "EOF");
	CHECK_INT(server_counts(server).errors, 1);
	ask(other, 1);
	CHECK(strncmp(hear(other), "instance=1\n", 11) == 0);
	close(fd);
	close(other);
	teardown();
}

/* A client of a network of its own. */
static void
ask_from_network(int fd, int i)
{
	char client[32];

	snprintf(client, sizeof(client), "10.%d.%d.1", i / 200, i % 200);
	ask_about(fd, i, client);
}

/* At the limit: who finds no place is answered by what is there at once, and a
 * stranger is slowed. */
static void
questions_beyond_the_limit_do_not_wait(void)
{
	enum { LIMIT = 64 };
	const char *text;
	int fd;

	max_questions = LIMIT;
	setup(true);
	fd = dial();
	for (int i = 0; i < LIMIT; i++)
		ask_from_network(fd, i);
	CHECK_STR(hear(fd), "");
	CHECK_INT(policy.n_waiting, LIMIT);
	ask_from_network(fd, LIMIT);
	text = hear(fd);
	CHECK(strstr(text, "instance=64\naction=slow\nscore=20\n") == text);
	CHECK(strstr(text, "\nttl=0\noverloaded=yes\n\n") != NULL);
	/* Though nothing is against it. */
	policy.rules.named[FACT_HISTORY_NONE] = 0;
	ask_from_network(fd, LIMIT + 1);
	text = hear(fd);
	CHECK(strstr(text,
		  "action=slow\nscore=0\nrate=100\npatience=6\n"
		  "reason=policy:overloaded\n") != NULL);
	/* Whoever is known passes. */
	policy.knows = true;
	ask_from_network(fd, LIMIT + 2);
	CHECK(strstr(hear(fd), "action=pass\n") != NULL);
	CHECK_INT(server_counts(server).overloaded, 3);
	policy.knows = false;
	answer_last(&policy);
	(void)hear(fd);
	ask_from_network(fd, LIMIT + 3);
	CHECK_STR(hear(fd), "");
	CHECK_INT(policy.n_waiting, LIMIT);
	close(fd);
	run();
	CHECK_INT(policy.n_waiting, 0);
	teardown();
	max_questions = 0;
}

/* A 16th. */
static void
a_network_has_its_share_of_questions(void)
{
	char client[32];
	int fd;

	max_questions = 64;
	setup(true);
	fd = dial();
	for (int i = 0; i < 4; i++) {
		snprintf(client, sizeof(client), "192.0.2.%d", i);
		ask_about(fd, i, client);
		snprintf(client, sizeof(client), "2001:db8:0:%d::1", i);
		ask_about(fd, 10 + i, client);
	}
	CHECK_STR(hear(fd), "");
	ask_about(fd, 4, "192.0.2.4");
	CHECK(strstr(hear(fd), "instance=4\naction=slow") != NULL);
	ask_about(fd, 14, "2001:db8:0:4::1");
	CHECK(strstr(hear(fd), "instance=14\naction=slow") != NULL);
	/* Others have theirs, but for one in thousands that shares it. */
	for (int i = 0; i < 8; i++)
		ask_from_network(fd, 100 + i);
	(void)hear(fd);
	CHECK(policy.n_waiting > 12);
	close(fd);
	run();
	teardown();
	max_questions = 0;
}

static void
who_has_left_is_forgotten(void)
{
	int fd, other;

	setup(true);
	fd = dial();
	other = dial();
	ask(fd, 1);
	ask(fd, 2);
	ask(other, 1);
	run();
	say(fd, "request=tarpit_forget\ninstance=1\n\n");
	/* Nobody's, and again. */
	say(fd, "request=tarpit_forget\ninstance=7\n\n");
	say(fd, "request=tarpit_forget\ninstance=1\n\n");
	CHECK_STR(hear(fd), "");
	CHECK_INT(policy.cancelled, 1);
	CHECK_INT(server_counts(server).forgotten, 1);
	CHECK_INT(policy.n_waiting, 2);
	answer_last(&policy);
	answer_last(&policy);
	CHECK(strncmp(hear(fd), "instance=2\n", 11) == 0);
	CHECK(strncmp(hear(other), "instance=1\n", 11) == 0);
	close(fd);
	close(other);
	run();
	teardown();
}

/* Too much was asked of its network: a stranger is slowed, and nobody is told
 * that the service is overloaded. */
static void
a_network_beyond_its_lookups_is_slowed(void)
{
	const char *text;
	int fd;

	setup(false);
	policy.over_budget = true;
	policy.rules.named[FACT_HISTORY_NONE] = 0;
	fd = dial();
	ask_about(fd, 1, "2001:db8::1");
	text = hear(fd);
	CHECK(strstr(text, "action=slow\nscore=0\n") != NULL);
	CHECK(strstr(text, "reason=policy:overloaded\n") != NULL);
	CHECK(strstr(text, "ttl=0\n\n") != NULL);
	policy.knows = true;
	ask_about(fd, 2, "2001:db8::1");
	text = hear(fd);
	CHECK(strstr(text, "action=pass\n") != NULL);
	CHECK(strstr(text, "ttl=0\n") != NULL);
	CHECK_INT(server_counts(server).unasked, 2);
	CHECK_INT(server_counts(server).overloaded, 0);
	close(fd);
	run();
	teardown();
}

/* A list that has less than its /64 does not speak of its neighbours. */
static void
an_answer_may_be_for_one_host(void)
{
	int fd;

	setup(false);
	policy.host_only = true;
	fd = dial();
	ask_about(fd, 1, "2001:db8::1");
	CHECK(strstr(hear(fd), "\nprefix=128\n") != NULL);
	ask_about(fd, 2, "192.0.2.1");
	CHECK(strstr(hear(fd), "prefix=") == NULL);
	close(fd);
	run();
	teardown();
}

/* A peer that asks without reading is not read from for ever; when it reads,
 * it gets every answer. */
static void
peer_that_does_not_read(void)
{
	static const char text[] = "request=tarpit_session\n"
				   "client_address=192.0.2.1\n\n";
	size_t asked = 0, at = 0;
	ssize_t n;
	int fd;

	setup(false);
	fd = dial();
	for (int idle = 0; idle < 3;) {
		n = send(fd, text + at, sizeof(text) - 1 - at, MSG_NOSIGNAL);
		idle = n < 0 ? idle + 1 : 0;
		if (n < 0)
			run();
		at += n < 0 ? 0 : (size_t)n;
		asked += at == sizeof(text) - 1;
		at %= sizeof(text) - 1;
		CHECK(asked < 100000);
	}
	CHECK(asked > 1000);
	CHECK_INT(count_answers(fd), asked);
	CHECK_INT(server_counts(server).answers, asked);
	close(fd);
	teardown();
}

static void
connections_at_their_limit(void)
{
	int fd[3];

	setup(false);
	policy.rules.max_connections = 2;
	for (int i = 0; i < 3; i++)
		fd[i] = dial();
	run();
	CHECK_INT(server_counts(server).connections, 2);
	ask(fd[2], 3);
	CHECK_STR(hear(fd[2]), "");
	close(fd[0]);
	CHECK(strncmp(hear(fd[2]), "instance=3\n", 11) == 0);
	CHECK_INT(server_counts(server).connections, 2);
	/* A reload that allows more lets more in. */
	fd[0] = dial();
	ask(fd[0], 4);
	CHECK_STR(hear(fd[0]), "");
	policy.rules.max_connections = 3;
	server_set_policy(server, &policy);
	CHECK(strncmp(hear(fd[0]), "instance=4\n", 11) == 0);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	teardown();
}

static void
without_memory_there_is_no_server(void)
{
	int open;

	setup(false);
	server = server_free(server);
	open = descriptors_open();
	CHECK_MEMORY(server_new(loop, &journal, &policy, &door, 1, &server));
	CHECK_INT(policy.refs, 1);
	server = server_free(server);
	CHECK_INT(descriptors_open(), open);
	CHECK_INT(server_new(loop, &journal, &policy, &door, 1, &server), 0);
	teardown();
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(answers_at_once),
		CASE(message_in_single_bytes),
		CASE(late_answers_in_any_order),
		CASE(closing_cancels_what_waits),
		CASE(half_closed_peer_gets_its_answers),
		CASE(outcomes_are_learned),
		CASE(outcomes_have_circumstances),
		CASE(only_the_dispatcher_teaches),
		CASE(outcome_of_a_peer_that_has_gone),
		CASE(garbage_is_answered),
		CASE(endless_message_closes),
		CASE(questions_beyond_the_limit_do_not_wait),
		CASE(a_network_has_its_share_of_questions),
		CASE(a_network_beyond_its_lookups_is_slowed),
		CASE(who_has_left_is_forgotten),
		CASE(an_answer_may_be_for_one_host),
		CASE(peer_that_does_not_read),
		CASE(connections_at_their_limit),
		CASE(without_memory_there_is_no_server),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
