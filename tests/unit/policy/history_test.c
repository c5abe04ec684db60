/* SPDX-License-Identifier: ISC */
/* Records, their table, their store, and the facts made of them. */
#include "policy/history.h"

#include <errno.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bin/common/clock.h"
#include "data/cidr.h"
#include "policy/history_lmdb.h"
#include "policy/history_table.h"
#include "policy/source.h"
#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"
#include "tests/helpers/scratch.h"

enum { NOW = 1000000, LIFE = 1000 };

static const struct history_fading fading = {
	.half_life = { LIFE, LIFE / 10, LIFE / 5, LIFE },
};

static struct in6_addr
address(const char *text)
{
	struct in6_addr addr;

	CHECK_INT(cidr_parse_addr(text, strlen(text), &addr), 0);
	return addr;
}

static void
keys_of_an_address(void)
{
	struct history_key key[HISTORY_KEYS_MAX];
	struct in6_addr v4 = address("192.0.2.7"),
			v6 = address("2001:db8:1:2:3:4:5:6");

	CHECK_INT(history_keys(&v4, key), 2);
	CHECK_INT(key[0].scope, HISTORY_V4_HOST);
	CHECK_INT(key[0].bits, 0xc0000207);
	CHECK_INT(key[1].scope, HISTORY_V4_NET);
	CHECK_INT(key[1].bits, 0xc00002);
	CHECK_INT(history_keys(&v6, key), 2);
	CHECK_INT(key[0].scope, HISTORY_V6_HOST);
	CHECK_INT(key[0].bits, 0x20010db800010002);
	CHECK_INT(key[1].scope, HISTORY_V6_NET);
	CHECK_INT(key[1].bits, 0x20010db8000100);
}

static void
amounts_fade_by_halves(void)
{
	enum { HALF = LIFE / 10 };
	struct history_record rec = { 0 };
	const enum history_kind kind = HISTORY_ABANDONED;

	CHECK(history_add(&rec, &fading, kind, NOW));
	CHECK_INT(history_strength(&rec, &fading, kind, NOW), 4096);
	CHECK_INT(history_strength(&rec, &fading, kind, NOW + HALF), 2048);
	CHECK_INT(
	    history_strength(&rec, &fading, kind, NOW + HALF * 3 / 2), 1536);
	CHECK_INT(
	    history_strength(&rec, &fading, kind, NOW + HALF * 5 - 1), 130);
	/* Forgotten when it is a 32nd, and at the moment that is foretold. */
	CHECK_INT(history_expires(&rec, &fading), NOW + HALF * 5);
	CHECK_INT(history_strength(&rec, &fading, kind, NOW + HALF * 6), 0);
	CHECK_INT(history_strength(&rec, &fading, kind, UINT32_MAX), 0);
	/* A clock that is set back. */
	CHECK_INT(history_strength(&rec, &fading, kind, NOW - HALF), 4096);
	CHECK_INT(history_strength(&rec, &fading, HISTORY_PREGREET, NOW), 0);
}

/* A proof counts in full, for its time, however often it was given. */
static void
patience_lasts_from_its_proof(void)
{
	struct history_record rec = { 0 };

	CHECK(!history_is_patient(&rec, &fading, NOW));
	for (int i = 0; i < 20; i++)
		(void)history_add(&rec, &fading, HISTORY_PATIENT, NOW);
	CHECK(history_is_patient(&rec, &fading, NOW));
	CHECK(history_is_patient(&rec, &fading, NOW + LIFE - 1));
	CHECK(!history_is_patient(&rec, &fading, NOW + LIFE));
	CHECK_INT(history_expires(&rec, &fading), NOW + LIFE);
	/* A new proof begins a new time. */
	CHECK(history_add(&rec, &fading, HISTORY_PATIENT, NOW + LIFE));
	CHECK(history_is_patient(&rec, &fading, NOW + 2 * LIFE - 1));
}

static void
who_is_caught_is_patient_no_more(void)
{
	struct history_record rec = { 0 };

	CHECK(history_add(&rec, &fading, HISTORY_PATIENT, NOW));
	CHECK(history_add(&rec, &fading, HISTORY_PREGREET, NOW + 1));
	CHECK(!history_is_patient(&rec, &fading, NOW + 2));
	CHECK(history_add(&rec, &fading, HISTORY_PATIENT, NOW + 3));
	CHECK(history_is_patient(&rec, &fading, NOW + 4));
}

/* Each host counts once, and its proof no longer than its own patience. */
static void
networks_count_their_hosts(void)
{
	struct history_record net = { .scope = HISTORY_V4_NET };

	CHECK_INT(history_net_hosts(&net, &fading, NOW), 0);
	CHECK(history_is_empty(&net));
	CHECK(history_net_add(&net, 0, NOW));
	CHECK(!history_is_empty(&net));
	CHECK(!history_net_add(&net, 0, NOW + 1));
	CHECK_INT(history_net_hosts(&net, &fading, NOW), 1);
	CHECK(history_net_add(&net, 255, NOW + 10));
	CHECK(history_net_add(&net, 7, NOW + 20));
	CHECK_INT(history_net_hosts(&net, &fading, NOW + 20), 3);
	/* There is room for no more: the oldest makes room. */
	CHECK(history_net_add(&net, 8, NOW + 30));
	CHECK_INT(history_net_hosts(&net, &fading, NOW + LIFE + 9), 3);
	CHECK_INT(history_net_hosts(&net, &fading, NOW + LIFE + 10), 2);
	CHECK_INT(history_net_hosts(&net, &fading, NOW + LIFE + 30), 0);
	CHECK_INT(history_expires(&net, &fading), NOW + LIFE + 30);
	/* One that is caught ends it, for as long as patience would count. */
	CHECK(history_net_catch(&net, NOW + 40));
	CHECK_INT(history_net_hosts(&net, &fading, NOW + 41), 0);
	CHECK_INT(history_expires(&net, &fading), NOW + LIFE + 40);
}

static void
networks_are_merged_by_host(void)
{
	struct history_record a = { .scope = HISTORY_V6_NET }, b = a, was;

	CHECK(history_net_add(&a, 1, NOW));
	CHECK(history_net_add(&a, 2, NOW + 1));
	CHECK(history_net_add(&b, 2, NOW + 100));
	CHECK(history_net_add(&b, 3, NOW + 2));
	history_merge(&a, &b, &fading);
	CHECK_INT(history_net_hosts(&a, &fading, NOW + 100), 3);
	CHECK_INT(history_net_hosts(&a, &fading, NOW + LIFE + 2), 1);
	was = a;
	history_merge(&a, &b, &fading);
	CHECK(memcmp(&a, &was, sizeof(a)) == 0);
	CHECK(history_net_catch(&b, NOW + 200));
	history_merge(&a, &b, &fading);
	CHECK_INT(history_net_hosts(&a, &fading, NOW + 200), 0);
}

static void
many_times_last_longer(void)
{
	struct history_record rec = { 0 };

	for (int i = 0; i < 20; i++)
		(void)history_add(&rec, &fading, HISTORY_ABANDONED, NOW);
	CHECK_INT(rec.amount[HISTORY_ABANDONED], HISTORY_AMOUNT_MAX);
	CHECK(!history_add(&rec, &fading, HISTORY_ABANDONED, NOW + 59));
	CHECK_INT(history_strength(
		      &rec, &fading, HISTORY_ABANDONED, NOW + 3 * LIFE / 10),
	    4096);
	CHECK_INT(history_strength(
		      &rec, &fading, HISTORY_ABANDONED, NOW + 4 * LIFE / 10),
	    2048);
}

static void
merging_takes_the_latest(void)
{
	struct history_record a = { 0 }, b = { 0 };

	CHECK(history_add(&a, &fading, HISTORY_PATIENT, NOW));
	CHECK(history_add(&a, &fading, HISTORY_PREGREET, NOW + 5));
	CHECK(history_add(&b, &fading, HISTORY_PREGREET, NOW));
	CHECK(history_add(&b, &fading, HISTORY_ABANDONED, NOW));
	history_merge(&a, &b, &fading);
	CHECK_INT(a.when[HISTORY_PATIENT], NOW);
	CHECK_INT(a.when[HISTORY_PREGREET], NOW + 5);
	CHECK_INT(a.amount[HISTORY_ABANDONED], HISTORY_ONE);
}

static void
codec_keeps_and_refuses(void)
{
	uint8_t key[HISTORY_KEY_SIZE], value[HISTORY_VALUE_SIZE + 1];
	struct history_record rec = { .bits = 0xc0000207,
		.scope = HISTORY_V4_HOST },
			      back;
	const size_t k = sizeof(key), v = HISTORY_VALUE_SIZE;

	CHECK(history_add(&rec, &fading, HISTORY_SEEN, NOW));
	history_encode(&rec, key, value);
	CHECK_INT(history_decode(key, k, value, v, &back), 0);
	rec.added[HISTORY_SEEN] = 0; /* of this process alone */
	CHECK(memcmp(&rec, &back, sizeof(rec)) == 0);
	CHECK_INT(history_decode(key, k, value, v - 1, &back), -EBADMSG);
	CHECK_INT(history_decode(key, k, value, v + 1, &back), -EBADMSG);
	CHECK_INT(history_decode(key, k, value, 0, &back), -EBADMSG);
	CHECK_INT(history_decode(key, k - 1, value, v, &back), -EBADMSG);
	key[1] = 1; /* an address of more than 32 bits */
	CHECK_INT(history_decode(key, k, value, v, &back), -EBADMSG);
	key[1] = 0;
	key[0] = HISTORY_SCOPE_COUNT;
	CHECK_INT(history_decode(key, k, value, v, &back), -EBADMSG);
	key[0] = HISTORY_V4_HOST;
	value[v - 1]++; /* of a version to come */
	CHECK_INT(history_decode(key, k, value, v, &back), -EBADMSG);
	value[v - 1]--;
	value[4] = HISTORY_AMOUNT_MAX + 1;
	CHECK_INT(history_decode(key, k, value, v, &back), -EBADMSG);
	/* Of a network it is a host. */
	key[0] = HISTORY_V4_NET;
	key[5] = 0;
	CHECK_INT(history_decode(key, k, value, v, &back), 0);
	CHECK_INT(back.amount[0], HISTORY_AMOUNT_MAX + 1);
}

/* As written before there were versions. */
static void
old_records_are_read(void)
{
	static const uint8_t host[] = { HISTORY_V4_HOST, 0, 0, 0, 0, 192, 0, 2,
		7 };
	static const uint8_t net[] = { HISTORY_V4_NET, 0, 0, 0, 0, 0, 192, 0,
		2 };
	static const uint8_t site[] = { HISTORY_V6_HOST, 0x20, 1, 0xd, 0xb8, 0,
		1, 0, 2 };
	static const uint8_t value[HISTORY_VALUE_0_SIZE] = { 0, 15, 66, 64, 32,
		0, 15, 66, 65, 16, 0, 0, 0, 0, 0, 0 };
	const size_t k = HISTORY_KEY_SIZE, v = sizeof(value);
	struct history_record rec;

	CHECK_INT(history_decode(host, k, value, v, &rec), 0);
	CHECK(history_is_patient(&rec, &fading, NOW + 1));
	CHECK_INT(rec.amount[HISTORY_ABANDONED], 16);
	CHECK_INT(rec.amount[HISTORY_SEEN], 0);
	CHECK_INT(history_decode(site, k, value, v, &rec), 0);
	CHECK(history_is_patient(&rec, &fading, NOW + 1));
	/* How often a network was patient does not say how many hosts were. */
	CHECK_INT(history_decode(net, k, value, v, &rec), 0);
	CHECK(history_is_empty(&rec));
}

static void
count_gone(void *arg, const struct history_record *rec)
{
	CHECK(rec->scope != HISTORY_NOBODY);
	++*(size_t *)arg;
}

/* Ten times as many as there is room for: the patient ones stay. */
static void
full_table_forgets_the_least(void)
{
	struct history_table *t;
	struct history_record gone;
	struct history_key key = { .scope = HISTORY_V6_HOST };
	size_t kept = 0, swept = 0, evicted = 0;

	CHECK_INT(history_table_new(1000, &t), 0);
	CHECK_INT(history_table_size(t), 1024);
	for (key.bits = 0; key.bits < 100; key.bits++)
		CHECK(history_add(history_table_put(t, &fading, &key, &gone),
		    &fading, HISTORY_PATIENT, NOW));
	for (key.bits = 1000; key.bits < 11000; key.bits++) {
		CHECK(history_add(history_table_put(t, &fading, &key, &gone),
		    &fading, HISTORY_ABANDONED, NOW));
		evicted += gone.scope != HISTORY_NOBODY;
	}
	CHECK_INT(history_table_used(t) + evicted, 10100);
	CHECK(history_table_used(t) <= 1024);
	for (key.bits = 0; key.bits < 100; key.bits++)
		kept += history_table_find(t, &key) != NULL;
	CHECK_INT(kept, 100);
	/* Whoever left is forgotten first. */
	history_table_sweep(
	    t, &fading, 1024, NOW + LIFE * 5 / 10, count_gone, &swept);
	CHECK_INT(swept, 10000 - evicted);
	CHECK_INT(history_table_used(t), 100);
	history_table_free(t);
}

static size_t loaded;

static void
count_loaded(void *arg, const struct history_record *rec)
{
	CHECK_INT(rec->amount[HISTORY_PATIENT], HISTORY_ONE);
	(void)arg;
	loaded++;
}

static struct history_lmdb *
open_store(const char *dir)
{
	struct history_lmdb *s = NULL;
	char why[128];
	size_t bad = 0;

	loaded = 0;
	CHECK_INT(history_lmdb_open(dir, 1000, false, &s, why, sizeof(why)), 0);
	CHECK_INT(history_lmdb_load(s, count_loaded, NULL, &bad), 0);
	CHECK_INT(bad, 0);
	return s;
}

static struct history_record *
make_batch(size_t n, bool full)
{
	struct history_record *batch = calloc(n, sizeof(*batch));

	CHECK(batch != NULL);
	for (size_t i = 0; i < n; i++) {
		batch[i].scope = HISTORY_V4_HOST;
		batch[i].bits = i;
		batch[i].when[HISTORY_PATIENT] = NOW;
		batch[i].amount[HISTORY_PATIENT] = full ? HISTORY_ONE : 0;
	}
	return batch;
}

static void
store_keeps_and_deletes(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	struct history_lmdb *s = open_store(dir);

	CHECK_INT(loaded, 0);
	history_lmdb_write(s, make_batch(5000, true), 5000);
	s = history_lmdb_free(s);
	s = open_store(dir);
	CHECK_INT(loaded, 5000);
	history_lmdb_write(s, make_batch(3000, false), 3000);
	s = history_lmdb_free(s);
	s = open_store(dir);
	CHECK_INT(loaded, 2000);
	CHECK_INT(history_lmdb_error(s), 0);
	history_lmdb_free(s);
}

/* Writes batches of N records until it is killed; *DONE were written. */
static void __attribute__((noreturn))
write_for_ever(const char *dir, size_t n, uint64_t first, volatile size_t *done)
{
	struct history_lmdb *s = open_store(dir);

	for (size_t i = 1;; i++) {
		struct history_record *b = make_batch(n, true);

		for (size_t j = 0; j < n; j++)
			b[j].bits = first + i * n + j;
		history_lmdb_write(s, b, n);
		while (history_lmdb_is_busy(s))
			continue;
		*done = i;
	}
}

/* A hundred times the process is gone at some moment while batches are being
 * written: each that it saw written is there, and none by half. */
static void
killed_writer_leaves_whole_batches(void)
{
	enum { N = 20, ROUNDS = 100 };
	AUTO_FREE char *dir = scratch_path("history");
	volatile size_t *done = mmap(NULL, sizeof(*done),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t kept = 0;

	CHECK(done != MAP_FAILED);
	for (size_t round = 0; round < ROUNDS; round++) {
		struct history_lmdb *s;
		unsigned int wait = (unsigned int)random() % 5000;
		pid_t pid;

		*done = 0;
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			write_for_ever(dir, N, round * 1000000, done);
		while (*done == 0)
			continue;
		usleep(wait);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, NULL, 0) == pid);
		s = open_store(dir);
		CHECK(loaded >= kept + *done * N);
		CHECK_INT(loaded % N, 0);
		kept = loaded;
		history_lmdb_free(s);
	}
	munmap((void *)(uintptr_t)done, sizeof(*done));
}

static void
truncated_store_is_refused(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	AUTO_FREE char *file = scratch_path("history/data.mdb");
	struct history_lmdb *s = open_store(dir);
	char why[128] = "";
	long live;
	int open;

	history_lmdb_write(s, make_batch(5000, true), 5000);
	s = history_lmdb_free(s);
	CHECK(truncate(file, 64 * 1024) == 0);
	live = memory_live;
	open = descriptors_open();
	CHECK(history_lmdb_open(dir, 1000, false, &s, why, sizeof(why)) < 0);
	CHECK_INT(memory_live, live);
	CHECK_INT(descriptors_open(), open);
	CHECK_INT(maps_of(".mdb"), 0);
	CHECK(strstr(why, "remove it to start anew") != NULL);
}

/*
 * The source
 */

static struct rules rules;

static void
make_rules(const char *dir)
{
	struct option_error error;

	memset(&rules, 0, sizeof(rules));
	option_defaults(&rules_table, &rules);
	free(rules.history);
	rules.history = strdup(dir);
	rules.history_max = 1024;
	rules.named[FACT_HISTORY_NONE] = 20;
	CHECK_INT(rules_check(&rules, &error), 0);
	rules.named[FACT_HISTORY_ABANDONED] = 10;
	rules.named[FACT_HISTORY_PREGREET] = 40;
}

static struct source *
open_source(void)
{
	struct source_note note = { 0 };
	struct source *s;

	CHECK_INT(source_history.open(&s, &rules, NULL), 0);
	CHECK(source_history.refresh(s, &note));
	CHECK(!note.failed);
	CHECK(!source_history.refresh(s, &note));
	return s;
}

static const char *
ask(struct source *s, const char *addr)
{
	static char reason[REASON_SIZE];
	struct inquiry q = { .rules = &rules, .addr = address(addr) };

	facts_init(&q.facts);
	CHECK_INT(source_history.ask(s, &q), SOURCE_DONE);
	verdict_print_reason(&q.facts, NULL, reason, sizeof(reason));
	return reason;
}

static void
learn(struct source *s, const char *addr, enum learned learned)
{
	struct in6_addr a = address(addr);

	source_history.learn(s, &a, learned);
}

/* One host's patience is its own, three are taken for one sender's. */
static void
patience_is_lent_by_several_hosts(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	static const char none[] = "history.none+20";
	static const char both[] = "history.none+20 history.patient+0";
	struct source *s;

	make_rules(dir);
	s = open_source();
	CHECK_STR(ask(s, "192.0.2.7"), none);
	for (int i = 0; i < 5; i++)
		learn(s, "192.0.2.7", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.7"), both);
	CHECK_STR(ask(s, "192.0.2.200"), none);
	learn(s, "192.0.2.8", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.200"), none);
	learn(s, "192.0.2.9", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.200"), both);
	CHECK_STR(ask(s, "192.0.3.7"), none);
	/* Not to one that was caught; and then to nobody. */
	learn(s, "192.0.2.65", LEARNED_ABANDONED);
	CHECK_STR(ask(s, "192.0.2.65"), "history.none+20 history.abandoned+10");
	CHECK_STR(ask(s, "192.0.2.200"), both);
	learn(s, "192.0.2.66", LEARNED_PREGREET);
	CHECK_STR(ask(s, "192.0.2.66"), "history.pregreet+40 history.none+20");
	CHECK_STR(ask(s, "192.0.2.200"), none);
	CHECK_STR(ask(s, "192.0.2.7"), both);
	source_history.free(s);
	rules_fini(&rules);
}

static void
patience_is_lent_within_a_56(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	static const char none[] = "history.none+20";
	static const char both[] = "history.none+20 history.patient+0";
	struct source *s;

	make_rules(dir);
	s = open_source();
	/* A host has a /64. */
	learn(s, "2001:db8::1", LEARNED_PATIENT);
	learn(s, "2001:db8::2", LEARNED_PATIENT);
	learn(s, "2001:db8::3", LEARNED_PATIENT);
	CHECK_STR(ask(s, "2001:db8::ffff:1"), both);
	CHECK_STR(ask(s, "2001:db8:0:9::1"), none);
	learn(s, "2001:db8:0:1::1", LEARNED_PATIENT);
	learn(s, "2001:db8:0:ff::1", LEARNED_PATIENT);
	CHECK_STR(ask(s, "2001:db8:0:9::1"), both);
	CHECK_STR(ask(s, "2001:db8:0:100::1"), none);
	/* Held is caught. */
	learn(s, "2001:db8:0:8::1", LEARNED_LISTED);
	CHECK_STR(ask(s, "2001:db8:0:9::1"), none);
	source_history.free(s);
	rules_fini(&rules);
}

static void
lend_after_is_an_option(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	struct source *s;

	make_rules(dir);
	rules.lend_after = 1;
	s = open_source();
	learn(s, "192.0.2.7", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.8"), "history.none+20 history.patient+0");
	rules.lend_after = 0;
	learn(s, "192.0.2.9", LEARNED_PATIENT);
	learn(s, "192.0.2.10", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.8"), "history.none+20");
	source_history.free(s);
	rules_fini(&rules);
}

static void
what_is_bad_is_kept_to_the_host(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	struct source *s;

	make_rules(dir);
	s = open_source();
	learn(s, "192.0.2.7", LEARNED_ABANDONED);
	learn(s, "192.0.2.9", LEARNED_HELD);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20 history.abandoned+10");
	CHECK_STR(ask(s, "192.0.2.8"), "history.none+20");
	CHECK_STR(ask(s, "192.0.2.9"), "history.none+20 history.abandoned+10");
	learn(s, "2001:db8::1", LEARNED_PREGREET);
	CHECK_STR(ask(s, "2001:db8::2"), "history.pregreet+40 history.none+20");
	CHECK_STR(ask(s, "2001:db8:0:1::2"), "history.none+20");
	source_history.free(s);
	rules_fini(&rules);
}

/* Who was seen while nobody was slowed has proved nothing. */
static void
seen_is_known_and_weighs_what_the_rules_say(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	struct source *s;

	make_rules(dir);
	s = open_source();
	learn(s, "192.0.2.7", LEARNED_SEEN);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20");
	rules.named[FACT_HISTORY_SEEN] = -20;
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20 history.seen-20");
	learn(s, "192.0.2.7", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20 history.patient+0");
	source_history.free(s);
	rules_fini(&rules);
}

static void
source_survives_a_restart_and_a_reload(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	struct source *s, *next;

	make_rules(dir);
	s = open_source();
	learn(s, "192.0.2.7", LEARNED_PATIENT);
	source_history.free(s);
	s = open_source();
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20 history.patient+0");
	CHECK_INT(source_history.open(&next, &rules, NULL), 0);
	source_history.inherit(next, s);
	source_history.free(s);
	CHECK_STR(ask(next, "192.0.2.7"), "history.none+20 history.patient+0");
	source_history.free(next);
	rules_fini(&rules);
}

static void
without_a_directory_it_remembers_until_the_end(void)
{
	struct source_note note = { 0 };
	struct source *s;

	make_rules("/nonexistent/history");
	CHECK_INT(source_history.open(&s, &rules, NULL), 0);
	CHECK(source_history.refresh(s, &note));
	CHECK(note.failed);
	CHECK(strstr(note.text, "No such file") != NULL);
	CHECK(!source_history.refresh(s, &note));
	learn(s, "192.0.2.7", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20 history.patient+0");
	source_history.free(s);
	rules_fini(&rules);
	make_rules("");
	CHECK_INT(source_history.open(&s, &rules, NULL), 0);
	CHECK(!source_history.refresh(s, &note));
	learn(s, "192.0.2.7", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20");
	source_history.free(s);
	rules_fini(&rules);
}

/* Holds the store's one writer's lock from when it reads a byte from GO until that
 * is closed, and says so by HELD. */
static void __attribute__((noreturn))
hold_store(const char *dir, int go, int held)
{
	MDB_env *env;
	MDB_txn *txn;
	char byte;

	CHECK_INT(read(go, &byte, 1), 1);
	CHECK_INT(mdb_env_create(&env), 0);
	CHECK_INT(mdb_env_open(env, dir, MDB_NOTLS, 0600), 0);
	CHECK_INT(mdb_txn_begin(env, NULL, 0, &txn), 0);
	CHECK_INT(write(held, &byte, 1), 1);
	CHECK_INT(read(go, &byte, 1), 0);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	_exit(0);
}

/* The next source, with the history at DIR, after S. */
static struct source *
go_on_at(const char *dir, struct source *s)
{
	struct source *next;

	free(rules.history);
	rules.history = strdup(dir);
	CHECK_INT(source_history.open(&next, &rules, NULL), 0);
	source_history.inherit(next, s);
	source_history.free(s);
	return next;
}

/* A reload with another History= waits neither for the store that it leaves nor,
 * if it is to go back there, for its end. */
static void
a_busy_store_is_left_without_waiting(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	AUTO_FREE char *other = scratch_path("other");
	uint64_t deadline = clock_now() + 20 * USEC_PER_SEC;
	struct source_note note = { 0 };
	int go[2], held[2], status;
	struct source *s;
	char byte = 0;
	pid_t child;

	CHECK(pipe(go) == 0 && pipe(held) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(go[1]);
		hold_store(dir, go[0], held[1]);
	}
	make_rules(dir);
	s = open_source();
	learn(s, "192.0.2.7", LEARNED_PATIENT);
	CHECK_INT(write(go[1], &byte, 1), 1);
	CHECK_INT(read(held[0], &byte, 1), 1);

	s = go_on_at(other, s);
	CHECK(source_history.refresh(s, &note) && !note.failed);
	CHECK_STR(note.file, other);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20");
	s = go_on_at(dir, s);
	CHECK(!source_history.refresh(s, &note));
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20");

	close(go[1]);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	while (!source_history.refresh(s, &note) && clock_now() < deadline)
		poll(NULL, 0, 1);
	/* What waited to be written was. */
	CHECK(!note.failed);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20 history.patient+0");
	source_history.free(s);
	rules_fini(&rules);
}

/* For how long something counts is the new rules', of what is remembered too. */
static void
a_reload_takes_the_new_times(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	struct source *s;

	make_rules(dir);
	s = open_source();
	learn(s, "192.0.2.7", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20 history.patient+0");
	rules.half_life[HISTORY_PATIENT] = 0;
	s = go_on_at(dir, s);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20");
	source_history.free(s);
	rules_fini(&rules);
}

static const struct check_case cases[] = {
	CASE(keys_of_an_address),
	CASE(amounts_fade_by_halves),
	CASE(many_times_last_longer),
	CASE(patience_lasts_from_its_proof),
	CASE(who_is_caught_is_patient_no_more),
	CASE(networks_count_their_hosts),
	CASE(networks_are_merged_by_host),
	CASE(old_records_are_read),
	CASE(merging_takes_the_latest),
	CASE(codec_keeps_and_refuses),
	CASE(full_table_forgets_the_least),
	CASE(store_keeps_and_deletes),
	CASE(killed_writer_leaves_whole_batches),
	CASE(truncated_store_is_refused),
	CASE(patience_is_lent_by_several_hosts),
	CASE(patience_is_lent_within_a_56),
	CASE(lend_after_is_an_option),
	CASE(seen_is_known_and_weighs_what_the_rules_say),
	CASE(what_is_bad_is_kept_to_the_host),
	CASE(source_survives_a_restart_and_a_reload),
	CASE(without_a_directory_it_remembers_until_the_end),
	CASE(a_busy_store_is_left_without_waiting),
	CASE(a_reload_takes_the_new_times),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
