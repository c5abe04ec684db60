/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/command.h"

#include <errno.h>

static const struct {
	const char *name;
	enum command_request request;
	enum override_kind kind;
} requests[] = {
	{ "status", COMMAND_STATUS, OVERRIDE_NONE },
	{ "sessions", COMMAND_SESSIONS, OVERRIDE_NONE },
	{ "session", COMMAND_SESSION, OVERRIDE_NONE },
	{ "overrides", COMMAND_OVERRIDES, OVERRIDE_NONE },
	{ "release", COMMAND_OVERRIDE, OVERRIDE_RELEASE },
	{ "hold", COMMAND_OVERRIDE, OVERRIDE_HOLD },
	{ "forget", COMMAND_FORGET, OVERRIDE_NONE },
	{ "client", COMMAND_CLIENT, OVERRIDE_NONE },
};

/* What a message may say; the values as found, NULL for what is not there. */
struct fields {
	struct attr request, slot, number, address, seconds, by;
};

static int
read_fields(const char *pos, const char *end, struct fields *ret)
{
	struct attr a;
	int r;

	while ((r = attrs_next(&pos, end, &a)) > 0) {
		if (attr_is(&a, "request"))
			ret->request = a;
		else if (attr_is(&a, "slot"))
			ret->slot = a;
		else if (attr_is(&a, "number"))
			ret->number = a;
		else if (attr_is(&a, "address"))
			ret->address = a;
		else if (attr_is(&a, "seconds"))
			ret->seconds = a;
		else if (attr_is(&a, "by"))
			ret->by = a;
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
read_request(const struct fields *f, struct command *c, const char **ret_why)
{
	const struct attr *a = &f->request;

	for (size_t i = 0; a->value && i < ARRAY_SIZE(requests); i++) {
		if (a->value_len != strlen(requests[i].name) ||
		    memcmp(a->value, requests[i].name, a->value_len) != 0)
			continue;
		c->request = requests[i].request;
		c->override.kind = requests[i].kind;
		return 0;
	}
	return reject(
	    ret_why, a->value ? "request: unknown" : "request: missing");
}

static int
read_number(const struct attr *a, int64_t min, int64_t max, uint32_t *ret)
{
	int64_t n;

	if (!a->value || attr_int(a, min, max, &n) < 0)
		return -EBADMSG;
	*ret = (uint32_t)n;
	return 0;
}

static int
read_session(const struct fields *f, struct command *c, const char **ret_why)
{
	if (read_number(&f->slot, 1, UINT32_MAX, &c->slot) < 0 ||
	    read_number(&f->number, 0, UINT32_MAX, &c->number) < 0)
		return reject(ret_why, "slot, number: not those of a session");
	return 0;
}

static int
read_network(const struct fields *f, struct command *c, const char **ret_why)
{
	bool masked;

	if (!f->address.value ||
	    cidr_parse(f->address.value, f->address.value_len,
		&c->override.network, &masked) < 0)
		return reject(ret_why, "address: not an address or network");
	return 0;
}

/* Who it was, for the records: what is not printable ASCII is '?'. */
static void
read_name(const struct fields *f, struct command *c)
{
	size_t len = f->by.value_len;

	if (len >= sizeof(c->override.by))
		len = sizeof(c->override.by) - 1;
	for (size_t i = 0; i < len; i++) {
		char b = f->by.value[i];

		c->override.by[i] = b > ' ' && b <= '~' ? b : '?';
	}
}

static int
read_override(const struct fields *f, struct command *c, const char **ret_why)
{
	if (read_network(f, c, ret_why) < 0)
		return -EBADMSG;
	if (read_number(&f->seconds, 1, COMMAND_SECONDS_MAX, &c->seconds) < 0)
		return reject(ret_why, "seconds: not 1 s to 30 days");
	read_name(f, c);
	return 0;
}

static int
read_client(const struct fields *f, struct command *c, const char **ret_why)
{
	if (read_network(f, c, ret_why) < 0)
		return -EBADMSG;
	if (c->override.network.len != CIDR_BITS)
		return reject(ret_why, "address: not one address");
	return 0;
}

int
command_read(
    const char *msg, size_t len, struct command *ret, const char **ret_why)
{
	struct fields f = { 0 };

	*ret = (struct command){ 0 };
	if (read_fields(msg, msg + len, &f) < 0)
		return reject(ret_why, "a line is not of the form name=value");
	if (read_request(&f, ret, ret_why) < 0)
		return -EBADMSG;
	switch (ret->request) {
	case COMMAND_SESSION:
		return read_session(&f, ret, ret_why);
	case COMMAND_OVERRIDE:
		return read_override(&f, ret, ret_why);
	case COMMAND_FORGET:
		read_name(&f, ret);
		return read_network(&f, ret, ret_why);
	case COMMAND_CLIENT:
		return read_client(&f, ret, ret_why);
	case COMMAND_STATUS:
	case COMMAND_SESSIONS:
	case COMMAND_OVERRIDES:
		break;
	}
	return 0;
}
