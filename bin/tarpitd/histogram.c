/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/histogram.h"

#include "bin/common/util.h"

#define MSEC(n) ((n)*USEC_PER_MSEC)
#define SEC(n)  ((n)*USEC_PER_SEC)

const struct histogram_scale histogram_latency = {
	.n = 10,
	.bound = { 500, MSEC(1), MSEC(2), MSEC(5), MSEC(20), MSEC(100),
	    MSEC(500), SEC(2), SEC(5), SEC(10) },
};

const struct histogram_scale histogram_stay = {
	.n = 14,
	.bound = { SEC(1), SEC(2), SEC(5), SEC(10), SEC(15), SEC(20), SEC(25),
	    SEC(30), SEC(60), SEC(120), SEC(300), SEC(900), SEC(3600),
	    SEC(21600) },
};

void
histogram_add(
    struct histogram *h, const struct histogram_scale *scale, uint64_t usec)
{
	size_t i = 0;

	/* A bucket has its upper bound (Prometheus's "le"). */
	while (i < scale->n && usec > scale->bound[i])
		i++;
	h->count[i]++;
	h->sum += usec;
}
