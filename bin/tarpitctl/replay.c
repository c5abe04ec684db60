/* SPDX-License-Identifier: ISC */
/* tarpitctl replay: whose lane a changed policy.conf would change. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bin/tarpitctl/gather.h"
#include "bin/tarpitctl/tarpitctl.h"
#include "data/cidr.h"
#include "policy/engine.h"

struct replay {
	struct gather before, after;
	uint64_t sessions, lines, moved;
	uint64_t lane[LANE_COUNT][LANE_COUNT]; /* from, to; sessions */
};

/* One address, and how often it came. */
struct client {
	struct in6_addr addr;
	uint64_t n;
};

struct clients {
	size_t n, size;
	struct client *client;
};

/* Behind the first of our fields' names in a line: the journal's exports and
 * what the programs print; else the first word. */
static bool
find_address(char *line, struct in6_addr *ret)
{
	static const char *const names[] = { "TARPIT_CLIENT=", " client=",
		"client_address=", "\"TARPIT_CLIENT\":\"",
		"\"TARPIT_CLIENT\" : \"" };
	char *at = line + strspn(line, " \t");
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *found = strstr(line, names[i]);

		if (found) {
			at = found + strlen(names[i]);
			break;
		}
	}
	n = strcspn(at, " \t\r\n\",;]");
	return n > 0 && cidr_parse_addr(at, n, ret) == 0;
}

static int
add_client(struct clients *c, const struct in6_addr *addr)
{
	if (c->n == c->size) {
		size_t size = c->size ? c->size * 2 : 1024;
		struct client *bigger =
		    realloc(c->client, size * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		c->client = bigger;
		c->size = size;
	}
	c->client[c->n++] = (struct client){ *addr, 1 };
	return 0;
}

static int
compare_clients(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct in6_addr));
}

/* Each address once. */
static void
merge_clients(struct clients *c)
{
	size_t kept = 0;

	if (c->n > 0)
		qsort(c->client, c->n, sizeof(*c->client), compare_clients);
	for (size_t i = 0; i < c->n; i++) {
		if (kept > 0 &&
		    compare_clients(&c->client[kept - 1], &c->client[i]) == 0)
			c->client[kept - 1].n += c->client[i].n;
		else
			c->client[kept++] = c->client[i];
	}
	c->n = kept;
}

/* Of the record that is being read, in the journal's export format: its fields
 * come in any order, and an empty line ends it. */
struct folded {
	uint64_t n; /* TARPIT_SESSIONS=; 0: not there, or not yet */
	bool has_client;
};

static void
note_folded(
    struct folded *f, const char *line, struct clients *c, struct replay *r)
{
	static const char name[] = "TARPIT_SESSIONS=";

	if (*line == '\n')
		*f = (struct folded){ 0 };
	if (strncmp(line, name, sizeof(name) - 1) != 0)
		return;
	f->n = strtoul(line + sizeof(name) - 1, NULL, 10);
	if (f->n == 0 || !f->has_client)
		return;
	r->sessions += f->n - 1;
	c->client[c->n - 1].n = f->n;
}

static void
read_clients(struct replay *r, const char *file, struct clients *c)
{
	FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	struct folded folded = { 0 };
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	if (!in)
		program_die(&tarpitctl, EXIT_OPERATOR, -errno, "%s", file);
	while (getline(&line, &size, in) >= 0) {
		struct in6_addr addr;

		r->lines++;
		note_folded(&folded, line, c, r);
		if (!find_address(line, &addr))
			continue;
		if (add_client(c, &addr) < 0)
			program_die(
			    &tarpitctl, EXIT_TEMPORARY, -ENOMEM, "%s", file);
		r->sessions += folded.n > 0 ? folded.n : 1;
		if (folded.n > 0)
			c->client[c->n - 1].n = folded.n;
		folded.has_client = true;
	}
	if (ferror(in))
		program_die(&tarpitctl, EXIT_TEMPORARY, -EIO, "%s", file);
	if (in != stdin)
		fclose(in);
}

static void
decide(struct gather *g, const struct in6_addr *addr, struct verdict *ret)
{
	gather_ask(g, addr, NULL);
	engine_decide(g->inquiry.rules, &g->inquiry.facts, ret);
}

static void
replay_client(struct replay *r, const struct client *c)
{
	struct verdict before, after;
	char text[CIDR_STRLEN];

	decide(&r->before, &c->addr, &before);
	decide(&r->after, &c->addr, &after);
	r->lane[before.lane][after.lane] += c->n;
	if (before.lane == after.lane)
		return;
	r->moved += c->n;
	printf("%s %s -> %s, %d -> %d, %llu sessions: %s\n",
	    cidr_format_addr(&c->addr, text), lane_name(before.lane),
	    lane_name(after.lane), before.score, after.score,
	    (unsigned long long)c->n, after.reason);
}

static void
print_summary(const struct replay *r, size_t clients)
{
	printf("%llu sessions of %zu clients, %llu of them in another lane\n",
	    (unsigned long long)r->sessions, clients,
	    (unsigned long long)r->moved);
	for (int i = 0; i < LANE_COUNT; i++) {
		for (int j = 0; j < LANE_COUNT; j++) {
			if (i != j && r->lane[i][j] > 0)
				printf("%8llu  %s -> %s\n",
				    (unsigned long long)r->lane[i][j],
				    lane_name((enum lane)i),
				    lane_name((enum lane)j));
		}
	}
}

static void
open_rules(const struct tarpitctl *t, const char *path, struct gather *g)
{
	struct rules rules;

	tarpitctl_load_rules(t, path, &rules);
	/* What the DNS says now is not what it said then, and asking for each
	 * client takes long. */
	if (!t->dns)
		rules_forget_dns(&rules);
	gather_init(g, &rules);
}

int
replay_run(const struct tarpitctl *t, const char *file)
{
	struct replay r = { 0 };
	struct clients c = { 0 };

	if (!t->compare)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "replay needs --new FILE, the changed policy.conf");
	open_rules(t, NULL, &r.before);
	open_rules(t, t->compare, &r.after);
	read_clients(&r, file, &c);
	if (r.sessions == 0 && r.lines > 0)
		program_die(&tarpitctl, EXIT_OPERATOR, 0,
		    "%s: no line has an address: neither TARPIT_CLIENT= nor "
		    "at its start",
		    file);
	merge_clients(&c);
	for (size_t i = 0; i < c.n; i++)
		replay_client(&r, &c.client[i]);
	print_summary(&r, c.n);
	gather_fini(&r.before);
	gather_fini(&r.after);
	free(c.client);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_TEMPORARY;
}
