# SPDX-License-Identifier: ISC
# tarpitctl report with a real journald and a real dispatcher: what it has
# written, and who is there now.

load ../helpers/common
load ../helpers/daemon
load ../helpers/journald
load ../helpers/smtp
load ../helpers/tarpitd

setup() {
	tarpitd_setup
	start_journald
	policy '127.0.0.2 action=pass' \
		'127.0.0.3 action=slow rate=400 patience=1 score=20 reason=history.none+20' \
		'127.0.0.4 action=hold rate=5 score=100 reason=list.drop+100'
	mta
	start_tarpitd_as_a_service HoldGreeting=300s
}

teardown() {
	smtp_close_all
	stop_daemons
}

# Its standard output, which `run` would mix with the rest.
report() {
	in_journal journalctl --sync
	nsenter --mount -t "$(daemon_pid journald)" -- "$BUILD/tarpitctl" \
		report --json --control "${1-$CONTROL}" 2>"$DAEMONS/errors"
}

sessions_in_journal() {
	journal TARPIT_EVENT=session "$@" | wc -l
}

# Until it is there, and has been told something: else it was a probe.
hold_one() {
	smtp_connect "$AT" 127.0.0.4
	wait_until 'ask request=sessions | grep -qx lane=hold'
	wait_until 'ask request=sessions | grep -qx "bytes_out=[1-9][0-9]*"'
}

@test "report: what a dispatcher wrote, and sessions that are open are censored" {
	smtp_play - "$AT" 127.0.0.2 <<<'S: 220 '
	smtp_connect "$AT" 127.0.0.3
	while smtp_expect '220[- ]' && [[ $LINE == 220-* ]]; do :; done
	smtp_close
	hold_one
	smtp_close
	wait_until '[ "$(sessions_in_journal)" = 3 ]'
	hold_one
	report >"$DAEMONS/report"
	[ ! -s "$DAEMONS/errors" ]
	run jq -c '[.complete, .sessions, .passed, .slowed, .gave_up, .patient,
		.open]' "$DAEMONS/report"
	[ "$output" = "[true,3,1,2,1,1,1]" ]
	# The curve of hold: one that left, one that is still there.
	run jq -c '[.giving_up[] | select(.name == "hold") | .sessions]' \
		"$DAEMONS/report"
	[ "$output" = "[2]" ]
	run jq -r '.likely_false_positives[0] | "\(.client) \(.score) \(.reason)"' \
		"$DAEMONS/report"
	[ "$output" = "127.0.0.3 20 history.none+20" ]
	run jq -r '.lists[0].list' "$DAEMONS/report"
	[ "$output" = list.drop ]
}

@test "report: without a dispatcher nothing is open; one that says nothing is told of" {
	smtp_play - "$AT" 127.0.0.2 <<<'S: 220 '
	wait_until '[ "$(sessions_in_journal)" = 1 ]'
	report "$DAEMONS/none" >"$DAEMONS/report"
	[ ! -s "$DAEMONS/errors" ]
	[ "$(jq .open "$DAEMONS/report")" = 0 ]
	# Somebody else's socket, who hangs up.
	start_daemon other socat "UNIX-LISTEN:$DAEMONS/other" /dev/null
	wait_for_socket other "$DAEMONS/other"
	report "$DAEMONS/other" >"$DAEMONS/report"
	[ "$(jq .sessions "$DAEMONS/report")" = 1 ]
	grep -q "sessions that are open now are left out: $DAEMONS/other: " \
		"$DAEMONS/errors"
}
