#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "cidr: parses and formats" {
	run_case data/cidr_test parses_and_formats
}

@test "cidr: clears and tells host bits" {
	run_case data/cidr_test clears_and_tells_host_bits
}

@test "cidr: refuses what is no prefix" {
	run_case data/cidr_test refuses_what_is_no_prefix
}

@test "cidr: refuses nul and reads no further" {
	run_case data/cidr_test refuses_nul_and_reads_no_further
}

@test "cidr: knows first and last" {
	run_case data/cidr_test knows_first_and_last
}

@test "cidr: contains only its own" {
	run_case data/cidr_test contains_only_its_own
}

@test "cidr: tells families apart" {
	run_case data/cidr_test tells_families_apart
}

@test "cidr: orders wider before inner" {
	run_case data/cidr_test orders_wider_before_inner
}

@test "cidr: every case is here" {
	all_cases_listed data/cidr_test
}
