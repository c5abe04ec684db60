#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Handoff=proxy:ADDRESS:PORT: clean and patient sessions go through us to an MTA
# elsewhere, a real Postfix where mail matters.

bats_require_minimum_version 1.5.0

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/postfix
load ../helpers/haproxy

setup() {
	tarpitd_setup
	MTA_PORT=$(free_port)
}

teardown() {
	smtp_close_all
	stop_daemons
	postfix_remove
}

# relaying [KEY=VALUE]...: with these rules of everybody's.
relaying() {
	tarpitd Handoff=proxy:127.0.0.1:"$MTA_PORT" "$@"
}

real_mta() {
	postfix_setup
	echo "127.0.0.1:$MTA_PORT inet n - n - - smtpd" \
		'-o smtpd_upstream_proxy_protocol=haproxy' \
		>>"$POSTFIX/etc/master.cf"
	postfix_start
}

# An MTA that is told of its client; see fake_backend.c.
mta() {
	start_daemon mta "$BUILD/tests/helpers/fake_backend" "$MTA_PORT" \
		proxy "$@"
	wait_for_port mta "$MTA_PORT"
}

# deliver SOURCE [SWAKS-OPTION]...
deliver() {
	swaks --server "$AT" --local-interface "$1" --from a@b.test \
		--to u@mx.test --helo client.test --timeout 60 \
		--silent 2 "${@:2}" 3>&-
}

@test "relay: Postfix knows the client, passed or graduated" {
	real_mta
	policy '127.0.0.2 action=pass' \
		'127.0.0.3 action=slow rate=200 patience=1 score=30'
	relaying
	deliver 127.0.0.2
	deliver 127.0.0.3
	wait_for_mail 2
	record_of 127.0.0.2 outcome=passed lane=pass
	record_of 127.0.0.3 outcome=graduated lane=slow
	grep -q 'connect from unknown\[127.0.0.2\]' "$POSTFIX/log"
	grep -rq '^Received: from client.test (unknown \[127.0.0.3\])' "$MAIL/new"
	[ "$(grep -c event=session "$DAEMONS/tarpitd.log")" = 2 ]
}

@test "relay: one greeting, ours and the MTA's" {
	real_mta
	policy '* action=slow rate=200 patience=1 score=30'
	relaying
	smtp_connect "$AT"
	smtp_expect '220-mx.test ESMTP'
	smtp_skip 220-
	smtp_expect '220 mta.test ESMTP Postfix'
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
	smtp_say QUIT
	smtp_expect '221 2.0.0'
	smtp_expect_eof
	wait_for_notify tarpitd 'relayed: 0 sessions'
}

@test "relay: what is relayed is in the status and in the metrics" {
	real_mta
	policy '* action=pass'
	relaying
	smtp_connect "$AT"
	smtp_expect '220 mta.test ESMTP Postfix'
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
	run -0 ctl status
	echo "$output"
	[[ $output =~ "  relay       1 now, 18 B to the MTA, "[1-9] ]]
	smtp_say QUIT
	smtp_expect '221 2.0.0'
	smtp_expect_eof
	wait_until '[ "$(ctl metrics | grep tarpit_relayed_sessions | tail -n 1)" = "tarpit_relayed_sessions 0" ]'
	run -0 ctl metrics
	grep -qx 'tarpit_relayed_to_mta_bytes_total 24' <<<"$output"
	grep -q '^tarpit_relayed_to_clients_bytes_total [1-9]' <<<"$output"
}

@test "relay: ten megabytes arrive as they were sent" {
	real_mta
	policy '* action=pass'
	relaying
	printf 'Subject: large\n\n' >"$DAEMONS/message"
	seq 1000000 1250000 | sed 's/$/ .... ..... ...... ....... ........ x/' \
		>>"$DAEMONS/message"
	[ "$(stat -c %s "$DAEMONS/message")" -gt 10000000 ]
	postconf -c "$POSTFIX/etc" message_size_limit=30000000 \
		virtual_mailbox_limit=0
	postfix -c "$POSTFIX/etc" reload 3>&- 2>/dev/null
	deliver 127.0.0.1 --data @"$DAEMONS/message"
	wait_for_mail 1
	# swaks ends it with an empty line.
	diff -q <(sed '1,/^$/d' "$DAEMONS/message"; echo) \
		<(sed '1,/^$/d' "$MAIL"/new/*)
}

@test "relay: all commands, the client's end, and then the replies" {
	real_mta
	policy '* action=pass'
	relaying
	printf '%s\r\n' 'EHLO client.test' 'MAIL FROM:<a@b.test>' \
		'RCPT TO:<u@mx.test>' DATA 'Subject: x' '' x . QUIT |
		"$BUILD/tests/helpers/dial" 127.0.0.1 "$PORT" >"$DAEMONS/out"
	grep -q '^250 2.0.0 Ok: queued' "$DAEMONS/out"
	grep -q '^221 2.0.0 Bye' "$DAEMONS/out"
	wait_for_mail 1
}

@test "relay: a client that is reset in its message leaves nothing behind" {
	real_mta
	policy '* action=pass'
	relaying
	pace --source 127.0.0.2 --after 20 --reset --for 1500 --send \
		'EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<u@mx.test>\r\nDATA\r\nhalf a message' \
		127.0.0.1 "$PORT"
	wait_until "grep -q 'lost connection after DATA .*127.0.0.2' '$POSTFIX/log'"
	wait_for_notify tarpitd 'relayed: 0 sessions'
	[ "$(find "$MAIL/new" -type f 2>/dev/null | wc -l)" = 0 ]
}

@test "relay: the MTA refuses, and is back in time" {
	policy '* action=pass'
	relaying HandoffTimeout=20s
	smtp_connect "$AT" 127.0.0.2
	wait_for_record tarpitd event=handoff_down
	SMTP=other smtp_connect "$AT" 127.0.0.3
	mta
	smtp_expect '220 mta.test'
	SMTP=other smtp_expect '220 mta.test'
	wait_for_record tarpitd event=handoff_up
	record_of 127.0.0.2 outcome=passed
}

@test "relay: the MTA stays away: 421, and come again" {
	policy '127.0.0.2 action=pass' \
		'127.0.0.3 action=slow rate=200 patience=1 score=30'
	relaying HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '421 4.3.2'
	smtp_expect_eof
	record_of 127.0.0.2 outcome=failed
	smtp_connect "$AT" 127.0.0.3
	smtp_skip 220-
	smtp_expect '421 4.3.2'
	record_of 127.0.0.3 outcome=failed
}

@test "relay: an MTA that hangs up without a greeting has taken nothing" {
	policy '* action=pass'
	start_daemon closing socat "TCP-LISTEN:$MTA_PORT,bind=127.0.0.1,reuseaddr,fork" \
		EXEC:true
	wait_for_port closing "$MTA_PORT"
	relaying HandoffTimeout=20s
	smtp_connect "$AT" 127.0.0.2
	wait_for_record tarpitd event=handoff_down
	stop_daemon closing || :
	mta
	smtp_expect '220 mta.test'
	record_of 127.0.0.2 outcome=passed
}

@test "relay: an MTA that greets with a refusal has not served" {
	policy '127.0.0.9 action=pass' \
		'127.0.0.8 action=slow rate=200 patience=1 score=30' \
		'* action=pass'
	mta refuses-9
	relaying
	smtp_connect "$AT" 127.0.0.9
	smtp_expect '554 5.7.1 Not you'
	smtp_close
	record_of 127.0.0.9 outcome=failed refused_by=mta \
		'refusal="554 5.7.1 Not you"'
	wait_for_record tarpitd event=handoff_unserved client=127.0.0.9 |
		grep -F 'and greeted it with "554 5.7.1 Not you"'
	[ "$(ctl status --json | jq -c '.handoff |
		[.state, .unserved, .unserved_in_row]')" = '["unserved",1,1]' ]
	ctl status | grep -q '^MTA *TAKES SESSIONS AND DOES NOT SERVE THEM'
	ctl metrics | grep -qx 'tarpit_handoffs_unserved_total 1'
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 mta.test'
	record_of 127.0.0.2 outcome=passed
	[ "$(ctl status --json | jq -c '.handoff |
		[.state, .unserved, .unserved_in_row]')" = '["up",1,0]' ]
	stop_daemon mta || :
	# A graduated one has heard us before.
	printf '421-4.3.2 Busy\r\n421 4.3.2 Now\r\n' >"$DAEMONS/greeting"
	start_daemon busy socat \
		"TCP-LISTEN:$MTA_PORT,bind=127.0.0.1,reuseaddr,fork" \
		"EXEC:cat $DAEMONS/greeting"
	wait_for_port busy "$MTA_PORT"
	smtp_connect "$AT" 127.0.0.8
	smtp_skip 220-
	smtp_expect '421-4.3.2 Busy'
	smtp_expect '421 4.3.2 Now'
	smtp_expect_eof
	record_of 127.0.0.8 outcome=failed \
		'refusal="421-4.3.2 Busy 421 4.3.2 Now"' refused_by=mta
}

@test "relay: an MTA that is silent keeps nobody for longer than HandoffTimeout" {
	policy '* action=pass'
	start_daemon silent socat -u \
		"TCP-LISTEN:$MTA_PORT,bind=127.0.0.1,reuseaddr,fork" OPEN:/dev/null
	wait_for_port silent "$MTA_PORT"
	relaying HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '421 4.3.2'
	record_of 127.0.0.2 outcome=failed
	wait_for_record tarpitd event=handoff_down
}

@test "relay: relayed sessions count for MaxPerClient, as long as they last" {
	mta
	policy '* action=pass'
	relaying MaxPerClient=1
	SMTP=a smtp_connect "$AT" 127.0.1.1
	SMTP=a smtp_expect '220 '
	record_of 127.0.1.1 outcome=passed
	SMTP=b smtp_connect "$AT" 127.0.1.1
	SMTP=b smtp_expect '421 4.7.0 mx.test'
	SMTP=a smtp_say QUIT
	SMTP=a smtp_expect '221 '
	SMTP=a smtp_close
	wait_for_notify tarpitd 'relayed: 0 sessions'
	SMTP=c smtp_connect "$AT" 127.0.1.1
	SMTP=c smtp_expect '220 '
}

@test "relay: relayed sessions count for MaxSessions" {
	mta
	policy '* action=pass'
	relaying MaxSessions=2 ReserveForPass=0
	local i
	for i in 1 2 3; do
		SMTP=$i smtp_connect "$AT" 127.0.0.2
		SMTP=$i smtp_expect '220 mta.test'
	done
	# The third one was over the limit, the fourth waits in the kernel.
	smtp_connect "$AT" 127.0.0.4
	wait_for_notify tarpitd 'relayed: 3 sessions'
	never_logged tarpitd client=127.0.0.4
	SMTP=1 smtp_close
	SMTP=2 smtp_close
	smtp_expect '220 mta.test'
	record_of 127.0.0.4 outcome=passed
}

@test "relay: SIGTERM lets them finish, for StopTimeout" {
	mta
	policy '* action=pass'
	relaying StopTimeout=20s
	smtp_connect "$AT"
	smtp_expect '220 mta.test'
	kill -TERM "$(daemon_pid tarpitd)"
	wait_for_notify tarpitd STOPPING=1
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
	daemon_is_alive tarpitd
	smtp_say QUIT
	smtp_expect 221
	wait_for_exit tarpitd
}

@test "relay: at the end of StopTimeout the rest is closed" {
	mta
	policy '* action=pass'
	relaying StopTimeout=100ms
	smtp_connect "$AT"
	smtp_expect '220 mta.test'
	stop_daemon tarpitd
	smtp_expect_eof
}

@test "relay: at SIGTERM a message that the MTA has is answered" {
	mta slow-dot
	policy '* action=pass'
	relaying StopTimeout=0
	smtp_connect "$AT"
	smtp_expect '220 mta.test'
	envelope
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'x\r\n.\r\n'
	wait_for_log mta '^body x$'
	kill -TERM "$(daemon_pid tarpitd)"
	smtp_expect '250 2.0.0 Ok: queued'
	smtp_expect_eof
	wait_for_exit tarpitd
}

@test "relay: under inetd's nowait the process ends with its session" {
	mta
	policy '* action=pass'
	configure Handoff=proxy:127.0.0.1:"$MTA_PORT"
	start_daemon inetd socat "TCP-LISTEN:$PORT,bind=127.0.0.1" \
		"EXEC:$BUILD/tarpitd --config $CONF,nofork"
	wait_for_port inetd "$PORT"
	smtp_connect "$AT"
	smtp_expect '220 mta.test'
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
	smtp_say QUIT
	smtp_expect 221
	smtp_expect_eof
	wait_for_exit inetd
}

@test "relay: a proxy in front, an MTA behind, and the client's address" {
	real_mta
	policy '127.0.0.7 action=pass' '* action=hold rate=5 score=100'
	FRONT=127.0.0.1:$(free_port)
	relaying ProxyTrusted=127.0.0.1
	haproxy_start "$FRONT" \
		'send-proxy-v2 check check-send-proxy inter 200ms rise 1' \
		'option smtpchk EHLO probe.test'
	wait_until '[ "$(haproxy_says check_status)" = L7OK ]'
	AT=$VIA deliver 127.0.0.7
	wait_for_mail 1
	record_of 127.0.0.7 outcome=passed proxy=127.0.0.1
	grep -rq '^Received: from client.test (unknown \[127.0.0.7\])' "$MAIL/new"
}
