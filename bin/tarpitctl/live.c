/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/live.h"

#include <errno.h>
#include <string.h>

#include "bin/tarpitctl/link.h"

static void
add(struct tally *t, const struct message *m)
{
	struct attr lane_word = message_find(m, "lane");
	int64_t rate = message_number(m, "rate");
	int64_t msec = message_number(m, "held_ms");
	enum lane lane;

	if (session_record_lane(lane_word.value, lane_word.value_len, &lane) <
		0 ||
	    lane == LANE_PASS || rate < 0 || rate > UINT32_MAX || msec < 0)
		return;
	tally_add_open(t, lane, (uint32_t)rate, (uint64_t)msec * USEC_PER_MSEC);
}

static int
read_all(struct tally *t, struct link *link)
{
	static const char question[] = "request=sessions\n\n";
	int r = link_ask(link, question, strlen(question));
	struct message m;

	while (r == 0 && (r = link_read(link, &m)) == 0) {
		if (message_find(&m, "error").value_len > 0)
			return -EBUSY;
		if (message_find(&m, "end").value_len > 0)
			return 0;
		add(t, &m);
	}
	return r;
}

int
live_add(struct tally *t, const char *control)
{
	struct link link;
	int r = link_open(&link, control);

	if (r < 0)
		return r;
	r = read_all(t, &link);
	link_close(&link);
	return r;
}
