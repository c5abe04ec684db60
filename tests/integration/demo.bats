#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What `make run` starts, from the first line to Ctrl-C.

bats_require_minimum_version 1.5.0
load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp

setup() {
	port=$(free_port)
	demo=$BATS_TEST_TMPDIR/demo
}

teardown() {
	smtp_close_all
	stop_daemons
}

# In a session of its own, as under a terminal: Ctrl-C reaches all processes.
# Bats' shell has them ignore SIGINT, which env takes back.
start_demo() {
	start_daemon demo setsid env --default-signal=INT TMPDIR="$BATS_TEST_TMPDIR" \
		PORT="$port" RUN="$demo" "$ROOT/units/demo/run"
	wait_for_log demo 'Ctrl-C stops everything'
}

press_ctrl_c() {
	kill -INT -- "-$(daemon_pid demo)"
}

# The processes whose command lines name the demonstration's files; grep's own
# must not.
# shellcheck disable=SC2062 # what looks like a pattern is the files
demo_processes() {
	printf '%s\n' "$demo" "$BATS_TEST_TMPDIR/tarpit-run." |
		grep -l -a -F -f - /proc/[0-9]*/cmdline 2>/dev/null || :
}

# Nothing is left of it: no process, no listener, no socket directory.
nothing_is_left() {
	wait_until '[ -z "$(demo_processes)" ]'
	run ! port_is_listening "$port"
	run ! compgen -G "$BATS_TEST_TMPDIR/tarpit-run.*"
}

deliver_from() {
	smtp_play - "127.0.0.1:$port" "$1" <<-END
		S* 220-
		S: 220 tarpit
		C: EHLO client.example
		S* 250-
		S: 250
		C: MAIL FROM:<$1@client.example>
		S: 250
		C: RCPT TO:<you@example.org>
		S: 250
		C: DATA
		S: 354
		C: Subject: from $1
		C:
		C: .
		S: 250
		C: QUIT
		S: 221
		E:
	END
}

@test "demo: a clean sender and a patient stranger deliver, a blocked one cannot" {
	start_demo
	deliver_from 127.0.0.2
	wait_for_log demo '127\.0\.0\.2 was passed to the MTA after 0\.'
	deliver_from 127.0.0.3
	wait_for_log demo '127\.0\.0\.3 was patient .* after [67]\.'
	grep -qr '^Subject: from 127.0.0.2' "$demo/Maildir/new"
	grep -qr '^Subject: from 127.0.0.3' "$demo/Maildir/new"

	smtp_connect "127.0.0.1:$port" 127.0.0.4
	smtp_expect 220-
	smtp_close
	wait_for_log demo '127\.0\.0\.4 left after .*hold.*list\.demo-block'
	[ "$(find "$demo/Maildir/new" -type f | wc -l)" = 2 ]

	press_ctrl_c
	wait_for_exit demo
	nothing_is_left
}

@test "demo: Ctrl-C stops it with sessions in every lane" {
	start_demo
	SMTP=clean smtp_connect "127.0.0.1:$port" 127.0.0.2
	SMTP=clean smtp_expect '220 '
	SMTP=suspect smtp_connect "127.0.0.1:$port" 127.0.0.3
	SMTP=suspect smtp_expect 220-
	SMTP=blocked smtp_connect "127.0.0.1:$port" 127.0.0.4
	SMTP=blocked smtp_expect 220-
	press_ctrl_c
	wait_for_exit demo
	nothing_is_left
}

@test "demo: when a daemon dies, it says which and stops the rest" {
	start_demo
	for process in $(demo_processes); do
		tr '\0' ' ' <"$process" | grep -q 'tarpit-policyd --config' || continue
		kill -KILL "${process//[!0-9]/}"
		killed=yes
	done
	[ "$killed" = yes ]
	status=0
	wait_for_exit demo || status=$?
	[ "$status" = 1 ]
	wait_for_log demo 'tarpit-policyd has ended'
	nothing_is_left
}

@test "demo: when it is killed, its daemons end as well" {
	start_demo
	SMTP=clean smtp_connect "127.0.0.1:$port" 127.0.0.2
	SMTP=clean smtp_expect '220 '
	kill -KILL "$(daemon_pid demo)"
	wait_until '[ -z "$(demo_processes)" ]'
}

@test "demo: a port that is taken is told, and what to do" {
	start_daemon other socat "TCP-LISTEN:$port,bind=127.0.0.1" PIPE
	wait_for_port other "$port"
	PORT=$port RUN=$demo run "$ROOT/units/demo/run"
	[ "$status" = 1 ]
	[[ $output == *"port $port is taken"*"make run PORT="* ]]
	[ ! -e "$demo" ]
}
