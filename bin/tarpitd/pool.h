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

#include "bin/common/siphash.h"
#include "bin/common/util.h"

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
	SESSION_OVER_LIMIT = 1 << 7, /* MaxPerClient= is exceeded with it */
};

/* Times are msec since the dispatcher started, modulo 2^32: compare by their
 * difference. */
struct session {
	int fd;
	uint32_t number;        /* of all that this process has had */
	struct in6_addr client; /* IPv4 as ::ffff:a.b.c.d */
	in_port_t port;         /* host order */
	uint8_t state;          /* enum session_state; only enter() sets it */
	uint8_t lane;           /* enum lane; where it is */
	uint8_t verdict_lane;   /* enum lane; what was decided */
	uint8_t outcome;        /* enum outcome */
	uint8_t flags;          /* enum session_flag */
	uint8_t memory;         /* enum smtp_memory */
	uint8_t override;       /* enum override_kind that was applied */
	/* enum smtp_reply: the last one said by hold or in dismissing it that
	 * was a refusal; SMTP_GREETING: none. */
	uint8_t refusal;
	uint32_t rate;     /* bytes per second; 0: unlimited */
	uint32_t accepted; /* time */
	uint32_t deadline; /* time; what it means is the state's */
	uint32_t out_from; /* time at which out_sent was 0, at this rate */
	uint16_t out_sent, out_len;
	uint8_t out_reply; /* enum smtp_reply, in SENDING */
	uint8_t texts;     /* its generation */
	uint16_t recipients;
	uint32_t in_from; /* time at which its input was seen */
	uint32_t bytes_in, bytes_out;
	uint32_t verdict;                  /* interned struct verdict_text */
	uint32_t words;                    /* interned "HELO\0sender" */
	uint32_t client_next, client_prev; /* of the same client's bucket */
	uint32_t age_next, age_prev; /* in one of the age lists, or free */
	struct tls_session *tls;     /* from the handshake on; NULL: plain */
};

/* How often a session is visited; see sweep.h. */
enum cadence {
	CADENCE_NONE,
	CADENCE_SLOW,  /* once a second */
	CADENCE_QUICK, /* four times */
};

/* Slot 0 is nobody's. */
enum { POOL_NONE = 0 };

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
	uint32_t high; /* slots beyond it were never used */
	uint32_t free; /* chain of the used ones that are free again */
	uint32_t live;
	uint32_t *bucket; /* heads of the clients' chains */
	uint32_t bucket_mask;
	struct siphash_key key;
	struct age_list asking, held;
};

/* Zeroed address space for N of SIZE bytes, which costs memory only where it
 * is touched: what else there is one of for each slot.  NULL if there is
 * none. */
void *pool_reserve(size_t n, size_t size) MUST_CHECK;
void pool_release(void *, size_t n, size_t size);

/* 0 or -errno. */
int pool_init(struct pool *, uint32_t capacity) MUST_CHECK;
void pool_fini(struct pool *);

/* A zeroed slot in state FREE, or POOL_NONE. */
uint32_t pool_take(struct pool *) MUST_CHECK;
void pool_give_back(struct pool *, uint32_t slot);

static inline uint32_t
pool_slot(const struct pool *p, const struct session *s)
{
	return (uint32_t)(s - p->session);
}

/* Counts the sessions of the client of S that are linked, up to LIMIT: an
 * IPv4 address, or an IPv6 /64, which is what one subscriber has. */
uint32_t pool_count_client(
    const struct pool *, const struct in6_addr *client, uint32_t limit);
void pool_link_client(struct pool *, struct session *);
void pool_unlink_client(struct pool *, struct session *);

void pool_append(struct pool *, struct age_list *, struct session *);
void pool_remove(struct pool *, struct age_list *, struct session *);
/* The oldest of the list, or NULL. */
struct session *pool_oldest(const struct pool *, const struct age_list *);
