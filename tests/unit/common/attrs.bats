#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "attrs: end of whole message" {
	run_case common/attrs_test end_of_whole_message
}

@test "attrs: end of lone empty line" {
	run_case common/attrs_test end_of_lone_empty_line
}

@test "attrs: end comes byte by byte" {
	run_case common/attrs_test end_comes_byte_by_byte
}

@test "attrs: end at the limit" {
	run_case common/attrs_test end_at_the_limit
}

@test "attrs: next gives slices" {
	run_case common/attrs_test next_gives_slices
}

@test "attrs: next refuses bad lines" {
	run_case common/attrs_test next_refuses_bad_lines
}

@test "attrs: is compares whole names" {
	run_case common/attrs_test is_compares_whole_names
}

@test "attrs: int at limits" {
	run_case common/attrs_test int_at_limits
}

@test "attrs: int refuses what is none" {
	run_case common/attrs_test int_refuses_what_is_none
}

@test "attrs: str at the limit" {
	run_case common/attrs_test str_at_the_limit
}

@test "attrs: put builds a message" {
	run_case common/attrs_test put_builds_a_message
}

@test "attrs: put fits exactly" {
	run_case common/attrs_test put_fits_exactly
}

@test "attrs: put refuses what would break the message" {
	run_case common/attrs_test put_refuses_what_would_break_the_message
}

@test "attrs: what is put is read back" {
	run_case common/attrs_test what_is_put_is_read_back
}

@test "attrs: every case has a test" {
	all_cases_listed common/attrs_test
}
