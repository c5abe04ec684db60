#pragma once
/* SPDX-License-Identifier: ISC */
/* What every file may use: attributes, units of time, self-freeing locals. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))

/* For a large buffer that is written before it is read: the compiler's zeroes
 * (-ftrivial-auto-var-init) would cost more than the work. */
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif

/* The structure of type TYPE whose member MEMBER is at PTR. */
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* All times are monotonic microseconds in a uint64_t; so are durations. */
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_NEVER    UINT64_MAX

/* Exit codes: the operator must fix it (units do not restart), or try again. */
enum { EXIT_OPERATOR = 100, EXIT_TEMPORARY = 111 };

static inline void
auto_free_cleanup(void *p)
{
	free(*(void **)p);
}

/* A local that owns heap memory and frees it when it goes out of scope. */
#define AUTO_FREE __attribute__((cleanup(auto_free_cleanup)))
