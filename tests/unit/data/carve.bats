#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "carve: leaves alone what nothing is taken from" {
	run_case data/carve_test leaves_alone_what_nothing_is_taken_from
}

@test "carve: takes out by length" {
	run_case data/carve_test takes_out_by_length
}

@test "carve: takes out by order" {
	run_case data/carve_test takes_out_by_order
}

@test "carve: keeps families apart" {
	run_case data/carve_test keeps_families_apart
}

@test "carve: agrees with a simple search" {
	run_case data/carve_test agrees_with_a_simple_search
}

@test "carve: every case is listed" {
	all_cases_listed data/carve_test
}
