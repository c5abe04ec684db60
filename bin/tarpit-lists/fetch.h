#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * One file from the web, whole and within limits, or not at all.  Passwords and
 * headers go to the server that the URL names and to no other, whatever
 * redirects say, and are in no error.  The only user of libcurl.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

enum {
	FETCH_REDIRECTS_MAX = 5,
	FETCH_CONNECT_TIMEOUT = 30, /* seconds */
	/* Fewer bytes a second than this, for so long, is no download. */
	FETCH_SLOW_BYTES = 100,
	FETCH_SLOW_TIME = 60,
};

struct fetch {
	const char *url;
	const char *label;    /* for the progress bar; NULL: none is shown */
	const char *ca_file;  /* "": the system's authorities */
	const char *user_pwd; /* "USER:PASSWORD", before the URL's; or NULL */
	const char *headers;  /* see credentials_read_headers(); or NULL */
	uint64_t timeout;     /* usec, for all of it */
	uint64_t max_size;    /* bytes, after the transfer's own unpacking */
	/* Of what we have; "" none. */
	const char *etag, *modified;
};

struct fetched {
	bool not_modified; /* what we have is what there is */
	char *body;        /* for the caller to free */
	size_t len;
	char etag[256], modified[64]; /* "" none */
	uint64_t retry_after;         /* seconds; 0 not said */
	char why[300];                /* on error */
};

/* The name of the server that URL names, for the caller to free; NULL: it cannot
 * be read, or no memory. */
char *fetch_host(const char *url);

/* 0, or with the reason in `why`: -EPROTO (the server or TLS), -EFBIG,
 * -ETIMEDOUT, -ENOMEM, -EIO. */
int fetch(const struct fetch *, struct fetched *ret) MUST_CHECK;
