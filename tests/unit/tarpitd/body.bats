#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "body: ends at its dot only" {
	run_case tarpitd/body_test ends_at_its_dot_only
}

@test "body: ends at once if empty" {
	run_case tarpitd/body_test ends_at_once_if_empty
}

@test "body: keeps its dots stuffed" {
	run_case tarpitd/body_test keeps_its_dots_stuffed
}

@test "body: is the same in any pieces" {
	run_case tarpitd/body_test is_the_same_in_any_pieces
}

@test "body: smuggling ends nothing" {
	run_case tarpitd/body_test smuggling_ends_nothing
}

@test "body: a bare LF becomes a line end" {
	run_case tarpitd/body_test a_bare_lf_becomes_a_line_end
}

@test "body: a bare CR is bad" {
	run_case tarpitd/body_test a_bare_cr_is_bad
}

@test "body: chunks are counted" {
	run_case tarpitd/body_test chunks_are_counted
}

@test "body: chunks may split a line end" {
	run_case tarpitd/body_test chunks_may_split_a_line_end
}

@test "body: chunks with bare LF are made lines" {
	run_case tarpitd/body_test chunks_with_bare_lf_are_made_lines
}

@test "body: every case has a test" {
	all_cases_listed tarpitd/body_test
}
