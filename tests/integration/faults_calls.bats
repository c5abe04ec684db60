#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The kernel says no: descriptors and memory run out.  tarpitd never spins,
# keeps whom it has, and recovers by itself.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/faults

bats_require_minimum_version 1.5.0

setup() {
	tarpitd_setup
	faults_setup
}

teardown() {
	smtp_close_all
	stop_daemons
}

# 127.0.20.* is held at 20 bytes a second, 127.0.21.* slowed, all others pass.
roles() {
	local rules=() i
	for i in {1..254}; do
		rules+=("127.0.20.$i action=hold rate=20 score=100"
			"127.0.21.$i action=slow rate=100 patience=5 score=30")
	done
	policy "${rules[@]}" '* action=pass rate=0 ttl=60'
}

# tarpitd, whose calls can fail, with a crowd of 50 held.
start() {
	! is_sanitized || skip "not with a sanitizer"
	roles
	mta
	start_tarpitd_with "${WITH_FAULTS[@]}" -- HoldGreeting=1h
	crowd
	tell 'open 50 127.0.20.1'
	wait_for_count held 50
}

# The 50 of start() are still there and have been sent something in a second, of
# the 20 bytes that they are due.
are_served() {
	tell bytes
	does_not_spin tarpitd tell 'wait 1200'
	tell bytes
	[ "$(word 2)" -ge 8 ] && [ "$(word 6)" = 50 ]
}

events() {
	grep -c "event=$1\b" "$DAEMONS/tarpitd.log" || :
}

passes() {
	tell "steady $1 5 127.0.22.1"
	[ "$ANSWER" = "steady $1" ]
}

@test "faults: accept says EMFILE, ENFILE, ENOBUFS, ENOMEM" {
	local error n=50
	start
	for error in 24 23 105 12; do
		fail_calls "accept4=$error"
		smtp_connect "$AT" 127.0.22.7
		are_served
		[ "$(count held)" = 50 ]
		fail_calls ""
		smtp_expect '220 '
		smtp_close
	done
	# It said so, once each, whichever take turns, and tried ten times a
	# second, not more.
	for error in 24 23 24; do
		n=$(failed_calls accept4)
		fail_calls "accept4=$error"
		smtp_connect "$AT" 127.0.22.7
		wait_until "[ \$(failed_calls accept4) -gt $n ]"
		fail_calls ""
		smtp_expect '220 '
		smtp_close
	done
	[ "$(events accept_paused)" = 4 ]
	[ "$(failed_calls accept4)" -ge 8 ]
	[ "$(failed_calls accept4)" -le 200 ]
	passes 10
}

# Times are 32 bits of milliseconds, 49 days.  Silence of more than 24 of them at a
# jump would be in the future.
@test "faults: a session ends after 40 days, whatever it does" {
	! is_sanitized || skip "not with a sanitizer"
	policy '* action=hold rate=0 score=100'
	start_tarpitd_with "${WITH_FAULTS[@]}" -- CommandTimeout=24h
	smtp_connect "$AT" 127.0.20.1
	smtp_expect '220 mx.test'
	fail_calls "monotonic=$((40 * 86400 - 3600))"
	smtp_say NOOP
	smtp_expect '250 '
	fail_calls "monotonic=$((40 * 86400 + 3600))"
	smtp_expect '421 4.4.2 mx.test'
	smtp_expect_eof
	record_of 127.0.20.1 outcome=refused
}

@test "faults: epoll takes no more descriptors" {
	local error
	start
	for error in 12 28; do
		fail_calls "epoll_ctl=$error"
		# It is accepted, asked about and waits to be handed off.
		smtp_connect "$AT" 127.0.22.7
		are_served
		fail_calls ""
		smtp_expect '220 '
		smtp_close
	done
	[ "$(failed_calls epoll_ctl)" -ge 2 ]
	passes 10
}

@test "faults: epoll takes the listening socket back only later" {
	start
	fail_calls accept4=24
	smtp_connect "$AT" 127.0.22.7
	wait_for_log tarpitd event=accept_paused
	fail_calls epoll_ctl=12
	wait_until '[ "$(failed_calls epoll_ctl)" -ge 3 ]'
	are_served
	fail_calls ""
	smtp_expect '220 '
	smtp_close
	passes 10
}

@test "faults: send says ENOBUFS and ENOMEM, and nobody is lost" {
	local error
	start
	for error in 105 12; do
		fail_calls "send=$error"
		does_not_spin tarpitd tell 'wait 1200'
		fail_calls ""
		are_served
	done
	[ "$(failed_calls send)" -ge 50 ]
	# Neither are those whose question is lost with it.
	fail_calls send=105/2
	passes 20
	fail_calls ""
	[ "$(events session)" = 20 ]
}

@test "faults: sendmsg says ENOBUFS: the hand-off waits" {
	start
	fail_calls sendmsg=105
	smtp_connect "$AT" 127.0.22.7
	are_served
	[ "$(failed_calls sendmsg)" -ge 2 ]
	fail_calls ""
	smtp_expect '220 '
	[ "$(grep -c '^took' "$DAEMONS/mta.log")" = 1 ]
	smtp_close
	passes 10
}

@test "faults: no socket for the MTA, nor for the policy service" {
	start
	fail_calls socket=24
	stop_daemon policy KILL || :
	smtp_connect "$AT" 127.0.22.7
	wait_for_log tarpitd event=policy_down
	are_served
	roles
	fail_calls ""
	smtp_expect '220 '
	smtp_close
	# The first question after the next connection finds out.
	wait_until 'passes 1 >/dev/null && [ "$(events policy_up)" = 1 ]'
	passes 10
}

@test "faults: no memory: sessions go on without their texts, a reload waits" {
	start
	fail_calls malloc=12
	tell 'open 20 127.0.21.1'
	wait_for_count slow 20
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=config_error
	are_served || [ "$(word 6)" = 70 ]
	passes 10
	fail_calls ""
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	wait_for_count graduated 20
	[ "$(failed_calls malloc)" -ge 20 ]
	stop_daemon tarpitd
}

all_are_somewhere() {
	[ $(($(count shed) + $(count held))) = "$1" ]
}

# limited N CLIENTS: RLIMIT_NOFILE N and more clients than that.
limited() {
	local most=$(($1 - 16)) fds
	roles
	mta
	start_tarpitd_with prlimit "--nofile=$1:$1" -- HoldGreeting=1h
	crowd
	tell "open $2 127.0.20.1"
	# The oldest are told to go, so that there is room for a clean one.
	wait_until "all_are_somewhere $2"
	[ "$(count held)" -le "$most" ]
	echo "$(events shedding) times shedding"
	[ "$(events shedding)" -ge 1 ]
	does_not_spin tarpitd tell 'wait 1200'
	fds=$(descriptors_of tarpitd)
	[ "$fds" -le "$1" ]
	passes 40
	tell close
	wait_for_count held 0
	passes 5
	[ "$(descriptors_of tarpitd)" -lt 16 ]
}

@test "faults: 64 descriptors and 300 clients" {
	limited 64 300
}

@test "faults: 256 descriptors and 600 clients" {
	limited 256 600
}

@test "faults: 64 descriptors, and all of them wait for an MTA that is stuck" {
	roles
	mta 1
	start_tarpitd_with prlimit --nofile=64:64 -- HandoffTimeout=4s
	crowd
	tell 'open 100 127.0.22.1'
	does_not_spin tarpitd tell 'wait 2000'
	[ "$(descriptors_of tarpitd)" -le 64 ]
	# Each in its turn hears 421, and is counted.
	wait_for_count failed 100 40
	stop_daemon mta KILL || :
	rm -f "$MTA"
	mta
	passes 10
}

@test "faults: the wall clock goes back and forward by a day" {
	local day
	start
	tell 'open 10 127.0.21.1'
	for day in -86400 86400 0; do
		fail_calls "realtime=$day"
		tell bytes
		tell 'wait 1200'
		tell bytes
		[ "$(word 2)" -ge 8 ] && [ "$(word 4)" -le 400 ]
	done
	# Patience is five seconds whatever the clock says.
	wait_for_count graduated 10
	[ "$(count held)" = 50 ]
	passes 5
	record_of 127.0.21.1 outcome=graduated | field held_usec >"$DAEMONS/held"
	[ "$(<"$DAEMONS/held")" -ge 3000000 ]
	[ "$(<"$DAEMONS/held")" -le 60000000 ]
}
