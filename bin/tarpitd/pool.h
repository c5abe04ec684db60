#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The sessions: plain data in one compact array, swept in order.  A slowed
 * session has no buffer, no timer and no registration with epoll, and no
 * pointers: 18,000 of them are a few pages, and could be parked in a memfd.
 * Only one with TLS has more: OpenSSL's state, which nothing can move.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "policy/verdict.h"

struct tls_session;

enum session_state {
	SESSION_FREE,
	SESSION_PROXIED,    /* the proxy has to say who the client is */
	SESSION_ASKING,     /* the policy service has been asked */
	SESSION_GREETING,   /* the greeting's 220- lines are dripped */
	SESSION_HANDOFF,    /* offered to the MTA */
	SESSION_SENDING,    /* hold: a reply is dripped */
	SESSION_COMMAND,    /* hold: waiting for a line */
	SESSION_SKIPPING,   /* hold: reading the rest of a line too long */
	SESSION_T_SENDING,  /* throttle: a reply is dripped */
	SESSION_T_COMMAND,  /* throttle: waiting for a line */
	SESSION_T_SKIPPING, /* throttle: reading the rest of a line too long */
	SESSION_T_BODY,     /* throttle: reading a message */
	SESSION_T_WAITING,  /* throttle: the MTA is asked */
	SESSION_HANDSHAKE,  /* of TLS */
	SESSION_CLOSED,     /* over; the slot is reaped after the batch */
	SESSION_STATE_COUNT
};

enum outcome {
	OUTCOME_NONE,
	OUTCOME_PASSED,    /* given to the MTA at once */
	OUTCOME_GRADUATED, /* given to the MTA after its patience */
	OUTCOME_ABANDONED, /* the client left */
	OUTCOME_DELIVERED, /* the MTA took at least one message (throttle) */
	OUTCOME_REFUSED,   /* heard a refusal, delivered nothing */
	OUTCOME_SHED,      /* ended by us to keep a limit, or at our end */
	OUTCOME_FAILED,    /* the MTA did not take it */
	OUTCOME_COUNT
};

enum session_flag {
	SESSION_PREGREET = 1 << 0,    /* spoke before it was greeted */
	SESSION_CLOSE_AFTER = 1 << 1, /* what is being sent is the last */
	SESSION_PROMPT = 1 << 2,      /* the reply at hand must not take long */
	SESSION_REFUSED = 1 << 3,     /* it has heard a refusal */
	SESSION_OBSERVED = 1 << 4, /* Mode=observe: passed whatever the lane */
	SESSION_INPUT = 1 << 5,    /* there is input, seen since `in_from` */
	SESSION_STARTTLS = 1 << 6, /* TLS begins after the reply at hand */
	/* It is one of d->clients; see clients.h. */
	SESSION_COUNTED = 1 << 7,
	SESSION_OVER_LIMIT = 1 << 8,   /* MaxPerClient= is exceeded with it */
	SESSION_OVER_NETWORK = 1 << 9, /* MaxPerNetwork= */
	SESSION_OVER_SITE = 1 << 10,   /* MaxPerSite= */
	SESSION_OVER_MTA = 1 << 11,    /* HandoffSessions=: it had to wait */
};

/* Times are msec since the dispatcher started, modulo 2^32: compare by their
 * difference. */
struct session {
	int fd;
	uint32_t number;        /* of all that this process has had */
	struct in6_addr client; /* IPv4 as ::ffff:a.b.c.d */
	in_port_t port;         /* host order */
	uint16_t flags;         /* enum session_flag */
	uint8_t state;          /* enum session_state; only enter() sets it */
	uint8_t lane;           /* enum lane; where it is */
	uint8_t verdict_lane;   /* enum lane; what was decided */
	uint8_t outcome;        /* enum outcome */
	uint8_t memory;         /* enum smtp_memory */
	uint8_t override;       /* enum override_kind that was applied */
	uint8_t out_reply;      /* enum smtp_reply, in SENDING */
	uint8_t texts;          /* its generation */
	uint32_t rate;          /* bytes per second; 0: unlimited */
	uint32_t accepted;      /* time */
	uint32_t deadline;      /* time; what it means is the state's */
	uint32_t out_from;      /* time at which out_sent was 0, at this rate */
	uint16_t out_sent, out_len;
	uint32_t in_from; /* time at which its input was seen */
	uint32_t bytes_in, bytes_out;
	uint32_t verdict;            /* interned struct verdict_text */
	uint32_t words;              /* interned "HELO\0sender" */
	uint32_t age_next, age_prev; /* in one of the age lists */
	uint16_t recipients;
	/* enum smtp_reply: the last one said by hold or in dismissing it that
	 * was a refusal; SMTP_GREETING: none. */
	uint8_t refusal;
	struct tls_session *tls; /* from the handshake on; NULL: plain */
};

/* How often a session is visited; see sweep.h. */
enum cadence {
	CADENCE_NONE,
	CADENCE_SLOW,  /* once a second */
	CADENCE_QUICK, /* four times */
};

/* Slot 0 is nobody's. */
enum { POOL_NONE = 0 };

/* 64 to the power of it are more slots than there are descriptors. */
enum { POOL_LEVELS = 4 };

/* Oldest first. */
struct age_list {
	uint32_t head, tail;
	uint32_t n;
};

struct pool {
	struct session *session; /* [capacity + 1], touched as far as used */
	/* enum cadence of each slot.  Beside the sessions, since it is looked
	 * at four times a second for all of them: 64 to a cache line. */
	uint8_t *cadence;
	uint32_t capacity;
	/* The lowest free slot is found in a tree of bits: one for each slot in
	 * use, then one for each full word of those, and so on. */
	uint64_t *used[POOL_LEVELS];
	uint32_t high;    /* slots beyond it are free */
	uint32_t touched; /* slots beyond it cost no memory */
	uint32_t live;
	struct age_list asking;
	struct age_list slow, throttled, held; /* of the slowed ones */
};

/* Zeroed address space for N of SIZE bytes, which costs memory only where it
 * is touched: what else there is one of for each slot.  NULL if there is
 * none. */
void *pool_reserve(size_t n, size_t size) MUST_CHECK;
void pool_release(void *, size_t n, size_t size);
/* The memory of those from FROM on is given back, page by page, and is zero
 * again: none behind it is in use, and none from TO on costs memory. */
void pool_discard(void *, size_t from, size_t to, size_t size);

/* 0 or -errno. */
int pool_init(struct pool *, uint32_t capacity) MUST_CHECK;
void pool_fini(struct pool *);

/* A zeroed slot in state FREE, the lowest there is, or POOL_NONE: after a crowd
 * has left, those who come next are at the front again, and the memory behind
 * them can be given back. */
uint32_t pool_take(struct pool *) MUST_CHECK;
void pool_give_back(struct pool *, uint32_t slot);

/* The slots whose memory is to be given back, here and by who has something for
 * each slot: from *RET_FROM to *RET_TO, not with it; false if there are none
 * worth it.  At most 16,384, which takes 1 ms. */
bool pool_trim(struct pool *, uint32_t *ret_from, uint32_t *ret_to);

static inline uint32_t
pool_slot(const struct pool *p, const struct session *s)
{
	return (uint32_t)(s - p->session);
}

void pool_append(struct pool *, struct age_list *, struct session *);
void pool_remove(struct pool *, struct age_list *, struct session *);
/* The oldest of the list, or NULL. */
struct session *pool_oldest(const struct pool *, const struct age_list *);
/* The list of the slowed sessions of LANE. */
struct age_list *pool_lane(struct pool *, enum lane lane);
