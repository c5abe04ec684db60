#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "sweep: a slow session is visited once a second" {
	run_case tarpitd/sweep_test a_slow_session_is_visited_once_a_second
}

@test "sweep: a quick session is visited four times a second" {
	run_case tarpitd/sweep_test a_quick_session_is_visited_four_times_a_second
}

@test "sweep: the work is spread over the second" {
	run_case tarpitd/sweep_test the_work_is_spread_over_the_second
}

@test "sweep: who is not slowed is not visited" {
	run_case tarpitd/sweep_test who_is_not_slowed_is_not_visited
}

@test "sweep: a newcomer waits a second at the most" {
	run_case tarpitd/sweep_test a_newcomer_waits_a_second_at_the_most
}

@test "sweep: long work is done in slices" {
	run_case tarpitd/sweep_test long_work_is_done_in_slices
}

@test "sweep: work that is long ends a slice" {
	run_case tarpitd/sweep_test work_that_is_long_ends_a_slice
}

@test "sweep: a session that ends between slices is no trouble" {
	run_case tarpitd/sweep_test a_session_that_ends_between_slices_is_no_trouble
}

@test "sweep: after a stop one round is made" {
	run_case tarpitd/sweep_test after_a_stop_one_round_is_made
}

@test "sweep: nothing to visit stops the ticking" {
	run_case tarpitd/sweep_test nothing_to_visit_stops_the_ticking
}

@test "sweep: every case has a test" {
	all_cases_listed tarpitd/sweep_test
}
