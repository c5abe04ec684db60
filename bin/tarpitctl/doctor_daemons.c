/* SPDX-License-Identifier: ISC */
/* What tarpitd and tarpit-policyd say of themselves. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bin/tarpitctl/doctor.h"
#include "bin/tarpitctl/human.h"

enum {
	/* What is no longer the loop's own work, but a machine that stands
	 * still; DESIGN promises 10 ms. */
	STALL_MSEC = 200,
	CERTIFICATE_DAYS = 14,
};

static void
check_tarpitd(struct doctor *d)
{
	int error = d->survey.tarpitd.error;

	if (error == -EACCES)
		doctor_skip(d,
		    "tarpitd: its control socket is for root and "
		    "for members of the group tarpit");
	else if (error == -ENOENT || error == -ECONNREFUSED)
		doctor_find(d, FOUND_TARPITD_AWAY, "nobody answers at %s",
		    d->t->control);
	else if (error != 0)
		doctor_find(d, FOUND_TARPITD_AWAY, "no answer at %s: %s",
		    d->t->control, strerror(-error));
}

static void
check_policyd(struct doctor *d)
{
	int error = d->survey.policyd.error;
	char text[FINDING_TEXT];

	if (error == -EACCES)
		doctor_skip(d, "tarpit-policyd: no permission for its socket");
	else if (error == -EPROTO)
		doctor_skip(d,
		    "tarpit-policyd: it is an older version, or "
		    "another program");
	else if (error != 0)
		doctor_find(d, FOUND_POLICY_AWAY, "no answer at %s: %s",
		    d->survey.policyd.path, strerror(-error));
	else if (message_number(&d->survey.policyd.said, "troubles") > 0)
		doctor_find(d, FOUND_DATA_TROUBLE, "%s",
		    message_text(&d->survey.policyd.said, "trouble", text,
			sizeof(text)));
}

/* What it has refused to read it goes on without, or with what was there
 * before. */
static void
check_config(struct doctor *d, const struct message *m)
{
	char why[FINDING_TEXT];

	if (message_number(m, "config.refused") != 0)
		doctor_find(d, FOUND_CONFIG_REFUSED, "%s",
		    message_text(m, "config.error", why, sizeof(why)));
	if (message_find(m, "config.tls_error").value_len > 0)
		doctor_find(d, FOUND_CERTIFICATE_BAD, "%s",
		    message_text(m, "config.tls_error", why, sizeof(why)));
}

static void
check_certificate(struct doctor *d, const struct message *m)
{
	uint64_t expires = (uint64_t)message_number(m, "tls.expires");
	uint64_t now = d->survey.now;
	char left[HUMAN_SIZE];

	if (expires == 0)
		return;
	if (expires <= now)
		doctor_find(d, FOUND_CERTIFICATE_BAD,
		    "a certificate ended %s ago",
		    human_duration((now - expires) * USEC_PER_SEC, left));
	else if (expires - now < CERTIFICATE_DAYS * 86400)
		doctor_find(d, FOUND_CERTIFICATE_OLD,
		    "a certificate ends in %s",
		    human_duration((expires - now) * USEC_PER_SEC, left));
}

static void
check_mta_state(struct doctor *d, const struct message *m)
{
	if (message_number(m, "handoff.up") == 0)
		doctor_find(d, FOUND_MTA_AWAY,
		    "the MTA takes no sessions; %" PRIi64 " clients wait",
		    message_number(m, "handoff.waiting"));
	else if (message_number(m, "handoff.unserved_in_row") >=
	    SURVEY_UNSERVED)
		doctor_find(d, FOUND_MTA_SILENT,
		    "the last %" PRIi64 " sessions that the MTA took were not "
		    "served",
		    message_number(m, "handoff.unserved_in_row"));
	if (message_number(m, "backend.configured") != 0 &&
	    message_number(m, "backend.up") == 0)
		doctor_find(d, FOUND_BACKEND_AWAY,
		    "the MTA does not serve throttled sessions");
	if (message_number(m, "policy.up") == 0 &&
	    !doctor_has_found(d, FOUND_POLICY_AWAY))
		doctor_find(d, FOUND_POLICY_AWAY,
		    "tarpitd has no answer from the policy service");
}

static void
check_records(struct doctor *d, const struct message *m)
{
	int64_t stall = message_number(m, "longest_stall_us") / 1000;
	char count[HUMAN_SIZE];

	if (message_number(m, "records.dropped") > 0)
		doctor_find(d, FOUND_RECORDS_DROPPED,
		    "%s records were dropped since the start",
		    human_count(
			(uint64_t)message_number(m, "records.dropped"), count));
	if (stall >= STALL_MSEC)
		doctor_find(d, FOUND_STALLED,
		    "the loop stood still for %" PRIi64 " ms at the longest",
		    stall);
}

/* What clients, or a crowd of them, have met since the start. */
static void
check_limits(struct doctor *d)
{
	static const struct {
		const char *counter, *what;
		bool of_policyd;
	} limits[] = {
		{ "shed.newcomers", "clients turned away for want of room",
		    false },
		{ "guests.refused",
		    "clients over their share of HandoffSessions=", false },
		{ "limited.network", "clients over MaxPerNetwork=", false },
		{ "limited.site", "clients over MaxPerSite=", false },
		{ "tls.refused", "handshakes refused", false },
		{ "accept_pauses", "times without a descriptor", false },
		{ "overloaded",
		    "questions beyond what the policy service "
		    "can take",
		    true },
	};
	char count[HUMAN_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct daemon_status *from = limits[i].of_policyd
		    ? &d->survey.policyd
		    : &d->survey.tarpitd;
		int64_t n = message_number(&from->said, limits[i].counter);

		if (n > 0)
			doctor_find(d, FOUND_LIMIT_REACHED,
			    "%s %s since the start",
			    human_count((uint64_t)n, count), limits[i].what);
	}
}

static void
check_mode(struct doctor *d, const struct message *m)
{
	char mode[16];

	if (strcmp(message_text(m, "mode", mode, sizeof(mode)), "observe") == 0)
		doctor_find(d, FOUND_OBSERVING, "Mode=observe");
}

void
doctor_check_daemons(struct doctor *d)
{
	const struct message *m = &d->survey.tarpitd.said;

	check_tarpitd(d);
	check_policyd(d);
	if (d->survey.tarpitd.error != 0)
		return;
	check_config(d, m);
	check_certificate(d, m);
	check_mta_state(d, m);
	check_records(d, m);
	check_limits(d);
	check_mode(d, m);
}
