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

@test "list: keeps identifiers only" {
	run_case data/list_test keeps_identifiers_only
}

@test "list: splits ranges" {
	run_case data/list_test splits_ranges
}

@test "list: reads ipsum above a count" {
	run_case data/list_test reads_ipsum_above_a_count
}

@test "list: reads drop json" {
	run_case data/list_test reads_drop_json
}

@test "list: reads asn json" {
	run_case data/list_test reads_asn_json
}

@test "list: refuses json cut short" {
	run_case data/list_test refuses_json_cut_short
}

@test "list: judges plain json alike" {
	run_case data/list_test judges_plain_json_alike
}

@test "list: holds to a given format" {
	run_case data/list_test holds_to_a_given_format
}

@test "list: every case is here" {
	all_cases_listed data/list_test
}
