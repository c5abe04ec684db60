/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/settings.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* For an empty HostName=; kept, since a reload must not wait for a resolver. */
static char *own_name;

static struct config *
forget(struct config *c)
{
	config_fini(c);
	free(c);
	return NULL;
}

static void
fill_host_name(struct config *c)
{
	char *copy;

	/* At the start, whether it is needed or not: a reload may remove
	 * HostName=. */
	if (own_name == NULL)
		own_name = config_host_name();
	if (c->host_name[0] != '\0')
		return;
	copy = own_name != NULL ? strdup(own_name) : NULL;
	/* Without memory it stays empty; it is never NULL. */
	if (copy == NULL)
		return;
	free(c->host_name);
	c->host_name = copy;
}

/* Without its certificate. */
static struct config *
load(const struct program_call *call, struct option_error *error)
{
	struct config *c = calloc(1, sizeof(*c));

	memset(error, 0, sizeof(*error));
	if (c == NULL) {
		option_say(error, "out of memory");
		return NULL;
	}
	if (program_load(&tarpitd_program, call, c, error) < 0)
		return forget(c);
	fill_host_name(c);
	return c;
}

struct config *
settings_load(const struct settings *s, struct option_error *ret_error)
{
	struct config *c = load(s->call, ret_error);

	if (c != NULL && config_read_certificate(c, ret_error) < 0)
		return forget(c);
	if (c != NULL && !s->call->check_only)
		program_keep_config(&tarpitd_program, s->call);
	return c;
}

/* As it goes into a message of lines. */
static void
print_error(const struct option_error *error, char buf[OPTION_ERROR_TEXT])
{
	option_print_error(error, buf);
	for (char *p = buf; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = '?';
}

static void
note(struct settings_trouble *t, const struct option_error *error)
{
	t->at = (uint64_t)time(NULL);
	print_error(error, t->text);
}

static const char *
consequence(const struct settings_trouble *t)
{
	if (t->source == PROGRAM_VALID_PART)
		return "only observing";
	return t->tls[0] != '\0' ? "without TLS" : NULL;
}

struct config *
settings_load_instead(struct settings *s, const struct option_error *error)
{
	static const enum program_source sources[] = { PROGRAM_AS_WRITTEN,
		PROGRAM_LAST_GOOD, PROGRAM_VALID_PART };
	struct settings_trouble *t = &s->trouble;
	struct option_error other;
	struct config *c = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(sources) && c == NULL; i++) {
		s->call->source = t->source = sources[i];
		c = load(s->call, &other);
	}
	s->call->source = PROGRAM_AS_WRITTEN;
	if (c == NULL)
		return NULL;
	if (config_read_certificate(c, &other) < 0)
		print_error(&other, t->tls);
	if (t->source == PROGRAM_VALID_PART)
		c->mode = MODE_OBSERVE;
	note(t, error);
	program_tell_start_error(s->journal, error, t->source, consequence(t));
	return c;
}

void
settings_refuse(struct settings *s, const struct option_error *error)
{
	note(&s->trouble, error);
	program_tell_config_error(s->journal, error);
}

struct config *
settings_reload(struct settings *s)
{
	struct option_error error;
	struct config *c = settings_load(s, &error);

	if (c == NULL)
		settings_refuse(s, &error);
	else
		s->trouble = (struct settings_trouble){ 0 };
	return c;
}

void
settings_fini(void)
{
	free(own_name);
	own_name = NULL;
}
