/* SPDX-License-Identifier: ISC */
#include "bin/tarpit-lists/spf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/decimal.h"
#include "bin/tarpit-lists/resolve.h"
#include "data/cidr.h"

enum { NAME_MAX_LEN = 253, DEPTH_MAX = SPF_LOOKUPS_MAX + 1 };

struct spf {
	struct resolver *resolver;
	FILE *out;
	unsigned lookups, voids;
	uint64_t v4_addresses; /* of all networks */
	unsigned depth;        /* of includes and redirects */
	char *why;
	size_t why_size;
};

/* One domain's record being read. */
struct record {
	struct spf *spf;
	const char *domain;
	char text[RESOLVE_TEXT_MAX + 1];
	unsigned n; /* records found: more than one is an error (4.5) */
};

/* A term, taken apart: [qualifier]name[:domain][/v4 length[//v6 length]], or
 * name=domain. */
struct term {
	char qualifier;
	char name[16];
	char domain[NAME_MAX_LEN + 1]; /* "": the record's own */
	const char *value;             /* all after the name */
	unsigned v4_len, v6_len;
};

static int collect(struct spf *, const char *domain);

static int PRINTF_LIKE(3, 4)
    fail(const struct spf *s, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(s->why, s->why_size, format, ap);
	va_end(ap);
	return error;
}

/* A look-up that found nothing may be a mistake, but not too many. */
static int
check_found(struct spf *s, const char *name, int r)
{
	if (r == -ENOENT && ++s->voids > SPF_VOID_MAX)
		return fail(s, -E2BIG,
		    "%.253s: more than %d look-ups that find nothing", name,
		    SPF_VOID_MAX);
	if (r == -ENOENT)
		return 0;
	if (r == -EAGAIN)
		return fail(s, r, "%.253s: no answer from the DNS", name);
	if (r == -EBADMSG)
		return fail(s, r, "%.253s: a malformed answer", name);
	return r;
}

static int
count_lookup(struct spf *s, const struct record *rec)
{
	if (++s->lookups <= SPF_LOOKUPS_MAX)
		return 0;
	return fail(s, -E2BIG, "%.253s: more than %d look-ups", rec->domain,
	    SPF_LOOKUPS_MAX);
}

/*
 * Terms
 */

static int
bad_term(const struct record *rec, const char *term)
{
	size_t n = 0;

	while (n < 64 && term[n] > ' ' && term[n] <= '~')
		n++;
	return fail(rec->spf, -EBADMSG, "%.253s: \"%.*s\" is no term of SPF",
	    rec->domain, (int)n, term);
}

/* Cuts "/24", "//64" or "/24//64" off TEXT, LEN bytes. */
static bool
take_lengths(const char *text, size_t *len, struct term *t)
{
	const char *slash = memchr(text, '/', *len), *v6 = NULL;
	size_t v4_digits;
	int64_t value;

	t->v4_len = 32;
	t->v6_len = 128;
	if (!slash)
		return true;
	v6 = memmem(slash, *len - (size_t)(slash - text), "//", 2);
	if (v6) {
		if (decimal_parse(v6 + 2, *len - (size_t)(v6 + 2 - text), 0,
			128, &value) < 0)
			return false;
		t->v6_len = (unsigned)value;
	}
	v4_digits = (v6 ? (size_t)(v6 - text) : *len) - (size_t)(slash - text);
	if (v6 != slash) {
		if (decimal_parse(slash + 1, v4_digits - 1, 0, 32, &value) < 0)
			return false;
		t->v4_len = (unsigned)value;
	}
	*len = (size_t)(slash - text);
	return true;
}

/* name=value, whatever the name and the value are (12): what is not known is
 * ignored (6). */
static bool
is_modifier(const char *text)
{
	size_t len = strspn(text,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.");

	return text[len] == '=' && len > 0 &&
	    strchr("0123456789-_.", text[0]) == NULL;
}

static bool
parse_term(const char *text, struct term *t)
{
	size_t name_len, len;

	*t = (struct term){ .qualifier = '+' };
	if (strchr("+-~?", text[0]))
		t->qualifier = *text++;
	name_len = strcspn(text, ":/");
	if (name_len == 0 || name_len >= sizeof(t->name))
		return false;
	memcpy(t->name, text, name_len);
	t->value = text + name_len;
	if (*t->value == ':')
		t->value++;
	if (strcasecmp(t->name, "ip4") == 0 || strcasecmp(t->name, "ip6") == 0)
		return true;
	len = strlen(t->value);
	/* Only hosts have lengths; a macro may have any slash. */
	if ((strcasecmp(t->name, "a") == 0 || strcasecmp(t->name, "mx") == 0) &&
	    !take_lengths(t->value, &len, t))
		return false;
	if (len > NAME_MAX_LEN)
		return false;
	memcpy(t->domain, t->value, len);
	return true;
}

/*
 * Mechanisms
 */

/* What no sender has.  It is not left out alone: whoever says that half of the
 * world sends his mail says nothing. */
static bool
is_too_wide(struct spf *s, const struct cidr *cidr)
{
	bool is_v4 = cidr_is_v4(cidr);

	if (is_v4)
		s->v4_addresses += UINT64_C(1) << (CIDR_BITS - cidr->len);
	return cidr->len <
	    (is_v4 ? CIDR_V4_BITS + SPF_V4_LEN_MIN : SPF_V6_LEN_MIN) ||
	    s->v4_addresses > SPF_V4_ADDRESSES_MAX;
}

static int
put_prefix(struct spf *s, const struct cidr *cidr)
{
	char text[CIDR_STRLEN];

	if (is_too_wide(s, cidr))
		return fail(s, -EBADMSG,
		    "lets %s send, and with it more of the world than any "
		    "sender has",
		    cidr_format(cidr, text));

	if (fprintf(s->out, "%s\n", cidr_format(cidr, text)) < 0)
		return -ENOMEM;
	return 0;
}

static int
add_ip(struct record *rec, const struct term *t)
{
	struct cidr cidr;
	bool masked;

	if (cidr_parse(t->value, strlen(t->value), &cidr, &masked) < 0 ||
	    cidr_is_v4(&cidr) != (t->name[2] == '4'))
		return bad_term(rec, t->value);
	return put_prefix(rec->spf, &cidr);
}

/* Whose addresses are being added, and how much of the networks around. */
struct addresses {
	struct spf *spf;
	const struct term *term;
	unsigned n_hosts;
};

static int
on_address(void *arg, const struct in6_addr *addr)
{
	struct addresses *a = arg;
	unsigned len = cidr_addr_is_v4(addr) ? CIDR_V4_BITS + a->term->v4_len
					     : a->term->v6_len;
	struct cidr cidr = cidr_mask(addr, len);

	return put_prefix(a->spf, &cidr);
}

static int
on_mx(void *arg, const char *host)
{
	struct addresses *a = arg;

	if (++a->n_hosts > SPF_MX_MAX)
		return fail(a->spf, -E2BIG, "%.253s: more than %d mail hosts",
		    a->term->domain, SPF_MX_MAX);
	return check_found(a->spf, host,
	    resolver_addresses(a->spf->resolver, host, on_address, a));
}

static int
add_hosts(struct record *rec, const struct term *t, bool is_mx)
{
	struct spf *s = rec->spf;
	struct addresses a = { .spf = s, .term = t };
	const char *name = t->domain[0] ? t->domain : rec->domain;
	int r = count_lookup(s, rec);

	if (r < 0)
		return r;
	r = is_mx ? resolver_mx(s->resolver, name, on_mx, &a)
		  : resolver_addresses(s->resolver, name, on_address, &a);
	return check_found(s, name, r);
}

static int
include(struct record *rec, const struct term *t)
{
	int r = count_lookup(rec->spf, rec);

	return r < 0 ? r : collect(rec->spf, t->domain);
}

/* Those that let through; all others only take away from them, and what is
 * let through wrongly by one of ours still has the other facts against it. */
static int
add_mechanism(struct record *rec, const struct term *t, const char *text)
{
	bool needs_domain = strcasecmp(t->name, "include") == 0 ||
	    strcasecmp(t->name, "exists") == 0;

	if (needs_domain && t->domain[0] == '\0')
		return bad_term(rec, text);
	if (strcasecmp(t->name, "all") == 0)
		return t->qualifier != '+'
		    ? 0
		    : fail(rec->spf, -EBADMSG, "%.253s: lets everybody send",
			  rec->domain);
	/* Both depend on the message; they count, and say no network. */
	if (strcasecmp(t->name, "ptr") == 0 ||
	    strcasecmp(t->name, "exists") == 0)
		return count_lookup(rec->spf, rec);
	if (t->qualifier != '+')
		return 0;
	if (strcasecmp(t->name, "ip4") == 0 || strcasecmp(t->name, "ip6") == 0)
		return add_ip(rec, t);
	/* A macro, which stands for something in the message. */
	if (strchr(t->domain, '%'))
		return count_lookup(rec->spf, rec);
	if (strcasecmp(t->name, "include") == 0)
		return include(rec, t);
	if (strcasecmp(t->name, "a") == 0)
		return add_hosts(rec, t, false);
	if (strcasecmp(t->name, "mx") == 0)
		return add_hosts(rec, t, true);
	return bad_term(rec, text);
}

/*
 * Records
 */

static bool
is_spf(const char *text)
{
	return strncasecmp(text, "v=spf1", 6) == 0 &&
	    (text[6] == ' ' || text[6] == '\0');
}

static int
on_text(void *arg, const char *text)
{
	struct record *rec = arg;

	if (is_spf(text)) {
		rec->n++;
		snprintf(rec->text, sizeof(rec->text), "%s", text);
	}
	return 0;
}

/* Fills REDIRECT, NAME_MAX_LEN + 1 bytes; other modifiers say nothing of who may
 * send. */
static int
take_modifier(const struct record *rec, const char *text, char *redirect)
{
	const char *value = strchr(text, '=') + 1;

	if (strncasecmp(text, "redirect=", 9) != 0)
		return 0;
	if (*value == '\0' || *redirect || strlen(value) > NAME_MAX_LEN)
		return bad_term(rec, text);
	memcpy(redirect, value, strlen(value) + 1);
	return 0;
}

static int
read_terms(struct record *rec)
{
	char redirect[NAME_MAX_LEN + 1] = "", *save;
	bool has_all = false;

	for (char *text = strtok_r(rec->text + 6, " ", &save); text && !has_all;
	     text = strtok_r(NULL, " ", &save)) {
		struct term t;
		int r = 0;

		if (is_modifier(text))
			r = take_modifier(rec, text, redirect);
		else if (!parse_term(text, &t))
			return bad_term(rec, text);
		else
			r = add_mechanism(rec, &t, text);
		if (r < 0)
			return r;
		/* What follows is never tested (5.1). */
		has_all = !is_modifier(text) && strcasecmp(t.name, "all") == 0;
	}
	if (redirect[0] == '\0' || has_all || strchr(redirect, '%'))
		return 0;
	if (count_lookup(rec->spf, rec) < 0)
		return -E2BIG;
	return collect(rec->spf, redirect);
}

static int
collect_record(struct spf *s, const char *domain)
{
	struct record rec = { .spf = s, .domain = domain };
	int r = resolver_txt(s->resolver, domain, "v=spf1", on_text, &rec);

	if (r < 0 && r != -ENOENT)
		return check_found(s, domain, r);
	if (rec.n == 0)
		return fail(s, -ENOENT, "%.253s: has no SPF record", domain);
	if (rec.n > 1)
		return fail(
		    s, -EBADMSG, "%.253s: has %u SPF records", domain, rec.n);
	return read_terms(&rec);
}

/* The limit of look-ups would end a loop as well; this bounds the stack by
 * something that can be seen. */
static int
collect(struct spf *s, const char *domain)
{
	int r;

	if (s->depth == DEPTH_MAX)
		return fail(s, -E2BIG, "%.253s: too deep", domain);
	s->depth++;
	r = collect_record(s, domain);
	s->depth--;
	return r;
}

int
spf_collect(struct resolver *resolver, const char *domain, char **ret_text,
    size_t *ret_len, char *why, size_t size)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	struct spf s = { .resolver = resolver,
		.out = open_memstream(&text, &len),
		.why = why,
		.why_size = size };
	int r;

	if (!s.out)
		return fail(&s, -ENOMEM, "out of memory");
	why[0] = '\0';
	r = collect(&s, domain);
	if (fclose(s.out) != 0)
		r = -ENOMEM;
	if (r < 0 && why[0] == '\0')
		fail(&s, r, "%.253s: %s", domain, strerror(-r));
	if (r < 0)
		return r;
	*ret_text = text;
	*ret_len = len;
	text = NULL;
	return 0;
}
