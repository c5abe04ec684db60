#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# How tarpitd is started: by hand, by systemd, by inetd; and how not.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

bats_require_minimum_version 1.5.0

setup() {
	tarpitd_setup
	policy '127.0.0.2 action=hold rate=2000'
	mta
}

teardown() {
	smtp_close_all
	stop_daemons
	# What inetd started is not ours to wait for, but ours to end.
	[ ! -e "$DAEMONS/inetd.children" ] ||
		xargs -r kill <"$DAEMONS/inetd.children" 2>/dev/null || :
}

# serves ADDRESS:PORT: a session gets to the MTA there.
serves() {
	smtp_connect "$1"
	smtp_expect '220 mta.test'
	smtp_say QUIT
	smtp_expect '221 '
	smtp_close
}

@test "start: --listen, several times" {
	local second
	second=$(free_port)
	configure
	start_daemon tarpitd "$BUILD/tarpitd" --config "$CONF" \
		--listen "127.0.0.1:$PORT" --listen "[::1]:$PORT" \
		--listen "127.0.0.1:$second"
	wait_for_port tarpitd "$second"
	serves "127.0.0.1:$PORT"
	serves "[::1]:$PORT"
	serves "127.0.0.1:$second"
	wait_for_log tarpitd 'serving on 3 sockets'
}

@test "start: sockets of systemd's" {
	configure
	start_daemon tarpitd systemd-socket-activate \
		-l "127.0.0.1:$PORT" -l "[::1]:$PORT" \
		"$BUILD/tarpitd" --config "$CONF"
	wait_for_port tarpitd "$PORT"
	serves "127.0.0.1:$PORT"
	serves "[::1]:$PORT"
	wait_for_log tarpitd 'serving on 2 sockets'
	stop_daemon tarpitd
}

@test "start: inetd's wait, by systemd-socket-activate" {
	configure
	# Without --accept the listening socket is descriptor 0.
	start_daemon tarpitd systemd-socket-activate --inetd \
		-l "127.0.0.1:$PORT" "$BUILD/tarpitd" --config "$CONF"
	wait_for_port tarpitd "$PORT"
	serves "$AT"
	serves "$AT"
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 mx.test'
	smtp_say QUIT
	smtp_expect '221 '
	smtp_expect_eof
}

# inetd MODE: the real one.  Its children write down who they are.
inetd() {
	[ -x /usr/sbin/inetd ] || skip "no openbsd-inetd"
	[ "$(id -u)" = 0 ] || skip "inetd needs root"
	configure
	cat >"$DAEMONS/tarpitd-inetd" <<-END
		#!/bin/sh
		echo \$\$ >>"$DAEMONS/inetd.children"
		exec "$BUILD/tarpitd" --config "$CONF"
	END
	chmod 755 "$DAEMONS/tarpitd-inetd"
	echo "127.0.0.1:$PORT stream tcp $1 root $DAEMONS/tarpitd-inetd tarpitd" \
		>"$DAEMONS/inetd.conf"
	start_daemon inetd /usr/sbin/inetd -d "$DAEMONS/inetd.conf"
	wait_for_port inetd "$PORT"
}

children() {
	wc -l <"$DAEMONS/inetd.children"
}

@test "start: inetd's wait" {
	inetd wait
	serves "$AT"
	serves "$AT"
	[ "$(children)" = 1 ]
	pid_is_alive "$(<"$DAEMONS/inetd.children")"
}

@test "start: inetd's nowait, a process a session" {
	inetd nowait
	serves "$AT"
	serves "$AT"
	smtp_play - "$AT" 127.0.0.2 <<-'END'
		S: 220 mx.test
		B: HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nQUIT\r\n
		S: 250
		S: 250
		S: 450 4.7.1
		S: 221
		E:
	END
	[ "$(children)" = 3 ]
	# Each has ended with its session.
	while read -r pid; do
		wait_until "! pid_is_alive $pid"
	done <"$DAEMONS/inetd.children"
}

@test "start: under inetd what is wrong is not told to the client" {
	configure Mode=wrong
	start_daemon inetd socat "TCP-LISTEN:$PORT,bind=127.0.0.1" \
		EXEC:"$BUILD/tarpitd --config $CONF",nofork,stderr
	wait_for_port inetd "$PORT"
	# Served by what is valid, and without a word of it before.
	smtp_connect "$AT"
	smtp_expect '220 mta.test'
	smtp_say QUIT
	smtp_expect '221 '
	smtp_expect_eof
}

@test "start: by hand an error is one, on a socket that is held open it is told" {
	configure MaxSessions=many
	run -100 "$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	[[ $output == *"$CONF"*"MaxSessions=many"* ]]
	start_daemon tarpitd systemd-socket-activate -l "$AT" \
		"$BUILD/tarpitd" --config "$CONF"
	wait_for_port tarpitd "$PORT"
	serves "$AT"
	wait_for_log tarpitd 'going on with the rest of it, only observing.*event=config_error'
}

@test "start: with nothing it says what it expected" {
	configure
	run -100 "$BUILD/tarpitd" --config "$CONF" </dev/null
	[[ $output == *LISTEN_FDS*inetd*--listen* ]]
}

@test "start: an address that is none, or in use" {
	configure
	run -100 "$BUILD/tarpitd" --config "$CONF" --listen nonsense
	[[ $output == *"--listen nonsense"* ]]
	start_daemon tarpitd "$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	wait_for_port tarpitd "$PORT"
	run -111 "$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	[[ $output == *"--listen $AT"*"in use"* ]]
}

@test "start: --check-config" {
	configure
	run -0 "$BUILD/tarpitd" --config "$CONF" --check-config
	[ "$output" = "" ]
	printf '[Dispatcher]\nMode=observe\nMaxSesions=1\n' >"$CONF"
	run -100 "$BUILD/tarpitd" --config "$CONF" --check-config
	[[ $output == *"$CONF:3: "*MaxSesions* ]]
	printf '[Dispatcher]\nMaxPatience=1h\n' >"$CONF"
	run -100 "$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	[[ $output == *"$CONF:2: "*MaxPatience* ]]
	run -100 "$BUILD/tarpitd" --config "$DAEMONS/missing" --check-config
	[[ $output == *"$DAEMONS/missing"* ]]
}

@test "start: the shipped configuration is valid" {
	run -0 "$BUILD/tarpitd" --config "$ROOT/bin/tarpitd/tarpitd.conf" \
		--check-config
	[ "$output" = "" ]
}

@test "start: drop-ins override" {
	configure
	mkdir "$CONF.d"
	printf '[Dispatcher]\nHostName=drop.in\n' >"$CONF.d/50-name.conf"
	start_daemon tarpitd "$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	wait_for_port tarpitd "$PORT"
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 drop.in'
	printf '[Dispatcher]\nNonsense=1\n' >"$CONF.d/60-bad.conf"
	run -100 "$BUILD/tarpitd" --config "$CONF" --check-config
	[[ $output == *"60-bad.conf:2: "*Nonsense* ]]
}
