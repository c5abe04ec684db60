/* SPDX-License-Identifier: ISC */
/*
 * Any user can write records with our MESSAGE_ID.  The input is records: a
 * field a line, an empty line between them; eight bytes before all are the
 * time of the first, and each is later by them.  What is taken adds up, and
 * no page is broken by it.
 */
#include "bin/tarpitctl/report.h"
#include "tests/helpers/fuzz.h"

static void
require_printable(const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	REQUIRE(n < size);
	for (size_t i = 0; i < n; i++)
		REQUIRE(s[i] >= ' ' && s[i] <= '~');
}

static void
check_record(const struct session_record *r)
{
	REQUIRE((int)r->lane < LANE_COUNT && (int)r->verdict < LANE_COUNT);
	REQUIRE((int)r->ending < ENDING_COUNT);
	require_printable(r->country, sizeof(r->country));
	require_printable(r->reason, sizeof(r->reason));
	require_printable(r->helo, sizeof(r->helo));
	REQUIRE(!session_record_gave_up(r) || !session_record_was_patient(r));
}

static void
add(struct tally *t, struct session_record *r, uint64_t when)
{
	if (session_record_end(r) < 0) {
		t->unreadable++;
		return;
	}
	check_record(r);
	r->ended = when;
	tally_add(t, r);
	if (r->held < when)
		tally_add_later(t, r, when - r->held / 2);
}

static void
read_records(struct tally *t, const char *s, const char *end, uint64_t step)
{
	struct session_record r;
	uint64_t when = step;

	session_record_begin(&r);
	while (s < end) {
		const char *lf = memchr(s, '\n', (size_t)(end - s));
		size_t len = (size_t)((lf != NULL ? lf : end) - s);

		if (len == 0) {
			add(t, &r, when);
			when += step;
			session_record_begin(&r);
		} else {
			char *field = fuzz_copy(s, len);

			session_record_field(&r, field, len);
			free(field);
		}
		s += len + (lf != NULL);
	}
	add(t, &r, when);
}

static void
check_findings(const struct findings *f)
{
	const struct tally *t = f->tally;
	uint64_t sessions = f->observed;

	for (int i = 0; i < LANE_COUNT; i++)
		sessions += t->lane[i].sessions;
	REQUIRE(sessions == t->sessions);
	REQUIRE(f->gave_up + f->patient <= f->slowed);
	REQUIRE(f->curve[CURVE_ALL].sessions.n == f->slowed + t->open);
	REQUIRE(t->countries.added == t->sessions);
	for (size_t c = 0; c < CURVES; c++) {
		double share = 1;

		for (size_t i = 0; i < SURVIVAL_BINS; i++) {
			const struct survival_point *p =
			    &f->curve[c].curve.point[i];

			REQUIRE(p->share >= 0 && p->share <= share);
			REQUIRE(p->at_risk <= f->curve[c].sessions.n);
			share = p->share;
		}
	}
}

static void
check_text(const struct findings *f)
{
	char *text;
	size_t size, width = 0;
	FILE *out = open_memstream(&text, &size);

	REQUIRE(out != NULL);
	report_text(f, false, out);
	fclose(out);
	for (size_t i = 0; i < size; i++) {
		REQUIRE(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
		width = text[i] == '\n' ? 0 : width + 1;
		REQUIRE(width <= 100);
	}
	free(text);
}

static void
check_json(const struct findings *f)
{
	FILE *out = fopen("/dev/null", "we");

	REQUIRE(out != NULL);
	REQUIRE(report_json(f, out) == 0);
	fclose(out);
}

static void
check_report(const struct tally *t)
{
	static struct findings f;
	struct assumed_values v;

	assume_defaults(&v);
	findings_compute(t, &v, 0, UINT64_MAX, &f);
	check_findings(&f);
	check_text(&f);
	check_json(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tally t;
	uint64_t step;

	if (size < sizeof(step))
		return 0;
	memcpy(&step, data, sizeof(step));
	REQUIRE(tally_init(&t) == 0);
	read_records(&t, (const char *)data + sizeof(step),
	    (const char *)data + size, step);
	/* Pages take a thousand times as long as records. */
	if (t.sessions > 0)
		check_report(&t);
	tally_fini(&t);
	return 0;
}
