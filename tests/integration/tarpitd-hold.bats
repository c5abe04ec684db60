#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The dialogue that cannot succeed.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() { tarpitd_setup; }

teardown() {
	smtp_close_all
	stop_daemons
}

# held [KEY=VALUE]...: a dispatcher that holds everybody.
held() {
	policy '* action=hold rate=2000 reason=list.drop+100 score=100'
	tarpitd "$@"
}

rss() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' \
		"/proc/$(daemon_pid tarpitd)/status"
}

@test "hold: a client of good manners hears each recipient refused" {
	held
	smtp_play - "$AT" 127.0.0.2 <<-'END'
		S: 220 mx.test ESMTP$
		C: EHLO client.test
		S: 250-mx.test$
		S* 250-
		S: 250 ENHANCEDSTATUSCODES$
		C: MAIL FROM:<a@client.test> SIZE=100
		S: 250 2.1.0
		C: RCPT TO:<b@mx.test>
		S: 450 4.7.1 Try again later$
		C: RCPT TO:<c@mx.test>
		S: 450 4.7.1 Try again later$
		C: DATA
		S: 554 5.5.1
		C: QUIT
		S: 221 2.0.0
		E:
	END
	record_of 127.0.0.2 outcome=refused lane=hold recipients=2 \
		helo=client.test 'sender=<a@client.test>' score=100 \
		reason=list.drop+100
}

@test "hold: every command, pipelined" {
	held
	smtp_play - "$AT" 127.0.0.2 <<-'END'
		S: 220 mx.test
		B: RCPT TO:<x@mx.test>\r\nDATA\r\nMAIL FROM:<a@b>\r\nhelo there\r\nMAIL\r\n
		B: NOOP\r\nRSET\r\nVRFY root\r\nHELP\r\nEXPN x\r\nSTARTTLS\r\n
		B: AUTH PLAIN AGEAYg==\r\nBDAT 3 LAST\r\nXYZZY\r\n\r\nQUIT\r\n
		S: 503 5.5.1
		S: 503 5.5.1
		S: 503 5.5.1
		S: 250 mx.test
		S: 501 5.5.4
		S: 250 2.0.0
		S: 250 2.0.0
		S: 252 2.1.5
		S: 214 2.0.0
		S: 502 5.5.1
		S: 454 4.7.0
		S: 454 4.7.0
		S: 502 5.5.1
		S: 500 5.5.2
		S: 500 5.5.2
		S: 221 2.0.0
		E:
	END
	# Not impatient: it has heard refusals.
	record_of 127.0.0.2 outcome=refused helo=there recipients=0 |
		grep -F 'refusal="500 5.5.2 Error: command not recognized" refused_by=tarpit'
}

@test "hold: HoldReply= is what recipients hear" {
	held HoldReply='550 5.7.1 See https://example.org/listed'
	smtp_play - "$AT" 127.0.0.2 <<-'END'
		S: 220 mx.test
		B: HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@mx.test>\r\nQUIT\r\n
		S: 250 mx.test
		S: 250 2.1.0
		S: 550 5.7.1 See https://example.org/listed$
		S: 221 2.0.0
		E:
	END
}

@test "hold: bare LF, NUL and lines over the limit" {
	held
	{
		echo 'S: 220 mx.test'
		printf 'B: EHLO %0992d\\r\\n\n' 0
		echo 'S* 250-'
		echo 'S: 250 '
		printf 'B: EHLO %03500d\\r\\nNOOP\\r\\n\n' 0
		echo 'S: 500 5.5.2 Error: line too long'
		echo 'S: 250 2.0.0'
		echo 'B: NOOP\nNO\0OP\r\nQUIT\n'
		echo 'S: 500 5.5.2 Error: bare <LF>'
		echo 'S: 501 5.5.4'
		echo 'S: 500 5.5.2 Error: bare <LF>'
		echo 'B: \xff\xfe\x80\x01\r\nQUIT\r\n'
		echo 'S: 500 5.5.2'
		echo 'S: 221 '
		echo 'E:'
	} >"$DAEMONS/dialogue"
	smtp_play "$DAEMONS/dialogue" "$AT" 127.0.0.2
}

@test "hold: a line that comes byte by byte is one" {
	local i
	held
	smtp_connect "$AT"
	smtp_expect '220 '
	for ((i = 0; i < 400; i++)); do smtp_send x; done
	smtp_send '\r\n'
	smtp_expect '500 5.5.2 Error: command not'
}

@test "hold: nothing of all bytes disturbs it" {
	local i text
	held
	for ((i = 0; i < 256; i++)); do printf -v text '%s\\x%02x' "$text" "$i"; done
	smtp_connect "$AT"
	smtp_expect '220 '
	smtp_send "$text\\r\\n"
	smtp_expect '500 5.5.2 Error: bare <LF>'
	smtp_expect '50[01] 5.5'
	smtp_say QUIT
	smtp_expect '221 '
	smtp_expect_eof
}

@test "hold: a flood of commands, or of one endless line, costs no memory" {
	local before
	held MaxPerClient=0
	smtp_connect "$AT"
	smtp_expect '220 '
	before=$(rss)
	pace --after 10 --flood "$(printf 'NOOP\\r\\n%.0s' {1..500})" \
		--for 4000 127.0.0.1 "$PORT" >"$DAEMONS/a" &
	pace --after 10 --flood "$(printf 'x%.0s' {1..5000})" --for 4000 \
		127.0.0.1 "$PORT" >"$DAEMONS/b" &
	wait_until "grep -q sent '$DAEMONS/a'"
	wait_until "grep -q sent '$DAEMONS/b'"
	cat "$DAEMONS/a" "$DAEMONS/b"
	[ "$(sed -n 's/.*sent \([0-9]*\).*/\1/p' "$DAEMONS/a")" -gt 60000 ]
	[ "$(sed -n 's/.*sent \([0-9]*\).*/\1/p' "$DAEMONS/b")" -gt 60000 ]
	[ $(($(rss) - before)) -le 256 ]
	smtp_say NOOP
	smtp_expect '250 '
}

@test "hold: an end at any point is an end" {
	local text
	held MaxPerClient=0
	# Half a close, a close and a reset: before the greeting, after half of
	# a line, after a whole one, and in a line that is too long.
	for text in '' 'EHL' 'EHLO x\r\n' "$(printf 'x%.0s' {1..2000})"; do
		pace --until 19 --send "$text" 127.0.0.1 "$PORT" &
		pace --until 19 --send "$text" --reset 127.0.0.1 "$PORT" &
		pace --until 1 --send "$text" --reset 127.0.0.1 "$PORT" &
		smtp_connect "$AT"
		smtp_send "$text"
		smtp_shutdown
		smtp_skip ...-
		smtp_skip '...'
		smtp_close
	done
	# One that closes its half before a word is said is a probe, maybe.
	wait_until "[ \$(grep -c outcome=abandoned '$DAEMONS/tarpitd.log') -ge 15 ]"
	smtp_connect "$AT"
	smtp_expect '220 '
}

@test "hold: silence is ended by CommandTimeout=" {
	held CommandTimeout=1s
	smtp_play - "$AT" 127.0.0.2 <<-'END'
		S: 220 mx.test
		S: 421 4.4.2 mx.test
		E:
	END
	record_of 127.0.0.2 outcome=abandoned lane=hold
	# Half a line is silence, too.
	smtp_play - "$AT" 127.0.0.3 <<-'END'
		S: 220 mx.test
		B: EHL
		S: 421 4.4.2 mx.test
		E:
	END
}

@test "hold: a client that does not read its replies is given up" {
	held CommandTimeout=1s
	pace --deaf --rcvbuf 1 --for 30000 --flood "$(printf 'HELP\\r\\n%.0s' {1..500})" \
		127.0.0.1 "$PORT" >"$DAEMONS/pace" &
	kill -0 $!
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 '
	smtp_say QUIT
	smtp_expect '221 '
}

@test "hold: the greeting is dripped for HoldGreeting=" {
	local began
	policy '* action=hold rate=100'
	tarpitd HoldGreeting=2s
	began=$(clock_usec)
	smtp_connect "$AT"
	smtp_expect '220-mx.test ESMTP$'
	smtp_expect_reply 220 ESMTP
	[ $(($(clock_usec) - began)) -ge 1900000 ]
	[ "$LINE" = '220 mx.test ESMTP' ]
}

@test "hold: RSET is answered within 20 s at a rate of 1" {
	local began
	policy '* action=hold rate=1'
	tarpitd HostName=m
	smtp_connect "$AT"
	smtp_expect '220 m'
	began=$(clock_usec)
	smtp_say RSET
	smtp_expect '250 2.0.0'
	[ $(($(clock_usec) - began)) -lt 20000000 ]
}
