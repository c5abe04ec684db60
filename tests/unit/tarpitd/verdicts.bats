#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "verdicts: equal verdicts are one" {
	run_case tarpitd/verdicts_test equal_verdicts_are_one
}

@test "verdicts: the longest reason fits" {
	run_case tarpitd/verdicts_test the_longest_reason_fits
}

@test "verdicts: an answer holds for its ttl" {
	run_case tarpitd/verdicts_test an_answer_holds_for_its_ttl
}

@test "verdicts: without ttl it is not kept" {
	run_case tarpitd/verdicts_test without_ttl_it_is_not_kept
}

@test "verdicts: clearing forgets all" {
	run_case tarpitd/verdicts_test clearing_forgets_all
}

@test "verdicts: nobody gets anothers answer" {
	run_case tarpitd/verdicts_test nobody_gets_anothers_answer
}

@test "verdicts: a newer answer ends an older one" {
	run_case tarpitd/verdicts_test a_newer_answer_ends_an_older_one
}

@test "verdicts: every case has a test" {
	all_cases_listed tarpitd/verdicts_test
}
