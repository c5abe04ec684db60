#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "tally: sessions count by lane and outcome" {
	run_case tarpitd/tally_test sessions_count_by_lane_and_outcome
}

@test "tally: today begins at local midnight" {
	run_case tarpitd/tally_test today_begins_at_local_midnight
}

@test "tally: a day may be longer" {
	run_case tarpitd/tally_test a_day_may_be_longer
}

@test "tally: a bucket has its upper bound" {
	run_case tarpitd/tally_test a_bucket_has_its_upper_bound
}

@test "tally: bounds ascend" {
	run_case tarpitd/tally_test bounds_ascend
}

@test "tally: every case has a test" {
	all_cases_listed tarpitd/tally_test
}
