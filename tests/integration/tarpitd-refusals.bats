#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a client has been refused, and that nothing is held against it for that.

bats_require_minimum_version 1.5.0

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() { tarpitd_setup; }

teardown() {
	smtp_close_all
	stop_daemons
}

# throttled [KEY=VALUE]...: at once, and at full speed.
throttled() {
	backend
	policy '* action=throttle rate=0 patience=0 score=70 reason=test'
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		MaxPerClient=0 "$@"
	wait_for_notify tarpitd '1 free'
}

held() {
	policy '* action=hold rate=0 patience=0 score=120 reason=test'
	tarpitd "$@"
}

# leaves SOURCE OUTCOME RECORD: the client says QUIT; RECORD is part of its
# record, and the policy service is told of OUTCOME.
leaves() {
	smtp_say QUIT
	smtp_expect '221 '
	smtp_close
	record_of "$1" "outcome=$2" | grep -F "$3"
	wait_for_log policy "^tarpit_outcome .*client=$1 .*outcome=$2\$"
}

@test "refusals: one of ours, in throttle" {
	throttled
	greet 127.0.0.2
	smtp_say 'MAIL <a@b.test>'
	smtp_expect '501 5.5.4 Syntax: MAIL FROM:<address>'
	leaves 127.0.0.2 refused \
		'refusal="501 5.5.4 Syntax: MAIL FROM:<address>" refused_by=tarpit'
	greet 127.0.0.3
	smtp_say 'AUTH PLAIN AGEAYg=='
	smtp_expect '454 4.7.0'
	leaves 127.0.0.3 refused 'refused_by=tarpit'
	greet 127.0.0.4
	envelope
	smtp_say DATA
	smtp_expect 354
	smtp_send 'x\ry\r\n.\r\n'
	smtp_expect '451 4.5.2'
	leaves 127.0.0.4 refused \
		'refusal="451 4.5.2 Error: bare <CR> or NUL received" refused_by=tarpit'
	# Nothing was refused: it has left, that is all.
	greet 127.0.0.5
	smtp_say QUIT
	smtp_expect '221 '
	smtp_close
	[[ $(record_of 127.0.0.5 outcome=abandoned) != *refus* ]]
}

@test "refusals: the MTA's own, in all its lines" {
	throttled
	greet 127.0.0.2
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'RCPT TO:<bad@dest.test>'
	smtp_expect_reply 550
	leaves 127.0.0.2 refused \
		'refusal="550-5.1.1 <bad@dest.test>: 550 5.1.1 no such user" refused_by=mta'
	# The last one counts, and what was delivered counts more.
	greet 127.0.0.3
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'RCPT TO:<bad@dest.test>'
	smtp_expect_reply 550
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '250 '
	smtp_say DATA
	smtp_expect 354
	smtp_send 'x\r\n.\r\n'
	smtp_expect '250 '
	smtp_say NOSUCH
	smtp_expect '500 '
	leaves 127.0.0.3 delivered \
		'refusal="500 5.5.2 Error: command not recognized" refused_by=tarpit'
}

@test "refusals: in hold, and 421 to who is dismissed" {
	held MaxPerClient=1
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 '
	SMTP=second smtp_connect "$AT" 127.0.0.2
	SMTP=second smtp_expect '421 4.7.0'
	record_of 127.0.0.2 outcome=shed |
		grep -F 'refusal="421 4.7.0 mx.test Too many connections of yours" refused_by=tarpit'
	smtp_say 'AUTH LOGIN'
	smtp_expect '454 4.7.0'
	leaves 127.0.0.2 refused 'refused_by=tarpit'
}

@test "refusals: silence is the client's own doing" {
	throttled CommandTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 '
	smtp_expect '421 4.4.2'
	smtp_expect_eof
	record_of 127.0.0.2 outcome=abandoned |
		grep -F 'refusal="421 4.4.2 mx.test Error: timeout exceeded" refused_by=tarpit'
}

@test "refusals: a probe of the port leaves no record, and no history" {
	local i
	held
	# Longer than PROBE_MAX it stays nowhere: each closes at once.
	for i in 2 3 4; do
		smtp_connect "$AT" "127.0.0.$i"
		smtp_close
		exec 8<>"/dev/tcp/${AT%:*}/$PORT" 8>&-
	done
	wait_until '[[ $(ask request=status) == *probes=[3-6]* ]]'
	run -0 ctl status
	[[ $output == *'connections closed without a word'* ]]
	run -0 ctl metrics
	[[ $output == *tarpit_probes_total* ]]
	# Who stays for the greeting is none.
	smtp_connect "$AT" 127.0.0.9
	smtp_expect '220 '
	smtp_close
	record_of 127.0.0.9 outcome=abandoned
	wait_for_log policy 'client=127.0.0.9 .*outcome=abandoned'
	never_logged tarpitd 'client=127\.0\.0\.[1-4] '
	never_logged policy 'outcome=.*client=127\.0\.0\.[1-4] '
}

@test "refusals: who leaves while the MTA keeps it waiting earns nothing" {
	mta 8
	policy
	tarpitd HandoffTimeout=1s
	smtp_connect "$AT" 127.0.0.2
	wait_until "[ \$(grep -c '$MTA\$' /proc/net/unix) -ge 2 ]"
	smtp_close
	record_of 127.0.0.2 outcome=abandoned lane=pass
	# The service has heard of another one, and of this one nothing.
	ask request=hold address=127.0.0.3 seconds=100 by=me
	smtp_connect "$AT" 127.0.0.3
	smtp_expect '220 '
	smtp_close
	wait_for_log policy 'client=127.0.0.3 .*outcome=abandoned'
	never_logged policy '^tarpit_outcome .*client=127.0.0.2 '
}
