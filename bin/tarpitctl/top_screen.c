/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/top_screen.h"

#include <errno.h>
#include <inttypes.h>
#include <ncurses.h>
#include <poll.h>
#include <stdio.h>
#include <term.h>
#include <unistd.h>

#include "bin/tarpitctl/human.h"

enum {
	HEAD_LINES = 3, /* counts, filter, titles */
	CLIENT_MIN = 24,
	CLIENT_MAX = 39, /* of IPv6 */
	OTHER_COLUMNS = 55,
	/* An escape sequence arrives at once, also over ssh. */
	ESCAPE_MSEC = 50,
};

enum { PAIR_SLOW = 1, PAIR_THROTTLE, PAIR_HOLD };

/* Terminals differ in these, and from their entry in terminfo. */
static void
define_keys(void)
{
	static const struct {
		const char *sequence;
		int key;
	} keys[] = {
		{ "\033[1~", KEY_HOME },
		{ "\033[H", KEY_HOME },
		{ "\033OH", KEY_HOME },
		{ "\033[4~", KEY_END },
		{ "\033[F", KEY_END },
		{ "\033OF", KEY_END },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		define_key(keys[i].sequence, keys[i].key);
}

int
screen_open(void)
{
	SCREEN *screen;

	int known;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	/* First, since newterm() does not give back what it has begun with
	 * when it finds no entry. */
	if (setupterm(NULL, STDOUT_FILENO, &known) != OK)
		return -ENOTTY;
	(void)del_curterm(cur_term);
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL)
		return -ENOTTY;
	set_escdelay(ESCAPE_MSEC);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	define_keys();
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(PAIR_SLOW, COLOR_GREEN, -1);
		init_pair(PAIR_THROTTLE, COLOR_YELLOW, -1);
		init_pair(PAIR_HOLD, COLOR_RED, -1);
	}
	return 0;
}

void
screen_close(void)
{
	SCREEN *screen = set_term(NULL);

	set_term(screen);
	endwin();
	delscreen(screen);
}

size_t
screen_rows(void)
{
	return LINES > HEAD_LINES + 1 ? (size_t)(LINES - HEAD_LINES - 1) : 1;
}

/* ---- drawing ---- */

static void
draw_counts(const struct top_view *v)
{
	static const char *const orders[] = {
		[TOP_BY_TIME] = "time",
		[TOP_BY_NETWORK] = "network",
		[TOP_BY_COUNTRY] = "country",
		[TOP_BY_SCORE] = "score",
	};
	char all[HUMAN_SIZE], slow[HUMAN_SIZE], throttle[HUMAN_SIZE];
	char hold[HUMAN_SIZE], shown[HUMAN_SIZE];

	mvprintw(0, 0, "tarpit: %s sessions: %s slow, %s throttle, %s hold",
	    human_count(v->list.total, all),
	    human_count((uint64_t)v->slow, slow),
	    human_count((uint64_t)v->throttle, throttle),
	    human_count((uint64_t)v->hold, hold));
	clrtoeol();
	mvprintw(1, 0, "by %s", orders[v->order]);
	if (v->filter[0] != '\0')
		printw("; with \"%s\": %s", v->filter,
		    human_count(v->list.n, shown));
	clrtoeol();
}

static int
client_width(void)
{
	int width = COLS - OTHER_COLUMNS - 1;

	return width < CLIENT_MIN ? CLIENT_MIN
	    : width > CLIENT_MAX  ? CLIENT_MAX
				  : width;
}

static void
draw_titles(void)
{
	int width = client_width();

	attron(A_REVERSE);
	mvprintw(2, 0, "%-*s %-2s %10s %-9s %-9s %5s %5s %8s", width, "CLIENT",
	    "CC", "NETWORK", "LANE", "STATE", "SCORE", "B/S", "HELD");
	for (int x = getcurx(stdscr); x < COLS && getcury(stdscr) == 2; x++)
		addch(' ');
	attroff(A_REVERSE);
}

/* "59 s", "12 min", "3.5 h": within 8 columns. */
static const char *
short_time(uint64_t msec, char buf[HUMAN_SIZE])
{
	double s = (double)msec / 1000;

	if (s < 600)
		snprintf(buf, HUMAN_SIZE, "%.0f s", s);
	else if (s < 36000)
		snprintf(buf, HUMAN_SIZE, "%.0f min", s / 60);
	else
		snprintf(buf, HUMAN_SIZE, "%.1f h", s / 3600);
	return buf;
}

static int
colour_of(const struct top_row *r)
{
	if (!has_colors())
		return 0;
	switch (r->lane[0]) {
	case 's':
		return COLOR_PAIR(PAIR_SLOW);
	case 't':
		return COLOR_PAIR(PAIR_THROTTLE);
	case 'h':
		return COLOR_PAIR(PAIR_HOLD);
	default:
		return 0;
	}
}

static void
draw_row(int y, const struct top_row *r, bool selected)
{
	int width = client_width();
	bool cut = (int)strlen(r->client) > width;
	char held[HUMAN_SIZE], asn[16] = "", lane[16];
	int look = selected ? (int)A_REVERSE : colour_of(r);

	if (r->asn != 0)
		snprintf(asn, sizeof(asn), "%" PRIu32, r->asn);
	/* A star: not the policy's word but an operator's. */
	snprintf(lane, sizeof(lane), "%s%s", r->lane,
	    r->override[0] != '\0' ? "*" : "");
	attrset(look);
	mvprintw(y, 0, "%-*.*s%s %-2s %10s %-9s %-9.9s %5d %5" PRIu32 " %8s",
	    width - cut, width - cut, r->client, cut ? "+" : "", r->country,
	    asn, lane, r->state, r->score, r->rate, short_time(r->held, held));
	attrset(A_NORMAL);
	clrtoeol();
}

/* Scrolls as little as keeps the selected one on the screen. */
static void
scroll_to_selected(struct top_view *v)
{
	size_t rows = screen_rows();

	if (v->list.n == 0)
		v->selected = 0;
	else if (v->selected >= v->list.n)
		v->selected = v->list.n - 1;
	if (v->first > v->selected)
		v->first = v->selected;
	if (v->selected >= v->first + rows)
		v->first = v->selected - rows + 1;
	if (v->first > 0 && v->first + rows > v->list.n)
		v->first = v->list.n > rows ? v->list.n - rows : 0;
}

static void
draw_bottom(const struct top_view *v)
{
	move(LINES - 1, 0);
	attron(A_BOLD);
	addnstr(v->notice[0] != '\0'
		? v->notice
		: "q quit t time n net c country s score / filter w why "
		  "r release h hold ? help",
	    COLS - 1);
	attroff(A_BOLD);
	clrtoeol();
}

void
screen_draw(struct top_view *v)
{
	size_t rows = screen_rows();

	scroll_to_selected(v);
	draw_counts(v);
	draw_titles();
	for (size_t i = 0; i < rows; i++) {
		int y = HEAD_LINES + (int)i;
		size_t at = v->first + i;

		if (at < v->list.n) {
			draw_row(y, &v->list.row[at], at == v->selected);
			continue;
		}
		move(y, 0);
		clrtoeol();
	}
	draw_bottom(v);
	refresh();
}

void
screen_box(struct top_view *v, const char *title, char line[][DETAIL_WIDTH + 1],
    size_t n)
{
	enum screen_key key;
	char c;

	do {
		screen_draw(v);
		for (size_t i = 0; i < n + 2 && (int)i < LINES - 1; i++) {
			bool edge = i == 0 || i == n + 1;

			move((int)i + 1, 0);
			attron(A_REVERSE);
			printw(" %-*.*s ", COLS < 80 ? COLS - 4 : DETAIL_WIDTH,
			    COLS < 80 ? COLS - 4 : DETAIL_WIDTH,
			    i == 0     ? title
				: edge ? "(any key)"
				       : line[i - 1]);
			attroff(A_REVERSE);
		}
		refresh();
		key = screen_read(-1, &c);
	} while (key == SCREEN_RESIZED);
}

/* ---- keys ---- */

/* getch() does not tell the end of the terminal from that of its time. */
static bool
has_hung_up(void)
{
	struct pollfd p = { .fd = STDIN_FILENO };

	return poll(&p, 1, 0) > 0;
}

enum screen_key
screen_read(int msec, char *ret_character)
{
	int c;

	timeout(msec);
	c = getch();
	switch (c) {
	case ERR:
		return has_hung_up() ? SCREEN_HANGUP : SCREEN_NOTHING;
	case KEY_RESIZE:
		return SCREEN_RESIZED;
	case KEY_UP:
		return SCREEN_UP;
	case KEY_DOWN:
		return SCREEN_DOWN;
	case KEY_PPAGE:
		return SCREEN_PAGE_UP;
	case KEY_NPAGE:
		return SCREEN_PAGE_DOWN;
	case KEY_HOME:
		return SCREEN_HOME;
	case KEY_END:
		return SCREEN_END;
	case KEY_ENTER:
	case '\n':
	case '\r':
		return SCREEN_ENTER;
	case KEY_BACKSPACE:
	case '\b':
	case 127:
		return SCREEN_BACKSPACE;
	case 27:
		return SCREEN_ESCAPE;
	default:
		*ret_character = c < 127 ? (char)c : '\0';
		return SCREEN_CHARACTER;
	}
}
