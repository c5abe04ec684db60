#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The record of an ended session, read back from the journal: tarpitd(8) has
 * its fields.  Pure.  Any local user may write a record with our MESSAGE_ID,
 * so nothing in it is trusted.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "policy/verdict.h"

/* How a session ended; TARPIT_OUTCOME has the names. */
enum ending {
	ENDING_PASSED,
	ENDING_GRADUATED,
	ENDING_DELIVERED,
	ENDING_ABANDONED,
	ENDING_REFUSED,
	ENDING_SHED,
	ENDING_FAILED,
	ENDING_COUNT,
};

const char *ending_name(enum ending);

enum {
	RECORD_HELO_SIZE = 64,
	/* What tarpitd writes at most; the rest of a longer one is cut. */
	RECORD_REASON_SIZE = REASON_SIZE + 64,
	RECORD_COUNTRY_SIZE = 3,
};

/* Texts are terminated, and printable ASCII whatever was in the record. */
struct session_record {
	uint64_t ended; /* usec since the epoch; the reader sets it */
	struct in6_addr client;
	enum lane lane;    /* that it was in at last */
	enum lane verdict; /* that the policy had decided on */
	enum ending ending;
	bool observed; /* passed whatever the lane */
	int32_t score;
	uint32_t rate;                  /* bytes per second; 0 is unlimited */
	uint64_t held;                  /* usec from accept to the end */
	uint64_t bytes_in, bytes_out;   /* from and to the client */
	uint32_t delivered, recipients; /* messages; as tarpitd(8) says */
	uint32_t sessions;              /* that it stands for; at least 1 */
	char country[RECORD_COUNTRY_SIZE];
	char reason[RECORD_REASON_SIZE];
	char helo[RECORD_HELO_SIZE];
	uint32_t seen; /* bits: which fields were there */
	bool malformed;
};

void session_record_begin(struct session_record *);

/* One field as the journal has it, "NAME=value" of LEN bytes; those that are
 * not ours are passed over. */
void session_record_field(
    struct session_record *, const char *field, size_t len);

/* 0 if all that a session's record must have was there and made sense, else
 * -EINVAL. */
int session_record_end(const struct session_record *) MUST_CHECK;

/* The lane of that name; 0 or -EINVAL. */
int session_record_lane(
    const char *word, size_t len, enum lane *ret) MUST_CHECK;

/* It was slowed: neither passed at once nor only observed. */
bool session_record_is_slowed(const struct session_record *);

/* It left, as opposed to being handed on, served or sent away by us. */
bool session_record_gave_up(const struct session_record *);

/* It was slowed and reached the MTA all the same: a real sender, or a patient
 * spammer. */
bool session_record_was_patient(const struct session_record *);
