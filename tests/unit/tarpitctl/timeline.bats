# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "timeline: begins with minutes" {
	run_case tarpitctl/timeline_test begins_with_minutes
}

@test "timeline: grows without losing any" {
	run_case tarpitctl/timeline_test grows_without_losing_any
}

@test "timeline: a week has hours" {
	run_case tarpitctl/timeline_test a_week_has_hours
}

@test "timeline: days begin at local midnight" {
	run_case tarpitctl/timeline_test days_begin_at_local_midnight
}

@test "timeline: earlier ones count as the first" {
	run_case tarpitctl/timeline_test earlier_ones_count_as_the_first
}

@test "timeline: a wrong clock counts as the last" {
	run_case tarpitctl/timeline_test a_wrong_clock_counts_as_the_last
}

@test "timeline: every case is listed" {
	all_cases_listed tarpitctl/timeline_test
}
