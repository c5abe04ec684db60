#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Connections that a proxy makes for its clients: headers by hand and by
# HAProxy, and what is done about those that are none.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/haproxy

setup() { tarpitd_setup; }

teardown() {
	smtp_close_all
	stop_daemons
}

# proxied [KEY=VALUE]...: tarpitd, which also takes connections of proxies on
# $FRONT, those of 127.0.0.1 and ::1.
proxied() {
	FRONT=127.0.0.1:$(free_port)
	tarpitd "ProxyTrusted=127.0.0.1 ::1/128" "$@"
}

V2='\r\n\r\n\x00\r\nQUIT\n'
# 192.0.2.1 40000 > 198.51.100.1 25, with HAProxy's unique ID.
CLIENT='\x21\x11\x00\x0f\xc0\x00\x02\x01\xc6\x33\x64\x01\x9c\x40\x00\x19\x05\x00\x00'
LOCAL='\x20\x00\x00\x00'

@test "proxied: the client named counts for policy, record and MTA" {
	mta
	policy '192.0.2.1 action=pass score=1 reason=test' \
		'2001:db8::1 action=pass score=2 reason=test'
	proxied
	smtp_connect "$FRONT"
	smtp_send "$V2$CLIENT"
	smtp_expect '220 mta.test'
	record_of 192.0.2.1 client_port=40000 score=1 outcome=passed \
		proxy=127.0.0.1
	wait_for_log mta 'took  client_address 192.0.2.1 client_port 40000 server_address 198.51.100.1 server_port 25'
	grep -q 'client=192.0.2.1 server=198.51.100.1 ' "$DAEMONS/policy.log"
	SMTP=six smtp_connect "$FRONT"
	SMTP=six smtp_send 'PROXY TCP6 2001:db8::1 2001:db8::25 65535 25\r\n'
	SMTP=six smtp_expect '220 mta.test'
	record_of 2001:db8::1 client_port=65535 score=2 proxy=127.0.0.1
	never_logged tarpitd client=127.0.0.1
}

@test "proxied: nothing is said before the header, nor is anybody asked" {
	mta
	policy '192.0.2.1 action=pass'
	proxied
	smtp_connect "$FRONT"
	smtp_send "$V2\x21\x11"
	# Another one, later, has been asked about and served meanwhile.
	SMTP=other smtp_connect "$FRONT"
	SMTP=other smtp_send 'PROXY TCP4 192.0.2.1 127.0.0.1 1 25\r\n'
	SMTP=other smtp_expect '220 mta.test'
	[ "$(questions)" = 1 ]
	local byte
	for byte in '\x00' '\x0f' '\xc0' '\x00\x02\x01\xc6\x33\x64' \
		'\x01\x9c\x40\x00\x19\x05\x00'; do
		smtp_send "$byte"
	done
	smtp_send '\x00EHLO early.test\r\n'
	smtp_expect '220 mta.test'
	smtp_expect 250
	[ "$(questions)" = 2 ]
	wait_for_log mta 'heard EHLO early.test'
}

@test "proxied: a slow client, and one that talks with its header" {
	mta
	policy '192.0.2.1 action=slow rate=200 patience=1 score=30' \
		'192.0.2.2 action=slow rate=200 patience=4 score=30'
	proxied
	smtp_connect "$FRONT"
	smtp_send "$V2$CLIENT"
	smtp_expect 220-mx.test
	smtp_skip 220-
	smtp_expect '220 mta.test'
	record_of 192.0.2.1 outcome=graduated
	SMTP=early smtp_connect "$FRONT"
	SMTP=early smtp_send 'PROXY TCP4 192.0.2.2 127.0.0.1 1 25\r\nEHLO x\r\n'
	SMTP=early smtp_skip 220-
	SMTP=early smtp_expect '220 mx.test'
	SMTP=early smtp_close
	record_of 192.0.2.2 lane=hold reason=behaviour:pregreet bytes_in=8
}

@test "proxied: limits are the client's, not the proxy's" {
	mta
	policy '192.0.2.1 action=hold rate=400 score=100' \
		'192.0.2.9 action=pass'
	proxied MaxPerClient=2
	local i
	for i in 1 2; do
		SMTP=$i smtp_connect "$FRONT"
		SMTP=$i smtp_send "PROXY TCP4 192.0.2.1 127.0.0.1 $i 25\r\n"
		SMTP=$i smtp_expect 220
	done
	smtp_connect "$FRONT"
	smtp_send "PROXY TCP4 192.0.2.1 127.0.0.1 3 25\r\n"
	smtp_expect '421 4.7.0'
	record_of 192.0.2.1 client_port=3 outcome=shed reason=limit:MaxPerClient
	SMTP=other smtp_connect "$FRONT"
	SMTP=other smtp_send "PROXY TCP4 192.0.2.9 127.0.0.1 1 25\r\n"
	SMTP=other smtp_expect '220 mta.test'
}

@test "proxied: LOCAL gets the MTA's greeting, without question or record" {
	mta
	policy '* action=hold rate=5 score=100'
	proxied
	smtp_connect "$FRONT"
	smtp_send "$V2$LOCAL"
	smtp_expect '220 mta.test'
	smtp_say QUIT
	smtp_expect 221
	smtp_expect_eof
	[ "$(questions)" = 0 ]
	stop_daemon tarpitd
	never_logged tarpitd event=session
	wait_for_log tarpitd 'ended: 0 passed'
}

@test "proxied: who has no address is refused, whatever version says so" {
	mta
	policy '* action=pass'
	proxied
	local header
	for header in 'PROXY UNKNOWN\r\n' \
		'PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 25\r\n' \
		"$V2\x21\x00\x00\x00" "$V2\x21\x31\x00\x00"; do
		smtp_connect "$FRONT"
		smtp_send "$header"
		smtp_expect '421 4.7.0 mx.test Error: the proxy does not say'
		smtp_expect_eof
		smtp_close
	done
	wait_for_record tarpitd event=proxy_refused proxy=127.0.0.1 |
		grep -F 'heard="PROXY UNKNOWN\\x0d\\x0a"'
	# An MTA that looks at the socket would see the proxy.
	configure 'ProxyTrusted=127.0.0.1' ProxyUnknown=pass \
		"Handoff=inetd:$MTA"
	reload
	smtp_connect "$FRONT"
	smtp_send 'PROXY UNKNOWN\r\n'
	smtp_expect '421 4.7.0'
	[ "$(questions)" = 0 ]
	never_logged mta took
	never_logged tarpitd event=session
}

reload() {
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_record tarpitd event=reloaded
}

@test "proxied: ProxyUnknown=pass is PolicyFailure=, and never the proxy" {
	mta
	policy '* action=hold rate=5 score=100'
	proxied ProxyUnknown=pass PolicyFailure=slow
	smtp_connect "$FRONT"
	smtp_send 'PROXY UNKNOWN\r\n'
	smtp_expect 220-mx.test
	smtp_close
	record_of 0.0.0.0 lane=slow proxy=127.0.0.1
	grep -q 'policy:unanswered proxy:unknown' "$DAEMONS/tarpitd.log"
	configure 'ProxyTrusted=127.0.0.1' ProxyUnknown=pass
	reload
	smtp_connect "$FRONT"
	smtp_send "$V2\x21\x00\x00\x00"
	smtp_expect '220 mta.test'
	[ "$(questions)" = 0 ]
	record_of 0.0.0.0 lane=pass outcome=passed
	wait_for_log mta 'client_address 0.0.0.0 client_port 0 '
	never_logged mta 'client_address 127.0.0.1'
}

@test "proxied: families may differ, and a port may be 0" {
	mta
	policy '2001:db8::7 action=pass score=7' '192.0.2.7 action=pass score=8'
	proxied
	smtp_connect "$FRONT"
	smtp_send 'PROXY TCP6 2001:db8::7 192.0.2.1 0 0\r\n'
	smtp_expect '220 mta.test'
	record_of 2001:db8::7 client_port=0 score=7 outcome=passed
	SMTP=four smtp_connect "$FRONT"
	SMTP=four smtp_send 'PROXY TCP4 192.0.2.7 2001:db8::1 5 25\r\n'
	SMTP=four smtp_expect '220 mta.test'
	record_of 192.0.2.7 client_port=5 score=8 outcome=passed
	wait_for_log mta 'client_address 192.0.2.7 client_port 5 server_address 2001:db8::1 server_port 25'
	never_logged tarpitd event=proxy_refused
}

@test "proxied: who is not trusted is not heard, and told of once" {
	mta
	policy '* action=pass'
	proxied
	local i
	for i in 1 2 3; do
		SMTP=$i smtp_connect "$FRONT" 127.0.0.2
		SMTP=$i smtp_send "$V2$CLIENT"
		SMTP=$i smtp_expect_eof
	done
	wait_for_record tarpitd event=proxy_refused proxy=127.0.0.2
	[ "$(grep -c event=proxy_refused "$DAEMONS/tarpitd.log")" = 1 ]
	[ "$(questions)" = 0 ]
	never_logged tarpitd event=session
	# On the other port nobody may name somebody else.
	smtp_connect "$AT"
	smtp_expect '220 mta.test'
	smtp_say 'PROXY TCP4 192.0.2.1 127.0.0.1 1 25'
	smtp_expect 250
	record_of 127.0.0.1 outcome=passed
	never_logged tarpitd client=192.0.2.1
}

@test "proxied: no header, half a one, another protocol" {
	mta
	policy '* action=pass'
	proxied
	# Closing at once is a look whether the port is open.
	smtp_connect "$FRONT"
	smtp_close
	SMTP=ehlo smtp_connect "$FRONT"
	SMTP=ehlo smtp_send 'EHLO x\r\n'
	SMTP=ehlo smtp_expect_eof
	wait_for_record tarpitd event=proxy_refused proxy=127.0.0.1
	grep -q 'is no PROXY header' "$DAEMONS/tarpitd.log"
	SMTP=large smtp_connect "$FRONT"
	SMTP=large smtp_send "$V2\x21\x11\xff\xff"
	SMTP=large smtp_expect_eof
	SMTP=half smtp_connect "$FRONT"
	SMTP=half smtp_send "$V2\x21"
	SMTP=silent smtp_connect "$FRONT"
	SMTP=half smtp_expect '421 4.4.2 mx.test Error: no PROXY header in time'
	SMTP=half smtp_expect_eof
	SMTP=silent smtp_expect '421 4.4.2'
	SMTP=silent smtp_expect_eof
	# Each reason has a record, which shows what came.
	grep -Fq 'is no PROXY header: "EHLO x\x0d\x0a"' "$DAEMONS/tarpitd.log"
	grep -q 'header is too large: ' "$DAEMONS/tarpitd.log"
	grep -q 'no PROXY header in time' "$DAEMONS/tarpitd.log"
	[ "$(grep -c event=proxy_refused "$DAEMONS/tarpitd.log")" = 3 ]
	[ "$(questions)" = 0 ]
	wait_for_notify tarpitd 'STATUS=0 sessions'
	never_logged tarpitd event=session
}

@test "proxied: HAProxy with send-proxy and send-proxy-v2, both families" {
	mta
	policy '127.0.0.7 action=pass score=7' '::1 action=pass score=6'
	proxied
	local option
	for option in send-proxy send-proxy-v2 \
		'send-proxy-v2 proxy-v2-options crc32c,unique-id'; do
		haproxy_start "$FRONT" "$option"
		smtp_connect "$VIA" 127.0.0.7
		smtp_expect '220 mta.test'
		smtp_close
		record_of 127.0.0.7 score=7 outcome=passed proxy=127.0.0.1
		SMTP=six smtp_connect "$VIA6" ::1
		SMTP=six smtp_expect '220 mta.test'
		SMTP=six smtp_close
		record_of ::1 score=6 outcome=passed proxy=127.0.0.1
		stop_daemon haproxy || :
		: >"$DAEMONS/tarpitd.log"
	done
}

@test "proxied: HAProxy's health checks see the MTA come and go" {
	policy '* action=hold rate=5 score=100'
	mta
	proxied HandoffTimeout=1s
	haproxy_start "$FRONT" \
		'send-proxy-v2 check check-send-proxy inter 100ms fall 1 rise 1' \
		'option smtpchk EHLO probe.test' 'timeout check 5s'
	wait_until '[ "$(haproxy_says check_status)" = L7OK ]'
	wait_for_log mta 'heard EHLO probe.test'
	stop_daemon mta || :
	wait_until '[[ "$(haproxy_says status)" = DOWN* ]]'
	mta
	wait_until '[[ "$(haproxy_says status)" = UP* ]]'
	never_logged tarpitd event=session
	[ "$(questions)" = 0 ]
}

@test "proxied: systemd's sockets are told apart by name" {
	mta
	policy '192.0.2.1 action=pass'
	configure ProxyTrusted=127.0.0.0/8
	FRONT=127.0.0.1:$(free_port)
	start_daemon tarpitd systemd-socket-activate -l "$AT" -l "$FRONT" \
		--fdname=smtp:smtp-proxy "$BUILD/tarpitd" --config "$CONF"
	wait_for_port tarpitd "$PORT"
	smtp_connect "$FRONT"
	smtp_send "$V2$CLIENT"
	smtp_expect '220 mta.test'
	record_of 192.0.2.1 outcome=passed
}
