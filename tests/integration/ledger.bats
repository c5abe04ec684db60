#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Every message that a client was told is accepted, against every message in the
# queue of a real Postfix behind the throttle lane, while clients leave and
# both programs are killed.  `make ledger LEDGER_MESSAGES=100000` is the first
# test alone, of any size.

load ../helpers/common
load ../helpers/daemon
load ../helpers/tarpitd
load ../helpers/postfix
load ../helpers/ledger

setup() {
	postfix_setup
	tarpitd_setup
	ledger_setup
	policy "* action=throttle rate=0 patience=0 score=70 reason=test"
	postfix_start
}

teardown() {
	stop_daemons
	postfix_remove
}

# dispatcher [COMMAND...]: by way of the command.  Its socket is kept, as
# systemd keeps it, and it is started again whenever it has ended.
dispatcher() {
	start_daemon tarpitd "$@" "$ROOT/tests/helpers/activator" "$PORT" \
		"$DAEMONS/tarpitd.pid.now" setpriv --pdeathsig KILL \
		"$BUILD/tarpitd" --config "$CONF"
	wait_for_log tarpitd event=started
}

kill_tarpitd() {
	kill -KILL "$(<"$DAEMONS/tarpitd.pid.now")"
}

kill_mta() {
	postfix -c "$POSTFIX/etc" abort >>"$POSTFIX/out" 2>&1 3>&- || :
	wait_until -t 60 postfix_start
}

@test "ledger: every message that was accepted is there, and once" {
	local n=${LEDGER_MESSAGES:-400} every
	configure Backend=127.0.0.1:"$BACKEND" BackendConnections=8 \
		SpoolDirectory="$DAEMONS" MaxPerClient=0 BackendTimeout=5s
	dispatcher
	every=$((n < 15000 ? n / 5 : 3000))
	keep_ledger "$n" 20 "$every" kill_mta kill_mta kill_tarpitd
	show_books
	nothing_lost_nothing_twice
	[ "$(lines accepted)" -gt $((n / 4)) ]
	# Of those who left behind the end some were too late.
	[ "$(lines silent.queued)" -lt $((n / 4)) ]
}

# The spool is a file system of 16 KB: four messages fill it, and one in twenty
# is larger than that.
@test "ledger: nothing is lost while the dispatcher is killed and its disk is full" {
	mkdir "$DAEMONS/spool"
	configure Backend=127.0.0.1:"$BACKEND" BackendConnections=4 \
		SpoolDirectory="$DAEMONS/spool" SpoolMemory=0 MaxPerClient=0
	# shellcheck disable=SC2016
	dispatcher unshare --mount --propagation private sh -c '
		mount -t tmpfs -o size=16k tmpfs "$1" && shift &&
		exec "$@"' sh "$DAEMONS/spool"
	keep_ledger 400 8 100 kill_tarpitd
	# The last one may have been started only now.
	wait_until '[ "$(grep -c event=started "$DAEMONS/tarpitd.log")" = \
		$((KILLS + 1)) ]'
	grep -q 'outcome=failed .*delivered=0' "$DAEMONS/tarpitd.log"
	[ "$(lines accepted)" -gt 40 ]
	nothing_lost_nothing_twice
}

stop_tarpitd() {
	local pid
	pid=$(<"$DAEMONS/tarpitd.pid.now")
	kill -TERM "$pid"
	# Neither makes it give up what it waits for, if there is anything.
	kill -TERM "$pid" 2>/dev/null || :
	kill -HUP "$pid" 2>/dev/null || :
	wait_until "! pid_is_alive $pid"
}

# Nobody leaves here, and the MTA takes ten times longer than StopTimeout= for
# each message, as with a content filter: whatever a client did not hear 250 for
# it sends again, so nothing of that may be in the queue.
@test "ledger: SIGTERM makes no duplicates, however long the MTA takes" {
	echo 'smtpd_end_of_data_restrictions = sleep 1' \
		>>"$POSTFIX/etc/main.cf"
	configure Backend=127.0.0.1:"$BACKEND" BackendConnections=20 \
		SpoolDirectory="$DAEMONS" MaxPerClient=0 StopTimeout=100ms
	dispatcher
	STAY=stay keep_ledger 60 20 15 stop_tarpitd
	show_books
	nothing_lost_nothing_twice
	[ "$KILLS" -ge 2 ]
	[ "$(lines accepted)" -gt 20 ]
	[ ! -s "$DAEMONS/refused.queued" ]
	[ ! -s "$DAEMONS/silent.queued" ]
}
