#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "relay: both ways" {
	run_case tarpitd/relay_test both_ways
}

@test "relay: early bytes come first" {
	run_case tarpitd/relay_test early_bytes_come_first
}

@test "relay: ten megabytes both ways" {
	run_case tarpitd/relay_test ten_megabytes_both_ways
}

@test "relay: the same without a pipe" {
	run_case tarpitd/relay_test the_same_without_a_pipe
}

@test "relay: a full side blocks the other" {
	run_case tarpitd/relay_test a_full_side_blocks_the_other
}

@test "relay: half close by the client" {
	run_case tarpitd/relay_test half_close_by_the_client
}

@test "relay: half close by the mta" {
	run_case tarpitd/relay_test half_close_by_the_mta
}

@test "relay: a reset ends it" {
	run_case tarpitd/relay_test a_reset_ends_it
}

@test "relay: last words before a reset arrive" {
	run_case tarpitd/relay_test last_words_before_a_reset_arrive
}

@test "relay: a full pipe is not given on" {
	run_case tarpitd/relay_test a_full_pipe_is_not_given_on
}

@test "relay: silence ends it" {
	run_case tarpitd/relay_test silence_ends_it
}

@test "relay: a client that never closes" {
	run_case tarpitd/relay_test a_client_that_never_closes
}

@test "relay: capacity is kept" {
	run_case tarpitd/relay_test capacity_is_kept
}

@test "relay: every case has a test" {
	all_cases_listed tarpitd/relay_test
}
