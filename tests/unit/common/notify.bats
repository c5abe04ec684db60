#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "notify: reaches an abstract socket" {
	run_case common/notify_test reaches_an_abstract_socket
}

@test "notify: reaches a socket file" {
	run_case common/notify_test reaches_a_socket_file
}

@test "notify: formats" {
	run_case common/notify_test formats
}

@test "notify: long messages are cut" {
	run_case common/notify_test long_messages_are_cut
}

@test "notify: nobody there is harmless" {
	run_case common/notify_test nobody_there_is_harmless
}

@test "notify: busy manager does not block" {
	run_case common/notify_test busy_manager_does_not_block
}

@test "notify: watchdog at half its time" {
	run_case common/notify_test watchdog_at_half_its_time
}

@test "notify: no watchdog is zero" {
	run_case common/notify_test no_watchdog_is_zero
}

@test "notify: all cases listed" {
	all_cases_listed common/notify_test
}
