/* SPDX-License-Identifier: ISC */
#include "policy/source.h"

#include <fcntl.h>
#include <poll.h>

#include "bin/common/clock.h"
#include "data/cdbfile.h"
#include "policy/watch.h"
#include "tests/helpers/check.h"
#include "tests/helpers/scratch.h"

static struct rules rules;
static struct source *source;
static char *path;

/* Compiles PREFIX into each of the lists, and renames the result into place. */
static void
publish(const char *prefix, const char *const *names, uint16_t n)
{
	struct cdbfile_list lists[8] = { 0 };
	struct cdbfile_prefix prefixes[8] = { 0 };
	struct cdbfile_asn asns[] = { { 64496, 0, 1 } };
	static const char notes[] = "\0ASN7";
	AUTO_FREE char *next = scratch_path("lists.new");
	bool masked;
	int fd = open(next, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	for (uint16_t i = 0; i < n; i++) {
		lists[i].name = names[i];
		lists[i].source = "test";
		lists[i].entries = 1;
		prefixes[i].list = i;
		CHECK_INT(cidr_parse(prefix, strlen(prefix), &prefixes[i].cidr,
			      &masked),
		    0);
	}
	CHECK_INT(cdbfile_sort(prefixes, n), n);
	CHECK_INT(cdbfile_write(fd,
		      &(struct cdbfile_content){ .lists = lists,
			  .n_lists = n,
			  .prefixes = prefixes,
			  .n_prefixes = n,
			  .asns = asns,
			  .n_asns = 1,
			  .notes = notes,
			  .notes_size = sizeof(notes) }),
	    0);
	close(fd);
	CHECK(rename(next, path) == 0);
}

static void
make_rules(struct rules *r, const char *drop_weight)
{
	char why[64];

	memset(r, 0, sizeof(*r));
	option_defaults(&rules_table, r);
	free(r->lists);
	r->lists = strdup(path);
	CHECK_INT(rules_table.sections[2].set(
		      r, "list.drop", drop_weight, why, sizeof(why)),
	    0);
}

static void
setup(void)
{
	path = scratch_path("lists.cdb");
	make_rules(&rules, "100");
	CHECK_INT(source_lists.open(&source, &rules, NULL), 0);
}

static void
teardown(void)
{
	source = source_lists.free(source);
	rules_fini(&rules);
	free(path);
}

/* Waits for news: what has changed is loaded by a thread. */
static bool
refresh(struct source_note *ret_note)
{
	uint64_t deadline = clock_now() + 20 * USEC_PER_SEC;

	while (clock_now() < deadline) {
		if (source_lists.refresh(source, ret_note))
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/* The facts about ADDR, as they would stand in a reason. */
static const char *
ask(const char *addr)
{
	static char reason[REASON_SIZE];
	struct inquiry q = { .rules = &rules };

	CHECK_INT(cidr_parse_addr(addr, strlen(addr), &q.addr), 0);
	facts_init(&q.facts);
	CHECK_INT(source_lists.ask(source, &q), SOURCE_DONE);
	verdict_print_reason(&q.facts, NULL, reason, sizeof(reason));
	return reason;
}

static void
lists_of_an_address(void)
{
	static const char *const names[] = { "drop", "weightless" };
	struct source_note note = { 0 };

	setup();
	publish("192.0.2.0/24", names, 2);
	CHECK(refresh(&note));
	CHECK(!note.failed && note.has_data);
	CHECK_STR(note.file, path);
	CHECK_STR(note.text, "2 lists");
	CHECK_STR(ask("192.0.2.77"), "list.drop+100");
	CHECK_STR(ask("192.0.3.77"), "");
	CHECK(!source_lists.refresh(source, &note));
	teardown();
}

static const char *
ask_conclusion(uint32_t asn)
{
	static char reason[REASON_SIZE];
	struct inquiry q = { .rules = &rules };

	facts_init(&q.facts);
	q.facts.asn = asn;
	source_lists.conclude(source, &q);
	verdict_print_reason(&q.facts, NULL, reason, sizeof(reason));
	return reason;
}

static void
lists_of_a_network_with_identifier(void)
{
	static const char *const names[] = { "drop" };
	struct source_note note = { 0 };
	char why[64];

	setup();
	CHECK_INT(rules_table.sections[2].set(
		      &rules, "asnlist.drop", "70", why, sizeof(why)),
	    0);
	publish("192.0.2.0/24", names, 1);
	CHECK(refresh(&note));
	CHECK_STR(ask_conclusion(64496), "asnlist.drop(ASN7)+70");
	CHECK_STR(ask_conclusion(64497), "");
	CHECK_STR(ask_conclusion(0), "");
	CHECK_STR(ask("192.0.2.77"), "list.drop+100");
	teardown();
}

static void
answers_while_new_data_is_loaded(void)
{
	static const char *const names[] = { "drop" };
	struct source_note note = { 0 };

	setup();
	publish("192.0.2.0/24", names, 1);
	CHECK(refresh(&note));
	for (int i = 0; i < 20; i++) {
		publish(i % 2 ? "192.0.2.0/24" : "198.51.100.0/24", names, 1);
		/* Either of both, and never none. */
		while (!source_lists.refresh(source, &note)) {
			bool one = *ask("192.0.2.7") != '\0';
			bool other = *ask("198.51.100.7") != '\0';

			CHECK(one != other);
		}
		CHECK(!note.failed);
	}
	/* And freed in the middle of it. */
	publish("192.0.2.0/24", names, 1);
	CHECK(!source_lists.refresh(source, &note));
	teardown();
}

static void
missing_file_is_said_once(void)
{
	static const char *const names[] = { "drop" };
	struct source_note note = { 0 };

	setup();
	CHECK(refresh(&note));
	CHECK(note.failed && !note.has_data);
	CHECK_STR(note.text, "No such file or directory");
	CHECK_STR(ask("192.0.2.77"), "");
	CHECK(!source_lists.refresh(source, &note));
	publish("192.0.2.0/24", names, 1);
	CHECK(refresh(&note));
	CHECK(!note.failed);
	CHECK_STR(ask("192.0.2.77"), "list.drop+100");
	teardown();
}

static void
damaged_file_keeps_the_old(void)
{
	static const char *const names[] = { "drop" };
	struct source_note note = { 0 };

	setup();
	publish("192.0.2.0/24", names, 1);
	CHECK(refresh(&note));
	free(scratch_write("lists.cdb", "garbage", 7));
	CHECK(refresh(&note));
	CHECK(note.failed && note.has_data);
	CHECK_STR(ask("192.0.2.77"), "list.drop+100");
	CHECK(unlink(path) == 0);
	CHECK(refresh(&note));
	CHECK(note.failed && note.has_data);
	CHECK_STR(ask("192.0.2.77"), "list.drop+100");
	teardown();
}

static void
lists_renumbered_by_a_new_file(void)
{
	static const char *const before[] = { "drop", "other" };
	static const char *const after[] = { "another", "drop", "other" };
	struct source_note note = { 0 };

	setup();
	publish("192.0.2.0/24", before, 2);
	CHECK(refresh(&note));
	publish("198.51.100.0/24", after, 3);
	CHECK(refresh(&note));
	CHECK_STR(ask("192.0.2.77"), "");
	CHECK_STR(ask("198.51.100.1"), "list.drop+100");
	teardown();
}

static void
reload_inherits_the_data(void)
{
	static const char *const names[] = { "drop" };
	struct source_note note = { 0 };
	struct source *old;
	struct rules changed;

	setup();
	publish("192.0.2.0/24", names, 1);
	CHECK(refresh(&note));
	free(scratch_write("lists.cdb", "garbage", 7));
	CHECK(refresh(&note));
	old = source;
	make_rules(&changed, "7");
	CHECK_INT(source_lists.open(&source, &changed, NULL), 0);
	source_lists.inherit(source, old);
	source_lists.free(old);
	/* Nothing new to say, and the data is still there. */
	CHECK(!source_lists.refresh(source, &note));
	CHECK_STR(ask("192.0.2.77"), "list.drop+7");
	source_lists.free(source);
	source = NULL;
	rules_fini(&changed);
	teardown();
}

static void
watch_sees_each_change_once(void)
{
	struct watch w = { 0 };
	AUTO_FREE char *file = scratch_path("watched");
	AUTO_FREE char *other = NULL;

	CHECK(watch_changed(&w, file)); /* the first look */
	CHECK(!watch_changed(&w, file));
	free(scratch_write("watched", "one", 3));
	CHECK(watch_changed(&w, file)); /* there */
	CHECK(!watch_changed(&w, file));
	free(scratch_write("watched", "three", 5));
	CHECK(watch_changed(&w, file)); /* overwritten */
	other = scratch_write("other", "three", 5);
	CHECK(rename(other, file) == 0);
	CHECK(watch_changed(&w, file)); /* another file */
	CHECK(chmod(file, 0400) == 0);
	CHECK(watch_changed(&w, file)); /* other rights */
	CHECK(unlink(file) == 0);
	CHECK(watch_changed(&w, file)); /* gone */
	CHECK(!watch_changed(&w, file));
}

/* Those that ever tell something of their data are what TARPIT_SOURCE can be. */
static const struct {
	const char *name;
	const struct source_ops *ops;
} all[] = {
#define FACT_SOURCE(name) { #name, &source_##name },
#include "policy/facts.def"
};

/* The words of the lines ".Cm A , B" of MANUAL up to the next item. */
static size_t
read_names(char *manual, char *names[], size_t max)
{
	char *from = strstr(manual, "\nThe source of facts:\n"), *to, *word;
	size_t n = 0;

	CHECK(from != NULL);
	from = strchr(from + 1, '\n');
	to = strstr(from, "\n.It");
	CHECK(to != NULL);
	*to = '\0';
	while ((word = strtok(from, " ,.\n")) != NULL) {
		from = NULL;
		if (strcmp(word, "Cm") == 0 || strcmp(word, "or") == 0)
			continue;
		CHECK(n < max);
		names[n++] = word;
	}
	return n;
}

static void
manual_names_all_sources(void)
{
	static char text[1 << 16];
	const char *root = getenv("ROOT");
	AUTO_FREE char *file = NULL;
	char *names[16];
	size_t n, told = 0;
	FILE *f;

	CHECK(asprintf(&file, "%s/bin/common/tarpit-journal.7",
		  root ? root : ".") > 0);
	f = fopen(file, "re");
	CHECK(f != NULL);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	n = read_names(text, names, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (!all[i].ops->refresh)
			continue;
		CHECK(told < n);
		CHECK_STR(names[told++], all[i].name);
	}
	CHECK_INT(told, n);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(lists_of_an_address),
		CASE(lists_of_a_network_with_identifier),
		CASE(answers_while_new_data_is_loaded),
		CASE(missing_file_is_said_once),
		CASE(damaged_file_keeps_the_old),
		CASE(lists_renumbered_by_a_new_file),
		CASE(reload_inherits_the_data),
		CASE(watch_sees_each_change_once),
		CASE(manual_names_all_sources),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
