#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The throttle lane, between a fake policy service and a fake MTA: the
# dialogue, the pool of connections, and what is lost when something fails.

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

# throttled [RATE [PATIENCE]]: the policy that throttles everybody.
throttled() {
	policy "* action=throttle rate=${1-0} patience=${2-0} score=70 reason=test"
}

# dispatcher [KEY=VALUE]...: and it has learned what the MTA offers.
dispatcher() {
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		BackendConnections=2 "$@"
	wait_for_log backend '^connected$'
	wait_for_notify tarpitd '1 free'
}

data() {
	smtp_say DATA
	smtp_expect '354 '
}

# lines N: of 72 bytes.
lines() {
	yes "$(printf 'x%.0s' {1..70})"$'\r' | head -n "$1"
}

took() {
	grep -c '^took ' "$DAEMONS/backend.log" || :
}

@test "throttle: a message goes through with its client's identity" {
	backend
	throttled
	dispatcher
	greet 127.0.0.7
	envelope u@dest.test v@dest.test
	data
	smtp_send 'Subject: x\r\n\r\n..stuffed\r\n.\r\n'
	smtp_expect '250 2.0.0 Ok: queued as FAKE$'
	smtp_say QUIT
	smtp_expect '221 2.0.0'
	smtp_expect_eof
	grep -q '^took 127.0.0.7 client.test <a@b.test> 25 <u@dest.test> <v@dest.test>$' \
		"$DAEMONS/backend.log"
	grep -q '^body ..stuffed$' "$DAEMONS/backend.log"
	record_of 127.0.0.7 outcome=delivered lane=throttle delivered=1 \
		unheard=0 recipients=2 helo=client.test 'sender=<a@b.test>' \
		pace=recipient-accepted\*2
}

@test "throttle: what is offered is what both can do" {
	backend
	throttled
	dispatcher MaxMessageSize=300K
	smtp_play - "$AT" <<-'END'
		S: 220 mx.test ESMTP$
		C: EHLO client.test
		S: 250-mx.test$
		S: 250-PIPELINING$
		S: 250-8BITMIME$
		S: 250-ENHANCEDSTATUSCODES$
		S: 250-DSN$
		S: 250-SMTPUTF8$
		S: 250-CHUNKING$
		S: 250 SIZE 1000000$
		C: AUTH PLAIN AGEAYg==
		S: 454 4.7.0
		C: ETRN dest.test
		S: 458 4.7.1
		C: STARTTLS
		S: 454 4.7.0
		C: XCLIENT ADDR=192.0.2.1
		S: 502
		C: MAIL FROM:<a@b.test> SIZE=307201
		S: 452 4.3.1
		C: HELO client.test
		S: 250 mx.test$
		C: QUIT
		S: 221
		E:
	END
	! grep -q ^heard "$DAEMONS/backend.log"
}

@test "throttle: an MTA without extensions is offered without" {
	backend plain
	throttled
	dispatcher
	smtp_play - "$AT" <<-'END'
		S: 220
		C: EHLO client.test
		S: 250-mx.test$
		S: 250-PIPELINING$
		S: 250 CHUNKING$
		C: MAIL FROM:<a@b.test> BODY=8BITMIME
		S: 250
		C: RSET
		S: 250
	END
}

@test "throttle: the MTA's verdict on a recipient is relayed word for word" {
	backend
	throttled
	dispatcher
	greet
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'RCPT TO:<bad@dest.test>'
	smtp_expect '550-5.1.1 <bad@dest.test>:$'
	smtp_expect '550 5.1.1 no such user$'
	smtp_say 'RCPT TO:<later@dest.test>'
	smtp_expect '451 4.7.1 Later$'
	smtp_say DATA
	smtp_expect '554 5.5.1'
	smtp_close
	record_of 127.0.0.1 outcome=refused recipients=0 delivered=0
}

@test "throttle: commands sent ahead are answered in order" {
	backend
	throttled
	dispatcher
	greet
	smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<bad@d.test>\r\nRCPT TO:<u@d.test>\r\nDATA\r\n'
	smtp_expect '250 2.1.0'
	smtp_expect '550-5.1.1'
	smtp_expect '550 5.1.1'
	smtp_expect '250 2.1.5'
	smtp_expect '354 '
	smtp_send 'x\r\n.\r\nMAIL FROM:<c@d.test>\r\nQUIT\r\n'
	smtp_expect '250 2.0.0 Ok: queued'
	smtp_expect '250 2.1.0'
	smtp_expect '221 '
	smtp_expect_eof
	[ "$(took)" = 1 ]
}

@test "throttle: chunks become a message" {
	backend
	throttled
	dispatcher
	greet
	envelope
	smtp_send 'BDAT 6\r\nab\r\n.\r'
	smtp_expect '250 '
	smtp_send 'BDAT 5 LAST\r\n\n.\r\ny'
	smtp_expect '250 2.0.0 Ok: queued'
	# A refused chunk is read all the same: its bytes are no commands.
	smtp_send 'BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n'
	smtp_expect '503 '
	smtp_expect '250 '
	grep -q '^body \.\.$' "$DAEMONS/backend.log"
	grep -q '^body y$' "$DAEMONS/backend.log"
	[ "$(took)" = 1 ]
}

@test "throttle: no other end of data than the real one" {
	backend
	throttled
	dispatcher
	for end in '\n.\n' '\n.\r\n' '\r\n.\n' '\r.\r' '\r.\r\n' '\r\n.\r' '\r\n\0.\r\n'; do
		greet
		envelope
		data
		smtp_send "x${end}MAIL FROM:<smuggler@b.test>\\r\\nRCPT TO:<v@d.test>\\r\\n"
		smtp_send 'DATA\r\ny\r\n.\r\n'
		smtp_expect '(250|451 4.5.2)'
		smtp_say QUIT
		smtp_expect '221 '
		smtp_close
	done
	# Of bare LF they are text, with CR they are refused.
	[ "$(took)" = 3 ]
	[ "$(grep -cx 'body \.\.' "$DAEMONS/backend.log")" = 3 ]
	[ "$(grep -cx 'body MAIL FROM:<smuggler@b.test>' "$DAEMONS/backend.log")" = 3 ]
	! grep -q '^took.*smuggler' "$DAEMONS/backend.log"
}

@test "throttle: a message too large is refused, and the next one is not" {
	backend
	throttled
	dispatcher MaxMessageSize=64K
	greet
	envelope
	data
	lines 1000 >&"${SMTP_OUT[client]}"
	smtp_send '.\r\n'
	# The MTA would take it, some other time.
	smtp_expect '452 4.3.1'
	envelope
	data
	smtp_send 'x\r\n.\r\n'
	smtp_expect '250 '
	[ "$(took)" = 1 ]
}

@test "throttle: a refused chunk without an end ends the session" {
	backend
	throttled
	dispatcher MaxMessageSize=64K
	greet
	smtp_say 'BDAT 9000000000000 LAST'
	lines 4000 >&"${SMTP_OUT[client]}" || :
	smtp_expect '503 5.5.1'
	smtp_expect_eof
}

@test "throttle: a full spool is a reason to come again" {
	backend
	throttled
	dispatcher SpoolMemory=0 SpoolMax=1K
	greet
	envelope
	data
	lines 30 >&"${SMTP_OUT[client]}"
	smtp_send '.\r\n'
	smtp_expect '452 4.3.1'
	smtp_close
	[ "$(took)" = 0 ]
	record_of 127.0.0.1 outcome=failed delivered=0
	wait_for_log tarpitd 'SpoolMax= is used up; .* event=spool_full '
}

@test "throttle: a full spool is told of once a minute, not once a client" {
	local i
	backend
	throttled
	dispatcher SpoolMemory=0 SpoolMax=1K
	for i in 1 2 3; do
		greet
		envelope
		data
		lines 30 >&"${SMTP_OUT[client]}"
		smtp_send '.\r\n'
		smtp_expect '452 4.3.1'
		smtp_close
	done
	# Two if the three took more than a minute.
	wait_until "[ \$(grep -c outcome=failed '$DAEMONS/tarpitd.log') = 3 ]"
	i=$(grep -c event=spool_full "$DAEMONS/tarpitd.log")
	[ "$i" -ge 1 ] && [ "$i" -lt 3 ]
}

@test "throttle: a recipient that is refused at last costs nothing but time" {
	backend changes
	throttled
	dispatcher BackendConnections=1
	greet
	envelope
	# While it is parked the MTA is not asked a second time.
	wait_for_log backend '^reset 127.0.0.1$'
	data
	smtp_send 'x\r\n.\r\n'
	smtp_expect '451 4.3.0'
	smtp_close
	[ "$(took)" = 0 ]
	record_of 127.0.0.1 outcome=failed delivered=0
}

@test "throttle: the MTA's refusal of a message is relayed" {
	backend refuses-body
	throttled
	dispatcher
	greet
	envelope
	data
	smtp_send 'x\r\n.\r\n'
	smtp_expect '554 5.7.1 Not that$'
	smtp_close
	[ "$(took)" = 0 ]
	record_of 127.0.0.1 outcome=refused delivered=0
}

@test "throttle: no 250 when the MTA is lost before or after the dot" {
	for habit in drops-body drops-dot; do
		backend "$habit"
		[ "$habit" != drops-body ] || { throttled; dispatcher; }
		greet
		envelope
		data
		smtp_send 'x\r\n.\r\n'
		smtp_expect '451 4.3.0'
		smtp_close
		stop_daemon backend || :
		: >"$DAEMONS/backend.log"
	done
}

@test "throttle: a lost connection is made good on another one" {
	backend goodbye
	throttled
	dispatcher BackendConnections=1
	greet
	envelope
	# It says good-bye to the second client of a connection.
	wait_for_log backend '^reset 127.0.0.1$'
	SMTP=other greet 127.0.0.8
	SMTP=other envelope
	[ "$(grep -c ^connected "$DAEMONS/backend.log")" = 2 ]
	data
	smtp_send 'x\r\n.\r\n'
	smtp_expect '250 2.0.0 Ok: queued'
}

@test "throttle: a client that left before the dot's reply gets no message through" {
	backend
	throttled
	dispatcher BackendConnections=1
	greet
	envelope
	data
	kill -STOP "$(daemon_pid tarpitd)"
	smtp_send 'x\r\n.\r\n'
	smtp_close
	kill -CONT "$(daemon_pid tarpitd)"
	record_of 127.0.0.1 outcome=abandoned delivered=0
	[ "$(took)" = 0 ]
}

@test "throttle: half a connection brings no message, unless with a QUIT" {
	backend
	throttled
	dispatcher BackendConnections=1
	greet 127.0.0.7
	envelope
	data
	kill -STOP "$(daemon_pid tarpitd)"
	smtp_send 'x\r\n.\r\n'
	smtp_shutdown
	kill -CONT "$(daemon_pid tarpitd)"
	record_of 127.0.0.7 outcome=abandoned delivered=0
	smtp_close
	# As Exim does it, with DATA and with BDAT.
	greet 127.0.0.8
	envelope
	data
	smtp_send 'x\r\n.\r\nQUIT\r\n'
	smtp_shutdown
	smtp_expect '250 2.0.0 Ok: queued'
	smtp_expect '221 '
	smtp_expect_eof
	smtp_close
	greet 127.0.0.9
	smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<u@d.test>\r\nBDAT 3 LAST\r\nx\r\nQUIT\r\n'
	smtp_shutdown
	smtp_expect '250 2.1.0'
	smtp_expect '250 2.1.5'
	smtp_expect '250 2.0.0 Ok: queued'
	smtp_expect '221 '
	smtp_expect_eof
	[ "$(took)" = 2 ]
	record_of 127.0.0.8 delivered=1 unheard=0
	record_of 127.0.0.9 delivered=1 unheard=0
}

@test "throttle: a line that will never be complete ends the session" {
	backend
	throttled
	dispatcher
	greet
	smtp_send 'MAIL FR'
	smtp_shutdown
	smtp_expect_eof
	record_of 127.0.0.1 outcome=abandoned
}

# The MTA has the message, and takes its time to say so.
wait_at_the_dot() {
	backend slow-dot
	throttled
	dispatcher
	greet
	envelope
	data
	smtp_send 'x\r\n.\r\n'
	wait_for_log backend '^body x$'
}

@test "throttle: a client that left during the MTA's answer is recorded" {
	wait_at_the_dot
	smtp_close
	record_of 127.0.0.1 outcome=delivered delivered=1 unheard=1
	[ "$(took)" = 1 ]
}

@test "throttle: without the right to XCLIENT nothing is done in another's name" {
	backend no-xclient
	throttled 100 1
	mta
	tarpitd Backend=127.0.0.1:"$BACKEND"
	wait_for_log tarpitd event=backend_down
	# It is slowed instead, and the MTA gets it by its descriptor.
	smtp_connect "$AT"
	smtp_skip '220-'
	smtp_expect '220 mta.test'
	smtp_close
	record_of 127.0.0.1 lane=slow verdict=throttle outcome=graduated
	! grep -q ^asked "$DAEMONS/backend.log"
}

@test "throttle: a refused XCLIENT refuses no client for good" {
	backend no-rights
	throttled
	dispatcher
	greet
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '451 4.3.0'
	! grep -q ^asked "$DAEMONS/backend.log"
}

@test "throttle: while the MTA is down clients wait, then they are to come again" {
	throttled
	tarpitd Backend=127.0.0.1:"$BACKEND" BackendTimeout=1s
	wait_for_log tarpitd event=backend_down
	greet
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '451 4.3.0'
	backend
	wait_for_log tarpitd event=backend_up
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '250 2.1.5'
}

@test "throttle: an MTA that does not answer is given up" {
	backend deaf
	throttled
	dispatcher BackendTimeout=1s
	greet
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '451 4.4.2'
}

@test "throttle: many clients share few connections" {
	backend
	throttled
	dispatcher BackendConnections=2
	local i
	for i in {1..20}; do SMTP=$i greet 127.0.1."$i"; done
	for i in {1..20}; do SMTP=$i smtp_say 'MAIL FROM:<a@b.test>'; done
	for i in {1..20}; do SMTP=$i smtp_expect '250 '; done
	for i in {1..20}; do SMTP=$i smtp_say "RCPT TO:<u$i@dest.test>"; done
	for i in {1..20}; do SMTP=$i smtp_expect '250 '; done
	for i in {1..20}; do SMTP=$i data; done
	for i in {1..20}; do SMTP=$i smtp_send 'x\r\n.\r\n'; done
	for i in {1..20}; do SMTP=$i smtp_expect '250 2.0.0 Ok: queued'; done
	[ "$(took)" = 20 ]
	for i in {1..20}; do
		grep -q "^took 127.0.1.$i client.test <a@b.test> 3 <u$i@dest.test>$" \
			"$DAEMONS/backend.log"
	done
	[ "$(grep -c ^connected "$DAEMONS/backend.log")" -le 2 ]
}

@test "throttle: a pregreet is caught as in the other lanes" {
	backend
	throttled 50 5
	dispatcher
	smtp_connect "$AT"
	smtp_say 'EHLO early.test'
	smtp_skip '220-'
	smtp_expect '220 mx.test'
	smtp_expect_reply 250
	smtp_close
	record_of 127.0.0.1 lane=hold verdict=throttle
}

@test "throttle: too many errors end the session" {
	backend
	throttled
	dispatcher
	greet
	for _ in {1..19}; do
		smtp_say 'GET / HTTP/1.1'
		smtp_expect '500 '
	done
	smtp_say 'GET / HTTP/1.1'
	smtp_expect '421 4.7.0'
	smtp_expect_eof
}

@test "throttle: a line too long is refused, an endless one ends the session" {
	backend
	throttled
	dispatcher
	greet
	printf 'NOOP %03000d\r\n' 0 >&"${SMTP_OUT[client]}"
	smtp_expect '451 4.5.2'
	smtp_say NOOP
	smtp_expect '250 '
	# The dispatcher may have had enough before all of it is out.
	head -c 100000 /dev/zero | tr '\0' x >&"${SMTP_OUT[client]}" || :
	smtp_expect '421 '
	smtp_expect_eof
}

@test "throttle: replies take their time, and no more than they may" {
	backend
	throttled 1
	dispatcher MaxPatience=2s MaxReplyTime=2s MaxDialogueDelay=6s
	local from
	from=$(clock_usec)
	# The greeting and the reply would take minutes at one byte a second,
	# longer than anything here waits for a line.
	greet
	[ $(($(clock_usec) - from)) -gt 3000000 ]
	envelope
	data
	smtp_send 'x\r\n.\r\n'
	smtp_expect '250 '
	# From then on it is served at full speed: at two seconds a reply and
	# one a command this would be a minute.
	from=$(clock_usec)
	for _ in {1..20}; do
		smtp_say NOOP
		smtp_expect '250 '
	done
	[ $(($(clock_usec) - from)) -lt 30000000 ]
	smtp_close
	record_of 127.0.0.1 outcome=delivered
	record_of 127.0.0.1 | grep -q 'pace=.*patient'
}

@test "throttle: a body is slowed for its time and no longer" {
	backend
	throttled 5
	dispatcher MaxReplyTime=1s MaxBodyDelay=2s
	greet
	envelope
	data
	local from
	from=$(clock_usec)
	lines 7000 >&"${SMTP_OUT[client]}"
	smtp_send '.\r\n'
	smtp_expect '250 2.0.0 Ok: queued'
	# And not the day that it would take at 5 bytes a second.
	[ $(($(clock_usec) - from)) -gt 1900000 ]
	grep -q '^took 127.0.0.1 client.test <a@b.test> 504000 ' \
		"$DAEMONS/backend.log"
}

@test "throttle: SIGTERM lets a message that the MTA has be answered" {
	wait_at_the_dot
	kill -TERM "$(daemon_pid tarpitd)"
	smtp_expect '250 2.0.0 Ok: queued'
	smtp_expect '421 '
	smtp_expect_eof
	wait_for_exit tarpitd
	record_of 127.0.0.1 outcome=shed delivered=1
}

# at_the_dot HOW KEY=VALUE...: the MTA has the end of a message that came by
# DATA or by BDAT, and is silent.
at_the_dot() {
	backend deaf-dot
	throttled
	dispatcher "${@:2}"
	greet
	envelope
	if [ "$1" = BDAT ]; then
		smtp_send 'BDAT 3 LAST\r\nx\r\n'
	else
		data
		smtp_send 'x\r\n.\r\n'
	fi
	wait_for_log backend '^body x$'
}

@test "throttle: SIGTERM tells nobody 421 whose message the MTA has" {
	local how
	for how in DATA BDAT; do
		at_the_dot $how StopTimeout=0 StopCommitTimeout=1s
		SMTP=other greet 127.0.0.8
		kill -TERM "$(daemon_pid tarpitd)"
		SMTP=other smtp_expect '421 4.3.2'
		# Neither a second one nor a reload makes it shorter.
		kill -TERM "$(daemon_pid tarpitd)"
		kill -HUP "$(daemon_pid tarpitd)"
		smtp_expect_eof
		wait_for_exit tarpitd
		record_of 127.0.0.1 outcome=failed delivered=0
		never_logged tarpitd event=reloaded
		grep -q 'event=message_unsure .*client=127.0.0.1' \
			"$DAEMONS/tarpitd.log"
		smtp_close_all
		stop_daemons
		rm "$DAEMONS"/*.log
	done
}

@test "throttle: an MTA that greets with a refusal, or not at all, does not serve" {
	local greeting
	local -A why=([421.]='it said 421' [554.]='its greeting is a refusal'
		[.]='it closed the connection')
	BACKEND=$(free_port)
	throttled
	for greeting in '421 4.3.2 Busy' '554-5.7.1 No\r\n554 5.7.1 mail' ''; do
		printf %b "${greeting:+$greeting\\r\\n}" >"$DAEMONS/greeting"
		start_daemon busy socat \
			"TCP-LISTEN:$BACKEND,bind=127.0.0.1,reuseaddr,fork" \
			"EXEC:cat $DAEMONS/greeting"
		wait_for_port busy "$BACKEND"
		tarpitd Backend=127.0.0.1:"$BACKEND" BackendTimeout=1s
		wait_for_record tarpitd event=backend_down |
			grep -F "sessions: ${why[${greeting:0:3}.]}"
		ctl status | grep -q '^  throttle *DOWN; '
		ctl metrics | grep -qx 'tarpit_backend_up 0'
		greet
		smtp_say 'MAIL FROM:<a@b.test>'
		smtp_expect '250 '
		smtp_say 'RCPT TO:<u@dest.test>'
		smtp_expect '451 4.3.0'
		smtp_say QUIT
		smtp_expect 221
		record_of 127.0.0.1 lane=throttle outcome=failed refused_by=tarpit
		smtp_close
		stop_daemon busy || :
		stop_daemon tarpitd
		rm "$DAEMONS/tarpitd.log"
	done
}

@test "throttle: a reload takes another MTA, and drops no session" {
	backend
	throttled
	dispatcher
	greet
	configure Backend=127.0.0.1:1 SpoolDirectory="$DAEMONS" BackendTimeout=1s
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=backend_down
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '451 4.3.0'
	configure Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS"
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=backend_up
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '250 2.1.5'
}
