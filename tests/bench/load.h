#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the load generator share: targets, sources, replies and
 * samples.  All errors end the program: a bench that goes on without its load
 * measures something else.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

/* The subcommands, each with the arguments after its name; exit statuses. */
int hold_main(int argc, char **argv);
int tls_main(int argc, char **argv);
int clean_main(int argc, char **argv);
int ask_main(int argc, char **argv);
int sink_main(int argc, char **argv);
int push_main(int argc, char **argv);
int pace_main(int argc, char **argv);
int asn_main(int argc, char **argv);
int delay_main(int argc, char **argv);
int flood_main(int argc, char **argv);
int watch_main(int argc, char **argv);

/* Prints "load: ..." and exits with 111. */
void load_die(int error, const char *format, ...) PRINTF_LIKE(2, 3)
    __attribute__((noreturn));

/* A decimal number in [1, MAX]. */
unsigned int load_number(const char *text, unsigned int max);

/* "127.0.0.1:25". */
struct sockaddr_in load_target(const char *text);

/* The Nth address from the network NET (host order) on, wrapped within its
 * /16 and never its first or last one. */
struct in_addr load_source(uint32_t net, unsigned int n);
uint32_t load_network(const char *text);

/* Begins to connect from SOURCE to TO: a non-blocking descriptor. */
int load_dial(const struct sockaddr_in *to, struct in_addr source);

/* Closes with a reset: no TIME_WAIT is left to run out of ports with. */
void load_hang_up(int fd);

/* Finds the ends of SMTP replies in a stream. */
struct reply {
	uint8_t column; /* in the line, at most 4 */
	bool last;      /* the line at hand ends the reply */
};

/* How many replies end within the LEN bytes at DATA. */
unsigned int reply_feed(struct reply *, const char *data, size_t len);

/* Values whose percentiles are asked for. */
struct samples {
	double *value;
	size_t n, room;
};

void samples_add(struct samples *, double value);
/* Sorts; SHARE is 0 (the least) to 1 (the greatest).  0 if there are none. */
double samples_at(struct samples *, double share);
