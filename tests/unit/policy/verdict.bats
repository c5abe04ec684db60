# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "verdict: lane names" {
	run_case policy/verdict_test lane_names
}

@test "verdict: no facts no reason" {
	run_case policy/verdict_test no_facts_no_reason
}

@test "verdict: heaviest first" {
	run_case policy/verdict_test heaviest_first
}

@test "verdict: heavy is absolute" {
	run_case policy/verdict_test heavy_is_absolute
}

@test "verdict: weightless facts unsaid" {
	run_case policy/verdict_test weightless_facts_unsaid
}

@test "verdict: extreme numbers" {
	run_case policy/verdict_test extreme_numbers
}

@test "verdict: cut between facts" {
	run_case policy/verdict_test cut_between_facts
}

@test "verdict: full of long names" {
	run_case policy/verdict_test full_of_long_names
}

@test "verdict: country codes" {
	run_case policy/verdict_test country_codes
}

@test "verdict: every case is listed" {
	all_cases_listed policy/verdict_test
}
