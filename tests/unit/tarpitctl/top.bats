# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "top: exact while all fit" {
	run_case tarpitctl/top_test exact_while_all_fit
}

@test "top: equal counts are listed by key" {
	run_case tarpitctl/top_test equal_counts_are_listed_by_key
}

@test "top: a newcomer takes the least ones place" {
	run_case tarpitctl/top_test a_newcomer_takes_the_least_ones_place
}

@test "top: the bounds hold in a skewed stream" {
	run_case tarpitctl/top_test the_bounds_hold_in_a_skewed_stream
}

@test "top: long keys are cut" {
	run_case tarpitctl/top_test long_keys_are_cut
}

@test "top: every case is listed" {
	all_cases_listed tarpitctl/top_test
}
