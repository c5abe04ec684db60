#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The limits, and the signals.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() { tarpitd_setup; }

teardown() {
	smtp_close_all
	stop_daemons
}

# hold_client NAME CLIENT: in the dialogue by now.
hold_client() {
	SMTP=$1 smtp_connect "${3-$AT}" "$2"
	SMTP=$1 smtp_expect '220 mx.test'
}

@test "limits: MaxPerClient= counts IPv4 addresses" {
	policy '* action=hold rate=2000'
	tarpitd MaxPerClient=2
	hold_client a 127.0.0.2
	hold_client b 127.0.0.2
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '421 4.7.0 mx.test'
	smtp_expect_eof
	smtp_close
	record_of 127.0.0.2 outcome=shed
	hold_client c 127.0.0.3
	SMTP=a smtp_close
	wait_until "[ \$(grep -c event=session '$DAEMONS/tarpitd.log') = 2 ]"
	hold_client d 127.0.0.2
}

@test "limits: MaxPerClient= counts IPv6 networks of 64 bits" {
	policy '* action=hold rate=2000'
	AT="[::1]:$PORT" tarpitd MaxPerClient=1
	hold_client a ::1 "[::1]:$PORT"
	smtp_connect "[::1]:$PORT"
	smtp_expect '421 4.7.0'
	smtp_expect_eof
}

# over NAME CLIENT: is told so, by the option NAME.
over() {
	smtp_connect "$AT" "$2"
	smtp_expect '421 4.7.0 mx.test'
	smtp_expect_eof
	smtp_close
	record_of "$2" outcome=shed "reason=limit:$1"
}

@test "limits: MaxPerNetwork= counts IPv4 networks of 24 bits" {
	local i
	policy '* action=hold rate=2000'
	tarpitd MaxPerClient=2 MaxPerNetwork=3
	for i in 1 2 3; do hold_client "c$i" "127.0.1.$i"; done
	over MaxPerNetwork 127.0.1.4
	wait_for_log tarpitd \
		'127.0.1.0/24 has 3 sessions.* event=client_limit limit=MaxPerNetwork network=127.0.1.0/24$'
	hold_client d 127.0.2.1
	# As many as leave may come.
	SMTP=c1 smtp_close
	wait_for_log tarpitd 'client=127.0.1.1 .*outcome=abandoned'
	hold_client e 127.0.1.5
	over MaxPerNetwork 127.0.1.6
	# One that is over both is over its own.
	hold_client f 127.0.3.1
	hold_client g 127.0.3.1
	over MaxPerClient 127.0.3.1
	run ctl status
	[[ $output == *'1 over MaxPerClient=, 2 over MaxPerNetwork=, 0 over MaxPerSite='* ]]
	run ctl metrics
	[[ $output == *$'\ntarpit_limited_networks_total 2\n'* ]]
}

@test "limits: MaxPerNetwork= is ten times MaxPerClient=, or none" {
	local i
	policy '* action=hold rate=2000'
	tarpitd MaxPerClient=1
	for i in {1..10}; do hold_client "c$i" "127.0.1.$i"; done
	over MaxPerNetwork 127.0.1.11
	configure MaxPerClient=0
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	hold_client d 127.0.1.11
	hold_client e 127.0.1.11
}

# proxied_client NAME CLIENT: comes by way of a proxy.
proxied_client() {
	SMTP=$1 smtp_connect "$FRONT"
	SMTP=$1 smtp_send "PROXY TCP6 $2 2001:db8:ffff::1 1 25\r\n"
}

@test "limits: MaxPerSite= counts IPv6 networks of 48 bits, MaxPerNetwork= of 56" {
	FRONT=127.0.0.1:$(free_port)
	policy '* action=hold rate=2000'
	tarpitd MaxPerClient=1 MaxPerNetwork=2 MaxPerSite=3 \
		ProxyTrusted=127.0.0.0/8
	proxied_client a 2001:db8:1:100::1
	proxied_client b 2001:db8:1:101::1
	for c in a b; do SMTP=$c smtp_expect '220 mx.test'; done
	proxied_client c 2001:db8:1:102::1
	SMTP=c smtp_expect '421 4.7.0 mx.test'
	record_of 2001:db8:1:102::1 outcome=shed reason=limit:MaxPerNetwork
	proxied_client d 2001:db8:1:200::1
	SMTP=d smtp_expect '220 mx.test'
	proxied_client e 2001:db8:1:300::1
	SMTP=e smtp_expect '421 4.7.0 mx.test'
	record_of 2001:db8:1:300::1 outcome=shed reason=limit:MaxPerSite
	proxied_client f 2001:db8:2:300::1
	SMTP=f smtp_expect '220 mx.test'
	# The proxy itself is not one of its clients' neighbours.
	SMTP=g smtp_connect "$AT" 127.0.0.1
	SMTP=g smtp_expect '220 mx.test'
}

@test "limits: who only observes counts, and turns nobody away" {
	policy '* action=hold rate=2000'
	mta
	tarpitd Mode=observe MaxPerClient=1
	kill -STOP "$(daemon_pid mta)"
	SMTP=a smtp_connect "$AT" 127.0.1.1
	SMTP=b smtp_connect "$AT" 127.0.1.1
	wait_for_log tarpitd 'would be told 421 event=client_limit'
	kill -CONT "$(daemon_pid mta)"
	for c in a b; do SMTP=$c smtp_expect '220 mta.test'; done
}

@test "limits: the oldest held one goes, and a clean client is served" {
	local i
	policy '127.0.0.9 action=pass rate=0' '* action=hold rate=2000'
	mta
	tarpitd MaxSessions=10 ReserveForPass=4
	for i in 1 2 3 4 5 6; do hold_client "c$i" "127.0.1.$i"; done
	# Full, but for the reserve.
	smtp_connect "$AT" 127.0.0.9
	smtp_expect '220 mta.test'
	smtp_close
	record_of 127.0.0.9 outcome=passed
	never_logged tarpitd event=shedding
	hold_client c7 127.0.1.7
	SMTP=c1 smtp_expect '421 4.3.2'
	SMTP=c1 smtp_expect_eof
	record_of 127.0.1.1 outcome=shed lane=hold
	wait_for_log tarpitd event=shedding
	hold_client c8 127.0.1.8
	SMTP=c2 smtp_expect '421 4.3.2'
	# The others are where they were.
	SMTP=c3 smtp_say NOOP
	SMTP=c3 smtp_expect '250 '
	[ "$(grep -c event=shedding "$DAEMONS/tarpitd.log")" = 1 ]
}

@test "limits: without a held one, a slowed client more is sent away" {
	policy '127.0.0.9 action=pass' '* action=slow rate=50 patience=20'
	mta
	tarpitd MaxSessions=4 ReserveForPass=50%
	SMTP=a smtp_connect "$AT" 127.0.1.1
	SMTP=b smtp_connect "$AT" 127.0.1.2
	SMTP=a smtp_expect 220-
	SMTP=b smtp_expect 220-
	smtp_connect "$AT" 127.0.1.3
	smtp_expect '421 4.3.2'
	smtp_close
	record_of 127.0.1.3 outcome=shed lane=slow
	smtp_connect "$AT" 127.0.0.9
	smtp_expect '220 mta.test'
}

@test "limits: MaxSessions= leaves new clients in the kernel's queue" {
	policy '* action=pass'
	tarpitd MaxSessions=2
	SMTP=a smtp_connect "$AT" 127.0.1.1
	SMTP=b smtp_connect "$AT" 127.0.1.2
	SMTP=c smtp_connect "$AT" 127.0.1.3
	SMTP=d smtp_connect "$AT" 127.0.1.4
	wait_for_log tarpitd event=handoff_down
	mta
	for c in a b c d; do SMTP=$c smtp_expect '220 mta.test'; done
}

@test "limits: without descriptors it does not spin, and recovers" {
	local i busy
	policy '127.0.0.9 action=pass' '* action=hold rate=20'
	mta
	configure MaxPerClient=0 HoldGreeting=60s ReserveForPass=0
	start_daemon -n tarpitd prlimit --nofile=64 "$BUILD/tarpitd" \
		--config "$CONF" --listen "$AT"
	wait_for_notify tarpitd READY=1
	for i in {1..80}; do
		pace --for 6000 --source 127.0.1.1 127.0.0.1 "$PORT" \
			>"$DAEMONS/pace.$i" 2>&1 &
	done
	wait_for_log tarpitd event=shedding
	busy=$(cpu_of tarpitd)
	wait_until "grep -q ^received '$DAEMONS/pace.1'"
	[ $(($(cpu_of tarpitd) - busy)) -lt 100 ]
	smtp_connect "$AT" 127.0.0.9
	smtp_expect '220 mta.test'
	wait_until "[ \$(grep -c ^received '$DAEMONS'/pace.* | grep -c ':1\$') = 80 ]"
	[ "$(find "/proc/$(daemon_pid tarpitd)/fd" | wc -l)" -le 64 ]
}

@test "reload: new sessions hear the new reply, old ones go on" {
	policy '127.0.0.3 action=slow rate=100 patience=4' \
		'* action=hold rate=2000'
	mta
	tarpitd
	hold_client old 127.0.0.2
	SMTP=greeted smtp_connect "$AT" 127.0.0.3
	SMTP=greeted smtp_expect '220-mx.test'
	configure HoldReply='550 5.7.1 Listed' HostName=new.test
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	hold_client_said new 'new.test' 127.0.0.4
	refused_with old '450 4.7.1 Try again later'
	refused_with new '550 5.7.1 Listed'
	SMTP=greeted smtp_skip '220-'
	SMTP=greeted smtp_expect '220 mta.test'
	record_of 127.0.0.3 outcome=graduated
}

hold_client_said() {
	SMTP=$1 smtp_connect "$AT" "$3"
	SMTP=$1 smtp_expect "220 $2"
}

refused_with() {
	SMTP=$1 smtp_send 'HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n'
	SMTP=$1 smtp_expect '250 '
	SMTP=$1 smtp_expect '250 '
	SMTP=$1 smtp_expect "$2\$"
}

@test "reload: a broken file is reported, and the old one stands" {
	policy '* action=hold rate=2000'
	tarpitd
	printf '[Dispatcher]\nHoldReply=250 2.0.0 Ok\n' >"$CONF"
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd 'tarpitd.conf:2: .*HoldReply.* event=config_error'
	rm "$CONF"
	kill -HUP "$(daemon_pid tarpitd)"
	wait_until "[ \$(grep -c event=config_error '$DAEMONS/tarpitd.log') = 2 ]"
	hold_client a 127.0.0.2
	refused_with a '450 4.7.1 Try again later'
	wait_for_notify tarpitd RELOADING=1
}

@test "reload: another MTA and another policy service" {
	policy '* action=hold rate=2000'
	mta
	tarpitd
	hold_client a 127.0.0.2
	start_daemon other "$BUILD/tests/helpers/fake_policy" \
		"$DAEMONS/other" normal
	wait_for_socket other "$DAEMONS/other"
	configure Policy="$DAEMONS/other"
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	smtp_connect "$AT" 127.0.0.3
	smtp_expect '220 mta.test'
	grep -q client=127.0.0.3 "$DAEMONS/other.log"
}

@test "stop: 421 to those in dialogue, and the status is 0" {
	policy '127.0.0.3 action=slow rate=100 patience=20' \
		'* action=hold rate=2000'
	tarpitd
	hold_client held 127.0.0.2
	SMTP=slow smtp_connect "$AT" 127.0.0.3
	SMTP=slow smtp_expect 220-
	kill -TERM "$(daemon_pid tarpitd)"
	SMTP=held smtp_expect '421 4.3.2 mx.test'
	SMTP=held smtp_expect_eof
	SMTP=slow smtp_skip 220-
	SMTP=slow smtp_expect '421 4.3.2 mx.test'
	SMTP=slow smtp_expect_eof
	wait_for_exit tarpitd
	record_of 127.0.0.2 outcome=shed
	record_of 127.0.0.3 outcome=shed
	wait_for_log tarpitd event=stopped
	grep -q STOPPING=1 "$DAEMONS/tarpitd-notified.log"
}

@test "stop: who is on the way to the MTA gets there" {
	policy
	tarpitd StopTimeout=20s
	smtp_connect "$AT" 127.0.0.2
	wait_for_log tarpitd event=handoff_down
	kill -TERM "$(daemon_pid tarpitd)"
	wait_for_notify tarpitd STOPPING=1
	mta
	smtp_expect '220 mta.test'
	wait_for_exit tarpitd
	record_of 127.0.0.2 outcome=passed
}

@test "stop: is bounded when there is no way" {
	policy -m silent
	tarpitd StopTimeout=1s PolicyTimeout=20s
	SMTP=asking smtp_connect "$AT" 127.0.0.2
	wait_until "[ \$(questions) = 1 ]"
	kill -TERM "$(daemon_pid tarpitd)"
	SMTP=asking smtp_expect '421 4.3.2'
	wait_for_exit tarpitd 15
	record_of 127.0.0.2 outcome=shed
}

@test "status: counts are shown" {
	policy '* action=hold rate=2000'
	tarpitd
	hold_client a 127.0.0.2
	hold_client b 127.0.0.3
	wait_for_notify tarpitd 'STATUS=2 sessions: 0 asking, 0 slow, 2 held'
	SMTP=a smtp_close
	wait_for_notify tarpitd '1 held, 0 to the MTA; ended: 0 passed, 0 graduated, 0 delivered, 1 abandoned'
}

@test "status: the watchdog is fed" {
	policy
	configure
	start_daemon -n tarpitd env WATCHDOG_USEC=400000 "$BUILD/tarpitd" \
		--config "$CONF" --listen "$AT"
	wait_until "[ \$(grep -o WATCHDOG=1 '$DAEMONS/tarpitd-notified.log' | wc -l) -ge 3 ]"
}
