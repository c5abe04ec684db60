#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "histogram: each is in its bucket" {
	run_case tarpitd/histogram_test each_is_in_its_bucket
}

@test "histogram: scales are what the manual says" {
	run_case tarpitd/histogram_test scales_are_what_the_manual_says
}

@test "histogram: every case is here" {
	all_cases_listed tarpitd/histogram_test
}
