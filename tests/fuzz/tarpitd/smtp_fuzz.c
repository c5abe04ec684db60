/* SPDX-License-Identifier: ISC */
/* The dialogue of the lane hold: whatever a client says, nothing is accepted,
 * and what is remembered of a line lies within it. */
#include "bin/tarpitd/smtp.h"

#include <strings.h>

#include "tests/helpers/fuzz.h"

/* Does RFC 5321 take the line for this command?  Then a reply of 2xx or 3xx to
 * it would take mail on. */
static bool
is_command(const char *line, size_t len, const char *verb)
{
	return len > 4 && strncasecmp(line, verb, 4) == 0 &&
	    strchr(" \r\n", line[4]) != NULL && line[4] != '\0';
}

static bool
is_refusal(enum smtp_reply reply)
{
	const char *format = smtp_reply_format(reply);

	return format == NULL || format[0] == '4' || format[0] == '5';
}

static bool
is_within(const char *line, size_t len, const char *slice, size_t slice_len)
{
	return slice_len == 0 ||
	    (slice >= line && slice_len <= len &&
		(size_t)(slice - line) <= len - slice_len);
}

static void
check_result(
    const struct smtp_result *r, uint8_t memory, const char *line, size_t len)
{
	const char *format;

	REQUIRE(r->reply < SMTP_REPLY_COUNT);
	format = smtp_reply_format(r->reply);
	REQUIRE((format == NULL) == (r->reply == SMTP_RECIPIENT_REFUSED));
	/* 354 would be the invitation to send a message. */
	REQUIRE(format == NULL || format[0] != '3');
	REQUIRE(r->close == (r->reply == SMTP_BYE));
	REQUIRE(r->recipient == (r->reply == SMTP_RECIPIENT_REFUSED));
	if (is_command(line, len, "RCPT") || is_command(line, len, "DATA") ||
	    is_command(line, len, "BDAT"))
		REQUIRE(is_refusal(r->reply));
	REQUIRE(is_within(line, len, r->helo, r->helo_len));
	REQUIRE(is_within(line, len, r->sender, r->sender_len));
	REQUIRE((r->memory & ~(SMTP_SAID_HELLO | SMTP_HAS_SENDER)) == 0);
	REQUIRE((r->memory & SMTP_HAS_SENDER) == 0 ||
	    (r->memory & SMTP_SAID_HELLO) != 0);
	/* Only MAIL makes a sender, and nothing makes us forget the hello. */
	if ((r->memory & ~memory & SMTP_HAS_SENDER) != 0)
		REQUIRE(is_command(line, len, "MAIL"));
	REQUIRE((memory & ~r->memory & SMTP_SAID_HELLO) == 0);
}

static uint8_t
say(uint8_t memory, const uint8_t *data, size_t len)
{
	AUTO_FREE char *line = fuzz_copy(data, len);
	struct smtp_result r = smtp_line(memory, line, len);

	check_result(&r, memory, line, len);
	return r.memory;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	uint8_t memory = 0;

	/* As hold.c: a line has its LF, and is no longer than this. */
	while (data < end) {
		const uint8_t *lf = memchr(data, '\n', (size_t)(end - data));

		if (lf == NULL)
			return 0;
		if (lf + 1 - data <= SMTP_LINE_MAX)
			memory = say(memory, data, (size_t)(lf + 1 - data));
		data = lf + 1;
	}
	return 0;
}
