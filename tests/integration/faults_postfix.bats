#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A real Postfix that has no process for a session: at its limit, and throttled
# by its master after a crash.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/postfix
load ../helpers/faults

setup() {
	tarpitd_setup
	postfix_setup
	policy '* action=pass rate=0'
}

teardown() {
	smtp_close_all
	postfix_remove
	stop_daemons
}

connect_as() {
	SMTP=$1 smtp_connect "$AT" "$2"
}

quit() {
	SMTP=$1 smtp_say QUIT
	SMTP=$1 smtp_expect 221
	SMTP=$1 smtp_close
}

@test "faults: Postfix at its process limit: the others wait for their turn" {
	local i
	POSTFIX_PROCESSES=2 postfix_master_cf >"$POSTFIX/etc/master.cf"
	# Under stress it would be 10 s.
	echo 'smtpd_timeout = 300s' >>"$POSTFIX/etc/main.cf"
	postfix_start
	tarpitd Handoff="postfix:$PASS" HandoffTimeout=30s
	for i in 1 2; do
		connect_as "c$i" 127.0.0.9
		SMTP=c$i smtp_expect '220 mta.test'
	done
	for i in 3 4 5 6; do
		connect_as "c$i" "127.0.0.1$i"
	done
	wait_for_count 'to the MTA' 4
	does_not_spin tarpitd smtp_wait_for_nothing c3 1
	[ "$(count passed)" = 2 ]
	# As one goes another is served; which, is not for us to say.
	quit c1
	wait_for_count passed 3
	quit c2
	wait_for_count passed 4
	for i in 3 4 5 6; do
		SMTP=c$i smtp_say QUIT
	done
	for i in 3 4 5 6; do
		SMTP=c$i smtp_expect '220 mta.test'
		SMTP=c$i smtp_expect 221
		SMTP=c$i smtp_expect_eof
	done
	wait_for_count passed 6
	[ "$(grep -c ': connect from' "$POSTFIX/log")" = 6 ]
	[ "$(count failed)" = 0 ]
}

# Nothing comes for SECONDS.
smtp_wait_for_nothing() {
	local status=0
	DEADLINE=$2 SMTP=$1 smtp_read || status=$?
	[ "$status" = 124 ]
}

# An smtpd that dies in its first job: master starts no other for
# service_throttle_time.  Arguments: that time, then options of tarpitd.
throttle() {
	echo "service_throttle_time = $1" >>"$POSTFIX/etc/main.cf"
	postfix_start
	tarpitd Handoff="postfix:$PASS" "${@:2}"
	connect_as victim 127.0.0.7
	SMTP=victim smtp_expect '220 mta.test'
	kill -KILL "$(pgrep -P "$(postfix_pid)" -x smtpd)"
	SMTP=victim smtp_expect_eof
	wait_until "grep -q throttling '$POSTFIX/log'"
}

@test "faults: Postfix's service is throttled: clients wait for its return" {
	throttle 5s HandoffTimeout=30s
	connect_as early 127.0.0.9
	does_not_spin tarpitd smtp_wait_for_nothing early 1
	SMTP=early smtp_expect '220 mta.test'
	quit early
	record_of 127.0.0.9 outcome=passed
}

@test "faults: Postfix's service is throttled for longer: 421, and its return is seen" {
	throttle 8s HandoffTimeout=2s
	connect_as early 127.0.0.9
	SMTP=early smtp_expect '421 4.3.2 '
	SMTP=early smtp_expect_eof
	record_of 127.0.0.9 outcome=failed
	wait_until 'serves_again'
	[ "$(grep -c ': connect from unknown\[127.0.0.9\]' "$POSTFIX/log")" -le 1 ]
}

serves_again() {
	SMTP=again smtp_connect "$AT" 127.0.0.8
	if SMTP=again smtp_expect '220 mta.test'; then
		quit again
	else
		SMTP=again smtp_close
		return 1
	fi
}
