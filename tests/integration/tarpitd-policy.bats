#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A policy service in every state of disrepair: no client waits longer than
# PolicyTimeout, and none is lost.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() { tarpitd_setup; }

teardown() {
	smtp_close_all
	stop_daemons
}

# served [CLIENT]: it gets the MTA's greeting; how long that took, in msec.
served() {
	local began
	began=$(clock_usec)
	smtp_connect "$AT" "${1-127.0.0.1}" || return
	smtp_expect '220 mta.test' >&2 || return
	smtp_close
	echo $((($(clock_usec) - began) / 1000))
}

# is_passed_by_default [CLIENT]: passed without an answer, in time.
is_passed_by_default() {
	local took
	took=$(served "$@") || return
	echo "took $took ms"
	[ "$took" -lt 9000 ]
	record_of "${1-127.0.0.1}" outcome=passed reason=policy:unanswered
}

@test "policy: no socket, a plain file, nobody behind it" {
	mta
	tarpitd PolicyTimeout=4s
	is_passed_by_default 127.0.0.2
	wait_for_log tarpitd event=policy_down
	# It is known to be down: nobody waits any more.
	[ "$(served 127.0.0.3)" -lt 3900 ]
	: >"$POLICY"
	is_passed_by_default 127.0.0.4
	rm "$POLICY"
	policy
	kill -KILL "$(daemon_pid policy)"
	is_passed_by_default 127.0.0.5
	[ "$(grep -c event=policy_down "$DAEMONS/tarpitd.log")" -le 2 ]
}

@test "policy: silent" {
	policy -m silent
	mta
	tarpitd PolicyTimeout=1s
	is_passed_by_default 127.0.0.2
	wait_for_log tarpitd event=policy_down
}

@test "policy: after the first time-out nobody waits but the one who probes" {
	policy -m silent
	mta
	tarpitd PolicyTimeout=4s
	served 127.0.0.2
	wait_for_log tarpitd event=policy_down
	# The probe.
	SMTP=probe smtp_connect "$AT" 127.0.0.3
	wait_until "[ \$(grep -c client=127.0.0.3 '$DAEMONS/policy.log') = 1 ]"
	[ "$(served 127.0.0.4)" -lt 3900 ]
	SMTP=probe smtp_expect '220 mta.test'
}

@test "policy: stuck" {
	policy -m stuck
	mta
	tarpitd PolicyTimeout=1s
	is_passed_by_default
}

@test "policy: garbage is reported once, and means the default at once" {
	local took
	policy -m garbage
	mta
	tarpitd PolicyTimeout=5s
	took=$(served 127.0.0.2)
	[ "$took" -lt 4000 ]
	# The half line that was left makes the next answer unreadable.
	served 127.0.0.3
	record_of 127.0.0.3 outcome=passed reason=policy:unanswered
	[ "$(grep -c event=policy_garbage "$DAEMONS/tarpitd.log")" = 1 ]
}

@test "policy: answers to what nobody asked" {
	policy -m wrong
	mta
	tarpitd PolicyTimeout=1s
	is_passed_by_default 127.0.0.2
}

@test "policy: a line without an end" {
	policy -m huge
	mta
	tarpitd PolicyTimeout=1s
	is_passed_by_default 127.0.0.3
	wait_for_log tarpitd event=policy_garbage
}

@test "policy: hanging up on every question" {
	policy -m hangup
	mta
	tarpitd PolicyTimeout=1s
	is_passed_by_default
}

@test "policy: values out of range are no answer" {
	policy -m lying
	mta
	tarpitd PolicyTimeout=20s
	[ "$(served 127.0.0.2)" -lt 10000 ]
	record_of 127.0.0.2 outcome=passed reason=policy:unanswered
}

@test "policy: a late answer changes nothing" {
	policy -m late '* action=hold rate=5'
	mta
	tarpitd PolicyTimeout=500ms
	is_passed_by_default 127.0.0.2
	wait_for_log tarpitd event=policy_down
	# Its answer finds nobody; the next question does not take it either.
	is_passed_by_default 127.0.0.3
	never_logged tarpitd lane=hold
}

@test "policy: answers in reverse order reach whom they are for" {
	local i
	policy -m reverse '127.0.1.1 action=pass reason=one' \
		'127.0.1.2 action=hold rate=2000 reason=two' \
		'* action=pass reason=other'
	mta
	tarpitd PolicyTimeout=15s
	for i in {1..10}; do SMTP=c$i smtp_connect "$AT" "127.0.1.$i"; done
	for i in {1..10}; do
		if [ "$i" = 2 ]; then
			SMTP=c$i smtp_expect '220 mx.test'
		else
			SMTP=c$i smtp_expect '220 mta.test'
		fi
	done
	record_of 127.0.1.1 reason=one
	record_of 127.0.1.3 reason=other
}

@test "policy: PolicyFailure=slow" {
	mta
	tarpitd PolicyTimeout=100ms PolicyFailure=slow
	smtp_connect "$AT"
	smtp_expect '220-mx.test'
	smtp_expect_reply 220 ESMTP
	record_of 127.0.0.1 outcome=graduated lane=slow \
		reason=policy:unanswered
}

@test "policy: its return is noticed" {
	mta
	tarpitd PolicyTimeout=500ms
	is_passed_by_default 127.0.0.2
	wait_for_log tarpitd event=policy_down
	policy '* action=hold rate=2000'
	wait_until_answered
	wait_for_log tarpitd event=policy_up
	stop_daemon policy KILL || :
	is_passed_by_default 127.0.0.4
	policy '* action=hold rate=2000'
	wait_until_answered
}

# Until a client is held; each asks, as one would.
wait_until_answered() {
	wait_until "smtp_connect $AT 127.0.0.3; smtp_expect '220 '; smtp_close; [[ \$LINE == *mx.test* ]]"
}

@test "policy: an answer with ttl is used again" {
	policy '127.0.0.2 action=pass ttl=60 reason=kept' \
		'127.0.0.3 action=pass reason=asked'
	mta
	tarpitd
	for _ in 1 2 3; do
		served 127.0.0.2
		served 127.0.0.3
	done
	[ "$(grep -c '^tarpit_session .*client=127.0.0.2' "$DAEMONS/policy.log")" = 1 ]
	[ "$(grep -c '^tarpit_session .*client=127.0.0.3' "$DAEMONS/policy.log")" = 3 ]
	wait_until "[ \$(grep -c reason=kept '$DAEMONS/tarpitd.log') = 3 ]"
	# A reload forgets them.
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	served 127.0.0.2
	[ "$(grep -c '^tarpit_session .*client=127.0.0.2' "$DAEMONS/policy.log")" = 2 ]
}

# It used to begin anew with each use: who came often was asked about once.
@test "policy: an answer is used for its ttl, however often the client comes" {
	local began asked
	policy '* action=pass ttl=2 reason=kept'
	mta
	tarpitd
	began=$(clock_usec)
	until [ "$(questions)" -ge 2 ]; do
		asked=$(questions)
		served 127.0.0.2
		[ $(($(clock_usec) - began)) -lt $((DEADLINE * 1000000)) ]
	done
	# And for all of it.
	[ "$asked" = 1 ]
	[ $(($(clock_usec) - began)) -ge 2000000 ]
}

@test "policy: sessions of one client wait for one answer" {
	local i
	policy -m late '* action=hold rate=2000'
	mta
	tarpitd PolicyTimeout=15s
	for i in 1 2 3 4; do SMTP=c$i smtp_connect "$AT" 127.0.0.2; done
	for i in 1 2 3 4; do SMTP=c$i smtp_expect '220 mx.test'; done
	[ "$(questions)" = 1 ]
	ask request=status | grep -qx policy.shared=3
}

# Its question would stay where it is until the time is over.
@test "policy: a client that leaves takes its question along" {
	policy -m silent
	mta
	tarpitd PolicyTimeout=15s
	smtp_connect "$AT" 127.0.0.2
	wait_until '[ "$(questions)" = 1 ]'
	smtp_close
	# Told nothing, it was a probe, which has no record.
	wait_until "ask request=status | grep -qx live.all=0"
	wait_until "grep -q '^tarpit_forget ' '$DAEMONS/policy.log'"
	ask request=status | grep -qx policy.forgotten=1
}

# PolicyFailure=pass is for a service that is away.
@test "policy: who is too late while others are answered is slowed" {
	policy '127.0.0.2 silent' '* action=pass'
	mta
	tarpitd PolicyTimeout=4s
	smtp_connect "$AT" 127.0.0.2
	SMTP=other smtp_connect "$AT" 127.0.0.3
	SMTP=other smtp_expect '220 mta.test'
	smtp_expect '220-mx.test'
	smtp_close
	record_of 127.0.0.2 lane=slow reason=policy:overloaded
	wait_for_log tarpitd "not all answers come in time.*event=policy_overloaded"
	ask request=status | grep -qx policy.overloaded=1
}

@test "policy: the real one decides" {
	printf '[Data]\nHistory=\n[Lanes]\nSlow=20\n[Weights]\nhistory.none=30\n[Curve]\n20=500\n[Patience]\n20=1s\n' \
		>"$DAEMONS/policy.conf"
	start_daemon -n policy "$BUILD/tarpit-policyd" \
		--config "$DAEMONS/policy.conf" --listen "$POLICY"
	wait_for_notify policy READY=1
	mta
	tarpitd
	smtp_connect "$AT"
	smtp_expect '220-mx.test'
	smtp_expect_reply 220
	record_of 127.0.0.1 outcome=graduated lane=slow score=30 \
		reason=history.none+30
}
