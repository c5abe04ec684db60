/* SPDX-License-Identifier: ISC */
#include "bin/common/decimal.h"

#include <errno.h>
#include <stdbool.h>

int
decimal_parse(const char *s, size_t len, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = len > 0 && s[0] == '-', overflow = false;
	size_t i = negative ? 1 : 0;
	int64_t n = 0;

	if (i == len)
		return -EINVAL;
	/* Downwards, because INT64_MIN has no positive counterpart; and on to
	 * the end after an overflow, because "99...9x" is no number at all. */
	for (; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		overflow |= __builtin_mul_overflow(n, 10, &n);
		overflow |= __builtin_sub_overflow(n, s[i] - '0', &n);
	}
	if (!negative)
		overflow |= __builtin_sub_overflow(INT64_C(0), n, &n);
	if (overflow || n < min || n > max)
		return -ERANGE;
	*ret = n;
	return 0;
}
