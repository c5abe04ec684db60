#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "summary: a minute is one record" {
	run_case tarpitd/summary_test a_minute_is_one_record
}

@test "summary: the next one begins at nothing" {
	run_case tarpitd/summary_test the_next_one_begins_at_nothing
}

@test "summary: an idle minute has none" {
	run_case tarpitd/summary_test an_idle_minute_has_none
}

@test "summary: unwanted counts are forgotten" {
	run_case tarpitd/summary_test unwanted_counts_are_forgotten
}

@test "summary: every case has a test" {
	all_cases_listed tarpitd/summary_test
}
