#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "command: each request is known" {
	run_case tarpitd/command_test each_request_is_known
}

@test "command: an order is all its values" {
	run_case tarpitd/command_test an_order_is_all_its_values
}

@test "command: a session is two numbers" {
	run_case tarpitd/command_test a_session_is_two_numbers
}

@test "command: a name is made printable and cut" {
	run_case tarpitd/command_test a_name_is_made_printable_and_cut
}

@test "command: what is wrong is said" {
	run_case tarpitd/command_test what_is_wrong_is_said
}

@test "command: every case has a test" {
	all_cases_listed tarpitd/command_test
}
