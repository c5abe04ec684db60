/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpit-policyd/counts.h"
#include "bin/tarpit-policyd/question.h"
#include "data/cidr.h"
#include "policy/mismatch.h"

static const char *const requests[] = {
	[REQUEST_SESSION] = "tarpit_session",
	[REQUEST_OUTCOME] = "tarpit_outcome",
	[REQUEST_POSTFIX] = "smtpd_access_policy",
	[REQUEST_EXPLAIN] = "tarpit_explain",
	[REQUEST_STATUS] = "tarpit_status",
	[REQUEST_FORGET] = "tarpit_forget",
};

/* What a message may say; the values as found. */
struct fields {
	struct attr request, instance, client_address, behaviour, outcome, lane,
	    mode, order;
};

static bool
value_is(const struct attr *a, const char *value)
{
	return a->value && a->value_len == strlen(value) &&
	    memcmp(a->value, value, a->value_len) == 0;
}

static int
read_fields(const char *msg, size_t len, struct fields *ret)
{
	const char *end = msg + len;
	struct attr a;
	int r;

	while ((r = attrs_next(&msg, end, &a)) > 0) {
		if (attr_is(&a, "request"))
			ret->request = a;
		else if (attr_is(&a, "instance"))
			ret->instance = a;
		else if (attr_is(&a, "client_address"))
			ret->client_address = a;
		else if (attr_is(&a, "behaviour"))
			ret->behaviour = a;
		else if (attr_is(&a, "outcome"))
			ret->outcome = a;
		else if (attr_is(&a, "lane"))
			ret->lane = a;
		else if (attr_is(&a, "mode"))
			ret->mode = a;
		else if (attr_is(&a, "order"))
			ret->order = a;
	}
	return r;
}

static int
reject(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EBADMSG;
}

static int
read_request(const struct fields *f, struct question *q, const char **ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		if (value_is(&f->request, requests[i])) {
			q->request = (enum request)i;
			return 0;
		}
	}
	return reject(ret_why,
	    f->request.value ? "request: unknown" : "request: missing");
}

static int
read_instance(const struct fields *f, struct question *q, const char **ret_why)
{
	if (!f->instance.value)
		return 0;
	if (f->instance.value_len > sizeof(q->instance))
		return reject(ret_why, "instance: too long");
	q->instance_len = f->instance.value_len;
	memcpy(q->instance, f->instance.value, q->instance_len);
	return 0;
}

/* The outcomes that tell something of the client.  To have passed tells nothing
 * new: it was let in for what is known, which is no better for being used.
 * Refused outside the lane hold, shed and failed tell of ourselves or of the
 * MTA. */
static const struct {
	const char *outcome, *lane, *mode; /* NULL: any */
	bool says_nothing;
	enum learned learned;
} lessons[] = {
	{ "graduated", NULL, NULL, false, LEARNED_PATIENT },
	{ "delivered", NULL, NULL, false, LEARNED_PATIENT },
	{ "passed", "hold", "observe", false, LEARNED_LISTED },
	{ "passed", NULL, "observe", false, LEARNED_SEEN },
	/* It left before the MTA had time for it. */
	{ "abandoned", NULL, "observe", true, 0 },
	{ "abandoned", "pass", NULL, true, 0 },
	{ "abandoned", "hold", NULL, false, LEARNED_HELD },
	{ "abandoned", NULL, NULL, false, LEARNED_ABANDONED },
	/* For unknown recipients and other errors, whatever it delivered. */
	{ "expelled", NULL, NULL, false, LEARNED_ABANDONED },
	{ "refused", "hold", NULL, false, LEARNED_LISTED },
};

static bool
fits(const struct attr *a, const char *value)
{
	return !value || value_is(a, value);
}

/* The first that fits counts.  What an operator has ordered tells of the
 * operator. */
static void
read_outcome(const struct fields *f, struct question *q)
{
	q->has_learned = q->pregreet;
	q->learned = LEARNED_PREGREET;
	if (q->pregreet || f->order.value_len > 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lessons); i++) {
		if (!fits(&f->outcome, lessons[i].outcome) ||
		    !fits(&f->lane, lessons[i].lane) ||
		    !fits(&f->mode, lessons[i].mode))
			continue;
		q->has_learned = !lessons[i].says_nothing;
		q->learned = lessons[i].learned;
		return;
	}
}

int
question_read(
    const char *msg, size_t len, struct question *ret, const char **ret_why)
{
	struct fields f = { 0 };
	int r = read_fields(msg, len, &f);

	ret->instance_len = 0;
	if (read_instance(&f, ret, ret_why) < 0)
		return -EBADMSG;
	if (r < 0)
		return reject(ret_why, "a line is not of the form name=value");
	if (read_request(&f, ret, ret_why) < 0)
		return -EBADMSG;
	ret->pregreet = value_is(&f.behaviour, "pregreet");
	ret->has_addr = f.client_address.value &&
	    cidr_parse_addr(f.client_address.value, f.client_address.value_len,
		&ret->addr) == 0;
	read_outcome(&f, ret);
	/* Postfix says "unknown" now and then, and wants an answer. */
	if (!ret->has_addr &&
	    (ret->request == REQUEST_SESSION ||
		ret->request == REQUEST_EXPLAIN))
		return reject(ret_why,
		    f.client_address.value ? "client_address: not an address"
					   : "client_address: missing");
	return 0;
}

static void
put_instance(struct attrs_out *out, const struct question *q)
{
	if (q->instance_len > 0)
		attrs_put_n(out, "instance", q->instance, q->instance_len);
}

/* Ends an answer that ANSWER_MAX has room for by construction. */
static size_t
finish(struct attrs_out *out)
{
	int r = attrs_end(out);

	assert(r == 0);
	return out->len;
}

size_t
question_answer(const struct question *q, const struct verdict *v,
    unsigned int flags, char *buf)
{
	struct attrs_out out;

	attrs_begin(&out, buf, ANSWER_MAX);
	put_instance(&out, q);
	attrs_put(&out, "action", lane_name(v->lane));
	attrs_put_int(&out, "score", v->score);
	attrs_put_int(&out, "rate", v->rate);
	attrs_put_int(&out, "patience", v->patience);
	attrs_put_n(&out, "reason", v->reason, v->reason_len);
	attrs_put(&out, "country", v->country);
	if (v->asn != 0)
		attrs_put_int(&out, "asn", v->asn);
	else
		attrs_put(&out, "asn", "");
	attrs_put_int(&out, "ttl", v->ttl);
	if ((flags & QUESTION_OVERLOADED) != 0)
		attrs_put(&out, "overloaded", "yes");
	if ((flags & QUESTION_HOST_ONLY) != 0 && !cidr_addr_is_v4(&q->addr))
		attrs_put(&out, "prefix", "128");
	return finish(&out);
}

/* The value that the LEN bytes of "NAME}" at the start of P name; NULL: none. */
static const char *
find_value(const char *p, const struct verdict *v, char score[static 16],
    size_t *ret_len)
{
	const struct {
		const char *name, *value;
	} values[] = {
		{ "score}", score },
		{ "reason}", v->reason },
		{ "country}", *v->country ? v->country : "unknown" },
	};

	snprintf(score, 16, "%d", v->score);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		*ret_len = strlen(values[i].name);
		if (strncmp(p, values[i].name, *ret_len) == 0)
			return values[i].value;
	}
	return NULL;
}

static void
expand(const char *action, const struct verdict *v, char *buf, size_t size)
{
	size_t n = 0;

	while (*action != '\0' && n + 1 < size) {
		const char *value = NULL;
		char score[16];
		size_t len;

		if (strncmp(action, "%{", 2) == 0)
			value = find_value(action + 2, v, score, &len);
		if (!value) {
			buf[n++] = *action++;
			continue;
		}
		action += 2 + len;
		len = strlen(value);
		if (len > size - 1 - n)
			len = size - 1 - n;
		memcpy(buf + n, value, len);
		n += len;
	}
	buf[n] = '\0';
}

size_t
question_answer_postfix(const char *action, const struct verdict *v, char *buf)
{
	char text[ANSWER_MAX - sizeof("action=\n\n")];
	struct attrs_out out;

	if (v)
		expand(action, v, text, sizeof(text));
	attrs_begin(&out, buf, ANSWER_MAX);
	attrs_put(&out, "action", v ? text : action);
	return finish(&out);
}

size_t
question_answer_status(const struct question *q,
    const struct server_counts *counts, const struct mismatch *mismatch,
    const struct mismatch *troubles, char *buf)
{
	struct attrs_out out;

	attrs_begin(&out, buf,
	    (size_t)ANSWER_MAX + (mismatch ? MISMATCH_SIZE : 0u) +
		(troubles ? MISMATCH_SIZE : 0u));
	put_instance(&out, q);
	attrs_put_int(&out, "connections", (int64_t)counts->connections);
	attrs_put_int(&out, "answers", (int64_t)counts->answers);
	attrs_put_int(&out, "outcomes", (int64_t)counts->outcomes);
	attrs_put_int(&out, "errors", (int64_t)counts->errors);
	attrs_put_int(&out, "overloaded", (int64_t)counts->overloaded);
	attrs_put_int(&out, "unasked", (int64_t)counts->unasked);
	attrs_put_int(&out, "forgotten", (int64_t)counts->forgotten);
	attrs_put_int(&out, "refused_outcomes", (int64_t)counts->refused);
	if (mismatch) {
		attrs_put_int(&out, "mismatches", (int64_t)mismatch->n);
		attrs_put(&out, "mismatch", mismatch->text);
	}
	if (troubles) {
		attrs_put_int(&out, "troubles", (int64_t)troubles->n);
		attrs_put(&out, "trouble", troubles->text);
	}
	return finish(&out);
}

size_t
question_answer_error(const struct question *q, const char *why, char *buf)
{
	struct attrs_out out;

	attrs_begin(&out, buf, ANSWER_MAX);
	put_instance(&out, q);
	attrs_put(&out, "error", why);
	return finish(&out);
}
