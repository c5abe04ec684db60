#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The spool is for all: whoever has more than his part of it, or is slow, gives
# way, and nobody else is refused for it.

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

# throttled [KEY=VALUE]...: everybody, at full speed, by an MTA without SIZE.
# What is in files is counted to the byte.
throttled() {
	backend plain
	policy '* action=throttle rate=0 patience=0 score=70 reason=test'
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolMemory=0 "$@"
	wait_for_notify tarpitd '1 free'
}

# sends NAME CLIENT LINES: a message of so many lines of 72 bytes, and not its
# end.
sends() {
	local -x SMTP=$1
	greet "$2"
	envelope u@dest.test
	smtp_say DATA
	smtp_expect '354 '
	lines "$3" >&"${SMTP_OUT[$1]}"
}

# ends NAME REPLY: to the end of its message.
ends() {
	SMTP=$1 smtp_send '.\r\n'
	SMTP=$1 smtp_expect "$2"
}

lines() {
	yes "$(printf 'x%.0s' {1..70})"$'\r' | head -n "$1"
}

# The FIGURE of the status, such as spool.used.
figure() {
	ask 'request=status' | sed -n "s/^$1=//p"
}

has_come() {
	wait_until "[ \$(figure spool.used) = $(($1 * 72)) ]"
}

took() {
	grep -c '^took ' "$DAEMONS/backend.log" || :
}

@test "spool: one client does not fill it for all" {
	throttled SpoolMax=3M
	sends large 127.0.1.2 40000
	has_come 40000
	sends small 127.0.1.2 2000
	has_come 42000
	sends other 127.0.2.1 4200
	ends other '250 2.0.0'
	[ "$(figure spool.expelled)" = 1 ]
	[ "$(figure spool.full)" = 0 ]
	[ "$(figure spool.messages)" = 1 ]
	wait_for_log tarpitd '127.0.1.2 gives way to others; .* event=spool_full '
	# What was expelled is read, and not kept; it can be sent again.
	SMTP=large smtp_send 'x\r\n'
	ends large '452 4.3.1'
	[ "$(figure spool.used)" = $((2000 * 72)) ]
	ends small '250 2.0.0'
	[ "$(figure spool.used)" = 0 ]
	SMTP=large envelope u@dest.test
	SMTP=large smtp_say DATA
	SMTP=large smtp_expect '354 '
	ends large '250 2.0.0'
	[ "$(took)" = 3 ]
	ctl status | grep -q ' 0 over their client.s part, 1 gave way'
	run ctl metrics
	[[ $output == *'tarpit_spool_expelled_total 1'$'\n'* ]]
	[[ $output == *'tarpit_spool_max_bytes 3145728'$'\n'* ]]
	[[ $output == *'tarpit_spool_refused_total 0'$'\n'* ]]
}

@test "spool: a host has one large message, and a sixteenth for the others" {
	throttled SpoolMax=1M
	sends large 127.0.1.2 2000
	has_come 2000
	sends small 127.0.1.2 900
	has_come 2900
	sends third 127.0.1.2 11
	ends third '452 4.3.1 Error: too many messages of yours'
	has_come 2900
	wait_for_log tarpitd '127.0.1.2 has its part of SpoolMax=; .* event=spool_full '
	# A neighbour has his own, and there is room.
	sends neighbour 127.0.1.3 2000
	ends neighbour '250 2.0.0'
	# Used up to the byte: not worth sending.
	SMTP=small smtp_send "$(printf 'x%.0s' {1..734})\r\n"
	wait_until "[ \$(figure spool.used) = $((2000 * 72 + 65536)) ]"
	SMTP=third envelope u@dest.test
	SMTP=third smtp_say DATA
	SMTP=third smtp_expect '452 4.3.1 Error: too many messages of yours'
	SMTP=third envelope u@dest.test
	SMTP=third smtp_say 'BDAT 6 LAST'
	SMTP=third smtp_send 'a\r\nb\r\n'
	SMTP=third smtp_expect '452 4.3.1 Error: too many messages of yours'
	SMTP=third smtp_say QUIT
	SMTP=third smtp_expect '221 '
	record_of 127.0.1.2 outcome=refused delivered=0
	# The large one may still grow, and the others afterwards.
	lines 2000 >&"${SMTP_OUT[large]}"
	ends large '250 2.0.0'
	lines 500 >&"${SMTP_OUT[small]}"
	ends small '250 2.0.0'
	[ "$(figure spool.refused)" = 3 ]
	[ "$(figure spool.expelled)" = 0 ]
	[ "$(figure spool.used)" = 0 ]
}

@test "spool: a network has a quarter, in which who has most gives way" {
	throttled SpoolMax=1M MaxMessageSize=200K
	sends elsewhere 127.0.2.1 2700
	has_come 2700
	sends large 127.0.1.1 2700
	has_come 5400
	sends small 127.0.1.2 800
	has_come 6200
	sends neighbour 127.0.1.3 500
	ends neighbour '250 2.0.0'
	[ "$(figure spool.expelled)" = 1 ]
	ends large '452 4.3.1'
	ends small '250 2.0.0'
	ends elsewhere '250 2.0.0'
	[ "$(figure spool.refused)" = 0 ]
	[ "$(took)" = 3 ]
}

@test "spool: chunks that are coming in are waited for beyond MaxThrottleTime=" {
	throttled MaxThrottleTime=2s
	greet 127.0.1.2
	envelope u@dest.test
	smtp_say 'BDAT 3'
	smtp_send 'x\r\n'
	smtp_expect '250 '
	SMTP=idle greet 127.0.1.3
	SMTP=idle smtp_expect '421 4.4.2'
	smtp_say 'BDAT 3 LAST'
	smtp_send 'y\r\n'
	smtp_expect '250 2.0.0'
	[ "$(took)" = 1 ]
}

# trickles NAME: a byte now and then, slower than MinBodyRate=, until its end.
trickles() {
	# shellcheck disable=SC2329 # by wait_until
	trickle() {
		# Who has been sent away takes nothing any more.
		(trap '' PIPE; SMTP=$1 smtp_send x 2>/dev/null) || :
		[ "$(figure throttle.too_slow)" = 1 ]
	}
	wait_until -t 60 "trickle $1"
}

@test "spool: a message of a few bytes a second has CommandTimeout=, not as long as it goes on" {
	throttled CommandTimeout=3s MinBodyRate=100000
	sends slow 127.0.1.2 1
	trickles slow
	SMTP=slow smtp_expect '421 4.4.2 mx.test'
	SMTP=slow smtp_expect_eof
	record_of 127.0.1.2 reason='"test limit:MinBodyRate"'
	run ctl status
	[[ $output == *"1 below MinBodyRate="* ]]
	run ctl metrics
	[[ $output == *$'\ntarpit_throttle_too_slow_total 1\n'* ]]
}

@test "spool: chunks of a few bytes do not begin that time anew" {
	throttled CommandTimeout=3s MinBodyRate=100000
	greet 127.0.1.2
	envelope u@dest.test
	smtp_say 'BDAT 1000000'
	trickles client
	smtp_expect '421 4.4.2 mx.test'
	smtp_expect_eof
}

@test "spool: who lingers in a message that gave way is ended, and hears of it" {
	throttled SpoolMax=3M CommandTimeout=10s
	sends large 127.0.1.2 40000
	has_come 40000
	sends other 127.0.2.1 4200
	ends other '250 2.0.0'
	[ "$(figure spool.expelled)" = 1 ]
	trickles large
	SMTP=large smtp_expect '452 4.3.1'
	SMTP=large smtp_expect_eof
}

# SpoolMax= is what an administrator says, and a tmpfs what there is.
@test "spool: on a full tmpfs who has most gives way, too" {
	backend plain
	policy '* action=throttle rate=0 patience=0 score=70 reason=test'
	mkdir "$DAEMONS/small"
	configure Backend=127.0.0.1:"$BACKEND" SpoolMemory=0 SpoolMax=64M \
		SpoolDirectory="$DAEMONS/small"
	# shellcheck disable=SC2016 # $1 is the inner shell's
	start_daemon -n tarpitd unshare --mount --propagation private sh -c '
		mount -t tmpfs -o size=1m none "$1" && shift && exec "$@"' \
		sh "$DAEMONS/small" "$BUILD/tarpitd" --config "$CONF" \
		--listen "$AT" --control "$CONTROL"
	wait_for_notify tarpitd '1 free'
	sends large 127.0.1.2 12000
	has_come 12000
	sends other 127.0.2.1 4200
	ends other '250 2.0.0'
	[ "$(figure spool.expelled)" = 1 ]
	ends large '452 4.3.1'
	# Whose own it is has nobody to blame.
	sends large 127.0.1.2 15000
	ends large '452 4.3.1'
	wait_for_log tarpitd 'no room for a message in .*small: No space left on device'
	[ "$(took)" = 1 ]
}
