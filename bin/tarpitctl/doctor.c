/* SPDX-License-Identifier: ISC */
/* What was found, in order of importance. */
#include "bin/tarpitctl/doctor.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum urgency { URGENT, WARNING, REMARK };

static const char *const urgency_names[] = {
	[URGENT] = "urgent",
	[WARNING] = "warning",
	[REMARK] = "remark",
};

static const struct {
	const char *word;
	enum urgency urgency;
	const char *advice;
} findings[FINDING_COUNT] = {
#define FINDING(name, word, urgency, advice) \
	[FOUND_##name] = { word, urgency, advice },
#include "bin/tarpitctl/doctor.def"
#undef FINDING
};

/* What monitoring plugins return: OK, WARNING, CRITICAL. */
enum { EXIT_HEALTHY = 0, EXIT_WARNING = 1, EXIT_URGENT = 2 };

void
doctor_find(struct doctor *d, enum finding finding, const char *format, ...)
{
	va_list ap;

	if (d->n == FINDINGS_MAX)
		return;
	d->found[d->n].finding = finding;
	va_start(ap, format);
	vsnprintf(d->found[d->n].text, FINDING_TEXT, format, ap);
	va_end(ap);
	d->n++;
}

bool
doctor_has_found(const struct doctor *d, enum finding finding)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->found[i].finding == finding)
			return true;
	return false;
}

void
doctor_skip(struct doctor *d, const char *text)
{
	for (size_t i = 0; i < d->n_skipped; i++)
		if (strcmp(d->skipped[i], text) == 0)
			return;
	if (d->n_skipped < SKIPPED_MAX)
		d->skipped[d->n_skipped++] = text;
}

/* Word by word, as many as a line of 80 columns has room for behind LABEL. */
static void
print_wrapped(const char *label, const char *text)
{
	enum { INDENT = 12, WIDTH = 68 };
	size_t column = 0;

	printf("%-*s", INDENT, label);
	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > WIDTH) {
			printf("\n%*s", INDENT, "");
			column = 0;
		}
		printf("%s%.*s", column == 0 ? "" : " ", (int)len, text);
		column += len + (column > 0);
		text += len;
		text += strspn(text, " ");
	}
	printf("\n");
}

static void
print_text(const struct doctor *d, const size_t count[])
{
	for (size_t f = 0; f < FINDING_COUNT; f++)
		for (size_t i = 0; i < d->n; i++) {
			char text[FINDING_TEXT + 32];

			if (d->found[i].finding != (enum finding)f)
				continue;
			snprintf(text, sizeof(text), "%s (%s)",
			    d->found[i].text, findings[f].word);
			print_wrapped(urgency_names[findings[f].urgency], text);
			print_wrapped("", findings[f].advice);
		}
	for (size_t i = 0; i < d->n_skipped; i++)
		print_wrapped("not seen", d->skipped[i]);
	if (d->n == 0)
		printf("nothing is wrong\n");
	else
		printf("%zu urgent, %zu warnings, %zu remarks\n", count[URGENT],
		    count[WARNING], count[REMARK]);
}

static int
print_json(const struct doctor *d)
{
	json_t *all = json_array(), *skipped = json_array();
	json_t *root = json_object();
	int r;

	for (size_t f = 0; f < FINDING_COUNT; f++)
		for (size_t i = 0; i < d->n; i++)
			if (d->found[i].finding == (enum finding)f)
				json_array_append_new(all,
				    json_pack("{s:s, s:s, s:s%, s:s}",
					"finding", findings[f].word, "urgency",
					urgency_names[findings[f].urgency],
					"text", d->found[i].text,
					strlen(d->found[i].text), "advice",
					findings[f].advice));
	for (size_t i = 0; i < d->n_skipped; i++)
		json_array_append_new(skipped, json_string(d->skipped[i]));
	json_object_set_new(root, "findings", all);
	json_object_set_new(root, "not_seen", skipped);
	r = json_dumpf(root, stdout, JSON_INDENT(1));
	json_decref(root);
	printf("\n");
	return r;
}

/* The rules as the service reads them. */
static void
load_rules(struct doctor *d)
{
	struct option_error error = { 0 };

	snprintf(error.file, sizeof(error.file), "%s", d->t->call.config_path);
	if (program_load(&tarpitctl, &d->t->call, &d->rules, &error) == 0 &&
	    rules_check(&d->rules, &error) == 0)
		d->has_rules = true;
	else
		doctor_find(d, FOUND_POLICY_CONFIG, "%.120s:%d: %.200s",
		    error.file, error.line, error.text);
}

int
doctor_run(const struct tarpitctl *t, const char *operand)
{
	static struct doctor d;
	size_t count[3] = { 0 };
	int r = 0;

	(void)operand;
	d.t = t;
	survey_take(t, &d.survey);
	load_rules(&d);
	doctor_check_units(&d);
	doctor_check_port(&d);
	doctor_check_daemons(&d);
	doctor_check_config(&d);
	doctor_check_mta(&d);
	if (d.has_rules)
		doctor_check_rules(&d);
	doctor_check_clients(&d);
	rules_fini(&d.rules);
	for (size_t i = 0; i < d.n; i++)
		count[findings[d.found[i].finding].urgency]++;
	if (t->json)
		r = print_json(&d);
	else
		print_text(&d, count);
	if (r != 0 || fflush(stdout) != 0)
		return EXIT_TEMPORARY;
	if (count[URGENT] > 0)
		return EXIT_URGENT;
	return count[WARNING] > 0 ? EXIT_WARNING : EXIT_HEALTHY;
}
