#pragma once
/* SPDX-License-Identifier: ISC */
/* What `top` shows on the terminal.  The only user of ncurses, and plain
 * ASCII: whatever a client has said cannot reach the terminal. */

#include <stdbool.h>

#include "bin/tarpitctl/top_list.h"

enum { TOP_FILTER_SIZE = 40, TOP_NOTICE_SIZE = 160 };

struct top_view {
	struct top_list list;
	enum top_order order;
	char filter[TOP_FILTER_SIZE];
	size_t selected;              /* index into the list */
	size_t first;                 /* the row at the top of the screen */
	char notice[TOP_NOTICE_SIZE]; /* in place of the keys; "" none */
	/* Counts of the dispatcher's. */
	int64_t slow, throttle, hold;
};

/* Takes the terminal over; -ENOTTY if it is none or of an unknown kind. */
int screen_open(void) MUST_CHECK;
void screen_close(void);

void screen_draw(struct top_view *);

/* Keys, as ncurses knows them, mapped to what they mean. */
enum screen_key {
	SCREEN_NOTHING, /* the time is over */
	SCREEN_RESIZED,
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_ENTER,
	SCREEN_BACKSPACE,
	SCREEN_ESCAPE,
	SCREEN_CHARACTER, /* *RET_CHARACTER */
	SCREEN_HANGUP,    /* the terminal has gone */
};

/* Waits up to MSEC for one. */
enum screen_key screen_read(int msec, char *ret_character);

/* How many rows a page has. */
size_t screen_rows(void);

/* Shows N lines in a box until a key is pressed. */
void screen_box(struct top_view *, const char *title,
    char line[][DETAIL_WIDTH + 1], size_t n);
