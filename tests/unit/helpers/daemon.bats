#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the tests of the daemons rely on: that a wait fails when it should.

bats_require_minimum_version 1.5.0
load ../../helpers/common
load ../../helpers/daemon

setup() { DEADLINE=5; }

teardown() { stop_daemons; }

listen() {
	start_daemon "$1" socat "TCP-LISTEN:$2,bind=127.0.0.1,reuseaddr,fork" PIPE
}

@test "a daemon is waited for by its port and ends in teardown" {
	port=$(free_port)
	listen echo "$port"
	wait_for_port echo "$port"
	port_is_used "$port"
	pid=$(daemon_pid echo)
	stop_daemons
	run ! pid_is_alive "$pid"
	run ! port_is_listening "$port"
}

@test "a daemon that dies is not waited for, and its log is shown" {
	DEADLINE=60
	start_daemon dead sh -c 'echo "cannot do this" >&2; exit 3'
	run wait_for_port dead 9
	[ "$status" = 1 ]
	[[ $output == *"cannot do this"* ]]
	status=0
	wait_for_exit dead || status=$?
	[ "$status" = 3 ]
}

@test "a unix socket counts when somebody listens, not when the file is there" {
	socket=$BATS_TEST_TMPDIR/s
	start_daemon file socat -u UNIX-RECV:"$socket" STDOUT
	wait_until test -S "$socket"
	run ! socket_is_listening "$socket"
	rm "$socket"
	start_daemon stream socat UNIX-LISTEN:"$socket" STDOUT
	wait_for_socket stream "$socket"
}

@test "wait_until gives up at its deadline" {
	run wait_until -t 0 false
	[ "$status" = 1 ]
	[ "$output" = "not within 0 s: false" ]
}

@test "a record is one line that has all the words, and whole words" {
	start_daemon log printf '%s\n' 'client=127.0.0.30 lane=slow' \
		'outcome=passed client=127.0.0.3' \
		'client=127.0.0.3 outcome=graduated lane=slow'
	run wait_for_record log client=127.0.0.3 lane=slow
	[ "$status" = 0 ]
	[ "$output" = 'client=127.0.0.3 outcome=graduated lane=slow' ]
	DEADLINE=0
	run wait_for_record log client=127.0.0.3 lane=hold
	[ "$status" = 1 ]
}

@test "what a daemon tells its service manager is seen" {
	start_daemon -n teller bash -c \
		'printf "READY=1\nSTATUS=fine" | socat -u - UNIX-SENDTO:"$NOTIFY_SOCKET"'
	wait_for_notify teller READY=1
	wait_for_notify teller STATUS=fine
}

@test "what an earlier run told and printed is no sign of this one" {
	local run
	for run in one two; do
		start_daemon -n teller bash -c "echo $run; "'printf READY=1 |
			socat -u - UNIX-SENDTO:"$NOTIFY_SOCKET"; exec tail -f /dev/null'
		wait_for_log teller "^$run\$"
		wait_for_notify teller READY=1
		stop_daemon teller || [ $? = 143 ]
	done
	DEADLINE=0
	run wait_for_log teller '^one$'
	[ "$status" = 1 ]
	[ "$(grep -c READY=1 "$DAEMONS/teller-notified.log")" = 1 ]
	wait_for_record teller one
}

@test "a daemon that ignores SIGTERM is killed, and that is a failure" {
	start_daemon stubborn bash -c 'trap "" TERM; echo on; while :; do read -r -t 60 <>/dev/tcp || :; done; exec tail -f /dev/null'
	wait_for_log stubborn on
	pid=$(daemon_pid stubborn)
	DEADLINE=1
	run stop_daemon stubborn
	[ "$status" = 124 ]
	wait_until "! pid_is_alive $pid"
}

@test "a daemon does not hold the descriptors of bats" {
	start_daemon holder tail -f /dev/null
	wait_until "[ \"\$(readlink /proc/$(daemon_pid holder)/exe)\" = \"$(readlink -f "$(command -v tail)")\" ]"
	for fd in /proc/"$(daemon_pid holder)"/fd/*; do
		case $(readlink "$fd") in
		/dev/null | "$DAEMONS"/holder.log | *inotify*) ;;
		*) readlink "$fd"; false ;;
		esac
	done
}
