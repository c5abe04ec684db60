#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# BackendIdentity=proxy: the throttle lane in front of MTAs that are told by a
# PROXY header who the client is, one connection a question or message.

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

# dispatcher [KEY=VALUE]...: throttles everybody, at full speed.
dispatcher() {
	policy "* action=throttle rate=0 patience=0 score=70 reason=test"
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		BackendIdentity=proxy BackendConnections=2 "$@"
}

# recipient CODE [LOCAL-PART]
recipient() {
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 2.1.0'
	smtp_say "RCPT TO:<${2-u}@dest.test>"
	smtp_expect "$1"
}

message() {
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'Subject: x\r\n\r\nx\r\n.\r\n'
}

connections() {
	grep -c '^connected 127' "$DAEMONS/backend.log" || :
}

@test "identity: a question and a message, each on the client's connection" {
	backend proxy
	dispatcher
	wait_for_log backend '^connected local$'
	greet 127.0.0.7
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 2.1.0'
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '250 2.1.5'
	message
	smtp_expect '250 2.0.0 Ok: queued as FAKE$'
	smtp_say QUIT
	smtp_expect 221
	grep -q '^took 127.0.0.7 client.test <a@b.test> 17 <u@dest.test>$' \
		"$DAEMONS/backend.log"
	record_of 127.0.0.7 outcome=delivered lane=throttle delivered=1
	port=$(record_of 127.0.0.7 | field client_port)
	grep -q "^asked 127.0.0.7 $port client.test" "$DAEMONS/backend.log"
	# Neither is XCLIENT said, nor anything before the header.
	never_logged backend '^heard'
}

@test "identity: it is learnt what the MTA offers" {
	backend proxy
	dispatcher
	wait_for_log backend '^connected local$'
	smtp_connect "$AT"
	smtp_expect 220
	smtp_say 'EHLO client.test'
	smtp_skip '250-mx|250-PIPE'
	smtp_expect 250-8BITMIME
	smtp_expect 250-ENHANCEDSTATUSCODES
	smtp_expect 250-DSN
	[ "$(connections)" = 0 ]
}

@test "identity: clients queue for BackendConnections" {
	backend proxy slow-dot
	dispatcher
	local i
	for i in {1..6}; do
		SMTP=$i greet 127.0.0.$((10 + i))
		SMTP=$i recipient '250 2.1.5'
		SMTP=$i smtp_say DATA
		SMTP=$i smtp_expect '354 '
	done
	for i in {1..6}; do
		SMTP=$i smtp_send 'Subject: x\r\n\r\nx\r\n.\r\n'
	done
	for i in {1..6}; do
		SMTP=$i smtp_expect '250 2.0.0'
		[ "$(grep -c "^took 127.0.0.$((10 + i)) " "$DAEMONS/backend.log")" = 1 ]
	done
	# Never more than two at a time, and they did have to wait.
	grep -q 'MTA: 2 connections, 0 free, 2 busy, [1-4] queued' \
		"$DAEMONS/tarpitd-notified.log"
	never_logged tarpitd-notified 'MTA: [3-9] connections'
}

@test "identity: the MTA refuses one client, and no other" {
	backend proxy refuses-9
	dispatcher
	greet 127.0.0.9
	recipient '554 5.7.1 Not you'
	SMTP=other greet 127.0.0.8
	SMTP=other recipient '250 2.1.5'
	SMTP=other smtp_say 'RCPT TO:<bad@dest.test>'
	SMTP=other smtp_expect '550-5.1.1'
}

@test "identity: however the MTA turns one client away, the others are served" {
	backend proxy goodbye-9
	dispatcher
	greet 127.0.0.9
	recipient '451 4.7.1 Not now'
	SMTP=other greet 127.0.0.8
	SMTP=other recipient '250 2.1.5'
	stop_daemon backend || :
	backend proxy closes-9
	SMTP=second greet 127.0.0.9
	SMTP=second recipient '451 4.3.0' v
	SMTP=third greet 127.0.0.7
	SMTP=third recipient '250 2.1.5'
	never_logged tarpitd event=backend_down
}

@test "identity: the MTA comes and goes" {
	dispatcher BackendTimeout=20s
	wait_for_record tarpitd event=backend_down
	greet
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 2.1.0'
	smtp_say 'RCPT TO:<u@dest.test>'
	wait_for_notify tarpitd '1 queued'
	backend proxy
	smtp_expect '250 2.1.5'
	wait_for_record tarpitd event=backend_up
	message
	smtp_expect '250 2.0.0'
}

@test "identity: no 250 when the MTA is lost before or after the dot" {
	backend proxy drops-body
	dispatcher BackendTimeout=2s
	greet
	recipient '250 2.1.5'
	message
	smtp_expect '451 4.3.0'
	stop_daemon backend || :
	backend proxy drops-dot
	SMTP=after greet 127.0.0.3
	SMTP=after recipient '250 2.1.5'
	SMTP=after message
	SMTP=after smtp_expect '451 4.3.0'
	never_logged backend '^took'
}

@test "identity: an MTA that wants no header serves nobody" {
	backend
	dispatcher BackendTimeout=1s
	wait_for_record tarpitd event=backend_down
	greet
	recipient '451 4.3.0'
	never_logged backend '^asked'
}

@test "identity: a client that leaves while it waits takes its place along" {
	backend proxy deaf
	dispatcher BackendConnections=1 BackendTimeout=20s
	greet 127.0.0.2
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 2.1.0'
	smtp_say 'RCPT TO:<u@dest.test>'
	wait_for_log backend '^asked 127.0.0.2'
	SMTP=other greet 127.0.0.3
	SMTP=other smtp_say 'MAIL FROM:<a@b.test>'
	SMTP=other smtp_expect '250 2.1.0'
	SMTP=other smtp_say 'RCPT TO:<u@dest.test>'
	wait_for_notify tarpitd '1 queued'
	smtp_close
	wait_for_log backend '^asked 127.0.0.3'
	record_of 127.0.0.2 outcome=abandoned
}
