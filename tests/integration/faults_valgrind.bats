#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The three daemons under valgrind, from start to end, with a session through
# each lane: no error and no leak.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/faults

setup() {
	type -p valgrind >/dev/null || skip "no valgrind"
	! is_sanitized || skip "not with a sanitizer"
	tarpitd_setup
	DEADLINE=60
	VALGRIND=(valgrind -q --leak-check=full --show-leak-kinds=all
		"--errors-for-leak-kinds=definite,possible" --error-exitcode=99
		--child-silent-after-fork=yes)
}

teardown() {
	smtp_close_all
	stop_daemons
}

# 127.0.0.2 passes, 127.0.0.4 is held, all others are slowed; with real data.
policyd() {
	mkdir "$DAEMONS/lists.d"
	echo 127.0.0.2 >"$DAEMONS/lists.d/known.txt"
	echo 127.0.0.4 >"$DAEMONS/lists.d/drop.txt"
	printf '[List]\nKind=allow\nSource=%s\n' "$DAEMONS/lists.d/known.txt" \
		>"$DAEMONS/lists.d/known.conf"
	printf '[List]\nKind=block\nSource=%s\n' "$DAEMONS/lists.d/drop.txt" \
		>"$DAEMONS/lists.d/drop.conf"
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\n' \
		"$DAEMONS/lists.d" "$DAEMONS/lists.cdb" "$DAEMONS/state" \
		>"$DAEMONS/tarpit-lists.conf"
	"${VALGRIND[@]}" "$BUILD/tarpit-lists" \
		--config "$DAEMONS/tarpit-lists.conf" build
	"$BUILD/tests/helpers/mkmmdb" country "$DAEMONS/country.mmdb" \
		127.0.0.0/8=ZZ
	printf '%s\n' '[Data]' "Lists=$DAEMONS/lists.cdb" \
		"Country=$DAEMONS/country.mmdb" 'Asn=/nowhere' History= \
		'[Weights]' list.drop=100 list.known=-1000 history.none=20 \
		country.ZZ=1 '[Curve]' 20=400 100=400 \
		'[Patience]' 20=2s 100=2s >"$DAEMONS/policy.conf"
	start_daemon -n policyd "${VALGRIND[@]}" "$BUILD/tarpit-policyd" \
		--config "$DAEMONS/policy.conf" --listen "$POLICY"
	wait_for_notify policyd READY=1
}

handoff() {
	printf '[Handoff]\n' >"$DAEMONS/handoff.conf"
	start_daemon -n handoff "${VALGRIND[@]}" "$BUILD/tarpit-handoff" \
		--config "$DAEMONS/handoff.conf" --listen "$MTA" -- \
		"$BUILD/tests/helpers/maildir_smtpd" "$DAEMONS/Maildir"
	wait_for_notify handoff READY=1
}

say_quit() {
	smtp_connect "$AT" "$1"
	smtp_expect_reply 220
	smtp_say QUIT
	smtp_expect_reply 221
	smtp_expect_eof
	smtp_close
}

# All but the one that is left for the end.
sessions() {
	say_quit 127.0.0.2
	say_quit 127.0.0.3
	smtp_connect "$AT" 127.0.0.4
	smtp_skip 220-
	smtp_expect '220 '
	smtp_say 'EHLO x'
	smtp_expect_reply 250
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect_reply 250
	smtp_say 'RCPT TO:<c@d.test>'
	smtp_expect_reply 450
	smtp_say QUIT
	smtp_expect_reply 221
	smtp_close
	# One talks too early, one leaves.
	smtp_connect "$AT" 127.0.0.5
	smtp_say 'EHLO early'
	smtp_skip 220-
	smtp_expect '220 '
	smtp_close
	smtp_connect "$AT" 127.0.0.6
	smtp_expect 220-
	smtp_close
}

@test "faults: valgrind sees no error and no leak from start to end" {
	policyd
	handoff
	configure "Handoff=inetd:$MTA" HoldGreeting=1s
	start_daemon -n tarpitd "${VALGRIND[@]}" "$BUILD/tarpitd" \
		--config "$CONF" --listen "$AT"
	wait_for_notify tarpitd READY=1
	sessions
	kill -HUP "$(daemon_pid tarpitd)" "$(daemon_pid policyd)" \
		"$(daemon_pid handoff)"
	wait_for_log tarpitd event=reloaded
	wait_for_log policyd event=reloaded
	wait_for_log handoff event=reloaded
	say_quit 127.0.0.2
	# One is held when it ends, and one with the MTA.
	SMTP=held smtp_connect "$AT" 127.0.0.4
	SMTP=held smtp_expect 220
	SMTP=taken smtp_connect "$AT" 127.0.0.2
	SMTP=taken smtp_expect_reply 220
	stop_daemon tarpitd
	SMTP=taken smtp_say QUIT
	SMTP=taken smtp_expect_reply 221
	stop_daemon policyd
	stop_daemon handoff
	! grep -h '^==' "$DAEMONS"/{tarpitd,policyd,handoff}.log
}
