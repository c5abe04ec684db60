# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "frequent: exact while all fit" {
	run_case tarpitctl/frequent_test exact_while_all_fit
}

@test "frequent: equal counts are listed by key" {
	run_case tarpitctl/frequent_test equal_counts_are_listed_by_key
}

@test "frequent: a newcomer takes the least ones place" {
	run_case tarpitctl/frequent_test a_newcomer_takes_the_least_ones_place
}

@test "frequent: the bounds hold in a skewed stream" {
	run_case tarpitctl/frequent_test the_bounds_hold_in_a_skewed_stream
}

@test "frequent: long keys are cut" {
	run_case tarpitctl/frequent_test long_keys_are_cut
}

@test "frequent: every case is listed" {
	all_cases_listed tarpitctl/frequent_test
}
