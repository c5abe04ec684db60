#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "drip: bytes come when they are due" {
	run_case tarpitd/drip_test bytes_come_when_they_are_due
}

@test "drip: what is dripped is the greeting" {
	run_case tarpitd/drip_test what_is_dripped_is_the_greeting
}

@test "drip: a rate of 0 is no limit" {
	run_case tarpitd/drip_test a_rate_of_0_is_no_limit
}

@test "drip: a reply is dripped too" {
	run_case tarpitd/drip_test a_reply_is_dripped_too
}

@test "drip: a prompt reply is never slower than 5" {
	run_case tarpitd/drip_test a_prompt_reply_is_never_slower_than_5
}

@test "drip: not reading gives no credit" {
	run_case tarpitd/drip_test not_reading_gives_no_credit
}

@test "drip: a client that is gone is an error" {
	run_case tarpitd/drip_test a_client_that_is_gone_is_an_error
}

@test "drip: a new rate counts from now" {
	run_case tarpitd/drip_test a_new_rate_counts_from_now
}

@test "drip: the rest of a line is up to its end" {
	run_case tarpitd/drip_test the_rest_of_a_line_is_up_to_its_end
}

@test "drip: peeking takes nothing" {
	run_case tarpitd/drip_test peeking_takes_nothing
}

@test "drip: an end is seen behind data" {
	run_case tarpitd/drip_test an_end_is_seen_behind_data
}

@test "drip: input is paid for by time" {
	run_case tarpitd/drip_test input_is_paid_for_by_time
}

@test "drip: every case has a test" {
	all_cases_listed tarpitd/drip_test
}
