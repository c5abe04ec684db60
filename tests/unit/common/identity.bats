#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "identity: sees who runs a process" {
	run_case common/identity_test sees_who_runs_a_process
}

@test "identity: asks systemd for a unit's user" {
	run_case common/identity_test asks_systemd_for_a_units_user
}

@test "identity: falls back on the shipped user" {
	run_case common/identity_test falls_back_on_the_shipped_user
}

@test "identity: has no more rights than that user" {
	run_case common/identity_test has_no_more_rights_than_that_user
}

@test "identity: all cases listed" {
	all_cases_listed common/identity_test
}
