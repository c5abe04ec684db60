#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "mismatch: names stand in a row" {
	run_case policy/mismatch_test names_stand_in_a_row
}

@test "mismatch: those beyond its room are counted" {
	run_case policy/mismatch_test those_beyond_its_room_are_counted
}

@test "mismatch: every case is here" {
	all_cases_listed policy/mismatch_test
}
