/* SPDX-License-Identifier: ISC */
/* tarpitctl top: the sessions, live. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/clock.h"
#include "bin/tarpitctl/human.h"
#include "bin/tarpitctl/override.h"
#include "bin/tarpitctl/survey.h"
#include "bin/tarpitctl/top_screen.h"

#define REFRESH_TIME (2 * USEC_PER_SEC)

enum { DETAIL_LINES = 20 };

struct top {
	const struct tarpitctl *t;
	struct link link; /* fd -1: not connected */
	struct top_view view;
	uint64_t next; /* when to ask again; monotonic usec */
	bool quit;
	uint64_t end; /* of the display, by --for */
};

/* ---- the dispatcher ---- */

static void
say(struct top *top, const char *what, int error)
{
	snprintf(top->view.notice, sizeof(top->view.notice), "%s%s%s", what,
	    error < 0 ? ": " : "", error < 0 ? strerror(-error) : "");
}

/* The dispatcher may be restarted while we look on. */
static void
lose(struct top *top, int error)
{
	say(top, "tarpitd does not answer, trying again", error);
	link_close(&top->link);
}

static int
load_counts(struct top *top)
{
	static const char question[] = "request=status\n\n";
	struct message m;
	int r = link_ask(&top->link, question, strlen(question));

	if (r == 0)
		r = link_read(&top->link, &m);
	if (r < 0)
		return r;
	top->view.slow = message_number(&m, "live.slow");
	top->view.throttle = message_number(&m, "live.throttle");
	top->view.hold = message_number(&m, "live.hold");
	return 0;
}

/* The selected one stays selected wherever it goes. */
static void
reselect(struct top_view *v, const struct top_row *was)
{
	for (size_t i = 0; i < v->list.n; i++)
		if (v->list.row[i].slot == was->slot &&
		    v->list.row[i].number == was->number) {
			v->selected = i;
			return;
		}
}

static const struct top_row *
selected(const struct top *top)
{
	const struct top_view *v = &top->view;

	return v->selected < v->list.n ? &v->list.row[v->selected] : NULL;
}

static void
refresh_list(struct top *top)
{
	const struct top_row *row = selected(top);
	struct top_row was = row != NULL ? *row : (struct top_row){ 0 };
	int r = 0;

	top->next = clock_now() + REFRESH_TIME;
	if (top->link.fd < 0) {
		r = link_open(&top->link, top->t->control);
		if (r == 0)
			top->view.notice[0] = '\0';
	}
	if (r == 0)
		r = load_counts(top);
	if (r == 0)
		r = top_list_load(
		    &top->view.list, &top->link, top->view.filter);
	if (r < 0) {
		lose(top, r);
		return;
	}
	top_list_sort(&top->view.list, top->view.order);
	if (row != NULL)
		reselect(&top->view, &was);
}

/* ---- what the keys do ---- */

static void
show_why(struct top *top)
{
	const struct top_row *row = selected(top);
	char line[DETAIL_LINES][DETAIL_WIDTH + 1], question[128];
	struct message m;
	int r, n;

	if (row == NULL || top->link.fd < 0)
		return;
	n = snprintf(question, sizeof(question),
	    "request=session\nslot=%u\nnumber=%u\n\n", row->slot, row->number);
	r = link_ask(&top->link, question, (size_t)n);
	if (r == 0)
		r = link_read(&top->link, &m);
	if (r < 0) {
		lose(top, r);
		return;
	}
	if (message_find(&m, "error").value_len > 0)
		say(top, "this session is over", 0);
	else
		screen_box(&top->view, "why", line,
		    top_detail(&m, line, DETAIL_LINES));
}

static void
show_help(struct top *top)
{
	static char line[][DETAIL_WIDTH + 1] = {
		"arrows, page keys  select a session",
		"t n c s            sort by time held, network, country, score",
		"/                  show only what has this in its line",
		"                   (an address, AS64496, CN, hold ...); none: all",
		"w, Enter           why it is treated so: the facts, its words",
		"r                  let its address through from now on",
		"h                  hold its address from now on",
		"                   (for the time given by --for, else an hour)",
		"space              look again now (it does so every 2 s)",
		"q                  quit",
		"A star marks a lane that an operator has chosen.",
	};

	screen_box(&top->view, "keys", line, ARRAY_SIZE(line));
}

/* Asks on the last line; whether it was 'y'. */
static bool
confirm(struct top *top, const char *verb, const char *client)
{
	char period[HUMAN_SIZE], c = '\0';
	enum screen_key key;

	do {
		snprintf(top->view.notice, sizeof(top->view.notice),
		    "%s %s for %s? (y/n)", verb, client,
		    human_duration(top->t->duration, period));
		screen_draw(&top->view);
		key = screen_read(-1, &c);
	} while (key == SCREEN_RESIZED);
	top->view.notice[0] = '\0';
	return key == SCREEN_CHARACTER && c == 'y';
}

static void
give_order(struct top *top, const char *verb)
{
	const struct top_row *row = selected(top);
	char client[INET6_ADDRSTRLEN];
	struct message m;
	struct attr error;
	int r;

	if (row == NULL || top->link.fd < 0)
		return;
	strcpy(client, row->client);
	if (!confirm(top, verb, client))
		return;
	r = override_order(
	    &top->link, verb, client, top->t->duration / USEC_PER_SEC, &m);
	if (r < 0) {
		lose(top, r);
		return;
	}
	error = message_find(&m, "error");
	snprintf(top->view.notice, sizeof(top->view.notice),
	    error.value_len > 0 ? "%s %s: %.*s" : "%s %s: done%.*s", verb,
	    client, (int)error.value_len, error.value);
	top->next = 0;
}

/* The filter is typed on the last line; Escape leaves the old one. */
static void
ask_filter(struct top *top)
{
	char text[TOP_FILTER_SIZE] = "", c = '\0';
	enum screen_key key;
	size_t n = 0;

	do {
		snprintf(top->view.notice, sizeof(top->view.notice),
		    "show only what has: %s_", text);
		screen_draw(&top->view);
		key = screen_read(-1, &c);
		if (key == SCREEN_BACKSPACE && n > 0)
			text[--n] = '\0';
		if (key == SCREEN_CHARACTER && c >= ' ' &&
		    n < sizeof(text) - 1) {
			text[n++] = c;
			text[n] = '\0';
		}
	} while (key != SCREEN_ENTER && key != SCREEN_ESCAPE &&
	    key != SCREEN_HANGUP && key != SCREEN_NOTHING);
	top->view.notice[0] = '\0';
	if (key != SCREEN_ENTER)
		return;
	strcpy(top->view.filter, text);
	top->next = 0;
}

static void
sort_by(struct top *top, enum top_order order)
{
	top->view.order = order;
	top->view.selected = top->view.first = 0;
	top_list_sort(&top->view.list, order);
}

static void
press(struct top *top, char c)
{
	switch (c) {
	case 'q':
		top->quit = true;
		return;
	case 't':
		sort_by(top, TOP_BY_TIME);
		return;
	case 'n':
		sort_by(top, TOP_BY_NETWORK);
		return;
	case 'c':
		sort_by(top, TOP_BY_COUNTRY);
		return;
	case 's':
		sort_by(top, TOP_BY_SCORE);
		return;
	case '/':
		ask_filter(top);
		return;
	case 'w':
		show_why(top);
		return;
	case 'r':
		give_order(top, "release");
		return;
	case 'h':
		give_order(top, "hold");
		return;
	case '?':
		show_help(top);
		return;
	case ' ':
		top->next = 0;
		return;
	default:
		say(top, "? shows the keys", 0);
	}
}

/* The drawing keeps it within the list. */
static void
move_by(struct top_view *v, size_t rows, bool up)
{
	if (!up)
		v->selected += rows;
	else
		v->selected -= rows < v->selected ? rows : v->selected;
}

static void
handle(struct top *top, enum screen_key key, char c)
{
	struct top_view *v = &top->view;

	switch (key) {
	case SCREEN_UP:
	case SCREEN_DOWN:
		move_by(v, 1, key == SCREEN_UP);
		return;
	case SCREEN_PAGE_UP:
	case SCREEN_PAGE_DOWN:
		move_by(v, screen_rows(), key == SCREEN_PAGE_UP);
		return;
	case SCREEN_HOME:
		v->selected = 0;
		return;
	case SCREEN_END:
		v->selected = v->list.n;
		return;
	case SCREEN_ENTER:
		show_why(top);
		return;
	case SCREEN_CHARACTER:
		v->notice[0] = '\0';
		press(top, c);
		return;
	case SCREEN_HANGUP:
		top->quit = true;
		return;
	case SCREEN_NOTHING:
	case SCREEN_RESIZED:
	case SCREEN_BACKSPACE:
	case SCREEN_ESCAPE:
		return;
	}
}

static int
wait_msec(const struct top *top)
{
	uint64_t now = clock_now();
	uint64_t next = top->next < top->end ? top->next : top->end;

	return next > now ? (int)((next - now) / USEC_PER_MSEC) + 1 : 0;
}

int
top_run(const struct tarpitctl *t, const char *operand)
{
	struct top top = {
		.t = t,
		.end =
		    t->duration_given ? clock_now() + t->duration : UINT64_MAX,
	};
	int r;

	(void)operand;
	/* What is wrong from the start is said where it can be read. */
	control_open(t, &top.link);
	r = screen_open();
	if (r < 0)
		program_die(&tarpitctl, EXIT_OPERATOR, r,
		    "top needs a terminal that terminfo knows ($TERM)");
	while (!top.quit && clock_now() < top.end) {
		enum screen_key key;
		char c = '\0';

		if (clock_now() >= top.next)
			refresh_list(&top);
		screen_draw(&top.view);
		key = screen_read(wait_msec(&top), &c);
		handle(&top, key, c);
	}
	screen_close();
	if (top.link.fd >= 0)
		link_close(&top.link);
	top_list_fini(&top.view.list);
	return EXIT_SUCCESS;
}
