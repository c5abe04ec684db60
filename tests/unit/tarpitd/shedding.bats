#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "shedding: while there is room nobody goes" {
	run_case tarpitd/shedding_test while_there_is_room_nobody_goes
}

@test "shedding: a held one goes first" {
	run_case tarpitd/shedding_test a_held_one_goes_first
}

@test "shedding: for a held one no throttled one goes" {
	run_case tarpitd/shedding_test for_a_held_one_no_throttled_one_goes
}

@test "shedding: a throttled one goes for a throttled one" {
	run_case tarpitd/shedding_test a_throttled_one_goes_for_a_throttled_one
}

@test "shedding: the least worth goes" {
	run_case tarpitd/shedding_test the_least_worth_goes
}

@test "shedding: a busy one goes for a small network" {
	run_case tarpitd/shedding_test a_busy_one_goes_for_a_small_network
}

@test "shedding: the largest network goes" {
	run_case tarpitd/shedding_test the_largest_network_goes
}

@test "shedding: both ends are looked at" {
	run_case tarpitd/shedding_test both_ends_are_looked_at
}

@test "shedding: every case is here" {
	all_cases_listed tarpitd/shedding_test
}
