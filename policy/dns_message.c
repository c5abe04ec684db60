/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "policy/dns_message.h"

enum {
	HEADER_SIZE = 12,
	RCODE_NONE = 0,
	RCODE_NXDOMAIN = 3,
	TYPE_SOA = 6,
	CLASS_IN = 1,
	/* Pointers that one name may follow; each goes back, but a chain of
	 * them through a whole message would be followed for each record. */
	JUMPS_MAX = 16,
};

struct reader {
	const uint8_t *msg;
	size_t len, at;
};

/* Where a record is, and what it says of itself. */
struct rr {
	uint16_t type, class;
	uint32_t ttl;
	size_t data, data_len;
};

static int
read_u16(struct reader *r, uint16_t *ret)
{
	if (r->len - r->at < 2)
		return -EBADMSG;
	*ret = (uint16_t)(r->msg[r->at] << 8 | r->msg[r->at + 1]);
	r->at += 2;
	return 0;
}

static int
read_u32(struct reader *r, uint32_t *ret)
{
	uint16_t high, low;

	if (read_u16(r, &high) < 0 || read_u16(r, &low) < 0)
		return -EBADMSG;
	*ret = (uint32_t)high << 16 | low;
	return 0;
}

/* It goes to records and is compared; nothing else need be kept apart. */
static char
clean(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_')
		return (char)c;
	return '?';
}

/* Appends a label's text. */
static int
add_label(const uint8_t *label, size_t n, char *text, size_t *text_len)
{
	size_t dot = *text_len > 0;

	if (*text_len + dot + n > DNS_TEXT_MAX)
		return -EBADMSG;
	if (dot)
		text[(*text_len)++] = '.';
	for (size_t i = 0; i < n; i++)
		text[(*text_len)++] = clean(label[i]);
	return 0;
}

/* A name, and where the bytes behind it begin.  TEXT may be NULL. */
static int
read_name(struct reader *r, char *text)
{
	size_t at = r->at, after = 0, text_len = 0;
	int jumps = 0;

	for (;;) {
		uint8_t n;

		if (at >= r->len)
			return -EBADMSG;
		n = r->msg[at++];
		if (n == 0)
			break;
		if (n >= 0xc0) {
			if (at >= r->len || ++jumps > JUMPS_MAX)
				return -EBADMSG;
			if (after == 0)
				after = at + 1;
			at = (size_t)(n & 0x3f) << 8 | r->msg[at];
			continue;
		}
		if (n > 63 || r->len - at < n)
			return -EBADMSG;
		if (text && add_label(&r->msg[at], n, text, &text_len) < 0)
			return -EBADMSG;
		at += n;
	}
	if (text)
		text[text_len] = '\0';
	r->at = after ? after : at;
	return 0;
}

static int
read_rr(struct reader *r, struct rr *ret)
{
	uint16_t len;

	if (read_name(r, NULL) < 0 || read_u16(r, &ret->type) < 0 ||
	    read_u16(r, &ret->class) < 0 || read_u32(r, &ret->ttl) < 0 ||
	    read_u16(r, &len) < 0 || r->len - r->at < len)
		return -EBADMSG;
	ret->data = r->at;
	ret->data_len = len;
	r->at += len;
	/* RFC 2181 8: with the high bit set it is zero. */
	if (ret->ttl >> 31)
		ret->ttl = 0;
	return 0;
}

static int
add_address(const struct reader *r, const struct rr *rr, size_t size,
    struct dns_answer *ret)
{
	struct in6_addr *to = &ret->address[ret->n];

	if (rr->data_len != size)
		return -EBADMSG;
	if (ret->n == DNS_ADDRESSES_MAX) {
		ret->more = true;
		return 0;
	}
	memset(to, 0, sizeof(*to));
	if (size == 4)
		memset(&to->s6_addr[10], 0xff, 2);
	memcpy(&to->s6_addr[16 - size], &r->msg[rr->data], size);
	ret->n++;
	return 0;
}

static int
add_name(const struct reader *r, const struct rr *rr, struct dns_answer *ret)
{
	struct reader data = { r->msg, r->len, rr->data };

	if (ret->n == DNS_NAMES_MAX) {
		ret->more = true;
		return 0;
	}
	if (read_name(&data, ret->name[ret->n]) < 0 ||
	    data.at != rr->data + rr->data_len)
		return -EBADMSG;
	ret->n++;
	return 0;
}

static int
read_answers(struct reader *r, unsigned int n, enum dns_type type,
    struct dns_answer *ret)
{
	while (n-- > 0) {
		struct rr rr;
		int e = 0;

		if (read_rr(r, &rr) < 0)
			return -EBADMSG;
		if (rr.class != CLASS_IN)
			continue;
		/* Those of the aliases before it count too. */
		if (rr.ttl < ret->ttl)
			ret->ttl = rr.ttl;
		if (rr.type != type)
			continue;
		switch (type) {
		case DNS_A:
			e = add_address(r, &rr, 4, ret);
			break;
		case DNS_AAAA:
			e = add_address(r, &rr, 16, ret);
			break;
		case DNS_PTR:
			e = add_name(r, &rr, ret);
			break;
		}
		if (e < 0)
			return e;
	}
	return 0;
}

/* RFC 2308 5: nothing is nothing for the lesser of the SOA's TTL and its last
 * number; without a SOA, for no time at all. */
static uint32_t
read_negative_ttl(struct reader *r, unsigned int n)
{
	while (n-- > 0) {
		struct reader data = *r;
		struct rr rr;
		uint32_t minimum;

		if (read_rr(r, &rr) < 0)
			return 0;
		if (rr.type != TYPE_SOA || rr.data_len < 22)
			continue;
		data.at = rr.data + rr.data_len - 4;
		if (read_u32(&data, &minimum) < 0)
			return 0;
		if (minimum > rr.ttl)
			minimum = rr.ttl;
		return minimum < DNS_TTL_NEGATIVE_MAX ? minimum
						      : DNS_TTL_NEGATIVE_MAX;
	}
	return 0;
}

int
dns_message_read(const uint8_t *message, size_t len, enum dns_type type,
    struct dns_answer *ret)
{
	struct reader r = { message, len, 0 };
	uint16_t id, flags, count[4];

	ret->n = 0;
	ret->more = false;
	ret->ttl = DNS_TTL_MAX;
	if (read_u16(&r, &id) < 0 || read_u16(&r, &flags) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < 4; i++) {
		if (read_u16(&r, &count[i]) < 0)
			return -EBADMSG;
	}
	for (uint16_t i = 0; i < count[0]; i++) {
		if (read_name(&r, NULL) < 0 || r.len - r.at < 4)
			return -EBADMSG;
		r.at += 4;
	}
	ret->status = DNS_FAILED;
	if ((flags & 15) != RCODE_NONE && (flags & 15) != RCODE_NXDOMAIN) {
		ret->ttl = DNS_TTL_FAILED;
		return 0;
	}
	if (read_answers(&r, count[1], type, ret) < 0)
		return -EBADMSG;
	ret->status = ret->n > 0 ? DNS_FOUND : DNS_NOTHING;
	if (ret->n == 0)
		ret->ttl = read_negative_ttl(&r, count[2]);
	return 0;
}
