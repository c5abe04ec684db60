#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What throttled clients share, the connections to the MTA and the room for
# messages, is nobody's alone: whoever uses much of it, or keeps it for long,
# is himself the one who has to wait.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() {
	tarpitd_setup
	BACKEND=$(free_port)
}

teardown() {
	smtp_close_all
	stop_daemons
}

# throttled [KEY=VALUE]...: everybody, at full speed.
throttled() {
	policy '* action=throttle rate=0 patience=0 score=70 reason=test'
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		MaxPerClient=0 "$@"
	wait_for_notify tarpitd '1 free'
}

# asks SOURCE RECIPIENT [SENDER] [HELO]: a session of that name has asked.
asks() {
	smtp_connect "$AT" "$1"
	smtp_expect '220 '
	smtp_say "EHLO ${4-client.test}"
	smtp_expect_reply 250
	smtp_say "MAIL FROM:<${3-a@b.test}>"
	smtp_expect '250 '
	smtp_say "RCPT TO:<$2>"
}

# The FIGURE of the status, such as backend.timed_out.
figure() {
	ask 'request=status' | sed -n "s/^$1=//p"
}

@test "fair: recipients that the MTA is slow about hold up their sender only" {
	backend
	throttled BackendConnections=8 BackendTimeout=200s MaxReplyTime=200s
	local i
	for i in {1..10}; do
		SMTP=slow$i asks 127.0.0.2 "slow$i@dest.test"
	done
	wait_until "[ \$(figure backend.queued) = 8 ]"
	for i in {1..5}; do
		SMTP=other$i asks 127.0.0.3 u@dest.test
		SMTP=other$i smtp_expect '250 2.1.5'
	done
	# All this time.
	[ "$(figure backend.timed_out)" = 0 ]
	[ "$(grep -c 'asked 127.0.0.2 ' "$DAEMONS/backend.log")" = 2 ]
}

@test "fair: a network full of slow recipients holds up no other network" {
	backend
	throttled BackendConnections=8 BackendTimeout=200s MaxReplyTime=200s
	local i
	for i in {1..12}; do
		SMTP=slow$i asks "127.0.1.$i" "slow$i@dest.test"
	done
	wait_until "[ \$(figure backend.queued) = 8 ]"
	SMTP=other asks 127.0.2.1 u@dest.test
	SMTP=other smtp_expect '250 2.1.5'
	[ "$(figure backend.timed_out)" = 0 ]
	[ "$(grep -c 'asked 127.0.1' "$DAEMONS/backend.log")" = 4 ]
}

@test "fair: wherever the MTA is slow, nobody else waits for it" {
	backend
	throttled BackendConnections=3 BackendTimeout=200s MaxReplyTime=200s
	local i
	SMTP=first asks 127.0.1.1 u@dest.test a@b.test slow.test
	SMTP=second asks 127.0.1.2 u@dest.test slow@b.test
	SMTP=third asks 127.0.1.2 u@dest.test slow@b.test
	SMTP=fourth asks 127.0.1.3 u@dest.test a@b.test slow.test
	for i in {1..3}; do
		SMTP=other$i asks "127.0.2.$i" u@dest.test
		SMTP=other$i smtp_expect '250 2.1.5'
	done
	[ "$(figure backend.timed_out)" = 0 ]
}

@test "fair: nobody waits for the end of another one's transaction" {
	backend
	throttled BackendConnections=1 BackendTimeout=200s MaxReplyTime=200s
	SMTP=reset asks 127.0.1.1 reset@dest.test
	SMTP=reset smtp_expect '250 2.1.5'
	SMTP=other asks 127.0.2.1 u@dest.test
	SMTP=other smtp_expect '250 2.1.5'
	[ "$(figure backend.timed_out)" = 0 ]
}

@test "fair: no answer in time is an answer, and is not tried again" {
	backend
	throttled BackendTimeout=1s
	asks 127.0.0.2 slow@dest.test
	smtp_expect '451 4.4.2'
	asks 127.0.0.2 u@dest.test slow@b.test
	smtp_expect '451 4.4.2'
	asks 127.0.0.2 data@dest.test
	smtp_expect '250 2.1.5'
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'x\r\n.\r\n'
	smtp_expect '451 4.4.2'
	[ "$(grep -c 'asked .* <slow' "$DAEMONS/backend.log")" = 1 ]
	[ "$(figure backend.timed_out)" = 3 ]
	ctl status | grep -q ' 3 not answered in time'
	ctl metrics | grep -q '^tarpit_backend_timeouts_total 3$'
}

@test "fair: a client is answered within MaxReplyTime, whatever takes the time" {
	backend
	throttled BackendConnections=1 BackendTimeout=100s MaxReplyTime=2s
	SMTP=slow asks 127.0.0.2 slow@dest.test
	SMTP=next asks 127.0.0.2 slow@dest.test
	SMTP=slow smtp_expect '451 4.4.2'
	SMTP=next smtp_expect '451 4.[34].[02]'
}

@test "fair: that counts against a client if others were answered meanwhile" {
	backend
	throttled BackendTimeout=5s
	local i
	SMTP=slow greet 127.0.0.2
	SMTP=silent greet 127.0.0.4
	for i in {1..19}; do
		SMTP=slow smtp_say FOO
		SMTP=slow smtp_expect '500 '
		SMTP=silent smtp_say FOO
		SMTP=silent smtp_expect '500 '
	done
	# The MTA answers nobody.
	SMTP=silent smtp_say 'MAIL FROM:<a@b.test>'
	SMTP=silent smtp_expect '250 '
	SMTP=silent smtp_say 'RCPT TO:<slow@dest.test>'
	SMTP=silent smtp_expect '451 4.4.2'
	[ "$(figure backend.blamed)" = 0 ]
	SMTP=slow smtp_say 'MAIL FROM:<a@b.test>'
	SMTP=slow smtp_expect '250 '
	SMTP=slow smtp_say 'RCPT TO:<slow@dest.test>'
	wait_for_log backend 'asked 127.0.0.2 '
	SMTP=other asks 127.0.0.3 u@dest.test
	SMTP=other smtp_expect '250 2.1.5'
	SMTP=slow smtp_expect '421 4.7.0'
	SMTP=slow smtp_expect_eof
	[ "$(figure backend.blamed)" = 2 ]
}

@test "fair: when the MTA is slow for all, nobody is to blame" {
	backend thinks
	throttled BackendConnections=8
	local i
	for i in {1..10}; do SMTP=$i asks "127.0.0.$i" u@dest.test; done
	for i in {1..10}; do SMTP=$i smtp_expect '250 2.1.5'; done
	[ "$(figure backend.blamed)" = 0 ]
	[ "$(figure backend.timed_out)" = 0 ]
}

# errors COMMAND REPLY [TIMES]: that often, and the next time it ends.
errors() {
	local i
	for ((i = 1; i < ${3-20}; i++)); do
		smtp_say "$1"
		smtp_expect "$2"
		[[ $LINE != 550-* ]] || smtp_expect '550 '
	done
	smtp_say "$1"
	smtp_expect '421 4.7.0'
	smtp_expect_eof
}

@test "errors: unknown recipients are errors" {
	backend
	throttled
	greet 127.0.0.2
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	errors 'RCPT TO:<bad@dest.test>' '550'
	record_of 127.0.0.2 outcome=refused | grep -q limit:errors
	[ "$(grep -c 'asked 127.0.0.2 ' "$DAEMONS/backend.log")" = 20 ]
	wait_for_log policy '^tarpit_outcome .*client=127.0.0.2 .*outcome=expelled'
	ctl status | grep -q ' 1 sessions cut for errors'
	ctl metrics | grep -q '^tarpit_throttle_cut_total 1$'
}

@test "errors: good recipients in between, and messages, do not make them good" {
	backend
	throttled
	greet 127.0.0.2
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	local i
	for i in {1..19}; do
		smtp_send 'RCPT TO:<u@dest.test>\r\nRCPT TO:<bad@dest.test>\r\n'
		smtp_expect '250 2.1.5'
		smtp_expect '550-'
		smtp_expect '550 '
	done
	smtp_send 'RCPT TO:<u@dest.test>\r\nRCPT TO:<bad@dest.test>\r\n'
	smtp_expect '250 2.1.5'
	smtp_expect '421 4.7.0'
	smtp_expect_eof
	greet 127.0.0.3
	for i in {1..19}; do
		smtp_say 'MAIL FROM:<a@b.test>'
		smtp_expect '250 '
		smtp_say 'RCPT TO:<bad@dest.test>'
		smtp_expect '550-'
		smtp_expect '550 '
		smtp_say RSET
		smtp_expect '250 '
	done
	envelope u@dest.test
	smtp_say DATA
	smtp_expect '354 '
	smtp_send '.\r\n'
	smtp_expect '250 2.0.0'
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	errors 'RCPT TO:<bad@dest.test>' '550' 2
	record_of 127.0.0.3 outcome=delivered delivered=1 | grep -q limit:errors
}

@test "errors: a list with some bad recipients, and a relay, are delivered" {
	backend
	throttled MaxMessages=30
	greet 127.0.0.2
	local i
	for i in {1..3}; do
		smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<bad@dest.test>\r\nRCPT TO:<bad@dest.test>\r\nRCPT TO:<bad@dest.test>\r\n'
		printf 'RCPT TO:<u%d@dest.test>\r\n' {1..60} >&"${SMTP_OUT[client]}"
		smtp_say DATA
		smtp_skip '550|250 '
		smtp_expect '354 '
		smtp_send 'x\r\n.\r\n'
		smtp_expect '250 2.0.0'
	done
	greet 127.0.0.3
	for i in {1..60}; do
		smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<bad@dest.test>\r\nRCPT TO:<u@dest.test>\r\nDATA\r\n'
		smtp_skip '550|250 '
		smtp_expect '354 '
		smtp_send 'x\r\n.\r\n'
		smtp_expect '250 2.0.0'
		smtp_say RSET
		smtp_expect '250 '
	done
	[ "$(figure throttle.cut)" = 0 ]
}

@test "errors: many messages are a reason to be slowed anew" {
	backend
	policy '* action=throttle rate=1000 patience=0 score=70 reason=test'
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		MaxDialogueDelay=100ms MaxMessages=2
	wait_for_notify tarpitd '1 free'
	greet 127.0.0.2
	local i
	for i in 1 2 3; do
		envelope u@dest.test
		smtp_say DATA
		smtp_expect '354 '
		smtp_send 'x\r\n.\r\n'
		smtp_expect '250 2.0.0'
	done
	smtp_close
	[ "$(figure throttle.anew)" = 1 ]
	ctl status | grep -q ' 1 slowed anew'
	record_of 127.0.0.2 outcome=delivered delivered=3
}

@test "errors: what is refused brings slowness back" {
	backend
	policy '* action=throttle rate=10 patience=0 score=70 reason=test'
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		MaxDialogueDelay=2s
	wait_for_notify tarpitd '1 free'
	local from
	greet 127.0.0.2
	envelope u@dest.test
	from=$(clock_usec)
	smtp_say 'RCPT TO:<bad@dest.test>'
	smtp_expect '550-'
	smtp_expect '550 '
	[ $(($(clock_usec) - from)) -gt 1500000 ]
}
