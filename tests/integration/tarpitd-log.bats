#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Log=: which sessions have a record of their own, and what tells of the rest.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() {
	tarpitd_setup
	policy '127.0.0.2 action=pass rate=0' \
		'127.0.0.3 action=slow rate=1000 patience=1' \
		'127.0.0.4 action=hold rate=0'
	mta
}

teardown() {
	smtp_close_all
	stop_daemons
}

# quit_from SOURCE: a session, up to its end.
quit_from() {
	smtp_connect "$AT" "$1"
	smtp_expect_reply 220
	smtp_say QUIT
	smtp_expect '221 '
	smtp_expect_eof
	smtp_close
}

# One session in each lane, over when this returns.
one_in_each_lane() {
	quit_from 127.0.0.2
	quit_from 127.0.0.3
	quit_from 127.0.0.4
	wait_for_notify tarpitd '1 passed, 1 graduated, 0 delivered, 1 abandoned'
}

sessions() {
	grep -c event=session "$DAEMONS/tarpitd.log" || :
}

summaries() {
	grep event=summary "$DAEMONS/tarpitd.log" || :
}

# reload [KEY=VALUE]...
reload() {
	configure "$@"
	kill -HUP "$(daemon_pid tarpitd)"
	wait_until "[ \$(grep -c event=reloaded '$DAEMONS/tarpitd.log') = $((++RELOADS)) ]"
}

@test "log: all sessions have records, and there is no summary" {
	tarpitd
	one_in_each_lane
	[ "$(sessions)" = 3 ]
	stop_daemon tarpitd
	[ -z "$(summaries)" ]
}

@test "log: slowed leaves out those that were passed, but counts them" {
	tarpitd Log=slowed
	one_in_each_lane
	record_of 127.0.0.3 outcome=graduated
	record_of 127.0.0.4 outcome=abandoned
	[ "$(sessions)" = 2 ]
	stop_daemon tarpitd
	[[ $(summaries) == *"3 sessions ended in "*": 1 pass, 1 slow, 0 throttle, 1 hold event=summary"* ]]
	[[ $(summaries) == *" outcome_passed=1 outcome_graduated=1 outcome_abandoned=1 "* ]]
}

@test "log: slowed has those that were decided to be slowed, though only observed" {
	tarpitd Log=slowed Mode=observe
	quit_from 127.0.0.2
	quit_from 127.0.0.4
	record_of 127.0.0.4 mode=observe lane=hold outcome=passed
	wait_for_notify tarpitd '2 passed'
	[ "$(sessions)" = 1 ]
}

@test "log: slowed has clean clients that were turned away" {
	stop_daemon mta || :
	tarpitd Log=slowed HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '421 4.3.2 '
	record_of 127.0.0.2 lane=pass outcome=failed
}

@test "log: summary has no sessions, but one record with the counts at the end" {
	tarpitd Log=summary
	one_in_each_lane
	stop_daemon tarpitd
	[ "$(sessions)" = 0 ]
	[ "$(summaries | wc -l)" = 1 ]
	[[ $(summaries) == *" sessions=3 lane_pass=1 lane_slow=1 lane_throttle=0 lane_hold=1 "* ]]
	# Everything else is recorded.
	grep -q event=started "$DAEMONS/tarpitd.log"
	grep -q event=stopped "$DAEMONS/tarpitd.log"
}

@test "log: a reload changes it, and loses no count" {
	local RELOADS=0
	tarpitd Log=summary
	quit_from 127.0.0.2
	wait_for_notify tarpitd '1 passed'
	reload Log=all
	[ "$(sessions)" = 0 ]
	[[ $(summaries) == *"1 sessions ended"* ]]
	quit_from 127.0.0.2
	record_of 127.0.0.2 outcome=passed
	reload Log=summary
	quit_from 127.0.0.2
	wait_for_notify tarpitd '3 passed'
	stop_daemon tarpitd
	[ "$(sessions)" = 1 ]
	# The one that had a record of its own is in neither.
	[ "$(summaries | grep -c ' sessions=1 ')" = 2 ]
}

@test "log: a process of inetd's has a summary of its one session" {
	configure Log=summary
	start_daemon tarpitd socat "TCP-LISTEN:$PORT,bind=127.0.0.1" \
		EXEC:"$BUILD/tarpitd --config $CONF",nofork
	wait_for_port tarpitd "$PORT"
	quit_from 127.0.0.4
	wait_for_exit tarpitd
	[ "$(sessions)" = 0 ]
	[[ $(summaries) == *"1 sessions ended"*" lane_hold=1 "* ]]
}

@test "log: a bad value is an error" {
	configure Log=some
	run "$BUILD/tarpitd" --config "$CONF" --check-config
	[ "$status" = 100 ]
	[[ $output == *"Log=some"*"all"*"slowed"*"summary"* ]]
}

@test "log: the status has the longest stall" {
	tarpitd
	wait_for_notify tarpitd 'longest stall '
	grep -aEq 'longest stall [0-9]+\.[0-9] ms' "$DAEMONS/tarpitd-notified.log"
}

@test "log: who floods the journal has its sessions folded, and none is lost" {
	local i n
	stop_daemon policy || : # that of setup
	policy '127.0.1.9 action=hold rate=0' '* action=pass'
	tarpitd RecordsPerClient=3 MaxPerClient=0
	for i in 1 2 3 4 5 6 7; do
		smtp_connect "$AT" 127.0.1.1
		smtp_expect '220 mta.test'
		smtp_close
	done
	# Another one has a record all the same.
	smtp_connect "$AT" 127.0.2.1
	smtp_expect '220 mta.test'
	smtp_close
	record_of 127.0.2.1 outcome=passed
	wait_until "[ \"\$(ask request=status | sed -n 's/^records.folded=//p')\" = 4 ]"
	[ "$(grep -c 'event=session .*client=127.0.1.1 ' "$DAEMONS/tarpitd.log")" = 3 ]
	kill -TERM "$(daemon_pid tarpitd)"
	wait_for_exit tarpitd
	grep -q 'and 4 more of 127.0.1.1 in .*: passed (pass.*) event=session .* sessions=4 folded=127.0.1.1 client=127.0.1.1 .* outcome=passed ' \
		"$DAEMONS/tarpitd.log"
}

@test "log: of a network ten times as many have records, of all a hundred times" {
	local i
	stop_daemon policy || : # that of setup
	policy '* action=pass'
	tarpitd RecordsPerClient=1 MaxPerClient=0
	for i in {1..12}; do
		smtp_connect "$AT" "127.0.1.$i"
		smtp_expect '220 mta.test'
		smtp_close
	done
	wait_until "[ \"\$(ask request=status | sed -n 's/^records.folded=//p')\" = 2 ]"
	kill -TERM "$(daemon_pid tarpitd)"
	wait_for_exit tarpitd
	grep -q 'and 2 more of 127.0.1.0/24 in .* sessions=2 folded=127.0.1.0/24 ' \
		"$DAEMONS/tarpitd.log"
	[ "$(grep -c 'event=session' "$DAEMONS/tarpitd.log")" = 11 ]
}
