#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The policy service's side of the wire protocol: a message becomes a
 * question, a verdict becomes an answer.  Pure: bytes in, bytes out.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "bin/common/attrs.h"
#include "bin/common/util.h"
#include "policy/history.h"
#include "policy/verdict.h"

enum {
	INSTANCE_MAX = 128, /* bytes; Postfix's have some 30 */
	/* The largest answer: an instance and a reason, or Postfix's action,
	 * and what stands around them. */
	ANSWER_MAX = 640,
};

enum request {
	REQUEST_SESSION, /* tarpit_session */
	REQUEST_OUTCOME, /* tarpit_outcome */
	REQUEST_POSTFIX, /* smtpd_access_policy */
	REQUEST_EXPLAIN, /* tarpit_explain */
	REQUEST_STATUS,  /* tarpit_status */
	REQUEST_FORGET,  /* tarpit_forget */
};

struct server_counts;
struct mismatch;

struct question {
	enum request request;
	size_t instance_len;
	char instance[INSTANCE_MAX]; /* not terminated */
	bool has_addr;
	struct in6_addr addr; /* IPv4 as IPv4-mapped */
	bool pregreet;        /* behaviour=pregreet */
	/* Of an outcome: it has taught something, and what. */
	bool has_learned;
	enum learned learned;
};

/* Reads one complete message.  Unknown names are ignored; of a name that comes
 * twice, the last counts.  0, or -EBADMSG with the reason in *RET_WHY (static)
 * and the instance, if there was one, in *RET. */
int question_read(const char *msg, size_t len, struct question *ret,
    const char **ret_why) MUST_CHECK;

/* What is said beside the verdict. */
enum {
	QUESTION_OVERLOADED = 1 << 0, /* something was left out */
	QUESTION_HOST_ONLY = 1 << 1,  /* not for others of its IPv6 /64 */
};

/* These write at most ANSWER_MAX bytes to BUF and return how many. */
size_t question_answer(const struct question *, const struct verdict *,
    unsigned int flags, char *buf);
/* ACTION as it is, or, with a verdict, with its %{score}, %{reason} and
 * %{country} filled in; what does not fit then is cut. */
size_t question_answer_postfix(
    const char *action, const struct verdict *, char *buf);
size_t question_answer_error(
    const struct question *, const char *why, char *buf);
/* The same, and at most twice MISMATCH_SIZE more: both may be NULL. */
size_t question_answer_status(const struct question *,
    const struct server_counts *, const struct mismatch *mismatch,
    const struct mismatch *troubles, char *buf);
