/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "data/cidr.h"

struct resolver {
	struct __res_state state;
	struct sockaddr_in6 server6; /* where the state wants it on the heap */
};

/* Parses "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT". */
static int
parse_server(const char *text, struct in6_addr *ret_addr, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	size_t len = strlen(text);
	int64_t port = NS_DEFAULTPORT;

	/* One colon, or one after a bracket, is before a port. */
	if (colon && (strchr(text, ':') == colon || colon[-1] == ']')) {
		if (decimal_parse(
			colon + 1, strlen(colon + 1), 1, 65535, &port) < 0)
			return -EINVAL;
		len = (size_t)(colon - text);
	}
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	*ret_port = htons((uint16_t)port);
	return cidr_parse_addr(text, len, ret_addr);
}

static void
use_server(struct resolver *r, const struct in6_addr *addr, uint16_t port)
{
	r->state.nscount = 1;
	if (cidr_addr_is_v4(addr)) {
		struct sockaddr_in *to = &r->state.nsaddr_list[0];

		*to = (struct sockaddr_in){ .sin_family = AF_INET,
			.sin_port = port };
		memcpy(&to->sin_addr, &addr->s6_addr[12], 4);
		return;
	}
	/* glibc takes an IPv6 server from its extension, and then the place
	 * of the IPv4 one must be empty. */
	r->state.nsaddr_list[0].sin_family = 0;
	r->server6 = (struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = *addr
	};
	r->state._u._ext.nsaddrs[0] = malloc(sizeof(r->server6));
	if (r->state._u._ext.nsaddrs[0])
		memcpy(r->state._u._ext.nsaddrs[0], &r->server6,
		    sizeof(r->server6));
	r->state._u._ext.nscount = 1;
}

int
resolver_new(const char *server, struct resolver **ret)
{
	struct resolver *r;
	struct in6_addr addr;
	uint16_t port = 0;

	if (*server && parse_server(server, &addr, &port) < 0)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	if (res_ninit(&r->state) < 0) {
		free(r);
		return -EIO;
	}
	/* Names are complete: no search list, no alias file. */
	r->state.options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES);
	r->state.retrans = 3;
	r->state.retry = 2;
	if (*server)
		use_server(r, &addr, port);
	*ret = r;
	return 0;
}

struct resolver *
resolver_free(struct resolver *r)
{
	if (r) {
		res_nclose(&r->state);
		free(r);
	}
	return NULL;
}

/*
 * One question
 */

/* What one type's answers are read with. */
struct question {
	struct resolver *resolver;
	const char *name, *prefix;
	ns_type type;
	int (*on_record)(struct question *, ns_msg *, const ns_rr *);
	union {
		int (*text)(void *arg, const char *);
		int (*address)(void *arg, const struct in6_addr *);
	} on_answer;
	void *arg;
	unsigned n_answers;
};

static int
query_error(const struct resolver *r)
{
	switch (r->state.res_h_errno) {
	case HOST_NOT_FOUND:
	case NO_DATA:
		return -ENOENT;
	default:
		return -EAGAIN;
	}
}

static int
read_answers(struct question *q, ns_msg *msg)
{
	for (int i = 0; i < ns_msg_count(*msg, ns_s_an); i++) {
		ns_rr rr;
		int r;

		if (ns_parserr(msg, ns_s_an, i, &rr) < 0)
			return -EBADMSG;
		/* An alias is followed by what it leads to. */
		if (ns_rr_type(rr) != q->type)
			continue;
		q->n_answers++;
		r = q->on_record(q, msg, &rr);
		if (r < 0)
			return r;
	}
	return q->n_answers > 0 ? 0 : -ENOENT;
}

static int
ask(struct question *q)
{
	static unsigned char answer[NS_MAXMSG];
	ns_msg msg;
	int len = res_nquery(&q->resolver->state, q->name, ns_c_in,
	    (int)q->type, answer, sizeof(answer));

	if (len < 0)
		return query_error(q->resolver);
	if (len > (int)sizeof(answer) || ns_initparse(answer, len, &msg) < 0)
		return -EBADMSG;
	return read_answers(q, &msg);
}

/*
 * Types
 */

/* A TXT record is strings of up to 255 bytes, which belong together without
 * anything in between (RFC 7208, 3.3).  As much as fits of RR into TEXT (SIZE
 * bytes); false: that is not all, or there is a NUL in it. */
static bool
join_strings(const ns_rr *rr, char *text, size_t size)
{
	const unsigned char *p = ns_rr_rdata(*rr);
	const unsigned char *end = p + ns_rr_rdlen(*rr);
	size_t len = 0;
	bool is_whole = true;

	while (p < end && is_whole) {
		size_t n = *p++;

		is_whole = n <= (size_t)(end - p) && n < size - len &&
		    !memchr(p, '\0', n);
		if (n > (size_t)(end - p))
			n = (size_t)(end - p);
		if (n > size - len - 1)
			n = size - len - 1;
		memcpy(text + len, p, n);
		len += n;
		p += n;
	}
	text[len] = '\0';
	return is_whole;
}

static int
on_txt(struct question *q, ns_msg *msg, const ns_rr *rr)
{
	char text[RESOLVE_TEXT_MAX + 1];
	bool is_whole = join_strings(rr, text, sizeof(text));

	(void)msg;
	/* What is dropped before anything else (RFC 7208, 4.5) may be of any
	 * size and number. */
	if (strncasecmp(text, q->prefix, strlen(q->prefix)) != 0)
		return 0;
	return is_whole ? q->on_answer.text(q->arg, text) : -EBADMSG;
}

static int
on_mx(struct question *q, ns_msg *msg, const ns_rr *rr)
{
	char host[NS_MAXDNAME];

	if (ns_rr_rdlen(*rr) < 3 ||
	    ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg),
		ns_rr_rdata(*rr) + 2, host, sizeof(host)) < 0)
		return -EBADMSG;
	return q->on_answer.text(q->arg, host);
}

static int
on_address(struct question *q, ns_msg *msg, const ns_rr *rr)
{
	struct in6_addr addr = { .s6_addr = { [10] = 0xff, 0xff } };
	size_t size = q->type == ns_t_a ? 4 : 16;

	(void)msg;
	if (ns_rr_rdlen(*rr) != size)
		return -EBADMSG;
	memcpy(&addr.s6_addr[16 - size], ns_rr_rdata(*rr), size);
	return q->on_answer.address(q->arg, &addr);
}

int
resolver_txt(struct resolver *r, const char *name, const char *prefix,
    int (*on_answer)(void *arg, const char *text), void *arg)
{
	struct question q = { .resolver = r,
		.name = name,
		.prefix = prefix,
		.type = ns_t_txt,
		.on_record = on_txt,
		.on_answer.text = on_answer,
		.arg = arg };

	return ask(&q);
}

int
resolver_mx(struct resolver *r, const char *name,
    int (*on_answer)(void *arg, const char *host), void *arg)
{
	struct question q = { .resolver = r,
		.name = name,
		.type = ns_t_mx,
		.on_record = on_mx,
		.on_answer.text = on_answer,
		.arg = arg };

	return ask(&q);
}

int
resolver_addresses(struct resolver *r, const char *name,
    int (*on_answer)(void *arg, const struct in6_addr *), void *arg)
{
	struct question q = { .resolver = r,
		.name = name,
		.type = ns_t_a,
		.on_record = on_address,
		.on_answer.address = on_answer,
		.arg = arg };
	int v4 = ask(&q), v6;

	if (v4 < 0 && v4 != -ENOENT)
		return v4;
	q.type = ns_t_aaaa;
	q.n_answers = 0;
	v6 = ask(&q);
	return v6 == -ENOENT ? v4 : v6;
}
