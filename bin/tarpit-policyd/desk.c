/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "bin/common/attrs.h"
#include "bin/tarpit-policyd/desk.h"
#include "data/cidr.h"
#include "policy/engine.h"
#include "policy/explanation.h"

struct desk {
	struct desk_tools tools;
	struct policy *policy; /* a reference */
	struct open_questions questions;
	/* When records are due again. */
	uint64_t next_error, next_overload, next_unasked;
	uint64_t errors_told;
};

int
desk_new(
    const struct desk_tools *tools, struct policy *policy, struct desk **ret)
{
	struct desk *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->tools = *tools;
	d->policy = policy_ref(policy);
	r = open_questions_init(
	    &d->questions, (size_t)desk_rules(d)->max_questions);
	if (r < 0)
		desk_free(d);
	else
		*ret = d;
	return r;
}

struct desk *
desk_free(struct desk *d)
{
	if (!d)
		return NULL;
	open_questions_fini(&d->questions);
	policy_unref(d->policy);
	free(d);
	return NULL;
}

void
desk_set_policy(struct desk *d, struct policy *policy)
{
	struct policy *old = d->policy;

	d->policy = policy_ref(policy);
	policy_unref(old);
}

const struct rules *
desk_rules(const struct desk *d)
{
	return policy_rules(d->policy);
}

/* A few words a minute, however many bad questions come. */
void
desk_tell_error(struct desk *d, const char *why)
{
	uint64_t now = loop_now(d->tools.loop);
	struct record record;

	d->tools.counts->errors++;
	if (!journal_is_due(&d->next_error, now))
		return;
	record_begin(&record, EVENT_QUESTION_ERROR,
	    "A question cannot be read: %s", why);
	record_field(&record, "TARPIT_ERRORS", "%llu",
	    (unsigned long long)(d->tools.counts->errors - d->errors_told));
	d->errors_told = d->tools.counts->errors;
	journal_send(d->tools.journal, &record);
}

static bool
make_room(struct customer *c, size_t answer)
{
	return outbox_make_room(&c->outbox, c->asker.n, answer);
}

bool
desk_has_room(struct customer *c)
{
	return make_room(c, ANSWER_MAX);
}

/* Large, and seldom asked for: who has no room for it hears so. */
static void
answer_explain(
    struct customer *c, const struct question *q, const struct inquiry *inquiry)
{
	struct outbox *b = &c->outbox;
	struct verdict verdict;

	c->desk->tools.counts->answers++;
	engine_decide(inquiry->rules, &inquiry->facts, &verdict);
	if (make_room(c, ATTRS_MAX))
		b->len += explanation_encode(inquiry, &verdict, q->instance,
		    q->instance_len, outbox_end(b), ATTRS_MAX);
	else
		b->len += question_answer_error(
		    q, "too many answers wait to be read", outbox_end(b));
}

static void
answer_status(struct customer *c, const struct question *q)
{
	struct desk *d = c->desk;
	struct outbox *b = &c->outbox;
	struct mismatch mismatch, troubles;
	bool all = make_room(c, ANSWER_MAX + 2 * MISMATCH_SIZE);

	policy_mismatch(d->policy, &mismatch);
	policy_troubles(d->policy, &troubles);
	b->len += question_answer_status(q, d->tools.counts,
	    all ? &mismatch : NULL, all ? &troubles : NULL, outbox_end(b));
}

/* One record a minute, however many questions come. */
static void
note_overload(struct desk *d)
{
	const struct rules *r = desk_rules(d);

	d->tools.counts->overloaded++;
	if (journal_is_due(&d->next_overload, loop_now(d->tools.loop)))
		journal_event(d->tools.journal, EVENT_POLICY_OVERLOADED,
		    "%zu questions wait for the DNS (MaxQuestions=%lld, and a "
		    "16th of it for a network): further ones are answered "
		    "without it, %llu so far",
		    d->questions.crowd.n, (long long)r->max_questions,
		    (unsigned long long)d->tools.counts->overloaded);
}

/* The same for those of one network. */
static void
note_unasked(struct desk *d, const struct inquiry *inquiry)
{
	char text[CIDR_STRLEN];
	struct cidr network = cidr_mask(&inquiry->addr, 64);

	d->tools.counts->unasked++;
	if (journal_is_due(&d->next_unasked, loop_now(d->tools.loop)))
		journal_event(d->tools.journal, EVENT_POLICY_OVERLOADED,
		    "The DNS has been asked about as many addresses of %s, or "
		    "of the networks around it, as it may be in a minute "
		    "(NetworkLookups=%lld): further ones are answered without "
		    "it, %llu so far",
		    cidr_format(&network, text),
		    (long long)inquiry->rules->dns_network_lookups,
		    (unsigned long long)d->tools.counts->unasked);
}

static void
decide(struct desk *d, const struct inquiry *inquiry, struct verdict *ret)
{
	engine_decide(inquiry->rules, &inquiry->facts, ret);
	if (!inquiry->left_out || !(inquiry->hurry || inquiry->over_budget))
		return;
	if (inquiry->hurry)
		note_overload(d);
	else
		note_unasked(d, inquiry);
	crowd_slow_stranger(inquiry, ret);
}

static void
answer(struct customer *c, const struct question *q, struct inquiry *inquiry)
{
	struct outbox *b = &c->outbox;
	struct verdict verdict;

	if (q->request == REQUEST_EXPLAIN) {
		answer_explain(c, q, inquiry);
		return;
	}
	decide(c->desk, inquiry, &verdict);
	c->desk->tools.counts->answers++;
	if (q->request == REQUEST_POSTFIX)
		b->len += question_answer_postfix(
		    inquiry->rules->action[verdict.lane], &verdict,
		    outbox_end(b));
	else
		b->len += question_answer(q, &verdict,
		    (inquiry->hurry && inquiry->left_out ? QUESTION_OVERLOADED
							 : 0) |
			(inquiry->host_only ? QUESTION_HOST_ONLY : 0),
		    outbox_end(b));
}

static void
on_complete(struct inquiry *inquiry)
{
	struct open_question *o =
	    CONTAINER_OF(inquiry, struct open_question, inquiry);
	struct customer *c = CONTAINER_OF(o->asker, struct customer, asker);

	answer(c, &o->question, inquiry);
	open_question_unpark(&c->desk->questions, o);
	c->desk->tools.on_answered(c->desk->tools.arg, c);
}

static void
ask(struct customer *c, struct open_question *o)
{
	struct desk *d = c->desk;
	size_t max = (size_t)desk_rules(d)->max_questions;

	o->inquiry.addr = o->question.addr;
	o->inquiry.on_complete = on_complete;
	o->inquiry.pregreet = o->question.pregreet;
	o->inquiry.hurry = !open_question_has_place(&d->questions, o, max);
	o->inquiry.explain = NULL;
	/* Without memory it is explained more briefly. */
	if (o->question.request == REQUEST_EXPLAIN)
		o->inquiry.explain = calloc(1, sizeof(*o->inquiry.explain));
	if (!policy_ask(d->policy, &o->inquiry)) {
		assert(!o->inquiry.hurry);
		open_question_park(&d->questions, o, d->policy);
		return;
	}
	answer(c, &o->question, &o->inquiry);
	open_question_free(&d->questions, o);
}

/* Not answered, as no outcome is: what would it do with the answer? */
static void
refuse_outcome(struct desk *d)
{
	d->tools.counts->refused++;
	desk_tell_error(d,
	    "request=tarpit_outcome on a socket that is not the dispatcher's "
	    "(FileDescriptorName=policy)");
}

static void
take_outcome(struct customer *c, const struct question *q)
{
	struct desk *d = c->desk;

	if (c->role != DOOR_TEACHES) {
		refuse_outcome(d);
		return;
	}
	d->tools.counts->outcomes++;
	if (q->has_addr && q->has_learned)
		policy_learn(d->policy, &q->addr, q->learned);
}

/* Whoever is no longer interested is not waited for: its place is another's. */
static void
forget_one(struct customer *c, const struct question *q)
{
	struct desk *d = c->desk;
	struct open_question *o =
	    open_question_find(&d->questions, &c->asker, q);

	if (!o)
		return; /* it has been answered meanwhile */
	d->tools.counts->forgotten++;
	open_question_cancel(&d->questions, o);
}

void
desk_forget(struct customer *c)
{
	while (c->asker.first)
		open_question_cancel(&c->desk->questions, c->asker.first);
}

/* Whether the request is one for the door that it came by.  Outcomes are looked
 * at where they are taken. */
static bool
is_for_door(const struct customer *c, const struct question *q)
{
	return c->role != DOOR_EXPLAINS || q->request == REQUEST_EXPLAIN ||
	    q->request == REQUEST_STATUS || q->request == REQUEST_OUTCOME;
}

/* False: O is to be asked about.  There is room for the answer. */
static bool
take_at_once(
    struct customer *c, struct open_question *o, const char *msg, size_t len)
{
	struct outbox *b = &c->outbox;
	const char *why;
	int r = question_read(msg, len, &o->question, &why);

	if (r == 0 && !is_for_door(c, &o->question)) {
		why = "this socket is for tarpit_explain and tarpit_status";
		r = -EPERM;
	}
	if (r < 0) {
		desk_tell_error(c->desk, why);
		b->len +=
		    question_answer_error(&o->question, why, outbox_end(b));
	} else if (o->question.request == REQUEST_OUTCOME) {
		take_outcome(c, &o->question);
	} else if (o->question.request == REQUEST_FORGET) {
		forget_one(c, &o->question);
	} else if (o->question.request == REQUEST_STATUS) {
		answer_status(c, &o->question);
	} else if (!o->question.has_addr) {
		/* Postfix did not know the client's address. */
		c->desk->tools.counts->answers++;
		b->len += question_answer_postfix("DUNNO", NULL, outbox_end(b));
	} else {
		return false;
	}
	return true;
}

void
desk_take(struct customer *c, const char *msg, size_t len)
{
	struct open_questions *questions = &c->desk->questions;
	struct open_question *o = open_question_new(questions, &c->asker);

	if (take_at_once(c, o, msg, len))
		open_question_free(questions, o);
	else
		ask(c, o);
}
