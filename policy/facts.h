#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What is known of one client while its question is open.  Plain data: the
 * sources add facts, each with the weight that the rules give it, and the
 * engine adds them up.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bin/common/util.h"

/* Every list that a compiled file can hold (CDBFILE_LISTS_MAX), and room for
 * all other sources. */
enum { FACTS_MAX = 160, FACTS_NOTES_SIZE = 256 };

/* Evidence is of one of these classes, which says what may cancel it; see
 * policy/engine.h. */
enum fact_class {
	CLASS_BY_HAND, /* lists that the administrator writes */
	CLASS_OTHERS,  /* lists, DNS lists, country, network, reverse name */
	CLASS_SESSION, /* what the client does in this session */
	CLASS_LEARNED, /* what became of it before */
	CLASS_FIRST,   /* first contact */
	CLASS_COUNT
};

/* What a fact can do beside adding its weight. */
enum fact_role {
	ROLE_NONE,
	ROLE_LIST,     /* with a negative weight it ends first contact */
	ROLE_PATIENCE, /* ends first contact */
	ROLE_SEEN,     /* makes up for first contact, and for nothing else */
};

enum fact_kind {
	FACT_NAMED,   /* `name` as printed: "list.drop", "history.none" */
	FACT_COUNTRY, /* `number` is country_index() */
	FACT_ASN,     /* `number` is the autonomous system */
};

struct fact {
	enum fact_kind kind;
	uint8_t class; /* enum fact_class */
	uint8_t role;  /* enum fact_role */
	uint16_t note; /* where in the notes; 0: none */
	int32_t weight;
	uint32_t number;
	const char *name; /* borrowed from the rules */
};

struct facts {
	char country[3]; /* "" unknown */
	uint32_t asn;    /* 0 unknown */
	bool keep_all;   /* weightless ones too */
	size_t n;
	/* Identifiers under which lists have the client, each terminated; here,
	 * because lists are replaced while a question waits.  As many as a
	 * reason could print; the first byte is no note. */
	size_t notes_len;
	char notes[FACTS_NOTES_SIZE];
	struct fact fact[FACTS_MAX];
};

/* Countries are ISO 3166 codes of two letters, numbered AA = 0 to ZZ. */
enum { COUNTRY_COUNT = 26 * 26 };

/* -1 if CODE is not two upper-case letters. */
static inline int
country_index(const char code[2])
{
	if (code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z')
		return -1;
	return (code[0] - 'A') * 26 + code[1] - 'A';
}

/* The array is left alone: clearing it would cost more than the question. */
static inline void
facts_init(struct facts *f)
{
	f->country[0] = '\0';
	f->asn = 0;
	f->keep_all = false;
	f->n = 0;
	f->notes_len = 1;
}

/* A fact that stands in the reason whatever it weighs. */
static inline void
facts_mention(struct facts *f, const struct fact *fact)
{
	if (f->n < FACTS_MAX)
		f->fact[f->n++] = *fact;
}

/* Facts without weight are not kept: they change neither score nor reason.
 * False if there was no room, which FACTS_MAX rules out. */
static inline bool
facts_add(struct facts *f, const struct fact *fact)
{
	if (fact->weight == 0 && !f->keep_all)
		return true;
	if (f->n == FACTS_MAX)
		return false;
	f->fact[f->n++] = *fact;
	return true;
}

/* The same with the list's identifier NOTE ("": none). */
static inline bool
facts_add_noted(struct facts *f, struct fact fact, const char *note)
{
	size_t size = strlen(note) + 1;

	if (fact.weight != 0 && size > 1 &&
	    size <= sizeof(f->notes) - f->notes_len) {
		memcpy(f->notes + f->notes_len, note, size);
		fact.note = (uint16_t)f->notes_len;
		f->notes_len += size;
	}
	return facts_add(f, &fact);
}
