#pragma once
/* SPDX-License-Identifier: ISC */
/* tarpit-lists.conf, and lists.d/NAME.conf for each list. */

#include <stddef.h>

#include "bin/common/option.h"
#include "bin/common/util.h"
#include "data/cdbfile.h"

/* [Lists] and the command line. */
struct config {
	char *directory, *output, *state, *geoip;
	char *ca_file;    /* "": the system's */
	char *resolver;   /* ADDRESS[:PORT]; "": those of resolv.conf */
	uint64_t timeout; /* usec; of one download */
	bool force, quiet;
};

extern const struct option_table config_table;

/* Where a list comes from. */
enum source_type { SOURCE_FILE, SOURCE_URL, SOURCE_SPF };

enum allow { ALLOW_AUTO, ALLOW_NO, ALLOW_YES };

enum { MIN_ENTRIES_AUTO = -1 };

/* A number, or a share of all. */
struct limit {
	int64_t number; /* if it is no share */
	bool is_share;
	int64_t percent;
};

/* One list: [List] of lists.d/NAME.conf. */
struct list_config {
	char name[CDBFILE_NAME_MAX + 1];
	char *path; /* of its file */
	char *
	    source; /* an absolute path, spf:..., or what of a URL may be seen */
	char *url;  /* the URL as written, which nobody may see; or NULL */
	char *credentials, *header; /* files; "" none */
	char *column;               /* see struct list_options */
	enum source_type source_type;
	int kind;            /* enum cdbfile_kind */
	int format;          /* enum list_format */
	uint64_t interval;   /* usec */
	int64_t min_entries; /* MIN_ENTRIES_AUTO: files may be empty */
	int64_t max_shrink;  /* percent */
	struct limit max_bad_lines;
	int64_t min_count;
	uint64_t max_size; /* bytes of a download */
	bool allow_wide;
	int allow_private; /* enum allow; AUTO: in files */
};

/* All lists that FILE, a tarpit-lists.conf read into CONFIG, names, ascending
 * by name.  A relative Source= is taken from the directory of FILE.  0, or
 * -errno with *RET_ERROR filled. */
int config_load_lists(const struct config *, const char *file,
    struct list_config **ret_lists, size_t *ret_n,
    struct option_error *ret_error) MUST_CHECK;
void config_free_lists(struct list_config *, size_t n);

/* Fills ERROR; LINE 0 is the file as a whole. */
void config_error(struct option_error *, const char *file, unsigned line,
    const char *format, ...) PRINTF_LIKE(4, 5);
