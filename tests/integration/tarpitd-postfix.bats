#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpitd in front of a real Postfix, and mail by a real client.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/postfix

setup() {
	tarpitd_setup
	postfix_setup
	policy '127.0.0.3 action=slow rate=300 patience=2 score=40' \
		'127.0.0.2 action=hold rate=2000 score=100' \
		'* action=pass rate=0'
}

teardown() {
	smtp_close_all
	postfix_remove
	stop_daemons
}

# mail CLIENT [OPTION]...: one mail by swaks.
mail() {
	swaks --server 127.0.0.1 --port "$PORT" --local-interface "$1" \
		--helo client.test --from a@client.test --to b@mx.test \
		--header "Subject: from $1" "${@:2}" \
		>"$DAEMONS/swaks.$1.log" 2>&1 || {
		local status=$?
		cat "$DAEMONS/swaks.$1.log"
		return "$status"
	}
}

in_front() {
	tarpitd Handoff="postfix:$PASS" "$@"
}

@test "postfix: mail of a clean client, with its address" {
	postfix_start
	in_front
	mail 127.0.0.9
	wait_for_mail 1
	grep -A 1 '^Received: from client.test' "$MAIL"/new/* |
		grep -Fq '[127.0.0.9]'
	grep -q '^Subject: from 127.0.0.9' "$MAIL"/new/*
	record_of 127.0.0.9 outcome=passed bytes_out=0
	grep -q 'connect from unknown\[127.0.0.9\]' "$POSTFIX/log"
}

@test "postfix: mail of a slowed client, in one greeting" {
	postfix_start
	in_front
	mail 127.0.0.3
	grep -q '^<-  220-mx.test ESMTP' "$DAEMONS/swaks.127.0.0.3.log"
	grep -q '^<-  220 mta.test ESMTP Postfix' "$DAEMONS/swaks.127.0.0.3.log"
	wait_for_mail 1
	grep -A 1 '^Received: from client.test' "$MAIL"/new/* |
		grep -Fq '[127.0.0.3]'
	record_of 127.0.0.3 outcome=graduated
}

@test "postfix: a held client is refused, and Postfix knows nothing of it" {
	postfix_start
	in_front
	run mail 127.0.0.2
	[ "$status" = 24 ] # no recipient accepted
	grep -q '450 4.7.1 Try again later' "$DAEMONS/swaks.127.0.0.2.log"
	record_of 127.0.0.2 outcome=refused recipients=1
	[ "$(grep -c 127.0.0.2 "$POSTFIX/log")" = 0 ]
}

@test "postfix: IPv6" {
	postfix_start
	AT="[::1]:$PORT" in_front
	smtp_connect "[::1]:$PORT"
	smtp_expect '220 mta.test ESMTP Postfix'
	smtp_say QUIT
	smtp_expect '221 '
	grep -q 'connect from unknown\[::1\]' "$POSTFIX/log"
	record_of ::1 outcome=passed
}

@test "postfix: a big message at full speed behind a slow greeting" {
	postfix_start
	in_front
	head -c 3000000 /dev/zero | tr '\0' x | fold -w 70 >"$DAEMONS/body"
	mail 127.0.0.3 --body "@$DAEMONS/body" --timeout 30
	wait_for_mail 1
	[ "$(cat "$MAIL"/new/* | wc -c)" -gt 3000000 ]
}

@test "postfix: many at once, all delivered" {
	local i
	postfix_start
	in_front
	for i in {1..12}; do
		mail "127.0.1.$i" &
	done
	mail 127.0.0.3
	wait_for_mail 13
	[ "$(grep -c outcome=passed "$DAEMONS/tarpitd.log")" = 12 ]
}

@test "postfix: stopped, and started again under clients that wait" {
	postfix_start
	in_front
	mail 127.0.0.9
	postfix_stop
	smtp_connect "$AT" 127.0.0.8
	wait_for_log tarpitd event=handoff_down
	postfix_start
	smtp_expect '220 mta.test ESMTP Postfix'
	wait_for_log tarpitd event=handoff_up
	record_of 127.0.0.8 outcome=passed
	mail 127.0.0.7
	wait_for_mail 2
}

@test "postfix: stopped with sessions in its backlog, which come back" {
	local i
	# One smtpd, kept busy; the others wait behind it.
	POSTFIX_PROCESSES=1 postfix_master_cf >"$POSTFIX/etc/master.cf"
	postfix_start
	in_front
	SMTP=busy smtp_connect "$AT" 127.0.0.9
	SMTP=busy smtp_expect '220 mta.test'
	for i in 1 2 3; do SMTP=c$i smtp_connect "$AT" "127.0.1.$i"; done
	wait_for_notify tarpitd '3 to the MTA'
	postfix_stop
	wait_for_log tarpitd event=handoff_down
	never_logged tarpitd client=127.0.1
	postfix_master_cf >"$POSTFIX/etc/master.cf"
	postfix_start
	for i in 1 2 3; do
		SMTP=c$i smtp_expect '220 mta.test ESMTP Postfix'
		record_of "127.0.1.$i" outcome=passed
	done
}

@test "postfix: gone for good, 421" {
	in_front HandoffTimeout=1s
	run mail 127.0.0.9
	[ "$status" != 0 ]
	grep -q '421 4.3.2 mx.test' "$DAEMONS/swaks.127.0.0.9.log"
	record_of 127.0.0.9 outcome=failed
}
