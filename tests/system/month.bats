#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What an administrator does in the first month, under a real systemd: restarts,
# mistakes, upgrades; see month_inside.bash for what happens there.

load ../helpers/common
load ../helpers/container

INSIDE=(inside.bash month_inside.bash)

setup_file() {
	require_container
}

# The fork that gives a unix socket its group had port 25 open still: "Address
# already in use", nine times of ten.  Then systemd's limits on starts.
@test "month: sockets restart each time, with clients at the door" {
	in_container restart_sockets
	[ "$(grep -c '^20 of 20: ' <<<"$output")" = 6 ]
	[[ $output == *$'\n[::]:10024'* || $output == *$'\n*:10024'* ]]
	[[ $output == *"still served"* ]]
	nothing_failed
}

# An Exim as Debian makes it asks the kernel for this host's addresses.
@test "month: what an MTA asks the kernel for is allowed" {
	in_container netlink_for_mtas
	[[ $output == *"220 lo "* ]]
	nothing_failed
}
