#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A real journald that is stopped while 3,000 sessions are held and clean ones
# come: nobody notices, and what was not recorded is counted.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/faults

setup() {
	[ "$(id -u)" = 0 ] || skip "not root"
	[ -x /lib/systemd/systemd-journald ] || skip "no journald"
	unshare --mount true 2>/dev/null || skip "no mount namespaces"
	tarpitd_setup
	start_journald
}

teardown() {
	smtp_close_all
	stop_daemons
}

# A journald of our own, without a service manager: in its namespace /run and
# /var/log are its own.
start_journald() {
	# shellcheck disable=SC2016
	start_daemon journald unshare --mount --propagation private bash -c '
		for dir in /run/systemd /run/log /var/log; do
			mkdir -p $dir && mount -t tmpfs tmpfs $dir || exit
		done
		mkdir /run/systemd/journal
		exec /lib/systemd/systemd-journald'
	# The name in the namespace; its socket is seen from everywhere.
	wait_until "in_journal test -S /run/systemd/journal/socket" ||
		skip "journald does not start here"
}

in_journal() {
	nsenter --mount -t "$(daemon_pid journald)" -- "$@" 2>/dev/null
}

# The records with these fields, as JSON.
journal() {
	in_journal journalctl --sync
	in_journal journalctl -q -o json SYSLOG_IDENTIFIER=tarpitd "$@"
}

# As a service is started: JOURNAL_STREAM names its standard error.
start_tarpitd_as_a_service() {
	configure MaxPerClient=0 "$@"
	# shellcheck disable=SC2016
	start_daemon -n tarpitd nsenter --mount -t "$(daemon_pid journald)" -- \
		bash -c 'JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr) exec "$@"' - \
		"$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	wait_for_notify tarpitd READY=1
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
	# The next record brings the count of those that are lost.
	tell 'steady 1 5 127.0.22.1'
	wait_until '[ "$(journal TARPIT_EVENT=dropped | wc -l)" -ge 1 ]'
	told=$(journal TARPIT_EVENT=session | wc -l)
	dropped=$(journal TARPIT_EVENT=dropped |
		sed -n 's/.*"TARPIT_DROPPED":"\([0-9]*\)".*/\1/p' |
		awk '{ n += $1 } END { print n }')
	echo "$told records, $dropped dropped"
	[ "$dropped" -ge 1000 ]
	[ $((told + dropped)) = 2001 ]
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
