#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# An MTA that is not there, full, or goes away.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() {
	tarpitd_setup
	policy '127.0.0.3 action=slow rate=500 patience=1'
}

teardown() {
	smtp_close_all
	stop_daemons
}

# Nobody takes the session: 421, and the record says so.
expect_no_mta() {
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '421 4.3.2 mx.test'
	smtp_expect_eof
	smtp_close
	record_of 127.0.0.2 outcome=failed lane=pass
	wait_for_log tarpitd event=handoff_down
}

@test "handoff: the socket is missing" {
	tarpitd HandoffTimeout=1s
	expect_no_mta
}

@test "handoff: the socket is a file" {
	: >"$MTA"
	tarpitd HandoffTimeout=1s
	expect_no_mta
}

@test "handoff: nobody listens there any more" {
	mta
	kill -KILL "$(daemon_pid mta)"
	tarpitd HandoffTimeout=1s
	expect_no_mta
}

@test "handoff: a slowed client that was patient hears 421, too" {
	tarpitd HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.3
	smtp_expect '220-mx.test'
	smtp_skip '220-'
	smtp_expect '421 4.3.2'
	smtp_expect_eof
	record_of 127.0.0.3 outcome=failed lane=slow
}

# An smtpd without SASL, a map or its chroot's files: "passed", said the record.
@test "handoff: an MTA that takes sessions and dies has not served them" {
	mta die
	tarpitd HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	wait_for_log tarpitd 'took the session of 127.0.0.2, and has not greeted it.*event=handoff_unserved'
	smtp_expect '421 4.3.2 mx.test'
	smtp_expect_eof
	record_of 127.0.0.2 outcome=failed lane=pass
	run ctl status
	[[ $output == *"TAKES SESSIONS AND DOES NOT SERVE THEM"* ]]
	[[ $output == *"not served  1 that it took, the last 1 in a row"* ]]
}

@test "handoff: an MTA that is late is said to be, and serves" {
	mta late
	tarpitd HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	wait_for_log tarpitd event=handoff_unserved
	smtp_expect '220 mta.test'
	record_of 127.0.0.2 outcome=passed lane=pass
	run ctl status
	[[ $output == *"takes sessions"*"not served  1 that it took, the last 0 in a row"* ]]
}

@test "handoff: one whose process fails is told of by tarpit-handoff" {
	start_daemon -n handoff "$BUILD/tarpit-handoff" --config /dev/null \
		--listen "$MTA" -- /bin/sh -c 'echo 421 Unexpected failure; exit 1'
	wait_for_notify handoff READY=1
	tarpitd Handoff=inetd:"$MTA"
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '421 Unexpected failure'
	smtp_expect_eof
	record_of 127.0.0.2 outcome=failed lane=pass
	wait_for_log tarpitd 'its process failed at once.*event=handoff_unserved'
}

@test "handoff: before the first session nobody knows of the MTA" {
	tarpitd
	run ctl status
	[[ $output == *"not tried yet"* ]]
	[[ $output != *"takes sessions"* ]]
}

@test "handoff: the MTA's start is noticed, and who waited gets there" {
	local i
	tarpitd
	for i in 1 2 3; do SMTP=c$i smtp_connect "$AT" "127.0.1.$i"; done
	wait_for_log tarpitd event=handoff_down
	mta
	for i in 1 2 3; do SMTP=c$i smtp_expect '220 mta.test'; done
	wait_for_log tarpitd event=handoff_up
	[ "$(grep -c event=handoff_down "$DAEMONS/tarpitd.log")" = 1 ]
	[ "$(grep -c event=handoff_up "$DAEMONS/tarpitd.log")" = 1 ]
}

@test "handoff: who waits and leaves has abandoned" {
	tarpitd
	smtp_connect "$AT" 127.0.0.2
	wait_for_log tarpitd event=handoff_down
	smtp_close
	record_of 127.0.0.2 outcome=abandoned lane=pass
}

@test "handoff: a full backlog is waited for" {
	local i
	mta 0
	tarpitd HandoffTimeout=2s
	for i in 1 2 3 4; do SMTP=c$i smtp_connect "$AT" "127.0.1.$i"; done
	for i in 1 2 3 4; do
		SMTP=c$i smtp_expect '421 4.3.2'
		SMTP=c$i smtp_expect_eof
		record_of "127.0.1.$i" outcome=failed
	done
	# It was waited for, not asked all the time.
	[ "$(cpu_of tarpitd)" -lt 60 ]
}

@test "handoff: sessions in the backlog of an MTA that ends come back" {
	local i
	mta 8
	tarpitd
	for i in 1 2 3; do SMTP=c$i smtp_connect "$AT" "127.0.1.$i"; done
	# Offered: each waits in the MTA's backlog.
	wait_until "[ \$(grep -c '$MTA\$' /proc/net/unix) -ge 4 ]"
	stop_daemon mta KILL || :
	wait_for_log tarpitd event=handoff_down
	mta
	for i in 1 2 3; do
		SMTP=c$i smtp_expect '220 mta.test'
		SMTP=c$i smtp_say QUIT
		SMTP=c$i smtp_expect '221 '
		record_of "127.0.1.$i" outcome=passed
	done
}

@test "handoff: a session that the MTA keeps waiting is ended for good" {
	mta 8
	tarpitd HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '421 4.3.2'
	smtp_expect_eof
	record_of 127.0.0.2 outcome=failed
}

@test "handoff: who leaves while the MTA keeps it waiting has abandoned" {
	mta 8
	tarpitd HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	wait_until "[ \$(grep -c '$MTA\$' /proc/net/unix) -ge 2 ]"
	smtp_close
	record_of 127.0.0.2 outcome=abandoned lane=pass
	[ "$(grep -c event=session "$DAEMONS/tarpitd.log")" = 1 ]
}

# Broke once: a close drained the socket that the MTA reads from by then.
@test "handoff: what the client tells the MTA early is the MTA's" {
	local session
	mta
	kill -STOP "$(daemon_pid mta)"
	tarpitd
	smtp_connect "$AT" 127.0.0.2
	# Offered: it waits in the MTA's backlog, and tarpitd for word of it.
	wait_until "[ \$(grep -c '$MTA\$' /proc/net/unix) -ge 2 ]"
	kill -STOP "$(daemon_pid tarpitd)"
	kill -CONT "$(daemon_pid mta)"
	smtp_expect '220 mta.test'
	session=$(pgrep -P "$(daemon_pid mta)")
	kill -STOP "$session"
	smtp_say 'EHLO client.test'
	kill -CONT "$(daemon_pid tarpitd)"
	record_of 127.0.0.2 outcome=passed
	kill -CONT "$session"
	smtp_expect '250 '
}
