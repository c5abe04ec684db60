/* SPDX-License-Identifier: ISC */
/*
 * lists ENTRIES DIRECTORY: compiles so many random networks, and asks the
 * compiled file, the same list as .mmdb, and the same as sorted ranges; then
 * swaps the file under full look-up load.  Prints one NAME=VALUE a line.
 *
 * The list is like real ones: 80 % single addresses, 12 % /24, 4 % /22, and the
 * rest /16 to /20.  Half of the addresses asked for are in it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bin/common/clock.h"
#include "data/cdbfile.h"
#include "policy/source.h"
#include "tests/bench/mmdb.h"

enum { QUESTIONS = 1 << 20, PASSES = 5, SWAPS = 5 };

struct bench {
	size_t n;
	struct cdbfile_prefix *prefixes;
	uint32_t *hits, *misses; /* addresses, host order; [QUESTIONS] */
	char cdb[4096], next[4096], mmdb[4096];
	volatile uint64_t sum; /* of all answers, so that none is left out */
};

static uint64_t random_state = 42;

static uint32_t
random32(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(random_state >> 32);
}

static struct in6_addr
to_addr(uint32_t v4)
{
	struct in6_addr addr = { .s6_addr = { [10] = 0xff, 0xff } };

	v4 = htonl(v4);
	memcpy(&addr.s6_addr[12], &v4, 4);
	return addr;
}

static uint32_t
to_v4(const struct in6_addr *addr)
{
	uint32_t v4;

	memcpy(&v4, &addr->s6_addr[12], 4);
	return ntohl(v4);
}

static unsigned
random_len(void)
{
	unsigned percent = random32() % 100;

	if (percent < 80)
		return 32;
	if (percent < 92)
		return 24;
	return percent < 96 ? 22 : 16 + random32() % 5;
}

static void
make_list(struct bench *b)
{
	b->prefixes = calloc(b->n, sizeof(*b->prefixes));
	b->hits = calloc(QUESTIONS, sizeof(*b->hits));
	b->misses = calloc(QUESTIONS, sizeof(*b->misses));
	if (!b->prefixes || !b->hits || !b->misses)
		err(1, "no memory");
	for (size_t i = 0; i < b->n; i++) {
		struct in6_addr addr = to_addr(random32());

		b->prefixes[i].cidr =
		    cidr_mask(&addr, CIDR_V4_BITS + random_len());
	}
	for (size_t i = 0; i < QUESTIONS; i++) {
		b->hits[i] = to_v4(&b->prefixes[random32() % b->n].cidr.addr);
		b->misses[i] = random32();
	}
}

/* CPU time of this thread, usec: what others do to the machine meanwhile is not
 * counted. */
static uint64_t
cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void
compile(struct bench *b, const char *path)
{
	const struct cdbfile_list list = {
		.name = "bench", .source = "bench", .entries = (uint32_t)b->n
	};
	struct cdbfile_content content = {
		.lists = &list, .n_lists = 1, .prefixes = b->prefixes
	};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	content.n_prefixes = b->n = cdbfile_sort(b->prefixes, b->n);
	if (fd < 0 || cdbfile_write(fd, &content) < 0)
		errx(1, "%s: cannot be compiled", path);
	close(fd);
}

/*
 * The same as sorted ranges
 */

struct v4_range {
	uint32_t first, last;
};

/* The prefixes are sorted, so that nested ones follow what they are in. */
static size_t
make_ranges(const struct bench *b, struct v4_range *ranges)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct in6_addr last = cidr_last(&b->prefixes[i].cidr);
		struct v4_range r = { to_v4(&b->prefixes[i].cidr.addr),
			to_v4(&last) };

		if (n > 0 && r.first <= ranges[n - 1].last)
			continue;
		ranges[n++] = r;
	}
	return n;
}

static bool
search(const struct v4_range *ranges, size_t n, uint32_t v4)
{
	while (n > 1) {
		size_t half = n / 2;

		ranges = ranges[half].first <= v4 ? ranges + half : ranges;
		n -= half;
	}
	return ranges->first <= v4 && v4 <= ranges->last;
}

/*
 * The same as .mmdb: a tree of IPv4, records of 28 bits
 */

struct tree {
	uint32_t (*node)[2]; /* another node; 0 nothing; LEAF listed */
	uint32_t n, cap;
};

enum { LEAF = 0x0fffffff };

static void
tree_add(struct tree *t, uint32_t v4, unsigned len)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < len; i++) {
		uint32_t *record = &t->node[at][v4 >> (31 - i) & 1];

		if (*record == LEAF)
			return;
		if (i + 1 == len) {
			*record = LEAF;
			return;
		}
		if (*record == 0) {
			if (t->n == t->cap)
				errx(1, "too many nodes");
			*record = t->n++;
		}
		at = *record;
	}
}

static void
put_record(uint8_t *p, const struct tree *t, const uint32_t node[2])
{
	uint32_t r[2];

	for (int i = 0; i < 2; i++)
		r[i] = node[i] == 0   ? t->n
		    : node[i] == LEAF ? t->n + 16 /* the first value */
				      : node[i];
	p[0] = (uint8_t)(r[0] >> 16);
	p[1] = (uint8_t)(r[0] >> 8);
	p[2] = (uint8_t)r[0];
	p[3] = (uint8_t)((r[0] >> 24 & 15) << 4 | (r[1] >> 24 & 15));
	p[4] = (uint8_t)(r[1] >> 16);
	p[5] = (uint8_t)(r[1] >> 8);
	p[6] = (uint8_t)r[1];
}

static void
write_tree(const struct tree *t, const char *path)
{
	/* The value is the number 1. */
	static const char data[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xa1\x01";
	FILE *f = fopen(path, "we");

	if (!f)
		err(1, "%s", path);
	for (uint32_t i = 0; i < t->n; i++) {
		uint8_t record[7];

		put_record(record, t, t->node[i]);
		fwrite(record, 1, sizeof(record), f);
	}
	fwrite(data, 1, sizeof(data) - 1, f);
	mmdb_write_metadata(f, t->n, 28, "bench");
	if (ferror(f) || fclose(f) != 0)
		err(1, "%s", path);
}

static void
make_mmdb(const struct bench *b)
{
	struct tree t = { .n = 1, .cap = LEAF };

	/* Far more than is used; the kernel gives only what is. */
	t.node = calloc(b->n * 33 + 1, sizeof(*t.node));
	if (!t.node)
		err(1, "no memory");
	t.cap = (uint32_t)(b->n * 33 + 1);
	for (size_t i = 0; i < b->n; i++)
		tree_add(&t, to_v4(&b->prefixes[i].cidr.addr),
		    b->prefixes[i].cidr.len - CIDR_V4_BITS);
	write_tree(&t, b->mmdb);
	free(t.node);
}

/*
 * Asking
 */

/* One of the three, with what it needs. */
struct asked {
	const char *name;
	bool (*is_listed)(const struct asked *, uint32_t v4);
	const struct cdbfile *cdb;
	MMDB_s *mmdb;
	const struct v4_range *ranges;
	size_t n_ranges;
};

static bool
in_cdb(const struct asked *a, uint32_t v4)
{
	struct in6_addr addr = to_addr(v4);
	struct cdbfile_match match;

	return cdbfile_find(a->cdb, &addr, &match) > 0;
}

static bool
in_mmdb(const struct asked *a, uint32_t v4)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(v4) };
	int error;

	return MMDB_lookup_sockaddr(a->mmdb, (struct sockaddr *)&in, &error)
	    .found_entry;
}

static bool
in_ranges(const struct asked *a, uint32_t v4)
{
	return search(a->ranges, a->n_ranges, v4);
}

static int
compare_doubles(const void *a, const void *b)
{
	double da = *(const double *)a, db = *(const double *)b;

	return (da > db) - (da < db);
}

static double
time_questions(struct bench *b, const struct asked *a, const uint32_t *v4)
{
	double ns[PASSES];

	for (int pass = 0; pass < PASSES; pass++) {
		uint64_t start = cpu_now(), n = 0;

		for (size_t i = 0; i < QUESTIONS; i++)
			n += a->is_listed(a, v4[i]);
		ns[pass] = (double)(cpu_now() - start) * 1000 / QUESTIONS;
		b->sum += n;
	}
	qsort(ns, PASSES, sizeof(ns[0]), compare_doubles);
	return ns[PASSES / 2];
}

static void
check_same(struct bench *b, const struct asked *asked, size_t n)
{
	for (size_t i = 0; i < QUESTIONS; i += 16)
		for (size_t k = 1; k < n; k++)
			if (asked[k].is_listed(&asked[k], b->misses[i]) !=
				asked[0].is_listed(&asked[0], b->misses[i]) ||
			    !asked[k].is_listed(&asked[k], b->hits[i]))
				errx(1, "%s and %s differ", asked[k].name,
				    asked[0].name);
}

static void
measure_look_ups(struct bench *b)
{
	struct v4_range *ranges = calloc(b->n, sizeof(*ranges));
	struct cdbfile *cdb;
	MMDB_s mmdb;
	char why[128];
	struct asked asked[3];

	make_mmdb(b);
	if (!ranges || cdbfile_open(b->cdb, &cdb, why, sizeof(why)) < 0 ||
	    MMDB_open(b->mmdb, MMDB_MODE_MMAP, &mmdb) != MMDB_SUCCESS)
		errx(1, "cannot open what was written");
	asked[0] = (struct asked){ "cdb", in_cdb, .cdb = cdb };
	asked[1] = (struct asked){ "mmdb", in_mmdb, .mmdb = &mmdb };
	asked[2] = (struct asked){ "ranges", in_ranges, .ranges = ranges,
		.n_ranges = make_ranges(b, ranges) };
	check_same(b, asked, 3);
	for (size_t i = 0; i < 3; i++) {
		printf("%s_hit_ns=%.1f\n", asked[i].name,
		    time_questions(b, &asked[i], b->hits));
		printf("%s_random_ns=%.1f\n", asked[i].name,
		    time_questions(b, &asked[i], b->misses));
	}
	MMDB_close(&mmdb);
	cdbfile_free(cdb);
	free(ranges);
}

/*
 * Swapping
 */

/* The longest time from one answer to the next: by the clock, which on a busy
 * machine is mostly that of others, and of our own work. */
struct gap {
	double wall, cpu; /* usec */
};

/* Asks on until the new file is in use, or for so long without one. */
static struct gap
worst_gap(struct bench *b, struct source *source, const struct rules *rules,
    bool swaps)
{
	uint64_t wall = clock_now(), cpu = cpu_now(), next_look = wall;
	uint64_t end = wall + (swaps ? 60 : 1) * USEC_PER_SEC;
	struct source_note note;
	struct gap worst = { 0 };

	for (size_t i = 0; wall < end; i++) {
		struct inquiry q = { .rules = rules,
			.addr = to_addr(b->misses[i % QUESTIONS]) };
		uint64_t wall_before = wall, cpu_before = cpu;

		facts_init(&q.facts);
		(void)source_lists.ask(source, &q);
		b->sum += q.facts.n;
		/* The swap itself happens in here. */
		if (wall >= next_look) {
			if (source_lists.refresh(source, &note) && swaps)
				end = 0;
			next_look = wall + 10 * USEC_PER_MSEC;
		}
		wall = clock_now();
		cpu = cpu_now();
		if ((double)(wall - wall_before) > worst.wall)
			worst.wall = (double)(wall - wall_before);
		if ((double)(cpu - cpu_before) > worst.cpu)
			worst.cpu = (double)(cpu - cpu_before);
	}
	return worst;
}

static void
add_gap(struct gap *worst, struct gap gap)
{
	worst->wall = gap.wall > worst->wall ? gap.wall : worst->wall;
	worst->cpu = gap.cpu > worst->cpu ? gap.cpu : worst->cpu;
}

static void
measure_swaps(struct bench *b)
{
	struct rules rules = { .lists = b->cdb };
	struct source *source;
	struct source_note note;
	struct gap swap = { 0 }, idle = { 0 };

	if (source_lists.open(&source, &rules, NULL) < 0)
		errx(1, "no memory");
	(void)source_lists.refresh(source, &note);
	for (int i = 0; i < SWAPS; i++) {
		add_gap(&idle, worst_gap(b, source, &rules, false));
		compile(b, b->next);
		if (rename(b->next, b->cdb) < 0)
			err(1, "%s", b->cdb);
		add_gap(&swap, worst_gap(b, source, &rules, true));
	}
	source_lists.free(source);
	printf("swap_gap_usec=%.0f\nswap_gap_cpu_usec=%.0f\n"
	       "idle_gap_usec=%.0f\nidle_gap_cpu_usec=%.0f\n",
	    swap.wall, swap.cpu, idle.wall, idle.cpu);
	while (rules.list_weight) {
		struct list_weight *next = rules.list_weight->next;

		free(rules.list_weight);
		rules.list_weight = next;
	}
}

int
main(int argc, char **argv)
{
	struct bench b = { 0 };
	uint64_t start;

	if (argc != 3 || (b.n = strtoul(argv[1], NULL, 10)) == 0)
		errx(2, "usage: lists ENTRIES DIRECTORY");
	snprintf(b.cdb, sizeof(b.cdb), "%s/lists.cdb", argv[2]);
	snprintf(b.next, sizeof(b.next), "%s/lists.new", argv[2]);
	snprintf(b.mmdb, sizeof(b.mmdb), "%s/lists.mmdb", argv[2]);
	make_list(&b);
	start = cpu_now();
	compile(&b, b.cdb);
	printf("entries=%zu\ncompile_ms=%.0f\n", b.n,
	    (double)(cpu_now() - start) / 1000);
	measure_look_ups(&b);
	measure_swaps(&b);
	return fflush(stdout) == 0 ? 0 : 1;
}
