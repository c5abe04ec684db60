#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Own networks: whom nobody is asked about.

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

reload() {
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_record tarpitd event=reloaded
}

# Everybody else is held at once.
held() {
	policy '* action=hold rate=0 score=120 reason=test+120' "$@"
}

@test "own: an own network is passed, and nobody asked or told" {
	mta
	held
	tarpitd OwnNetworks=127.0.0.2/31 MaxPerClient=1
	smtp_connect "$AT" 127.0.0.2
	smtp_send 'EHLO early\r\n'
	smtp_expect '220 mta.test'
	# More of them than a stranger may have.
	SMTP=two smtp_connect "$AT" 127.0.0.2
	SMTP=two smtp_expect '220 mta.test'
	SMTP=next smtp_connect "$AT" 127.0.0.3
	SMTP=next smtp_expect '220 mta.test'
	SMTP=other smtp_connect "$AT" 127.0.0.4
	SMTP=other smtp_expect '220 mx.test'
	SMTP=other smtp_close
	record_of 127.0.0.2 outcome=passed reason=own-network score=0
	record_of 127.0.0.3 outcome=passed reason=own-network
	record_of 127.0.0.4 outcome=abandoned
	wait_for_log policy '^tarpit_outcome .*client=127\.0\.0\.4'
	[ "$(questions)" = 1 ]
	never_logged policy '127\.0\.0\.[23]'
}

@test "own: auto exempts the host's loopback on a socket for everybody" {
	mta
	held
	AT=0.0.0.0:$PORT
	tarpitd OwnNetworks=auto
	AT=127.0.0.1:$PORT
	smtp_connect "$AT" 127.0.0.77
	smtp_expect '220 mta.test'
	record_of 127.0.0.77 outcome=passed reason=own-network
	# None after a reload that says so.
	configure OwnNetworks=
	reload
	SMTP=again smtp_connect "$AT" 127.0.0.77
	SMTP=again smtp_expect '220 mx.test'
	[ "$(questions)" = 1 ]
}

@test "own: auto exempts nobody where the host alone can come" {
	mta
	held
	tarpitd OwnNetworks=auto
	smtp_connect "$AT" 127.0.0.1
	smtp_expect '220 mx.test'
	[ "$(questions)" = 1 ]
}

@test "own: behind a proxy the header's client counts" {
	mta
	held
	FRONT=127.0.0.1:$(free_port)
	tarpitd OwnNetworks=192.0.2.0/24 ProxyTrusted=127.0.0.1
	smtp_connect "$FRONT"
	smtp_send 'PROXY TCP4 192.0.2.9 198.51.100.1 40000 25\r\n'
	smtp_expect '220 mta.test'
	record_of 192.0.2.9 outcome=passed reason=own-network
	# The proxy itself is nobody's own.
	configure OwnNetworks=127.0.0.0/8 ProxyTrusted=127.0.0.1
	reload
	SMTP=other smtp_connect "$FRONT"
	SMTP=other smtp_send 'PROXY TCP4 192.0.2.9 198.51.100.1 40000 25\r\n'
	SMTP=other smtp_expect '220 mx.test'
}

@test "own: an operator's order counts for it" {
	mta
	held
	tarpitd OwnNetworks=127.0.0.0/8
	run -0 ctl --for 1h hold 127.0.0.2
	smtp_connect "$AT" 127.0.0.2
	smtp_expect '220 mx.test'
	smtp_close
	record_of 127.0.0.2 lane=hold outcome=abandoned |
		grep -F 'reason="own-network operator:hold"'
	[ "$(questions)" = 0 ]
}
