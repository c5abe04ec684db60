#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpit-handoff between a miniature dispatcher and a miniature MTA.

load ../helpers/common
load ../helpers/daemon

bats_require_minimum_version 1.5.0

# -g: bats loads files from within a function.
declare -gA HELD

setup() {
	SOCKET=$DAEMONS/handoff.sock
	MAILDIR=$DAEMONS/Maildir
	CONFIG=$DAEMONS/handoff.conf
	CLIENT=$BUILD/tests/helpers/handoff_client
	MTA=("$BUILD/tests/helpers/maildir_smtpd" --hostname mx.test "$MAILDIR")
	printf '[Handoff]\n' >"$CONFIG"
}

teardown() {
	local name
	for name in "${!HELD[@]}"; do release "$name"; done
	stop_daemons
}

# handoff [OPTION]...: starts the service and waits until it takes sessions.
handoff() {
	start_daemon -n handoff "$BUILD/tarpit-handoff" --config "$CONFIG" \
		--listen "$SOCKET" "$@"
	wait_for_notify handoff READY=1
}

# hold NAME [OPTION]...: passes a session whose client says nothing until
# release NAME.
hold() {
	local fd
	mkfifo "$DAEMONS/$1.in"
	exec {fd}<>"$DAEMONS/$1.in"
	HELD[$1]=$fd
	start_daemon -i "$DAEMONS/$1.in" "$1" "$CLIENT" "${@:2}" "$SOCKET"
	wait_for_log "$1" '^sent$'
}

release() {
	local fd=${HELD[$1]}
	exec {fd}>&-
	unset "HELD[$1]"
}

# The service has been round its loop and seen all that came before.
round_trip() {
	local before
	before=$(grep -c event=reloaded "$DAEMONS/handoff.log" || :)
	kill -HUP "$(daemon_pid handoff)"
	wait_until "[ \$(grep -c event=reloaded '$DAEMONS/handoff.log') -gt $before ]"
}

# client [OPTION]...: plays its standard input to a session; what came back,
# without CR, and the dispatcher's view, in $output.
client() {
	run "$CLIENT" "$@" "$SOCKET"
	output=${output//$'\r'/}
}

dialogue() {
	printf '%s\r\n' "EHLO client.test" "MAIL FROM:<a@client.test>" \
		"RCPT TO:<b@mx.test>" DATA "Subject: test" "" "..dot" . QUIT
}

@test "handoff: a mail is filed, with the client's address" {
	handoff -- "${MTA[@]}"
	client --from 127.0.0.9 < <(dialogue)
	[ "$status" = 0 ]
	[[ $output == *"220 mx.test ESMTP"*"354 "*"250 2.0.0 Filed"*"221 "* ]]
	[ "$(find "$MAILDIR/new" -type f | wc -l)" = 1 ]
	grep -qx 'Return-Path: <a@client.test>' "$MAILDIR"/new/*
	grep -qx 'Delivered-To: b@mx.test' "$MAILDIR"/new/*
	grep -q '^Received: from client.test (\[127.0.0.9\])' "$MAILDIR"/new/*
	[ "$(tail -n 1 "$MAILDIR"/new/*)" = .dot ]
}

@test "handoff: IPv6" {
	handoff -- "${MTA[@]}"
	client --from ::1 < <(dialogue)
	[ "$status" = 0 ]
	grep -q '(\[IPv6:::1\])' "$MAILDIR"/new/*
}

@test "handoff: the MTA's environment tells the session" {
	handoff -- /bin/sh -c 'env; read x'
	client --from 127.0.0.9 </dev/null
	[ "$status" = 0 ]
	[[ $output == *PROTO=TCP* ]]
	[[ $output == *TCPREMOTEIP=127.0.0.9* ]]
	[[ $output =~ TCPREMOTEPORT=[1-9] ]]
	[[ $output == *TCPLOCALIP=127.0.0.1* ]]
	[[ $output =~ TCPLOCALPORT=[1-9] ]]
	[[ $output == *REMOTE_ADDR=127.0.0.9* ]]
	[[ $output =~ REMOTE_PORT=[1-9] ]]
	[[ $output == *PATH=* ]]
	[[ $output != *NOTIFY_SOCKET* ]]
}

@test "handoff: a message byte by byte" {
	handoff -- "${MTA[@]}"
	client --split < <(dialogue)
	[ "$status" = 0 ]
	[[ $output == *"250 2.0.0 Filed"* ]]
}

@test "handoff: what is no hand-off is refused and reported" {
	local text
	handoff -- "${MTA[@]}"
	for text in 'EHLO x\n\n' '\n' 'client_address=192.0.2.1\n\n' \
		'client_address=x\nclient_port=1\nserver_address=::1\nserver_port=25\n\n'; do
		client --message "$text" </dev/null
		[ "$status" = 1 ]
		[[ $output == *"refused: ECONNRESET"*"session intact"* ]]
	done
	# The first of a minute; the next record counts those since.
	[ "$(grep -c event=question_error "$DAEMONS/handoff.log")" = 1 ]
}

@test "handoff: a message without a descriptor, or that of a file, is refused" {
	handoff -- "${MTA[@]}"
	client --no-fd </dev/null
	[ "$status" = 1 ]
	[[ $output == *"refused: ECONNRESET"* ]]
	client --file </dev/null
	[ "$status" = 1 ]
	[[ $output == *"refused: ECONNRESET"* ]]
	client < <(dialogue)
	[ "$status" = 0 ]
}

@test "handoff: a message that never ends is refused" {
	handoff -- "${MTA[@]}"
	client --message "$(printf 'x=%5000s' '')" </dev/null
	[ "$status" = 1 ]
	[[ $output == *"refused: ECONNRESET"*"session intact"* ]]
}

@test "handoff: a silent dispatcher is bounded and keeps nobody waiting" {
	echo ReadTimeout=500ms >>"$CONFIG"
	handoff --max 1 -- "${MTA[@]}"
	start_daemon silent "$CLIENT" --silent --verdict-only "$SOCKET"
	start_daemon half "$CLIENT" --message client_address= "$SOCKET"
	client < <(dialogue)
	[ "$status" = 0 ]
	wait_for_exit silent
	status=0
	wait_for_exit half || status=$?
	[ "$status" = 1 ]
	grep -q 'refused: ECONNRESET' "$DAEMONS/half.log"
	grep -q 'session intact' "$DAEMONS/half.log"
	wait_for_log handoff 'timed out.*event=question_error'
}

@test "handoff: a missing MTA leaves the session with the dispatcher; its return is noticed" {
	handoff -- "$DAEMONS/mta"
	wait_for_log handoff 'No such file.*event=spawn_error'
	client </dev/null
	[ "$status" = 1 ]
	[[ $output == *"refused: ECONNRESET"*"session intact"* ]]
	printf '#!/bin/sh\nexec %s\n' "${MTA[*]}" >"$DAEMONS/mta"
	chmod 755 "$DAEMONS/mta"
	client < <(dialogue)
	[ "$status" = 0 ]
}

@test "handoff: an MTA that cannot run what it should is reported, once for many" {
	handoff -- /bin/sh -c 'exit 127'
	for _ in 1 2 3; do client </dev/null; done
	wait_for_log handoff 'exited with status 127.*event=spawn_error'
	round_trip
	[ "$(grep -c event=spawn_error "$DAEMONS/handoff.log")" = 1 ]
}

@test "handoff: an MTA that is killed is reported, and one that merely fails late is not" {
	echo EarlyExit=0 >>"$CONFIG"
	# shellcheck disable=SC2016
	handoff -- /bin/sh -c 'read x; [ "$x" = kill ] && kill -9 $$; exit 1'
	client <<<"fail"
	client <<<"kill"
	wait_for_log handoff 'killed by signal 9.*event=spawn_error'
	[ "$(grep -c event=spawn_error "$DAEMONS/handoff.log")" = 1 ]
}

# Exim without AF_NETLINK, say: each session was "taken", and 0 had failed.
@test "handoff: an MTA that ends without a word has not served, and its client is told" {
	handoff -- /bin/true
	client </dev/null
	[ "$status" = 3 ]
	[[ $output == *"failed"*"421 4.3.0 "* ]]
	wait_for_log handoff 'exited with status 0, and had not greeted.*event=spawn_error'
	wait_for_notify handoff 'STATUS=0 of 20 MTAs run; 1 sessions taken, 1 failed'
}

@test "handoff: an MTA that fails at once with an excuse has not served, and the excuse is all" {
	handoff -- /bin/sh -c 'echo 421 Unexpected failure; exit 1'
	client </dev/null
	[ "$status" = 3 ]
	[[ $output == *"421 Unexpected failure"* ]]
	[[ $output != *"421 4.3.0"* ]]
	wait_for_log handoff 'exited with status 1 at once.*event=spawn_error'
	wait_for_notify handoff 'STATUS=0 of 20 MTAs run; 1 sessions taken, 1 failed'
}

# Exim at smtp_accept_max: exit status 0.
@test "handoff: an MTA that ends with an excuse alone has not served, whatever its status" {
	local excuse
	for excuse in '421 Too many connections' '554 No service here'; do
		handoff -- /bin/sh -c "echo $excuse"
		hold kept
		wait_for_log kept "$excuse"
		wait_for_log kept '^failed'
		wait_for_log handoff 'exited with status 0 at once, and had only greeted.*event=spawn_error'
		wait_for_notify handoff 'STATUS=0 of 20 MTAs run; 1 sessions taken, 1 failed'
		release kept
		stop_daemon handoff
		rm "$DAEMONS/kept.in" "$DAEMONS"/*.log
	done
}

@test "handoff: an MTA that ends because it was told to has served" {
	handoff -- /bin/sh -c 'echo 220 x; read x; echo 221 x'
	hold kept
	wait_for_log kept '220 x'
	printf 'QUIT\r\n' >&"${HELD[kept]}"
	wait_for_log kept '221 x'
	round_trip
	wait_for_notify handoff 'STATUS=0 of 20 MTAs run; 1 sessions taken, 0 failed'
}

@test "handoff: a client that is gone before the greeting is no failure of the MTA's" {
	handoff -- /bin/sh -c 'read x; exit 1'
	client </dev/null
	[ "$status" = 0 ]
	round_trip
	wait_for_notify handoff 'STATUS=0 of 20 MTAs run; 1 sessions taken, 0 failed'
}

@test "handoff: one that greets late is taken after EarlyExit, and goes on" {
	echo EarlyExit=100ms >>"$CONFIG"
	mkfifo "$DAEMONS/go"
	handoff -- /bin/sh -c "read x <$DAEMONS/go; echo 220 late; read x"
	hold slow
	wait_for_log slow '^taken$'
	echo >"$DAEMONS/go"
	wait_for_log slow '220 late'
	release slow
}

@test "handoff: beyond Max sessions wait, in order, and are served" {
	handoff --max 1 -- "${MTA[@]}"
	hold first
	wait_for_log first '^220 '
	wait_for_log handoff event=mta_full
	hold second
	hold third
	round_trip
	run ! grep -E 'taken|refused|220' "$DAEMONS/second.log" "$DAEMONS/third.log"
	release first
	wait_for_log second '^220 '
	round_trip
	run ! grep -E 'taken|refused|220' "$DAEMONS/third.log"
	release second
	wait_for_log third '^220 '
	release third
	wait_for_exit third
	[ "$(grep -c event=mta_full "$DAEMONS/handoff.log")" = 1 ]
}

@test "handoff: a session taken back while it waits never meets an MTA" {
	# shellcheck disable=SC2016
	handoff --max 1 -- /bin/sh -c 'echo $TCPREMOTEIP >&2; exec cat'
	hold first --from 127.0.0.2
	wait_for_log handoff '^127.0.0.2$'
	hold second --from 127.0.0.3 --withdraw
	hold third --from 127.0.0.4
	release second
	wait_for_exit second
	release first
	wait_for_log handoff '^127.0.0.4$'
	run ! grep -x 127.0.0.3 "$DAEMONS/handoff.log"
}

@test "handoff: a full queue is seen by the dispatcher at once" {
	echo Queue=1 >>"$CONFIG"
	handoff --max 1 -- "${MTA[@]}"
	hold first
	wait_for_log first '^220 '
	# The kernel takes one more than it was told.
	hold second
	hold third
	client </dev/null
	[ "$status" = 2 ]
	[[ $output == *"Resource temporarily unavailable"* ]]
}

@test "handoff: a reload takes Queue= too" {
	printf 'Max=1\nCommand=%s\n' "${MTA[*]}" >>"$CONFIG"
	handoff
	hold first
	wait_for_log first '^220 '
	echo Queue=1 >>"$CONFIG"
	kill -HUP "$(daemon_pid handoff)"
	wait_for_log handoff 'event=reloaded'
	hold second
	hold third
	client </dev/null
	[ "$status" = 2 ]
	[[ $output == *"Resource temporarily unavailable"* ]]
}

@test "handoff: on SIGTERM waiting sessions go back, running ones go on" {
	handoff --max 1 -- "${MTA[@]}"
	hold first
	wait_for_log first '^220 '
	hold second
	stop_daemon handoff
	status=0
	wait_for_exit second || status=$?
	[ "$status" = 1 ]
	grep -q 'refused: ECONNRESET' "$DAEMONS/second.log"
	grep -q 'session intact' "$DAEMONS/second.log"
	[ ! -e "$SOCKET" ]
	grep -q 'event=stopped' "$DAEMONS/handoff.log"
	dialogue >&"${HELD[first]}"
	wait_for_log first '^221 '
	wait_for_exit first
	grep -q '250 2.0.0 Filed' "$DAEMONS/first.log"
}

@test "handoff: SIGHUP takes new settings, and keeps the old ones if they are wrong" {
	printf 'Max=1\nCommand=%s\n' "${MTA[*]}" >>"$CONFIG"
	handoff
	hold first
	wait_for_log first '^220 '
	hold second
	printf '[Handoff]\nMax=none\n' >"$CONFIG"
	kill -HUP "$(daemon_pid handoff)"
	wait_for_log handoff "$CONFIG:2: .*event=config_error"
	run ! grep taken "$DAEMONS/second.log"
	printf '[Handoff]\nMax=2\nCommand=%s\n' "${MTA[*]}" >"$CONFIG"
	kill -HUP "$(daemon_pid handoff)"
	wait_for_log second '^220 '
}

@test "handoff: a burst of 100 sessions through 5 MTAs, and no zombie stays" {
	handoff --max 5 -- "${MTA[@]}"
	for i in $(seq 100); do
		start_daemon "c$i" "$CLIENT" --from "127.0.1.$i" "$SOCKET"
	done
	for i in $(seq 100); do
		wait_for_exit "c$i"
		grep -q '^220 mx.test' "$DAEMONS/c$i.log"
	done
	wait_for_notify handoff "0 of 5 MTAs run; 100 sessions taken"
	[ -z "$(ps -o pid= --ppid "$(daemon_pid handoff)")" ]
}

@test "handoff: descriptors run out: sessions wait, none is lost" {
	start_daemon -n handoff prlimit --nofile=12 "$BUILD/tarpit-handoff" \
		--config "$CONFIG" --listen "$SOCKET" --max 50 -- "${MTA[@]}"
	wait_for_notify handoff READY=1
	# Each silent one takes a descriptor from us.
	for i in 1 2 3 4 5 6 7 8; do hold_silent "$i"; done
	wait_for_log handoff event=accept_paused
	for i in 1 2 3 4 5 6 7 8; do kill "$(daemon_pid "silent$i")"; done
	# What a dispatcher does: offer the session again until it is taken.
	for _ in {1..50}; do
		client < <(dialogue)
		[[ $status = 1 && $output == *"session intact"* ]] || break
	done
	[ "$status" = 0 ]
}

hold_silent() {
	start_daemon "silent$1" "$CLIENT" --silent --verdict-only "$SOCKET"
}

@test "handoff: the watchdog is fed" {
	export WATCHDOG_USEC=200000
	handoff -- "${MTA[@]}"
	wait_until "[ \$(grep -o WATCHDOG=1 '$DAEMONS/handoff-notified.log' | wc -l) -ge 3 ]"
}

@test "handoff: msmtpd as the MTA" {
	local msmtpd
	msmtpd=$(find_msmtpd) || skip "msmtpd cannot be had"
	printf '#!/bin/sh\nexec cat >%s/mail\n' "$DAEMONS" >"$DAEMONS/file"
	chmod 755 "$DAEMONS/file"
	handoff -- "$msmtpd" --inetd --command="$DAEMONS/file"
	# It knows no pipelining.
	hold talk --from 127.0.0.9
	wait_for_log talk '^220 '
	say talk 'EHLO client.test' '^250 '
	say talk 'MAIL FROM:<a@client.test>' '^250 .*'
	say talk 'RCPT TO:<b@mx.test>' '^250'
	say talk DATA '^354 '
	say talk $'Subject: test\r\n\r\ntext\r\n.' '^250'
	say talk QUIT '^221 '
	wait_for_exit talk
	grep -q '127.0.0.9' "$DAEMONS/mail"
	grep -q '^text' "$DAEMONS/mail"
}

# Its package and Postfix's exclude each other: unpacked, if not installed.
find_msmtpd() {
	local debs=$BUILD/debs
	type -p msmtpd && return
	[ -x "$debs/msmtp/usr/bin/msmtpd" ] || {
		mkdir -p "$debs/msmtp"
		(cd "$debs" && apt-get download -q msmtp-mta &&
			dpkg-deb -x msmtp-mta_*.deb msmtp) >"$debs/log" 2>&1
	} || return
	echo "$debs/msmtp/usr/bin/msmtpd"
}

# say NAME LINE REGEX: and wait for one more line that matches.
say() {
	local before
	before=$(grep -c "$3" "$DAEMONS/$1.log" || :)
	printf '%s\r\n' "$2" >&"${HELD[$1]}"
	wait_until "[ \$(grep -c '$3' '$DAEMONS/$1.log') -gt $before ]"
}

@test "handoff: without a command, a socket, or a path it says so and exits 100" {
	run "$BUILD/tarpit-handoff" --config "$CONFIG" --listen "$SOCKET" </dev/null
	[ "$status" = 100 ]
	[[ $output == *"no MTA"* ]]
	run "$BUILD/tarpit-handoff" --config "$CONFIG" -- /bin/true </dev/null
	[ "$status" = 100 ]
	[[ $output == *"--listen PATH"* ]]
	run "$BUILD/tarpit-handoff" --config "$CONFIG" --listen "$SOCKET" -- true </dev/null
	[ "$status" = 100 ]
	[[ $output == *"must be a path"* ]]
	run "$BUILD/tarpit-handoff" --max 0 -- /bin/true </dev/null
	[ "$status" = 100 ]
	[[ $output == *Max* ]]
}

@test "handoff: --check-config names file, line and key" {
	printf 'Max=3\nMaxx=3\n' >>"$CONFIG"
	run "$BUILD/tarpit-handoff" --config "$CONFIG" --check-config -- /bin/true
	[ "$status" = 100 ]
	[[ $output == *"$CONFIG:3: "*Maxx* ]]
	printf '[Handoff]\nCommand=/bin/true\n' >"$CONFIG"
	run "$BUILD/tarpit-handoff" --config "$CONFIG" --check-config
	[ "$status" = 0 ]
	[ -z "$output" ]
	run "$BUILD/tarpit-handoff" --config "$ROOT/bin/tarpit-handoff/tarpit-handoff.conf" \
		--check-config -- /bin/true
	[ "$status" = 0 ]
}

@test "handoff: the manual page has every option and key of --help" {
	local page=$ROOT/bin/tarpit-handoff/tarpit-handoff.8 name
	run "$BUILD/tarpit-handoff" --help
	[ "$status" = 0 ]
	while read -r name; do
		grep -qE "^\.It Fl ${name#-}( |$)" "$page" || {
			echo "$name is not in $page"
			return 1
		}
	done < <(grep -oE '^  --[a-z-]+' <<<"$output")
	while read -r _ name; do
		grep -qxF ".It Cm ${name%%=*} Ns =${name#*=}" "$page" || {
			echo "$name is not in $page"
			return 1
		}
	done < <(grep -oE '\[Handoff\] [A-Za-z]+=[^ ]*' <<<"$output")
	[ "$(grep -c '^\.It Cm' "$page")" = 5 ]
}

@test "handoff: --version" {
	run "$BUILD/tarpit-handoff" --version
	[ "$status" = 0 ]
	[[ $output == "tarpit-handoff "* ]]
}
