#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A unit test is a program with named cases: `wheel_test cascade_at_64` runs
 * one, `wheel_test` lists them, one a line.  A failed CHECK says where and
 * exits 1.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_case {
	const char *name;
	void (*run)(void);
};

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, \
			    __LINE__, #condition);                         \
			exit(1);                                           \
		}                                                          \
	} while (0)

#define CHECK_INT(actual, expected)                                         \
	do {                                                                \
		long long check_a = (long long)(actual);                    \
		long long check_e = (long long)(expected);                  \
		if (check_a != check_e) {                                   \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n",    \
			    __FILE__, __LINE__, #actual, check_a, check_e); \
			exit(1);                                            \
		}                                                           \
	} while (0)

#define CHECK_STR(actual, expected)                                          \
	do {                                                                 \
		const char *check_a = (actual), *check_e = (expected);       \
		if (strcmp(check_a, check_e) != 0) {                         \
			fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", \
			    __FILE__, __LINE__, #actual, check_a, check_e);  \
			exit(1);                                             \
		}                                                            \
	} while (0)

#define CASE(function)              \
	{                           \
#function, function \
	}

/* int main(...) { return check_main(cases, ARRAY_SIZE(cases), argc, argv); } */
static inline int
check_main(const struct check_case *cases, size_t n, int argc, char **argv)
{
	for (size_t i = 0; i < n; i++) {
		if (argc < 2)
			puts(cases[i].name);
		else if (strcmp(argv[1], cases[i].name) == 0)
			return cases[i].run(), 0;
	}
	if (argc < 2)
		return 0;
	fprintf(stderr, "%s: no case \"%s\"\n", argv[0], argv[1]);
	return 1;
}
