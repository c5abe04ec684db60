#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The control socket: what it says, what it does to sessions, and what its
# clients may do to it.

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

# By address: .2 passes, .3 is slow, .4 and all others are held.
roles() {
	policy '127.0.0.2 action=pass score=0' \
		'127.0.0.3 action=slow rate=20 patience=20 score=25 reason=history.none+25 country=DE' \
		'* action=hold rate=20 score=100 reason=list.drop+100 country=CN asn=64496'
	mta
	tarpitd HoldGreeting=300s MaxPatience=25s "$@"
}

# live CLIENT: the message about its session, once it has one.
live() {
	wait_until "live_now $1 >/dev/null"
	live_now "$1"
}

live_now() {
	ask request=sessions | awk -v client="client=$1" '
		BEGIN { RS = ""; FS = "\n" }
		$3 == client { print; found = 1; exit }
		END { exit !found }'
}

# value NAME: of the message on standard input.
value() {
	sed -n "s/^$1=//p"
}

# was_told CLIENT: something, so far.
was_told() {
	[ "$(live_now "$1" | value bytes_out)" -gt 0 ]
}

# in_state CLIENT STATE LANE
in_state() {
	local session
	session=$(live_now "$1") || return
	[ "$(value state <<<"$session")" = "$2" ] &&
		[ "$(value lane <<<"$session")" = "$3" ]
}

@test "control: status counts sessions by lane, and how they ended" {
	roles
	SMTP=a smtp_connect "$AT" 127.0.0.3
	SMTP=b smtp_connect "$AT" 127.0.0.4
	smtp_play - "$AT" 127.0.0.2 <<<'S: 220 '
	record_of 127.0.0.2 outcome=passed
	wait_until in_state 127.0.0.4 greeting hold
	run -0 ask request=status
	[[ $'\n'$output == *$'\n'live.slow=1$'\n'* ]]
	[[ $output == *$'\n'live.hold=1$'\n'* ]]
	[[ $output == *$'\n'live.all=2$'\n'* ]]
	[[ $output == *$'\n'ended.pass.passed=1$'\n'* ]]
	[[ $output == *$'\n'today.pass.passed=1$'\n'* ]]
	[[ $output == *$'\n'stay.pass.inf=1$'\n'* ]]
	[[ $output == *$'\n'latency.inf=1$'\n'* ]]
	[[ $output == *$'\n'policy.asked=3$'\n'* ]]
	[[ $output == *$'\n'mode=enforce$'\n'* ]]
	# Who leaves before it has been told anything was a probe of the port.
	wait_until was_told 127.0.0.4
	SMTP=b smtp_close
	record_of 127.0.0.4 outcome=abandoned
	run -0 ask request=status
	[[ $output == *$'\n'ended.hold.abandoned=1$'\n'* ]]
	[ "$(sed -n 's/^held_ms.hold.abandoned=//p' <<<"$output")" -gt 0 ]
	[[ $output == *$'\n'stay.hold.inf=1$'\n'* ]]
}

@test "control: sessions, and everything of one" {
	local session
	policy '* action=hold rate=2000 score=100 reason=list.drop+100 country=CN asn=64496'
	tarpitd
	smtp_connect "$AT" 127.0.0.4
	smtp_expect '220 '
	smtp_send 'EHLO a\xffb\x1b[31m\r\n'
	smtp_expect_reply 250
	smtp_say 'EHLO me.test'
	smtp_expect_reply 250
	smtp_say 'MAIL FROM:<x@y>'
	smtp_expect '250 2.1.0'
	wait_until in_state 127.0.0.4 command hold
	run -0 live 127.0.0.4
	[[ $output == *$'\ncountry=CN\nasn=64496' ]]
	[[ $output != *reason=* ]]
	session=$output
	run -0 ask request=session "slot=$(value slot <<<"$session")" \
		"number=$(value number <<<"$session")"
	[[ $output == *$'\nreason=list.drop+100\n'* ]]
	[[ $output == *$'\nhelo=me.test\nsender=<x@y>'* ]]
	run -0 ask request=session "slot=$(value slot <<<"$session")" number=7
	[ "$output" = "error=the session is over" ]
	run -0 ask request=session slot=4000000000 number=1
	[ "$output" = "error=the session is over" ]
	run -0 ask request=sessions
	[[ $output == *$'end=sessions\ncount=1' ]]
}

@test "control: release in the greeting gives the same connection to the MTA" {
	roles
	smtp_connect "$AT" 127.0.0.4
	smtp_expect '220-'
	wait_until in_state 127.0.0.4 greeting hold
	run -0 ask request=release address=127.0.0.4 seconds=60 by=me
	[ "$output" = "end=release
count=1" ]
	smtp_expect_reply 220 mta.test
	smtp_close
	record_of 127.0.0.4 outcome=graduated verdict=hold
	grep -q 'reason="list.drop+100 operator:release"' "$DAEMONS/tarpitd.log"
	wait_for_record tarpitd event=override_set network=127.0.0.4/32 \
		override=release operator=me "operator_uid=$(id -u)"
}

@test "control: release in a dialogue ends it, and the next attempt passes" {
	policy '* action=hold rate=2000 score=100 reason=list.drop+100'
	mta
	tarpitd
	smtp_connect "$AT" 127.0.0.4
	smtp_expect '220 '
	smtp_say NOOP
	smtp_expect '250 '
	wait_until in_state 127.0.0.4 command hold
	run -0 ask request=release address=127.0.0.0/24 seconds=60 by=me
	[[ $output == *count=1* ]]
	smtp_expect '421 4.3.2 mx.test Try again'
	smtp_expect_eof
	record_of 127.0.0.4 outcome=shed lane=hold
	grep -q 'reason="list.drop+100 operator:release"' "$DAEMONS/tarpitd.log"
	smtp_connect "$AT" 127.0.0.5
	smtp_expect '220 mta.test'
	smtp_close
	record_of 127.0.0.5 outcome=passed verdict=hold lane=pass
}

@test "control: hold moves a slow session, and its next ones" {
	roles
	smtp_connect "$AT" 127.0.0.3
	smtp_expect '220-'
	wait_until in_state 127.0.0.3 greeting slow
	run -0 ask request=hold address=127.0.0.3 seconds=60 by=me
	[[ $output == *count=1* ]]
	in_state 127.0.0.3 greeting hold
	[ "$(live 127.0.0.3 | value rate)" = 5 ]
	SMTP=next smtp_connect "$AT" 127.0.0.3
	wait_until "ask request=status | grep -qx live.hold=2"
	[[ $(ask request=status) == *$'\nlive.slow=0\n'* ]]
	smtp_close_all
	record_of 127.0.0.3 outcome=abandoned lane=hold verdict=slow
	grep -q 'held by an operator: history.none+25 operator:hold' \
		"$DAEMONS/tarpitd.log"
	# Whoever passes is never asked to wait, unless held.
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 mta.test'
}

@test "control: an override ends when its time is over, or when it is forgotten" {
	roles
	ask request=hold address=127.0.0.2 seconds=1 by=me
	ask request=release address=127.0.0.4/31 seconds=100 by=you
	wait_for_record tarpitd event=override_ended network=127.0.0.2/32 \
		operator=me
	run -0 ask request=overrides
	[[ $output == $'network=127.0.0.4/31\noverride=release\nseconds=9'* ]]
	[[ $output == *$'by=you\n\nend=overrides\ncount=1' ]]
	ask request=forget address=127.0.0.4/31 by=them
	wait_for_record tarpitd event=override_ended network=127.0.0.4/31 \
		operator=them
	run -0 ask request=forget address=127.0.0.4/31
	[ "$output" = "error=nothing was said of this network" ]
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 mta.test'
	SMTP=b smtp_connect "$AT" 127.0.0.4
	SMTP=b smtp_expect '220-'
}

@test "control: overrides survive a reload; in observe nobody is held" {
	roles
	ask request=hold address=127.0.0.2 seconds=100 by=me
	configure Mode=observe
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_record tarpitd event=reloaded
	[[ $(ask request=overrides) == *127.0.0.2/32* ]]
	smtp_play - "$AT" 127.0.0.2 <<<'S: 220 '
	record_of 127.0.0.2 outcome=passed lane=hold verdict=pass mode=observe
}

@test "control: there are at most 256 overrides" {
	local i
	roles
	for ((i = 0; i < 256; i++)); do
		printf 'request=hold\naddress=192.0.2.%d\nseconds=60\n\n' "$i"
	done | socat -t 20 - "UNIX-CONNECT:$CONTROL" >"$DAEMONS/answers"
	[ "$(grep -c '^end=hold' "$DAEMONS/answers")" = 256 ]
	run -0 ask request=hold address=198.51.100.1 seconds=60
	[ "$output" = "error=there are too many overrides: forget some" ]
	# One that is there already can be changed.
	run -0 ask request=release address=192.0.2.7 seconds=60
	[[ $output == end=release* ]]
	run -0 ask request=overrides
	[[ $output == *count=256* ]]
}

# throttled RATE [HABIT]: a session in the middle of a dialogue of the lane
# throttle.
throttled() {
	backend "${@:2}"
	policy "* action=throttle rate=$1 patience=0 score=70 reason=test"
	mta
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		MaxPatience=1s MaxReplyTime=300s MaxDialogueDelay=1h
	wait_for_notify tarpitd '1 free'
	smtp_connect "$AT" 127.0.0.4
	smtp_expect '220 mx.test ESMTP'
}

@test "control: a throttled session that is released goes on at full speed" {
	throttled 1
	# At its rate, a line of the reply takes longer than any is waited for.
	smtp_say 'EHLO client.test'
	wait_until in_state 127.0.0.4 t-command throttle
	run -0 ask request=release address=127.0.0.4 seconds=60
	[[ $output == *count=1* ]]
	smtp_expect_reply 250
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 2.1.0'
	smtp_say 'RCPT TO:<u@dest.test>'
	smtp_expect '250 2.1.5'
	smtp_say QUIT
	smtp_expect '221 '
	record_of 127.0.0.4 lane=throttle
	grep -q 'operator:release' "$DAEMONS/tarpitd.log"
}

@test "control: a throttled session that is held comes again, and is" {
	throttled 0
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
	run -0 ask request=hold address=127.0.0.4 seconds=60
	[[ $output == *count=1* ]]
	smtp_expect '421 4.3.2 mx.test Try again'
	smtp_expect_eof
	record_of 127.0.0.4 outcome=shed lane=throttle
	smtp_connect "$AT" 127.0.0.4
	wait_until in_state 127.0.0.4 sending hold
}

# Whenever the order comes: a message that is delivered is told to be.
@test "control: a message that is with the MTA is not stopped" {
	throttled 0 slow-dot
	smtp_send 'EHLO client.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<u@dest.test>\r\nDATA\r\n'
	smtp_expect_reply 250
	smtp_expect '250 2.1.0'
	smtp_expect '250 2.1.5'
	smtp_expect '354 '
	smtp_send 'x\r\n.\r\n'
	wait_for_log backend '^body x$'
	run -0 ask request=hold address=127.0.0.4 seconds=60
	[[ $output == end=hold* ]]
	smtp_expect '250 2.0.0 Ok: queued'
	[ "$(grep -c '^took ' "$DAEMONS/backend.log")" = 1 ]
}

# --- its clients ---

@test "control: what is no command is told so, or the end of it" {
	roles
	run -0 ask request=frobnicate
	[ "$output" = "error=request: unknown" ]
	run -0 ask hello
	[ "$output" = "error=a line is not of the form name=value" ]
	run -0 ask request=hold address=nonsense seconds=60
	[ "$output" = "error=address: not an address or network" ]
	run -0 ask request=hold address=127.0.0.1 seconds=9999999
	[ "$output" = "error=seconds: not 1 s to 30 days" ]
	# A message without an end costs its sender the connection.
	run socat -t 5 - "UNIX-CONNECT:$CONTROL" \
		< <(head -c 100000 /dev/zero | tr '\0' x)
	[[ $output == *'Broken pipe'* || $output == *'reset by peer'* ]]
	# Pipelined ones are answered in order, half of one is not.
	run -0 socat -t 5 - "UNIX-CONNECT:$CONTROL" <<-'E'
		request=overrides

		request=sessions

		request=sta
	E
	[ "$output" = $'end=overrides\ncount=0\n\nend=sessions\ncount=0' ]
}

@test "control: sixteen may look at a time" {
	local i fds=() fd
	roles
	for ((i = 0; i < 16; i++)); do
		SMTP=$i
		exec {fd}> >(exec socat -u - "UNIX-CONNECT:$CONTROL")
		fds+=("$fd")
		printf 'request=sta' >&"$fd"
	done
	wait_until '[ "$(ask request=status)" = "error=too many clients" ]'
	exec {fd}>&-
	wait_until "ask request=status | grep -q ^live.all="
	for fd in "${fds[@]:0:15}"; do exec {fd}>&-; done
}

# Three thousand sessions' listing is 0.6 MB, more than a socket holds.
@test "control: who does not read a long listing keeps nobody waiting" {
	policy '* action=hold rate=20 score=100 reason=list.drop+100'
	tarpitd MaxPerClient=0 HoldGreeting=300s
	coproc CROWD { exec 3>&-; exec "$BUILD/tests/helpers/crowd" "$AT"; }
	echo $! >"$DAEMONS/crowd.pid"
	echo 'open 3000 127.0.1.0' >&"${CROWD[1]}"
	read -r -t "$DEADLINE" -u "${CROWD[0]}"
	wait_until "ask request=status | grep -qx live.hold=3000"
	# A client that has asked and stopped.
	start_daemon -i <(echo $'request=sessions\n'; exec sleep 60) stuck \
		socat -b 128 -,ignoreeof "UNIX-CONNECT:$CONTROL"
	wait_for_log stuck client=
	kill -STOP "$(daemon_pid stuck)"
	[[ $(ask request=sessions | tail -n 2) == *count=3000* ]]
	smtp_connect "$AT" 127.0.0.9
	smtp_expect '220-'
	# An order for all of them is carried out although its giver has left.
	printf 'request=release\naddress=127.0.1.0/24\nseconds=60\n\n' |
		socat -u - "UNIX-CONNECT:$CONTROL"
	wait_until "ask request=status | grep -qx live.hold=1"
	echo close >&"${CROWD[1]}"
}

@test "control: its socket is for owner and group, and goes with the process" {
	roles
	[ "$(stat -c %a "$CONTROL")" = 660 ]
	stop_daemon tarpitd
	[ ! -e "$CONTROL" ]
}

@test "control: systemd's socket is told by its name" {
	local conf=$DAEMONS/c.conf
	printf '[Dispatcher]\nHostName=mx.test\nPolicy=%s\n' "$POLICY" >"$conf"
	start_daemon tarpitd systemd-socket-activate \
		-l "$CONTROL" -l "$AT" --fdname=control:smtp \
		"$BUILD/tarpitd" --config "$conf"
	wait_for_port tarpitd "$PORT"
	wait_until "ask request=status | grep -qx live.all=0"
	smtp_connect "$AT"
	wait_until "ask request=status | grep -qx live.all=1"
	stop_daemon tarpitd
	# It is no socket for mail, so alone it is of no use.
	start_daemon tarpitd systemd-socket-activate -l "$CONTROL" \
		--fdname=control "$BUILD/tarpitd" --config "$conf"
	wait_for_socket tarpitd "$CONTROL"
	ask request=status || :
	status=0
	wait_for_exit tarpitd || status=$?
	[ "$status" = 100 ]
	grep -q 'a control socket, but no socket to serve' \
		"$DAEMONS/tarpitd.log"
}
