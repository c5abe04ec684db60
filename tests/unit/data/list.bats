#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "list: reads entries and comments" {
	run_case data/list_test reads_entries_and_comments
}

@test "list: needs no last newline" {
	run_case data/list_test needs_no_last_newline
}

@test "list: tolerates bom and crlf" {
	run_case data/list_test tolerates_bom_and_crlf
}

@test "list: takes an empty list" {
	run_case data/list_test takes_an_empty_list
}

@test "list: counts host bits" {
	run_case data/list_test counts_host_bits
}

@test "list: names the bad line" {
	run_case data/list_test names_the_bad_line
}

@test "list: quotes no control bytes" {
	run_case data/list_test quotes_no_control_bytes
}

@test "list: refuses nul" {
	run_case data/list_test refuses_nul
}

@test "list: bounds lines" {
	run_case data/list_test bounds_lines
}

@test "list: stops when told" {
	run_case data/list_test stops_when_told
}

@test "list: every case is here" {
	all_cases_listed data/list_test
}
