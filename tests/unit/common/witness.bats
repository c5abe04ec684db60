#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "witness: sees who is gone, and no other" {
	run_case common/witness_test sees_who_is_gone_and_no_other
}

@test "witness: holds nothing open" {
	run_case common/witness_test holds_nothing_open
}

@test "witness: sees through other processes" {
	run_case common/witness_test sees_through_other_processes
}

@test "witness: is full at its limit" {
	run_case common/witness_test is_full_at_its_limit
}

@test "witness: every case has a test" {
	all_cases_listed common/witness_test
}
