#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Clients that do what clients do not do, by the thousand.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/faults

setup() {
	tarpitd_setup
}

teardown() {
	smtp_close_all
	stop_daemons
}

# 127.0.20.* is held at 5 bytes a second, 127.0.21.* as fast as it goes,
# 127.0.23.* slowed, all others pass.
roles() {
	local rules=() i
	for i in {1..254}; do
		rules+=("127.0.20.$i action=hold rate=5 score=100 ttl=600"
			"127.0.21.$i action=hold rate=1000000 score=100 ttl=600"
			"127.0.23.$i action=slow rate=100 patience=20 score=30 ttl=600")
	done
	policy "${rules[@]}" '* action=pass rate=0 ttl=600'
}

start() {
	roles
	mta
	start_tarpitd_with env -- "$@"
	crowd
}

passes() {
	crowd clean
	tell -c clean "steady $1 5 127.0.22.1"
	[ "$ANSWER" = "steady $1" ]
}

is_over() {
	[ "$(count sessions)" = 0 ]
}

@test "faults: slowloris by the thousand" {
	local before grown byte
	start
	# From all of their addresses once, so that what is remembered by
	# address is there.
	tell 'open 1000 127.0.20.1'
	wait_for_count held 1000
	before=$(memory_of tarpitd)
	tell 'open 3000 127.0.20.1'
	wait_for_count held 4000
	for byte in M A I L; do
		does_not_spin tarpitd tell "send $byte"
		tell 'wait 500'
	done
	passes 20
	grown=$(($(memory_of tarpitd) - before))
	echo "$grown kB more"
	# 128 bytes each, and some pages.
	is_sanitized || [ "$grown" -le 600 ]
	tell bytes
	[ "$(word 6)" = 4000 ]
	tell reset
	wait_until is_over
	[ "$(descriptors_of tarpitd)" -lt 20 ]
}

@test "faults: a line of a megabyte from each of 200" {
	local before
	start CommandTimeout=1h
	tell 'open 200 127.0.20.1'
	wait_for_count held 200
	before=$(memory_of tarpitd)
	tell 'wait 6000'
	tell "flood 1024 $(printf '%01024d' 0)"
	does_not_spin tarpitd tell 'wait 3000'
	is_sanitized || [ $(($(memory_of tarpitd) - before)) -le 500 ]
	passes 10
	tell reset
	wait_until is_over
	# What was paid for in about nine seconds.
	record_of 127.0.20.1 lane=hold | field bytes_in >"$DAEMONS/in"
	[ "$(<"$DAEMONS/in")" -le 1200 ]
}

@test "faults: every byte there is" {
	local bytes i
	start
	tell 'open 3 127.0.21.1'
	wait_for_count held 3
	bytes=$(printf '\\x%02x' {0..255})
	tell "send $bytes\\r\\n"
	tell 'send NOOP\r\n'
	tell 'send QUIT\r\n'
	wait_until is_over
	# 0 to 10 is a line that a bare LF ends, the rest is another.
	for i in 1 2 3; do
		record_of "127.0.21.$i" lane=hold outcome=refused |
			grep -q " bytes_in=$((258 + 6 + 6)) "
	done
}

@test "faults: 10,000 commands in one go" {
	local before
	start
	tell 'open 20 127.0.21.1'
	wait_for_count held 20
	before=$(memory_of tarpitd)
	tell 'flood 10000 NOOP\r\n'
	does_not_spin tarpitd tell 'wait 3000'
	# It answers in order, four lines a second and no more.
	tell bytes
	[ "$(word 2)" -ge 20 ]
	[ "$(word 4)" -le 1000 ]
	is_sanitized || [ $(($(memory_of tarpitd) - before)) -le 500 ]
	passes 10
	tell reset
	wait_until is_over
}

# leave HOW: sessions in every state end like that, and each has its record.
leave() {
	local state
	for state in greeting speaking command skipping slow; do
		crowd "$state"
	done
	tell -c slow 'open 10 127.0.23.1'
	# At 5 bytes a second these are being told something for a while.
	tell -c speaking 'open 10 127.0.20.1'
	tell -c greeting 'open 10 127.0.20.101'
	tell -c command 'open 10 127.0.21.1'
	tell -c skipping 'open 10 127.0.21.101'
	wait_for_count held 40
	wait_for_count slow 10
	tell -c command 'send EHLO x\r\nMAIL FROM:<a@b.test>\r\n'
	tell -c skipping "send $(printf '%02000d' 0)"
	tell -c speaking 'send HELP\r\n'
	tell -c skipping 'wait 1500'
	for state in greeting speaking command skipping slow; do
		tell -c "$state" "$1"
	done
	# Who has only closed its own direction is told all that it asked for.
	wait_until -t 60 is_over
	[ "$(count abandoned)" = 50 ]
	[ "$(grep -c event=session "$DAEMONS/tarpitd.log")" = 50 ]
	[ "$(descriptors_of tarpitd)" -lt 20 ]
}

@test "faults: a reset in every state" {
	start HoldGreeting=8s
	leave reset
	passes 10
}

@test "faults: a half-close in every state" {
	start HoldGreeting=8s
	leave half
	passes 10
}

@test "faults: a reset while the policy or the MTA is silent" {
	policy -m silent
	mta 1
	start_tarpitd_with env -- PolicyTimeout=3s HandoffTimeout=3s
	crowd
	tell 'open 50 127.0.22.1'
	wait_for_count asking 50
	tell reset
	# Nobody looks at them before; then they are found to be gone.
	wait_until is_over
	crowd later
	tell -c later 'open 50 127.0.22.1'
	wait_for_count 'to the MTA' 50
	tell -c later reset
	wait_until is_over
	# Those before were told nothing: probes of the port, for all we know.
	[ "$(grep -c event=session "$DAEMONS/tarpitd.log")" = 50 ]
	[ "$(count passed)" = 0 ]
	[ "$(descriptors_of tarpitd)" -lt 20 ]
}

@test "faults: thousands wait for the MTA, most of them leave, the others get there" {
	roles
	start_tarpitd_with env -- HandoffTimeout=100s
	crowd
	tell 'open 1500 127.0.22.1'
	crowd later
	tell -c later 'open 300 127.0.22.1'
	crowd gone
	tell -c gone 'open 1000 127.0.22.1'
	wait_for_count 'to the MTA' 2800
	tell reset
	tell -c gone close
	wait_for_count 'to the MTA' 300
	[ "$(grep -c outcome=abandoned "$DAEMONS/tarpitd.log")" = 2500 ]
	mta
	wait_for_count passed 300
	tell -c later 'send QUIT\r\n'
	wait_until are_ended 300
}

are_ended() {
	tell -c later bytes
	[ "$(word 8)" = "$1" ]
}

@test "faults: clients that never read, and that read a byte now and then" {
	local i
	start HoldGreeting=1h CommandTimeout=1h
	tell deaf
	tell 'open 100 127.0.21.1'
	wait_for_count held 100
	# Their buffers are full, and tarpitd knows better than to try all the time.
	tell 'wait 1000'
	for i in 1 2 3 4; do
		tell trickle
		does_not_spin tarpitd tell 'wait 400'
	done
	passes 10
	tell bytes
	[ "$(word 6)" = 100 ]
	# What they have not read is not lost, and they are sent more.
	tell listen
	wait_until '[ "$(least_of_more)" -ge 3000 ]'
	[ "$(count held)" = 100 ]
	tell reset
	wait_until is_over
}

# The bytes that each of them has had since the last time, and all the times
# before.
least_of_more() {
	tell bytes >/dev/null
	word 2 >>"$DAEMONS/least"
	awk '{ n += $1 } END { print n }' "$DAEMONS/least"
}

# 100,000, and 1,000,000 with SOAK=1; about 20,000 a second.
# all_counted N: so many sessions have ended, and none is left.
all_counted() {
	local probes
	probes=$(ask request=status | sed -n 's/^probes=//p')
	is_over && [ $((probes + $(count passed) + $(count graduated) +
		$(count abandoned) + $(count refused) + $(count shed) +
		$(count failed))) = "$1" ]
}

# Has it have all that it keeps for good, before what it keeps is measured: the
# answers for 4,096 addresses, which come only to who waits for them, a place
# for each session, also in the queue to the MTA, and for each question.  How
# much of it the first rounds need is a matter of chance.
fill() {
	local i
	for i in 1 2 3 4; do
		tell "open $1 127.1.$((i * 10)).1"
		wait_for_count 'to the MTA' "$1"
		tell reset
		wait_until is_over
	done
}

@test "faults: clients that connect and leave, without a leak" {
	local round n=${SOAK:+250000} before memory rounds=${ROUNDS:-4}
	n=${n:-25000}
	roles
	# 300 bytes a session would be what this test is about.  A limit, so
	# that the most sessions that there were is no matter of chance, and no
	# crowd is large enough for its memory to be given back; who comes when
	# it is reached is shed.
	configure MaxPerClient=0 MaxSessions=1000 HandoffTimeout=100s
	start_daemon -n tarpitd bash -c 'exec "$@" 2>/dev/null' - \
		"$BUILD/tarpitd" --config "$CONF" --listen "$AT" \
		--control "$CONTROL"
	wait_for_notify tarpitd READY=1
	crowd
	fill 900
	start_daemon mta "$BUILD/tests/helpers/fake_mta" "$MTA"
	wait_for_socket mta "$MTA"
	before=$(memory_of tarpitd)
	echo "$before kB before"
	for ((round = 1; round <= rounds; round++)); do
		tell "churn $((n * 4 / 10)) 127.0.20.1"
		tell "churn $((n * 3 / 10)) 127.0.21.1"
		tell "churn $((n * 3 / 10)) 127.0.23.1"
		tell 'churn 100 127.0.22.1'
		# Each of them is counted, as one thing or another.
		wait_until -t 60 all_counted $((4 * 900 + round * (n + 100)))
		memory=$(memory_of tarpitd)
		echo "$memory kB after $round"
		[ "$(descriptors_of tarpitd)" -lt 20 ]
	done
	# Once the policy service has read what it was told of them.
	is_sanitized ||
		wait_until "[ \$((\$(memory_of tarpitd) - $before)) -le 300 ]"
	passes 10
}
