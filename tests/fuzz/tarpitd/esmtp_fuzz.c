/* SPDX-License-Identifier: ISC */
/* The dialogue of the lane throttle: no mail without an envelope that the MTA
 * has accepted, and nothing goes to the MTA that could be more than an argument
 * of one command. */
#include "bin/tarpitd/esmtp.h"

#include "tests/helpers/fuzz.h"

static void
check_reply(const char *reply)
{
	size_t len = strlen(reply);

	REQUIRE(len > 5 && strcmp(reply + len - 2, "\r\n") == 0);
	REQUIRE(reply[0] >= '2' && reply[0] <= '5');
	REQUIRE(strchr(reply, '\n') == reply + len - 1);
}

/* What is said to the MTA for the client: of no line end, no NUL, and no longer
 * than what came. */
static void
check_argument(
    const struct esmtp_step *s, const char *line, size_t len, bool is_path)
{
	REQUIRE(s->argument >= line);
	REQUIRE(s->argument + s->argument_len <= line + len);
	REQUIRE(s->argument_len > 0);
	for (size_t i = 0; i < s->argument_len; i++) {
		unsigned char c = (unsigned char)s->argument[i];

		REQUIRE((c >= ' ' || c == '\t') && c != 127);
	}
	REQUIRE(s->argument[0] != ' ' && s->argument[0] != '\t');
	if (!is_path)
		return;
	REQUIRE(s->path_len >= 1 && s->path_len <= s->argument_len);
}

static void
check_step(const struct esmtp *before, const struct esmtp_step *s,
    const char *line, size_t len)
{
	bool has_sender = (before->memory & ESMTP_HAS_SENDER) != 0;

	switch (s->action) {
	case ESMTP_HELLO:
		REQUIRE(s->reply == NULL);
		check_argument(s, line, len, false);
		return;
	case ESMTP_RCPT:
		REQUIRE(s->reply == NULL && has_sender);
		check_argument(s, line, len, true);
		return;
	case ESMTP_MAIL:
		REQUIRE(!has_sender);
		check_argument(s, line, len, true);
		if (s->reply == NULL)
			return;
		REQUIRE((before->memory & ESMTP_SAID_HELLO) != 0);
		REQUIRE(s->reply[0] == '2' && s->argument[0] == '<');
		break;
	case ESMTP_DATA:
		REQUIRE(has_sender && before->recipients > 0);
		REQUIRE((before->memory & ESMTP_IN_CHUNKS) == 0);
		REQUIRE(s->reply[0] == '3');
		break;
	case ESMTP_BDAT:
		REQUIRE(s->reply == NULL || s->reply[0] == '5');
		REQUIRE(
		    s->reply != NULL || (has_sender && before->recipients > 0));
		if (s->reply == NULL)
			return;
		break;
	case ESMTP_SECURE:
		REQUIRE(strncmp(s->reply, "220 ", 4) == 0);
		break;
	case ESMTP_SAY:
		REQUIRE(s->reply[0] != '3');
		break;
	case ESMTP_FORGET:
	case ESMTP_CLOSE:
		break;
	}
	check_reply(s->reply);
}

static void
check_hello(const struct esmtp *e, const struct esmtp_limits *limits)
{
	char text[1024];
	size_t n = esmtp_print_hello(e, limits, "mx.test", text, sizeof(text));

	REQUIRE(n > 5 && n < sizeof(text));
	REQUIRE(memcmp(text + n - 2, "\r\n", 2) == 0);
	REQUIRE(memcmp(text, "250", 3) == 0);
}

/* Runs a line; false at the end of the session. */
static bool
say(struct esmtp *e, const struct esmtp_limits *limits, const uint8_t *data,
    size_t len)
{
	AUTO_FREE char *line = fuzz_copy(data, len);
	struct esmtp before = *e;
	struct esmtp_step s = esmtp_line(e, limits, line, len);

	check_step(&before, &s, line, len);
	REQUIRE(e->recipients <= limits->recipients);
	/* As the MTA would answer: by the first letter. */
	if (s.action == ESMTP_MAIL && s.reply == NULL &&
	    (s.argument[0] & 1) != 0)
		esmtp_end_transaction(e, false);
	if (s.action == ESMTP_RCPT)
		esmtp_note_recipient(e, (s.argument[0] & 1) != 0);
	if (s.action == ESMTP_HELLO)
		check_hello(e, limits);
	if (s.action == ESMTP_SECURE)
		REQUIRE(
		    !limits->secure && (limits->offers & ESMTP_STARTTLS) != 0);
	if (s.action == ESMTP_DATA ||
	    (s.action == ESMTP_BDAT && (s.last || s.reply != NULL)))
		esmtp_end_transaction(e, s.reply == NULL);
	return s.action != ESMTP_CLOSE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	struct esmtp_limits limits;
	struct esmtp e = { 0 };

	if (size < 2)
		return 0;
	limits = (struct esmtp_limits){ .offers = data[0],
		.secure = data[1] >> 7,
		.size = UINT64_C(1) << data[1] % 40,
		.room = UINT64_C(1) << data[0] % 40,
		.recipients = data[1] % 8U + 1 };
	data += 2;
	while (data < end) {
		const uint8_t *lf = memchr(data, '\n', (size_t)(end - data));

		if (lf == NULL)
			return 0;
		if (lf + 1 - data <= ESMTP_LINE_MAX &&
		    !say(&e, &limits, data, (size_t)(lf + 1 - data)))
			return 0;
		data = lf + 1;
	}
	return 0;
}
