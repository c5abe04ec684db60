#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The throttle lane's connections to the MTA as its clients see them: what is
# parked between two commands never leaks into what comes next, and nothing is
# lost with it.  What goes over the wire is in tests/unit/tarpitd/mux_test.c.

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

# throttled [KEY=VALUE]...: everybody, at full speed, over one connection.
throttled() {
	backend
	policy '* action=throttle rate=0 patience=0 score=70 reason=test'
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		BackendConnections=1 "$@"
	wait_for_notify tarpitd '1 free'
}

submit() {
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'x\r\n.\r\n'
	smtp_expect '250 2.0.0 Ok: queued'
}

# took: what the MTA has taken, without the client.
took() {
	sed -n 's/^took [^ ]* [^ ]* //p' "$DAEMONS/backend.log"
}

# The processes of the fake MTA that serve a connection.
serving() {
	pgrep -P "$(daemon_pid backend)"
}

@test "pool: a refused recipient is no part of the message" {
	throttled
	greet
	smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<u@d.test>\r\nRCPT TO:<bad@d.test>\r\nRCPT TO:<v@d.test>\r\nDATA\r\n'
	smtp_expect '250 2.1.0'
	smtp_expect '250 2.1.5'
	smtp_expect '550-5.1.1'
	smtp_expect '550 5.1.1'
	smtp_expect '250 2.1.5'
	smtp_expect '354 '
	smtp_send 'x\r\n.\r\n'
	smtp_expect '250 2.0.0 Ok: queued'
	[ "$(took)" = '<a@b.test> 3 <u@d.test> <v@d.test>' ]
}

@test "pool: after RSET or EHLO nothing is left of the transaction" {
	throttled
	greet
	local verb
	for verb in RSET 'EHLO client.test' 'HELO client.test'; do
		smtp_send "MAIL FROM:<old@b.test>\\r\\nRCPT TO:<old@d.test>\\r\\n$verb\\r\\n"
		smtp_expect '250 2.1.0'
		smtp_expect '250 2.1.5'
		smtp_skip '250-'
		smtp_expect '250 '
		envelope new@d.test
		submit
	done
	[ "$(took | sort -u)" = '<a@b.test> 3 <new@d.test>' ]
	[ "$(took | wc -l)" = 3 ]
}

@test "pool: a client that leaves with its transaction open holds up nobody" {
	throttled
	greet 127.0.0.7
	envelope gone@d.test
	smtp_close
	greet 127.0.0.8
	envelope u@d.test
	submit
	wait_for_log backend '^reset 127.0.0.7$'
	[ "$(took)" = '<a@b.test> 3 <u@d.test>' ]
	record_of 127.0.0.7 outcome=abandoned recipients=1 delivered=0
}

@test "pool: a connection that the MTA closes meanwhile is made good" {
	throttled
	greet
	envelope u@d.test
	kill -STOP "$(daemon_pid tarpitd)"
	kill "$(serving)"
	smtp_send 'RCPT TO:<v@d.test>\r\nDATA\r\n'
	kill -CONT "$(daemon_pid tarpitd)"
	smtp_expect '250 2.1.5'
	smtp_expect '354 '
	kill "$(serving)"
	smtp_send 'x\r\n.\r\n'
	smtp_expect '250 2.0.0 Ok: queued'
	[ "$(took)" = '<a@b.test> 3 <u@d.test> <v@d.test>' ]
}

@test "pool: a crowd of fast clients on one connection loses nothing" {
	throttled
	local i
	for i in {1..12}; do SMTP=$i greet 127.0.1."$i"; done
	for i in {1..12}; do
		SMTP=$i smtp_send "MAIL FROM:<a@b.test>\\r\\nRCPT TO:<u$i@d.test>\\r\\n"
	done
	# Each has to give way to the next one.
	for i in {1..12}; do
		SMTP=$i smtp_expect '250 2.1.0'
		SMTP=$i smtp_expect '250 2.1.5'
	done
	for i in {12..1}; do SMTP=$i submit; done
	for i in {1..12}; do
		grep -q "^took 127.0.1.$i client.test <a@b.test> 3 <u$i@d.test>$" \
			"$DAEMONS/backend.log"
	done
	[ "$(took | wc -l)" = 12 ]
	[ "$(grep -c ^connected "$DAEMONS/backend.log")" = 1 ]
}

@test "pool: for a new suspect no session in a transaction is shed" {
	throttled MaxSessions=4 ReserveForPass=2
	SMTP=1 greet 127.0.1.1
	SMTP=1 envelope u@d.test
	SMTP=2 greet 127.0.1.2
	# One that idles goes for it.
	SMTP=3 greet 127.0.1.3
	SMTP=2 smtp_expect '421 4.3.2'
	SMTP=2 smtp_expect_eof
	record_of 127.0.1.2 outcome=shed 'reason="test limit:ReserveForPass"'
	SMTP=3 envelope u@d.test
	SMTP=4 smtp_connect "$AT" 127.0.1.4
	SMTP=4 smtp_expect '421 4.3.2'
	SMTP=4 smtp_expect_eof
	wait_for_log tarpitd 'no other can go, and new ones .* event=shedding'
	SMTP=1 submit
	SMTP=3 submit
	record_of 127.0.1.4 outcome=shed
}
