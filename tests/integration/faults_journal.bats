#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A real journald that is stopped while 3,000 sessions are held and clean ones
# come: nobody notices, and what was not recorded is counted.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/faults
load ../helpers/journald

setup() {
	tarpitd_setup
	start_journald
}

teardown() {
	smtp_close_all
	stop_daemons
}

# 127.0.20.* is held at 5 bytes a second, all others pass.
roles() {
	local rules=() i
	for i in {1..254}; do
		rules+=("127.0.20.$i action=hold rate=5 score=100 ttl=600")
	done
	policy "${rules[@]}" '* action=pass rate=0 ttl=600'
}

@test "faults: journald stands still with 3,000 sessions held" {
	local dropped told
	roles
	mta
	start_tarpitd_as_a_service HoldGreeting=1h
	crowd
	tell 'open 3000 127.0.20.1'
	wait_for_count held 3000
	[ "$(journal TARPIT_EVENT=started | wc -l)" = 1 ]
	kill -STOP "$(daemon_pid journald)"
	tell bytes
	# 10 s, 200 a second.
	does_not_spin tarpitd tell 'steady 2000 5 127.0.22.1'
	[ "$ANSWER" = "steady 2000" ]
	tell bytes
	# 50 and some are due to each; the window is longer if we are slow.
	[ "$(word 2)" -ge 40 ]
	[ "$(word 6)" = 3000 ]
	kill -CONT "$(daemon_pid journald)"
	wait_for_count passed 2000
	# The count of those that are lost comes without another record.
	wait_until '[ "$(journal TARPIT_EVENT=dropped | wc -l)" -ge 1 ]'
	told=$(journal TARPIT_EVENT=session | wc -l)
	dropped=$(journal TARPIT_EVENT=dropped |
		sed -n 's/.*"TARPIT_DROPPED":"\([0-9]*\)".*/\1/p' |
		awk '{ n += $1 } END { print n }')
	echo "$told records, $dropped dropped"
	[ "$dropped" -ge 1000 ]
	[ $((told + dropped)) = 2000 ]
}

@test "faults: journald killed, started anew" {
	roles
	mta
	start_tarpitd_as_a_service HoldGreeting=1h
	crowd
	tell 'open 100 127.0.20.1'
	wait_for_count held 100
	# Its socket stays behind, and refuses.
	stop_daemon journald KILL || :
	tell 'steady 20 5 127.0.22.1'
	[ "$ANSWER" = "steady 20" ]
	start_daemon journald nsenter --mount -t "$(daemon_pid tarpitd)" -- \
		/lib/systemd/systemd-journald
	wait_until 'tell "steady 1 5 127.0.22.1" &&
		[ "$(journal TARPIT_EVENT=dropped | wc -l)" = 1 ]'
	journal TARPIT_EVENT=dropped | grep -q '"TARPIT_DROPPED":"2[0-9]"'
	tell bytes
	[ "$(word 6)" = 100 ]
}
