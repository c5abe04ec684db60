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

# The second one re-enabled a timer, brought back lists, and overwrote files
# under /etc that were not "configuration".
@test "month: a second make install keeps what was changed" {
	in_container install_twice
	grep -qx "the timer is active" <<<"$output"
	grep -qx "there are lists" <<<"$output"
	grep -qx "then: disabled inactive" <<<"$output"
	grep -qx "gone: /etc/tarpit/lists.d/known-senders.conf" <<<"$output"
	grep -qx "kept: /etc/cron.d/tarpit" <<<"$output"
	grep -qx "kept: /etc/fail2ban/jail.d/tarpit.conf" <<<"$output"
	grep -qx "kept: /etc/tarpit/tarpitd.conf" <<<"$output"
	grep -qx "new: /etc/tarpit/policy.conf" <<<"$output"
	grep -qx "left: /etc/tarpit/tarpitd.conf" <<<"$output"
	[ "$(grep -c '^left: ' <<<"$output")" = 3 ]
	[[ $output != *"not-found"* ]]
	nothing_failed
}

# A reload said nothing, and the next restart closed the port.
@test "month: no error in a configuration closes port 25, and each is told" {
	in_container broken_start
	# Once before, two for each of five mistakes, and two more.
	[ "$(grep -c '^220 mta' <<<"$output")" = 13 ]
	[ "$(grep -c '^status says 1' <<<"$output")" = 10 ]
	[ "$(grep -c '^CONFIGURATION REFUSED' <<<"$output")" = 10 ]
	[ "$(grep -c 'the configuration before it is in use' <<<"$output")" = 1 ]
	[ "$(grep -c 'the last configuration without an error is in use' <<<"$output")" = 9 ]
	[ "$(grep '^state: ' <<<"$output")" = "state: enforce last-good
state: observe valid-part
state: enforce as-written" ]
	grep -qx mended <<<"$output"
	[[ $output == *"THERE IS NO TLS: /etc/shadow: "* ]]
	[[ $output == *"tarpitd: /etc/shadow: [Tls] Certificate=: Permission denied"*"(tried as tarpitd, the user of tarpitd.service"* ]]
	[ "$(grep -c 'going on with the last configuration' <<<"$output")" = 7 ]
	[ "$(grep -c 'going on with the rest of it, only observing' <<<"$output")" = 1 ]
	[ "$(grep -c 'going on without it, without TLS' <<<"$output")" = 1 ]
	nothing_failed
}

@test "month: a full disk closes no port" {
	in_container full_disk
	[ "$(grep -c '^220 mta' <<<"$output")" = 2 ]
	grep -qx active <<<"$output"
}
