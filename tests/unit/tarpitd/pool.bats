#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "pool: slots run out and come back" {
	run_case tarpitd/pool_test slots_run_out_and_come_back
}

@test "pool: an ipv4 client is an address" {
	run_case tarpitd/pool_test an_ipv4_client_is_an_address
}

@test "pool: an ipv6 client is a 64" {
	run_case tarpitd/pool_test an_ipv6_client_is_a_64
}

@test "pool: counting stops at its limit" {
	run_case tarpitd/pool_test counting_stops_at_its_limit
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
