/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/session_record.h"

#include <errno.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "data/cidr.h"

const char *
ending_name(enum ending ending)
{
	static const char *const names[ENDING_COUNT] = {
		[ENDING_PASSED] = "passed",
		[ENDING_GRADUATED] = "graduated",
		[ENDING_DELIVERED] = "delivered",
		[ENDING_ABANDONED] = "abandoned",
		[ENDING_REFUSED] = "refused",
		[ENDING_SHED] = "shed",
		[ENDING_FAILED] = "failed",
	};

	return names[ending];
}

static bool
is_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(s, word, len) == 0;
}

/* A terminal, a browser and a JSON parser get this. */
static void
copy_printable(char *to, size_t size, const char *s, size_t len)
{
	if (len > size - 1)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		to[i] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
	to[len] = '\0';
}

int
session_record_lane(const char *s, size_t len, enum lane *ret)
{
	for (int i = 0; i < LANE_COUNT; i++) {
		if (is_word(s, len, lane_name((enum lane)i))) {
			*ret = (enum lane)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_ending(const char *s, size_t len, enum ending *ret)
{
	for (int i = 0; i < ENDING_COUNT; i++) {
		if (is_word(s, len, ending_name((enum ending)i))) {
			*ret = (enum ending)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_u32(const char *s, size_t len, uint32_t *ret)
{
	int64_t n;
	int r = decimal_parse(s, len, 0, UINT32_MAX, &n);

	if (r == 0)
		*ret = (uint32_t)n;
	return r;
}

/* Up to 101 days in microseconds, or 8 TB: sums of what a journal can have stay
 * below 2^64. */
static int
parse_u64(const char *s, size_t len, uint64_t *ret)
{
	int64_t n;
	int r = decimal_parse(s, len, 0, INT64_C(1) << 43, &n);

	if (r == 0)
		*ret = (uint64_t)n;
	return r;
}

static int
set_client(struct session_record *r, const char *s, size_t len)
{
	return cidr_parse_addr(s, len, &r->client);
}

static int
set_lane(struct session_record *r, const char *s, size_t len)
{
	return session_record_lane(s, len, &r->lane);
}

static int
set_verdict(struct session_record *r, const char *s, size_t len)
{
	return session_record_lane(s, len, &r->verdict);
}

static int
set_outcome(struct session_record *r, const char *s, size_t len)
{
	return parse_ending(s, len, &r->ending);
}

static int
set_mode(struct session_record *r, const char *s, size_t len)
{
	r->observed = is_word(s, len, "observe");
	return r->observed || is_word(s, len, "enforce") ? 0 : -EINVAL;
}

static int
set_score(struct session_record *r, const char *s, size_t len)
{
	int64_t n;
	int e = decimal_parse(s, len, -SCORE_MAX, SCORE_MAX, &n);

	if (e == 0)
		r->score = (int32_t)n;
	return e;
}

static int
set_rate(struct session_record *r, const char *s, size_t len)
{
	return parse_u32(s, len, &r->rate);
}

static int
set_held(struct session_record *r, const char *s, size_t len)
{
	return parse_u64(s, len, &r->held);
}

static int
set_bytes_in(struct session_record *r, const char *s, size_t len)
{
	return parse_u64(s, len, &r->bytes_in);
}

static int
set_bytes_out(struct session_record *r, const char *s, size_t len)
{
	return parse_u64(s, len, &r->bytes_out);
}

static int
set_delivered(struct session_record *r, const char *s, size_t len)
{
	return parse_u32(s, len, &r->delivered);
}

static int
set_recipients(struct session_record *r, const char *s, size_t len)
{
	return parse_u32(s, len, &r->recipients);
}

/* Of records that were folded.  A minute has no more. */
static int
set_sessions(struct session_record *r, const char *s, size_t len)
{
	int e = parse_u32(s, len, &r->sessions);

	return e == 0 && (r->sessions == 0 || r->sessions > 10000000) ? -EINVAL
								      : e;
}

static int
set_country(struct session_record *r, const char *s, size_t len)
{
	if (len >= sizeof(r->country))
		return -EINVAL;
	copy_printable(r->country, sizeof(r->country), s, len);
	return 0;
}

static int
set_reason(struct session_record *r, const char *s, size_t len)
{
	copy_printable(r->reason, sizeof(r->reason), s, len);
	return 0;
}

static int
set_helo(struct session_record *r, const char *s, size_t len)
{
	copy_printable(r->helo, sizeof(r->helo), s, len);
	return 0;
}

static const struct {
	const char *name;
	bool required;
	int (*set)(struct session_record *, const char *, size_t);
} fields[] = {
	{ "CLIENT", true, set_client },
	{ "LANE", true, set_lane },
	{ "VERDICT", false, set_verdict },
	{ "OUTCOME", true, set_outcome },
	{ "MODE", false, set_mode },
	{ "SCORE", false, set_score },
	{ "RATE", false, set_rate },
	{ "HELD_USEC", true, set_held },
	{ "BYTES_IN", false, set_bytes_in },
	{ "BYTES_OUT", false, set_bytes_out },
	{ "DELIVERED", false, set_delivered },
	{ "RECIPIENTS", false, set_recipients },
	{ "SESSIONS", false, set_sessions },
	{ "COUNTRY", false, set_country },
	{ "REASON", false, set_reason },
	{ "HELO", false, set_helo },
};

void
session_record_begin(struct session_record *r)
{
	memset(r, 0, sizeof(*r));
	r->sessions = 1;
}

void
session_record_field(struct session_record *r, const char *field, size_t len)
{
	static const char ours[] = "TARPIT_";
	const char *value = memchr(field, '=', len);
	const char *name = field + sizeof(ours) - 1, *end = field + len;

	if (value == NULL || value < name ||
	    memcmp(field, ours, sizeof(ours) - 1) != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!is_word(name, (size_t)(value - name), fields[i].name))
			continue;
		r->seen |= UINT32_C(1) << i;
		value++;
		if (fields[i].set(r, value, (size_t)(end - value)) < 0)
			r->malformed = true;
		return;
	}
}

int
session_record_end(const struct session_record *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].required && (r->seen & UINT32_C(1) << i) == 0)
			return -EINVAL;
	}
	return r->malformed ? -EINVAL : 0;
}

bool
session_record_is_slowed(const struct session_record *r)
{
	return !r->observed && r->lane != LANE_PASS;
}

bool
session_record_gave_up(const struct session_record *r)
{
	if (!session_record_is_slowed(r))
		return false;
	/* In hold nothing but the client's patience ends a session, and most
	 * hear some refusals first; in throttle "refused" is the MTA's word,
	 * and the client had no more to wait for. */
	return r->ending == ENDING_ABANDONED ||
	    (r->ending == ENDING_REFUSED && r->lane == LANE_HOLD);
}

bool
session_record_was_patient(const struct session_record *r)
{
	return session_record_is_slowed(r) &&
	    (r->ending == ENDING_GRADUATED || r->ending == ENDING_DELIVERED);
}
