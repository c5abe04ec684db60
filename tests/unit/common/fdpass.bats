#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "fdpass: passes a descriptor with bytes" {
	run_case common/fdpass_test passes_a_descriptor_with_bytes
}

@test "fdpass: receives bytes without descriptor" {
	run_case common/fdpass_test receives_bytes_without_descriptor
}

@test "fdpass: short reads get it once" {
	run_case common/fdpass_test short_reads_get_it_once
}

@test "fdpass: nothing there is eagain" {
	run_case common/fdpass_test nothing_there_is_eagain
}

@test "fdpass: end of file is zero" {
	run_case common/fdpass_test end_of_file_is_zero
}

@test "fdpass: sending no bytes is an error" {
	run_case common/fdpass_test sending_no_bytes_is_an_error
}

@test "fdpass: closed peer is epipe" {
	run_case common/fdpass_test closed_peer_is_epipe
}

@test "fdpass: full peer is eagain and keeps it" {
	run_case common/fdpass_test full_peer_is_eagain_and_keeps_it
}

@test "fdpass: several descriptors are refused" {
	run_case common/fdpass_test several_descriptors_are_refused
}

@test "fdpass: truncated control is refused" {
	run_case common/fdpass_test truncated_control_is_refused
}

@test "fdpass: no room for it is noticed" {
	run_case common/fdpass_test no_room_for_it_is_noticed
}

@test "fdpass: all cases listed" {
	all_cases_listed common/fdpass_test
}
