#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A client of the control socket that says nothing.  In a file of its own, since
# it takes a minute, which others need not wait for.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() {
	tarpitd_setup
	tarpitd
}

teardown() {
	stop_daemons
}

@test "control: who is silent for a minute is sent away, and makes room" {
	local i
	for i in {1..16}; do
		start_daemon "silent$i" socat -u "UNIX-CONNECT:$CONTROL" STDOUT
	done
	for i in {1..16}; do wait_for_exit "silent$i" 90; done
	ask request=status | grep -q '^version='
}
