# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "survival: bins have their bounds" {
	run_case tarpitctl/survival_test bins_have_their_bounds
}

@test "survival: the remissions of freireich" {
	run_case tarpitctl/survival_test the_remissions_of_freireich
}

@test "survival: without censoring it is the share that is left" {
	run_case tarpitctl/survival_test without_censoring_it_is_the_share_that_is_left
}

@test "survival: all censored is all left" {
	run_case tarpitctl/survival_test all_censored_is_all_left
}

@test "survival: nothing is known of nothing" {
	run_case tarpitctl/survival_test nothing_is_known_of_nothing
}

@test "survival: longer than a day is there all day" {
	run_case tarpitctl/survival_test longer_than_a_day_is_there_all_day
}

@test "survival: merged is as added" {
	run_case tarpitctl/survival_test merged_is_as_added
}

@test "survival: ended by counts whole bins" {
	run_case tarpitctl/survival_test ended_by_counts_whole_bins
}

@test "survival: every case is listed" {
	all_cases_listed tarpitctl/survival_test
}
