#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "lane: every total is whole lines" {
	run_case tarpitd/lane_test every_total_is_whole_lines
}

@test "lane: a greeting can last a minute in hold" {
	run_case tarpitd/lane_test a_greeting_can_last_a_minute_in_hold
}

@test "lane: it promises nothing" {
	run_case tarpitd/lane_test it_promises_nothing
}

@test "lane: the first line names the host" {
	run_case tarpitd/lane_test the_first_line_names_the_host
}

@test "lane: a long host name is left out" {
	run_case tarpitd/lane_test a_long_host_name_is_left_out
}

@test "lane: copies from everywhere agree" {
	run_case tarpitd/lane_test copies_from_everywhere_agree
}

@test "lane: nothing is behind the end" {
	run_case tarpitd/lane_test nothing_is_behind_the_end
}

@test "lane: a greeting can be cut at any line end" {
	run_case tarpitd/lane_test a_greeting_can_be_cut_at_any_line_end
}

@test "lane: sizes follow rate and time" {
	run_case tarpitd/lane_test sizes_follow_rate_and_time
}

@test "lane: allowance and duration are inverse" {
	run_case tarpitd/lane_test allowance_and_duration_are_inverse
}

@test "lane: only slow rates are visited once a second" {
	run_case tarpitd/lane_test only_slow_rates_are_visited_once_a_second
}

@test "lane: every case has a test" {
	all_cases_listed tarpitd/lane_test
}
