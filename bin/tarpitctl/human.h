#pragma once
/* SPDX-License-Identifier: ISC */
/* Figures as people read them.  All write to BUF and return it. */

#include <stddef.h>
#include <stdint.h>

enum { HUMAN_SIZE = 48 };

/* "1,234,567" */
const char *human_count(uint64_t n, char buf[HUMAN_SIZE]);

/* "0.4 s", "25 s", "6 min 40 s", "3 h 20 min", "31 d 4 h" */
const char *human_duration(uint64_t usec, char buf[HUMAN_SIZE]);

/* "512 B", "1.5 kB", "2.1 MB": powers of 1000, as traffic is counted. */
const char *human_bytes(uint64_t n, char buf[HUMAN_SIZE]);

/* N of TOTAL in percent, "12.3 %"; "-" of nothing. */
const char *human_share(uint64_t n, uint64_t total, char buf[HUMAN_SIZE]);

/* "2026-11-22 04:00", local time. */
const char *human_time(uint64_t usec, char buf[HUMAN_SIZE]);

/* Three significant digits or four: "0.0371", "7.4", "105.1", "12,345". */
const char *human_figure(double value, char buf[HUMAN_SIZE]);
