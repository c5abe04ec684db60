#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "top list: orders are total" {
	run_case tarpitctl/top_list_test orders_are_total
}

@test "top list: a filter looks at all that is shown" {
	run_case tarpitctl/top_list_test a_filter_looks_at_all_that_is_shown
}

@test "top list: an end without a last word is an error" {
	run_case tarpitctl/top_list_test an_end_without_a_last_word_is_an_error
}

@test "top list: a row has room for anything" {
	run_case tarpitctl/top_list_test a_row_has_room_for_anything
}

@test "top list: strangers bytes are escaped" {
	run_case tarpitctl/top_list_test strangers_bytes_are_escaped
}

@test "top list: a detail has each fact on its line" {
	run_case tarpitctl/top_list_test a_detail_has_each_fact_on_its_line
}

@test "top list: every case has a test" {
	all_cases_listed tarpitctl/top_list_test
}
