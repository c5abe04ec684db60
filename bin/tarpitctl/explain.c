/* SPDX-License-Identifier: ISC */
/* tarpitctl explain: why a client is treated as it is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpitctl/gather.h"
#include "bin/tarpitctl/link.h"
#include "bin/tarpitctl/tarpitctl.h"
#include "bin/tarpitctl/treatment.h"
#include "data/cidr.h"
#include "policy/engine.h"

/*
 * Where the answer comes from
 */

static size_t
ask_service(const struct tarpitctl *t, const char *address, char *buf)
{
	struct message answer = { 0 };
	char question[256];
	const char *path;
	struct link link;
	int n = snprintf(question, sizeof(question),
	    "request=tarpit_explain\nclient_address=%s\n\n", address);
	int r = link_open_policy(&link, t->socket, &path);

	if (r == -EACCES)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "no permission for %s: tarpit-explain.socket lets root "
		    "and members of the group tarpit ask",
		    path);
	if (r == 0)
		r = link_ask(&link, question, (size_t)n);
	if (r == 0)
		r = link_read(&link, &answer);
	if (r < 0)
		program_die(&tarpitctl, EXIT_TEMPORARY, r,
		    "no answer from the policy service at %s (--offline asks "
		    "the files)",
		    path);
	memcpy(buf, answer.data, answer.len);
	link_close(&link);
	return answer.len;
}

/* What could not be looked at, which the service may know. */
static void
tell_lacks(const struct gather *g)
{
	if (g->n_lacks == 0)
		return;
	fprintf(stderr, "tarpitctl: this answer lacks");
	for (size_t i = 0; i < g->n_lacks; i++)
		fprintf(stderr, "%s %s", i > 0 ? "," : "", g->lacks[i]);
	fprintf(stderr, ": that of the service may be another\n");
}

/* G is closed; what it lacks stands in it. */
static size_t
ask_files(const struct tarpitctl *t, const struct in6_addr *addr, char *buf,
    struct gather *g)
{
	struct explanation explanation = { 0 };
	struct verdict verdict;
	struct rules rules;
	size_t len;

	tarpitctl_load_rules(t, NULL, &rules);
	gather_init(g, &rules);
	gather_ask(g, addr, &explanation);
	engine_decide(g->inquiry.rules, &g->inquiry.facts, &verdict);
	len =
	    explanation_encode(&g->inquiry, &verdict, NULL, 0, buf, ATTRS_MAX);
	gather_fini(g);
	tell_lacks(g);
	return len;
}

/* What it would be is not all if the dispatcher does otherwise.  False: it does
 * not run here, or cannot be asked. */
static bool
ask_dispatcher(
    const struct tarpitctl *t, const char *address, struct treatment *ret)
{
	int r = treatment_ask(t, address, ret);

	if (r < 0 && r != -ENOENT && r != -ECONNREFUSED)
		fprintf(stderr,
		    "tarpitctl: tarpitd was not asked about orders and own "
		    "networks (%s: %s)\n",
		    t->control,
		    r == -EPROTO ? "an older version" : strerror(-r));
	return r == 0;
}

/*
 * Printing
 */

/* A fact: its line, "list.drop+100 192.0.2.0/24, ...", and what follows it. */
struct fact_text {
	int name_len, weight_len, detail_len;
	const char *name, *weight, *detail;
	struct attr class, count, age, cancelled_by;
};

static void
split_fact(const struct attr *a, struct fact_text *ret)
{
	const char *end = a->value + a->value_len;
	const char *blank = memchr(a->value, ' ', a->value_len);
	const char *word = blank ? blank : end, *sign = word;

	while (sign > a->value && *sign != '+' && *sign != '-')
		sign--;
	*ret = (struct fact_text){
		.name = a->value,
		.name_len = (int)(sign - a->value),
		.weight = sign,
		.weight_len = (int)(word - sign),
		.detail = blank ? blank + 1 : end,
		.detail_len = blank ? (int)(end - blank - 1) : 0,
	};
}

/* The next fact from *POS on; false: there is none. */
static bool
next_fact(const char **pos, const char *end, struct fact_text *ret)
{
	const char *ahead;
	struct attr a;

	do {
		if (attrs_next(pos, end, &a) <= 0)
			return false;
	} while (!attr_is(&a, "fact"));
	split_fact(&a, ret);
	for (ahead = *pos; attrs_next(&ahead, end, &a) > 0; *pos = ahead) {
		if (attr_is(&a, "fact"))
			break;
		if (attr_is(&a, "class"))
			ret->class = a;
		else if (attr_is(&a, "count"))
			ret->count = a;
		else if (attr_is(&a, "age"))
			ret->age = a;
		else if (attr_is(&a, "cancelled_by"))
			ret->cancelled_by = a;
	}
	return true;
}

static struct attr
find(const char *buf, size_t len, const char *name)
{
	return message_find(&(struct message){ buf, len }, name);
}

#define VALUE(a) (int)(a).value_len, (a).value

static bool
is_action(const struct attr *a, const char *lane)
{
	return a->value_len == strlen(lane) &&
	    memcmp(a->value, lane, a->value_len) == 0;
}

static void
print_outcome(const char *buf, size_t len)
{
	struct attr action = find(buf, len, "action");
	struct attr rate = find(buf, len, "rate");
	struct attr patience = find(buf, len, "patience");

	printf("lane      %.*s\n", VALUE(action));
	if (is_action(&action, "pass")) {
		printf("wait      none: it goes to the MTA at once\n");
		return;
	}
	printf("rate      %.*s bytes per second\n", VALUE(rate));
	if (is_action(&action, "hold"))
		printf("wait      for as long as it stays; the greeting takes "
		       "%.*s s\n",
		    VALUE(patience));
	else
		printf("wait      %.*s s, the length of the greeting\n",
		    VALUE(patience));
}

static bool
same_value(const struct attr *a, const struct attr *b)
{
	return a->value_len == b->value_len &&
	    memcmp(a->value, b->value, a->value_len) == 0;
}

/* Facts by class; those that do not count in parentheses. */
static void
print_facts(const char *pos, const char *end)
{
	struct attr class = { .value = "" };
	struct fact_text f;

	while (next_fact(&pos, end, &f)) {
		bool counts = f.cancelled_by.value_len == 0;

		if (f.class.value_len > 0 && !same_value(&f.class, &class))
			printf("%.*s\n", VALUE(f.class));
		class = f.class;
		printf("%8.*s  %s%.*s%s", f.weight_len, f.weight,
		    counts ? "" : "(", f.name_len, f.name, counts ? "" : ")");
		if (f.detail_len > 0)
			printf(": %.*s", f.detail_len, f.detail);
		if (!counts)
			printf("; does not count: %.*s", VALUE(f.cancelled_by));
		putchar('\n');
	}
}

/* The lane that the policy service says. */
static const char *
lane_of(const char *buf, size_t len, char *lane, size_t size)
{
	return message_text(
	    &(struct message){ buf, len }, "action", lane, size);
}

static void
print_text(const char *address, const char *buf, size_t len,
    const struct treatment *treatment)
{
	char lane[16];

	struct attr country = find(buf, len, "country");
	struct attr asn = find(buf, len, "asn"), a;

	printf("client    %s\n", address);
	if (country.value_len > 0)
		printf("country   %.*s\n", VALUE(country));
	if (asn.value_len > 1 || (asn.value_len == 1 && *asn.value != '0'))
		printf("network   AS%.*s\n", VALUE(asn));
	print_facts(buf, buf + len);
	a = find(buf, len, "score");
	printf("score     %.*s\n", VALUE(a));
	print_outcome(buf, len);
	if (treatment)
		treatment_print(
		    treatment, lane_of(buf, len, lane, sizeof(lane)));
}

/* Values are what a service of ours said, or anybody's: any byte may come. */
static void
print_json_string(const char *s, int len)
{
	putchar('"');
	for (int i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
print_json_number(const char *name, const char *buf, size_t len)
{
	struct attr a = find(buf, len, name);
	int64_t n = 0;

	if (attr_int(&a, INT32_MIN, UINT32_MAX, &n) < 0)
		n = 0;
	printf(",\"%s\":%lld", name, (long long)n);
}

/* null where it is not known. */
static void
print_json_attr(const char *name, const struct attr *a, bool number)
{
	int64_t n;

	printf(",\"%s\":", name);
	if (a->value_len == 0)
		printf("null");
	else if (!number)
		print_json_string(a->value, (int)a->value_len);
	else if (attr_int(a, 0, INT64_MAX, &n) == 0)
		printf("%lld", (long long)n);
	else
		printf("null");
}

static void
print_json_facts(const char *pos, const char *end)
{
	const char *comma = "";
	struct fact_text f;

	printf(",\"facts\":[");
	while (next_fact(&pos, end, &f)) {
		printf("%s{\"fact\":", comma);
		print_json_string(f.name, f.name_len);
		printf(",\"weight\":%.*s,\"source\":",
		    f.weight_len - (*f.weight == '+'),
		    f.weight + (*f.weight == '+'));
		print_json_string(f.detail, f.detail_len);
		print_json_attr("class", &f.class, false);
		print_json_attr("count", &f.count, true);
		print_json_attr("age", &f.age, true);
		print_json_attr("cancelled_by", &f.cancelled_by, false);
		putchar('}');
		comma = ",";
	}
	printf("]}\n");
}

static void
print_json_lacks(const struct gather *g)
{
	printf(",\"lacks\":[");
	for (size_t i = 0; i < g->n_lacks; i++)
		printf("%s\"%s\"", i > 0 ? "," : "", g->lacks[i]);
	putchar(']');
}

/* G: from the files, or NULL. */
static void
print_json(const char *address, const char *buf, size_t len,
    const struct gather *g, const struct treatment *treatment)
{
	char lane[16];
	struct attr a = find(buf, len, "action");

	printf("{\"client\":");
	print_json_string(address, (int)strlen(address));
	printf(",\"lane\":");
	print_json_string(a.value, (int)a.value_len);
	print_json_number("score", buf, len);
	print_json_number("rate", buf, len);
	print_json_number("patience", buf, len);
	a = find(buf, len, "country");
	printf(",\"country\":");
	print_json_string(a.value, (int)a.value_len);
	print_json_number("asn", buf, len);
	if (g)
		print_json_lacks(g);
	if (treatment)
		treatment_print_json(
		    treatment, lane_of(buf, len, lane, sizeof(lane)));
	print_json_facts(buf, buf + len);
}

int
explain_run(const struct tarpitctl *t, const char *address)
{
	char buf[ATTRS_MAX];
	char text[CIDR_STRLEN];
	struct in6_addr addr;
	struct treatment treatment;
	struct gather files;
	struct attr error;
	bool has_dispatcher;
	size_t len;

	if (cidr_parse_addr(address, strlen(address), &addr) < 0)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "\"%s\" is not an address", address);
	cidr_format_addr(&addr, text);
	len = t->offline ? ask_files(t, &addr, buf, &files)
			 : ask_service(t, text, buf);
	error = find(buf, len, "error");
	if (error.value_len > 0)
		program_die(&tarpitctl, EXIT_TEMPORARY, 0,
		    "the policy service says: %.*s", VALUE(error));
	has_dispatcher = ask_dispatcher(t, text, &treatment);
	if (t->json)
		print_json(text, buf, len, t->offline ? &files : NULL,
		    has_dispatcher ? &treatment : NULL);
	else
		print_text(text, buf, len, has_dispatcher ? &treatment : NULL);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_TEMPORARY;
}
