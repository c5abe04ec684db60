#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "listen: tcp ipv4" {
	run_case common/listen_test tcp_ipv4
}

@test "listen: tcp ipv6 beside ipv4" {
	grep -q "^0*1 " /proc/net/if_inet6 || skip "no IPv6 on the loopback"
	run_case common/listen_test tcp_ipv6_beside_ipv4
}

@test "listen: star is every ipv4 address" {
	run_case common/listen_test star_is_every_ipv4_address
}

@test "listen: malformed addresses are refused" {
	run_case common/listen_test malformed_addresses_are_refused
}

@test "listen: port out of range is refused" {
	run_case common/listen_test port_out_of_range_is_refused
}

@test "listen: taken port is an error" {
	run_case common/listen_test taken_port_is_an_error
}

@test "listen: foreign address is an error" {
	run_case common/listen_test foreign_address_is_an_error
}

@test "listen: unix socket has its mode" {
	run_case common/listen_test unix_socket_has_its_mode
}

@test "listen: stale unix socket is replaced" {
	run_case common/listen_test stale_unix_socket_is_replaced
}

@test "listen: live unix socket is left alone" {
	run_case common/listen_test live_unix_socket_is_left_alone
}

@test "listen: other files are left alone" {
	run_case common/listen_test other_files_are_left_alone
}

@test "listen: unix socket errors" {
	run_case common/listen_test unix_socket_errors
}

@test "listen: adopts from systemd" {
	run_case common/listen_test adopts_from_systemd
}

@test "listen: refuses other descriptors from systemd" {
	run_case common/listen_test refuses_other_descriptors_from_systemd
}

@test "listen: adopts from inetd wait" {
	run_case common/listen_test adopts_from_inetd_wait
}

@test "listen: adopts from inetd nowait" {
	run_case common/listen_test adopts_from_inetd_nowait
}

@test "listen: inetd client hears nothing" {
	run_case common/listen_test inetd_client_hears_nothing
}

@test "listen: other stdin is not inetd" {
	run_case common/listen_test other_stdin_is_not_inetd
}

@test "listen: accepts and tells the peer" {
	run_case common/listen_test accepts_and_tells_the_peer
}

@test "listen: bursts are taken in portions" {
	run_case common/listen_test bursts_are_taken_in_portions
}

@test "listen: stopped leaves them waiting" {
	run_case common/listen_test stopped_leaves_them_waiting
}

@test "listen: handler may stop it" {
	run_case common/listen_test handler_may_stop_it
}

@test "listen: exhaustion pauses instead of spinning" {
	run_case common/listen_test exhaustion_pauses_instead_of_spinning
}

@test "listen: stopped while paused stays stopped" {
	run_case common/listen_test stopped_while_paused_stays_stopped
}

@test "listen: started while paused stays paused" {
	run_case common/listen_test started_while_paused_stays_paused
}

@test "listen: all cases listed" {
	all_cases_listed common/listen_test
}
