/* SPDX-License-Identifier: ISC */
/* Records, their table, their store, and the facts made of them. */
#include "policy/history.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "data/cidr.h"
#include "policy/history_lmdb.h"
#include "policy/history_table.h"
#include "policy/source.h"
#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

enum { NOW = 1000000, LIFE = 1000 };

static const struct history_fading fading = {
	.half_life = { LIFE, LIFE / 10, LIFE / 5 },
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
	CHECK_INT(history_keys(&v6, key), 1);
	CHECK_INT(key[0].scope, HISTORY_V6_NET);
	CHECK_INT(key[0].bits, 0x20010db800010002);
}

static void
amounts_fade_by_halves(void)
{
	struct history_record rec = { 0 };

	CHECK(history_add(&rec, &fading, HISTORY_PATIENT, NOW));
	CHECK_INT(history_strength(&rec, &fading, HISTORY_PATIENT, NOW), 4096);
	CHECK_INT(
	    history_strength(&rec, &fading, HISTORY_PATIENT, NOW + LIFE), 2048);
	CHECK_INT(history_strength(
		      &rec, &fading, HISTORY_PATIENT, NOW + LIFE * 3 / 2),
	    1536);
	CHECK_INT(history_strength(
		      &rec, &fading, HISTORY_PATIENT, NOW + LIFE * 5 - 1),
	    129);
	/* Forgotten when it is a 32nd, and at the moment that is foretold. */
	CHECK_INT(history_expires(&rec, &fading), NOW + LIFE * 5);
	CHECK_INT(
	    history_strength(&rec, &fading, HISTORY_PATIENT, NOW + LIFE * 6),
	    0);
	CHECK_INT(
	    history_strength(&rec, &fading, HISTORY_PATIENT, UINT32_MAX), 0);
	/* A clock that is set back. */
	CHECK_INT(
	    history_strength(&rec, &fading, HISTORY_PATIENT, NOW - LIFE), 4096);
	CHECK_INT(history_strength(&rec, &fading, HISTORY_PREGREET, NOW), 0);
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
coming_again_renews(void)
{
	struct history_record rec = { 0 };

	/* Nothing is made of nothing. */
	CHECK(!history_renew(&rec, &fading, HISTORY_PATIENT, NOW));
	CHECK(history_add(&rec, &fading, HISTORY_PATIENT, NOW));
	CHECK(!history_renew(&rec, &fading, HISTORY_PATIENT, NOW + 10));
	CHECK(history_renew(&rec, &fading, HISTORY_PATIENT, NOW + LIFE));
	CHECK_INT(
	    history_strength(&rec, &fading, HISTORY_PATIENT, NOW + LIFE), 4096);
	CHECK(!history_renew(&rec, &fading, HISTORY_PATIENT, NOW + LIFE * 9));
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
	uint8_t key[HISTORY_KEY_SIZE], value[HISTORY_VALUE_SIZE];
	struct history_record rec = { .bits = 0xc00002,
		.scope = HISTORY_V4_NET },
			      back;

	CHECK(history_add(&rec, &fading, HISTORY_PREGREET, NOW));
	history_encode(&rec, key, value);
	CHECK_INT(
	    history_decode(key, sizeof(key), value, sizeof(value), &back), 0);
	rec.added[HISTORY_PREGREET] = 0; /* of this process alone */
	CHECK(memcmp(&rec, &back, sizeof(rec)) == 0);
	CHECK_INT(
	    history_decode(key, sizeof(key), value, sizeof(value) - 1, &back),
	    -EBADMSG);
	CHECK_INT(
	    history_decode(key, sizeof(key) - 1, value, sizeof(value), &back),
	    -EBADMSG);
	key[1] = 1; /* a /24 of more than 24 bits */
	CHECK_INT(history_decode(key, sizeof(key), value, sizeof(value), &back),
	    -EBADMSG);
	key[1] = 0;
	key[0] = HISTORY_SCOPE_COUNT;
	CHECK_INT(history_decode(key, sizeof(key), value, sizeof(value), &back),
	    -EBADMSG);
	key[0] = HISTORY_V4_NET;
	value[4] = HISTORY_AMOUNT_MAX + 1;
	CHECK_INT(history_decode(key, sizeof(key), value, sizeof(value), &back),
	    -EBADMSG);
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
	struct history_key key = { .scope = HISTORY_V6_NET };
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

	history_lmdb_write(s, make_batch(5000, true), 5000);
	s = history_lmdb_free(s);
	CHECK(truncate(file, 64 * 1024) == 0);
	CHECK(history_lmdb_open(dir, 1000, false, &s, why, sizeof(why)) < 0);
	CHECK(strstr(why, "remove it to start anew") != NULL);
}

/*
 * The source
 */

static struct rules rules;

static void
make_rules(const char *dir)
{
	memset(&rules, 0, sizeof(rules));
	option_defaults(&rules_table, &rules);
	free(rules.history);
	rules.history = strdup(dir);
	rules.history_max = 1024;
	rules.named[FACT_HISTORY_NONE] = 20;
	rules.named[FACT_HISTORY_PATIENT] = -100;
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
	verdict_print_reason(&q.facts, reason, sizeof(reason));
	return reason;
}

static void
learn(struct source *s, const char *addr, enum learned learned)
{
	struct in6_addr a = address(addr);

	source_history.learn(s, &a, learned);
}

static void
patience_is_lent_to_the_network(void)
{
	AUTO_FREE char *dir = scratch_path("history");
	struct source *s;

	make_rules(dir);
	s = open_source();
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20");
	learn(s, "192.0.2.7", LEARNED_PATIENT);
	learn(s, "2001:db8::1", LEARNED_PATIENT);
	CHECK_STR(ask(s, "192.0.2.7"), "history.patient-100");
	CHECK_STR(ask(s, "192.0.2.200"), "history.patient-100");
	CHECK_STR(ask(s, "192.0.3.7"), "history.none+20");
	CHECK_STR(ask(s, "2001:db8::ffff:1"), "history.patient-100");
	CHECK_STR(ask(s, "2001:db8:0:1::1"), "history.none+20");
	/* Not to one that was caught. */
	learn(s, "192.0.2.66", LEARNED_PREGREET);
	CHECK_STR(ask(s, "192.0.2.66"), "history.pregreet+40 history.none+20");
	CHECK_STR(ask(s, "192.0.2.67"), "history.patient-100");
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
	learn(s, "192.0.2.8", LEARNED_PASSED);
	CHECK_STR(ask(s, "192.0.2.7"), "history.none+20 history.abandoned+10");
	CHECK_STR(ask(s, "192.0.2.8"), "history.none+20");
	learn(s, "2001:db8::1", LEARNED_PREGREET);
	CHECK_STR(ask(s, "2001:db8::2"), "history.pregreet+40 history.none+20");
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
	CHECK_STR(ask(s, "192.0.2.7"), "history.patient-100");
	CHECK_INT(source_history.open(&next, &rules, NULL), 0);
	source_history.inherit(next, s);
	source_history.free(s);
	CHECK_STR(ask(next, "192.0.2.8"), "history.patient-100");
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
	CHECK_STR(ask(s, "192.0.2.7"), "history.patient-100");
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

static const struct check_case cases[] = {
	CASE(keys_of_an_address),
	CASE(amounts_fade_by_halves),
	CASE(many_times_last_longer),
	CASE(coming_again_renews),
	CASE(merging_takes_the_latest),
	CASE(codec_keeps_and_refuses),
	CASE(full_table_forgets_the_least),
	CASE(store_keeps_and_deletes),
	CASE(killed_writer_leaves_whole_batches),
	CASE(truncated_store_is_refused),
	CASE(patience_is_lent_to_the_network),
	CASE(what_is_bad_is_kept_to_the_host),
	CASE(source_survives_a_restart_and_a_reload),
	CASE(without_a_directory_it_remembers_until_the_end),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
