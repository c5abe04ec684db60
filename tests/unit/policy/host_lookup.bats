#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "host_lookup: finds an address" {
	run_case policy/host_lookup_test finds_an_address
}

@test "host_lookup: says why there is none" {
	run_case policy/host_lookup_test says_why_there_is_none
}

@test "host_lookup: leaves nothing behind" {
	run_case policy/host_lookup_test leaves_nothing_behind
}

@test "host_lookup: every case is here" {
	all_cases_listed policy/host_lookup_test
}
