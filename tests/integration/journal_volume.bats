#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# 2,000 sessions a second end before a real journald, for some seconds (for a
# minute: make bench BENCH=journal).  Each has its record, or is in the count of
# those that were dropped; none is in neither.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/faults
load ../helpers/journald

N=3000 # of each of two crowds

setup() {
	tarpitd_setup
	start_journald
	policy '* action=hold rate=0 score=135 ttl=600 country=CN asn=64496 reason=list.drop+100'
}

teardown() {
	smtp_close_all
	stop_daemons
}

# Two crowds, a thousand sessions a second each; all have ended when this
# returns.
many_sessions() {
	crowd left
	crowd right
	echo "steady $N 1 127.0.30.1" >&"${CROWD[left]}"
	tell -c right "steady $N 1 127.0.31.1"
	wait_for_log left '^steady ' 120
	wait_for_count abandoned $((2 * N)) 120
	status_line
}

# The sum of FIELD over the records of EVENT.
sum_of() {
	in_journal journalctl --sync
	in_journal journalctl -q -o cat "--output-fields=$1" \
		SYSLOG_IDENTIFIER=tarpitd "TARPIT_EVENT=$2" |
		awk '{ n += $1 } END { print n + 0 }'
}

# How many different sessions have a record, and how many records there are.
recorded() {
	journal TARPIT_EVENT=session | jq -r .TARPIT_SESSION >"$DAEMONS/told"
	echo "$(sort -u "$DAEMONS/told" | wc -l) $(wc -l <"$DAEMONS/told")"
}

@test "volume: each of thousands of sessions is recorded, or counted as dropped" {
	start_tarpitd_as_a_service HoldGreeting=0
	many_sessions
	# Told within a second, without another record.
	wait_until '{ read -r different all < <(recorded)
		[ $((all + $(sum_of TARPIT_DROPPED dropped))) = $((2 * N)) ]; }'
	read -r different all < <(recorded)
	echo "$all recorded, $(sum_of TARPIT_DROPPED dropped) dropped"
	[ "$different" = "$all" ]
	[ "$all" -gt 0 ]
}

@test "volume: Log=summary has all of them in its counts" {
	start_tarpitd_as_a_service HoldGreeting=0 Log=summary
	many_sessions
	stop_daemon tarpitd
	[ "$(recorded)" = "0 0" ]
	[ "$(sum_of TARPIT_SESSIONS summary)" = $((2 * N)) ]
	[ "$(sum_of TARPIT_LANE_HOLD summary)" = $((2 * N)) ]
	[ "$(sum_of TARPIT_OUTCOME_ABANDONED summary)" = $((2 * N)) ]
	[ "$(sum_of TARPIT_STALL_USEC summary)" -gt 0 ]
}
