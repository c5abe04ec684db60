#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "when: words and durations" {
	run_case tarpitctl/when_test words_and_durations
}

@test "when: dates and times" {
	run_case tarpitctl/when_test dates_and_times
}

@test "when: nonsense is refused" {
	run_case tarpitctl/when_test nonsense_is_refused
}

@test "when: days as the clock has them" {
	run_case tarpitctl/when_test days_as_the_clock_has_them
}

@test "when: every case is here" {
	all_cases_listed tarpitctl/when_test
}
