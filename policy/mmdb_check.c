/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "policy/mmdb_check.h"

enum {
	/* Real databases nest four deep. */
	DEPTH_MAX = 16,
	/* Bytes of one record, which a look-up may have to step through; real
	 * ones stay below 2 KiB. */
	RECORD_MAX = 65536,
	/* The library looks for the metadata here. */
	METADATA_MAX = 128 * 1024,
	TREE_GAP = 16, /* zero bytes between tree and data */
};

enum mmdb_type {
	MMDB_EXTENDED = 0,
	MMDB_POINTER = 1,
	MMDB_MAP = 7,
	MMDB_ARRAY = 11,
	MMDB_BOOLEAN = 14,
};

/* A data section being walked. */
struct walk {
	const uint8_t *data;
	size_t size;
	uint8_t *seen; /* a bit for each offset walked from; NULL: none kept */
	size_t budget; /* steps; a tangle of overlapping values ends here */
	const char *why;
};

struct value {
	enum mmdb_type type;
	size_t size; /* of what follows: bytes, or elements; or the pointer */
};

static int
reject(struct walk *w, const char *why)
{
	w->why = why;
	return -EBADMSG;
}

/* N big-endian bytes at *POS. */
static int
read_number(struct walk *w, size_t *pos, size_t n, size_t *ret_number)
{
	size_t number = 0;

	if (n > w->size - *pos)
		return reject(w, "a value runs past the end");
	while (n-- > 0)
		number = number << 8 | w->data[(*pos)++];
	*ret_number = number;
	return 0;
}

/* Two bits say how many bytes follow; all but the longest form continue the
 * control byte's low three bits, and each form starts where the shorter one
 * ends. */
static int
read_pointer(struct walk *w, size_t *pos, size_t control, size_t *ret_target)
{
	static const size_t start[4] = { 0, 2048, 526336, 0 };
	size_t form = control >> 3 & 3, low = control & 7, rest;
	int r = read_number(w, pos, form + 1, &rest);

	if (r < 0)
		return r;
	if (form < 3)
		rest |= low << 8 * (form + 1);
	*ret_target = rest + start[form];
	return 0;
}

static int
read_size(struct walk *w, size_t *pos, size_t *size)
{
	static const size_t start[3] = { 29, 285, 65821 };
	size_t form = *size - 29, rest;
	int r;

	if (*size < 29)
		return 0;
	r = read_number(w, pos, form + 1, &rest);
	if (r < 0)
		return r;
	*size = rest + start[form];
	return 0;
}

static int
read_value(struct walk *w, size_t *pos, struct value *ret_value)
{
	size_t control, type;
	int r = read_number(w, pos, 1, &control);

	if (r < 0)
		return r;
	type = control >> 5;
	if (type == MMDB_POINTER) {
		ret_value->type = MMDB_POINTER;
		return read_pointer(w, pos, control, &ret_value->size);
	}
	if (type == MMDB_EXTENDED) {
		r = read_number(w, pos, 1, &type);
		if (r < 0)
			return r;
		type += 7;
	}
	ret_value->type = (enum mmdb_type)type;
	ret_value->size = control & 31;
	return read_size(w, pos, &ret_value->size);
}

static int walk_from(struct walk *, size_t at, unsigned int depth);

/* Walks the value at *POS and all in it, leaving *POS behind it. */
static int
walk_value(struct walk *w, size_t *pos, unsigned int depth)
{
	struct value v;
	size_t n;
	int r;

	if (depth > DEPTH_MAX)
		return reject(w, "values are nested too deep");
	if (w->budget-- == 0)
		return reject(w, "values overlap");
	r = read_value(w, pos, &v);
	if (r < 0)
		return r;
	if (v.type == MMDB_POINTER)
		return walk_from(w, v.size, depth + 1);
	if (v.type == MMDB_BOOLEAN) /* the size is the value */
		return 0;
	if (v.type != MMDB_MAP && v.type != MMDB_ARRAY) {
		if (v.size > w->size - *pos)
			return reject(w, "a value runs past the end");
		*pos += v.size;
		return 0;
	}
	/* Each element takes a byte at least: this ends. */
	for (n = v.type == MMDB_MAP ? v.size * 2 : v.size; n > 0; n--) {
		r = walk_value(w, pos, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Walks what a record or a pointer names, once. */
static int
walk_from(struct walk *w, size_t at, unsigned int depth)
{
	size_t pos = at;
	int r;

	if (at >= w->size)
		return reject(w, "a pointer leads past the end");
	if (w->seen) {
		if (w->seen[at / 8] & 1 << at % 8)
			return 0;
		w->seen[at / 8] |= (uint8_t)(1 << at % 8);
	}
	r = walk_value(w, &pos, depth);
	if (r == 0 && pos - at > RECORD_MAX)
		return reject(w, "a record is too large");
	return r;
}

/* What follows the last marker; NULL: there is none. */
static const uint8_t *
find_metadata(const uint8_t *file, size_t size)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	const size_t n = sizeof(marker) - 1;
	size_t from = size > METADATA_MAX ? size - METADATA_MAX : 0;

	for (size_t i = size; i-- > from;) {
		if (size - i >= n && memcmp(file + i, marker, n) == 0)
			return file + i + n;
	}
	return NULL;
}

bool
mmdb_check_is_mmdb(const uint8_t *file, size_t size)
{
	return find_metadata(file, size) != NULL;
}

int
mmdb_check_metadata(const uint8_t *file, size_t size, const char **ret_why)
{
	struct walk w = { .budget = METADATA_MAX };
	int r;

	w.data = find_metadata(file, size);
	if (!w.data) {
		*ret_why = "no metadata: truncated, or not a .mmdb file";
		return -EBADMSG;
	}
	w.size = (size_t)(file + size - w.data);
	r = walk_from(&w, 0, 0);
	*ret_why = w.why;
	return r;
}

/* The left (0) or right (1) record of the node at P. */
static uint32_t
read_record(const uint8_t *p, unsigned int record_size, unsigned int side)
{
	uint32_t top = 0;
	size_t bytes = record_size / 8;

	/* 28 bits: the byte in the middle holds the top four bits of both. */
	if (record_size == 28)
		top = side == 0 ? p[3] >> 4 : p[3] & 15;
	p += side == 0 ? 0 : record_size == 28 ? 4 : bytes;
	for (size_t i = 0; i < bytes; i++)
		top = top << 8 | p[i];
	return top;
}

static int
walk_tree(struct walk *w, const uint8_t *tree, uint32_t node_count,
    unsigned int record_size)
{
	int r = 0;

	for (size_t i = 0; i < 2 * (size_t)node_count && r == 0; i++) {
		uint32_t record = read_record(
		    tree + i / 2 * record_size / 4, record_size, i & 1);

		if (record <= node_count)
			continue;
		if (record - node_count < TREE_GAP)
			return reject(w, "a record leads nowhere");
		r = walk_from(w, record - node_count - TREE_GAP, 0);
	}
	return r;
}

int
mmdb_check_tree(const uint8_t *file, size_t size, uint32_t node_count,
    unsigned int record_size, const char **ret_why)
{
	size_t tree_size = (size_t)node_count * record_size / 4;
	AUTO_FREE void *seen = NULL;
	struct walk w;
	int r;

	*ret_why = "the search tree runs past the end";
	if (record_size != 24 && record_size != 28 && record_size != 32)
		return -EBADMSG;
	if (node_count == 0 || size < TREE_GAP || tree_size > size - TREE_GAP)
		return -EBADMSG;
	w = (struct walk){ .data = file + tree_size + TREE_GAP,
		.size = size - tree_size - TREE_GAP };
	w.budget = 4 * w.size;
	w.seen = seen = calloc(1, w.size / 8 + 1);
	if (!seen)
		return -ENOMEM;
	r = walk_tree(&w, file, node_count, record_size);
	*ret_why = w.why;
	return r;
}
