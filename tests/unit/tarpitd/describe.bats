#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "describe: the fullest status fits" {
	run_case tarpitd/describe_test the_fullest_status_fits
}

@test "describe: the fullest session fits a lists line" {
	run_case tarpitd/describe_test the_fullest_session_fits_a_lists_line
}

@test "describe: all of a session is one sound message" {
	run_case tarpitd/describe_test all_of_a_session_is_one_sound_message
}

@test "describe: an override fits a lists line" {
	run_case tarpitd/describe_test an_override_fits_a_lists_line
}

@test "describe: every case has a test" {
	all_cases_listed tarpitd/describe_test
}
