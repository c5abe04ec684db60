#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "pool: slots run out and come back" {
	run_case tarpitd/pool_test slots_run_out_and_come_back
}

@test "pool: the lowest free slot is taken" {
	run_case tarpitd/pool_test the_lowest_free_slot_is_taken
}

@test "pool: after a crowd memory is given back" {
	run_case tarpitd/pool_test after_a_crowd_memory_is_given_back
}

@test "pool: age lists keep their order" {
	run_case tarpitd/pool_test age_lists_keep_their_order
}

@test "pool: random life is as the model says" {
	run_case tarpitd/pool_test random_life_is_as_the_model_says
}

@test "pool: a session is small" {
	run_case tarpitd/pool_test a_session_is_small
}

@test "pool: addresses print as an mta wants them" {
	run_case tarpitd/pool_test addresses_print_as_an_mta_wants_them
}

@test "pool: every case has a test" {
	all_cases_listed tarpitd/pool_test
}
