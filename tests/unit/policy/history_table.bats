#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "history_table: sizes are powers of two" {
	run_case policy/history_table_test sizes_are_powers_of_two
}

@test "history_table: kinds of keys are told apart" {
	run_case policy/history_table_test kinds_of_keys_are_told_apart
}

@test "history_table: what fades first makes room" {
	run_case policy/history_table_test what_fades_first_makes_room
}

@test "history_table: a sweep empties what has faded" {
	run_case policy/history_table_test a_sweep_empties_what_has_faded
}

@test "history_table: nothing is left behind" {
	run_case policy/history_table_test nothing_is_left_behind
}

@test "history_table: every case is here" {
	all_cases_listed policy/history_table_test
}
