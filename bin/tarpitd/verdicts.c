/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/verdicts.h"

#include <string.h>
#include <sys/mman.h>

#include "bin/common/siphash.h"

enum { CACHE_PLACES = 4096 };

struct answer {
	struct in6_addr client;
	uint64_t until; /* usec; 0: empty */
	struct verdict verdict;
};

struct answer_cache {
	struct siphash_key key;
	struct answer place[CACHE_PLACES];
};

uint32_t
verdict_intern(struct intern *in, const struct verdict *v)
{
	union {
		struct verdict_text text;
		char room[sizeof(struct verdict_text) + REASON_SIZE];
	} u = { .text = { .score = v->score, .asn = v->asn } };

	memcpy(u.text.country, v->country, sizeof(v->country));
	memcpy(u.text.reason, v->reason, v->reason_len);
	u.text.reason[v->reason_len] = '\0';
	return intern_put(in, &u, sizeof(u.text) + v->reason_len + 1);
}

const struct verdict_text *
verdict_text(const struct intern *in, uint32_t number)
{
	size_t len;

	return intern_get(in, number, &len);
}

/* Places cost memory only once they are used. */
struct answer_cache *
answer_cache_new(void)
{
	void *p =
	    mmap(NULL, sizeof(struct answer_cache), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct answer_cache *cache = p;

	if (p == MAP_FAILED)
		return NULL;
	return siphash_key_init(&cache->key) < 0 ? answer_cache_free(cache)
						 : cache;
}

struct answer_cache *
answer_cache_free(struct answer_cache *cache)
{
	if (cache != NULL)
		munmap(cache, sizeof(*cache));
	return NULL;
}

void
answer_cache_clear(struct answer_cache *cache)
{
	struct siphash_key key = cache->key;

	/* Gives the pages back, which read as zero from then on. */
	(void)madvise(cache, sizeof(*cache), MADV_DONTNEED);
	cache->key = key;
}

static size_t
place_of(const struct answer_cache *cache, const struct in6_addr *client)
{
	return siphash(&cache->key, client, sizeof(*client)) % CACHE_PLACES;
}

void
answer_cache_put(struct answer_cache *cache, const struct in6_addr *client,
    const struct verdict *v, uint64_t now)
{
	struct answer *a = &cache->place[place_of(cache, client)];

	if (v->ttl == 0) {
		/* The newer answer stands: the older one is not used again. */
		if (IN6_ARE_ADDR_EQUAL(&a->client, client))
			a->until = 0;
		return;
	}
	a->client = *client;
	a->until = now + v->ttl * USEC_PER_SEC;
	a->verdict = *v;
}

const struct verdict *
answer_cache_get(const struct answer_cache *cache,
    const struct in6_addr *client, uint64_t now)
{
	const struct answer *a = &cache->place[place_of(cache, client)];

	if (a->until <= now || !IN6_ARE_ADDR_EQUAL(&a->client, client))
		return NULL;
	return &a->verdict;
}
